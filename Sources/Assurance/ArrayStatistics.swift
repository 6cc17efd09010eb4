import Arrays

/// What the values of an array are like. Least, most, mean and deviation are those of its finite values, and nil where
/// there are none.
public struct ArrayStatistics: Sendable, Equatable {
  /// Ranges of a histogram.
  public static let ranges = 41

  public internal(set) var elements = 0
  public internal(set) var minimum: Double?
  public internal(set) var maximum: Double?
  public internal(set) var mean: Double?
  /// Root of the mean square distance from the mean: of all values, not of a sample.
  public internal(set) var deviation: Double?
  /// Values that are 0 or -0.
  public internal(set) var zeros = 0
  /// Values that are no number.
  public internal(set) var notNumbers = 0
  public internal(set) var infinities = 0
  /// Rows: of two dimensions and more, the elements of each index of the first one. 0 of other arrays.
  public internal(set) var rows = 0
  /// Rows that are all zeros.
  public internal(set) var deadRows = 0
  /// How many finite values there are in each of `ranges` equal parts from least to most, a value between two counted in
  /// the upper one; all in the middle one where all are the same. Empty when none is finite.
  public internal(set) var histogram: [Int] = []

  /// Of the largest finite value without its sign.
  public var largestMagnitude: Double? {
    guard let minimum, let maximum else { return nil }
    return max(abs(minimum), abs(maximum))
  }

  /// Share of zeros; 0 of an empty array.
  public var sparsity: Double { elements == 0 ? 0 : Double(zeros) / Double(elements) }
}

/// Counts an array's values as they come by: first all but the histogram, then, with the range known, the histogram.
struct ArrayMeter {
  private(set) var statistics = ArrayStatistics()
  /// Elements of a row; 0 where there are no rows.
  private let rowLength: Int
  /// Elements of the current row that came, and whether they are all zeros.
  private var rowPosition = 0
  private var rowIsDead = true
  private var finite = 0
  private var mean = 0.0
  /// Sum of the square distances from the mean.
  private var squares = 0.0
  private var (least, most) = (Double.infinity, -Double.infinity)
  /// Four histograms, which are filled in turn: a count needn't wait for the one before it.
  private var counts: [Int] = []
  private var counted = 0

  init(_ shape: Shape) {
    statistics.elements = shape.elements
    let rows = shape.rank > 1 ? shape.dimensions[0] : 0
    statistics.rows = rows
    // Rows of no elements are not dead.
    rowLength = rows > 0 ? shape.elements / rows : 0
  }

  /// Counts further values in; all but the histogram.
  /// - Parameter values: some thousands, so that they stay in a near cache.
  mutating func add(_ values: [Double], count: Int) {
    typealias Vector = SIMD8<Double>
    var sums = Vector()
    var (low, high) = (Vector(repeating: .infinity), Vector(repeating: -.infinity))
    var zeros = SIMD8<Int64>()
    let whole = count / 8 * 8
    unsafe values.withUnsafeBytes { bytes in
      for start in stride(from: 0, to: whole, by: 8) {
        let vector = unsafe bytes.loadUnaligned(fromByteOffset: 8 * start, as: Vector.self)
        sums += vector
        low.replace(with: vector, where: vector .< low)
        high.replace(with: vector, where: vector .> high)
        zeros.replace(with: zeros &+ 1, where: vector .== 0)
      }
    }
    var sum = sums.sum()
    var zeroCount = Int(zeros.wrappedSum())
    var (least, most) = (low.min(), high.max())
    for index in whole..<count {
      let value = values[index]
      sum += value
      least = value < least ? value : least
      most = value > most ? value : most
      if value == 0 { zeroCount += 1 }
    }
    statistics.zeros += zeroCount
    countRows(values, count, anyZero: zeroCount > 0)
    guard sum.isFinite else { return addOneByOne(values, count) }
    // The mean of these, their distances from it, and both joined with those of all before (Chan et al.).
    let own = sum / Double(max(1, count))
    let center = Vector(repeating: own)
    var distances = Vector()
    unsafe values.withUnsafeBytes { bytes in
      for start in stride(from: 0, to: whole, by: 8) {
        let distance = unsafe bytes.loadUnaligned(fromByteOffset: 8 * start, as: Vector.self) - center
        distances += distance * distance
      }
    }
    var ownSquares = distances.sum()
    for index in whole..<count { ownSquares += (values[index] - own) * (values[index] - own) }
    join(count, mean: own, squares: ownSquares, least, most)
  }

  /// Where something is not finite, or a sum overflows.
  private mutating func addOneByOne(_ values: [Double], _ count: Int) {
    for value in values.prefix(count) {
      if value.isNaN {
        statistics.notNumbers += 1
      } else if value.isInfinite {
        statistics.infinities += 1
      } else {
        join(1, mean: value, squares: 0, value, value)
      }
    }
  }

  private mutating func join(_ count: Int, mean other: Double, squares others: Double, _ low: Double, _ high: Double) {
    guard count > 0 else { return }
    let total = Double(finite + count)
    let distance = other - mean
    mean += distance * Double(count) / total
    squares += others + distance * distance * Double(finite) * Double(count) / total
    finite += count
    least = min(least, low)
    most = max(most, high)
  }

  private mutating func countRows(_ values: [Double], _ count: Int, anyZero: Bool) {
    guard rowLength > 0 else { return }
    guard anyZero else {
      rowPosition = (rowPosition + count) % rowLength
      // The row that ended before the last of these is none that these don't touch.
      rowIsDead = rowPosition == 0
      return
    }
    for value in values.prefix(count) {
      if value != 0 { rowIsDead = false }
      rowPosition += 1
      if rowPosition == rowLength {
        if rowIsDead { statistics.deadRows += 1 }
        rowPosition = 0
        rowIsDead = true
      }
    }
  }

  /// To be called between the two passes.
  mutating func finishValues() {
    guard finite > 0 else { return }
    statistics.minimum = least
    statistics.maximum = most
    statistics.mean = mean.isFinite ? mean : nil
    let deviation = (squares / Double(finite)).squareRoot()
    statistics.deviation = deviation.isFinite ? deviation : nil
    counts = [Int](repeating: 0, count: 4 * ArrayStatistics.ranges)
  }

  /// Ranges by the half of a value: halves, because the whole width of a float64 array may not be a number.
  private var scale: Double { Double(ArrayStatistics.ranges) / (most / 2 - least / 2) }

  /// Whether there is anything to count in a second pass: values that differ, and by more than almost nothing.
  var needsHistogram: Bool { finite > 0 && least < most && scale.isFinite }

  /// Counts further values into the histogram.
  mutating func addToHistogram(_ values: [Double], count: Int) {
    let ranges = ArrayStatistics.ranges
    let scale = scale
    let areAllFinite = statistics.notNumbers + statistics.infinities == 0
    let half = least / 2
    unsafe counts.withUnsafeMutableBufferPointer { counts in
      unsafe values.withUnsafeBufferPointer { values in
        for index in 0..<count {
          let value = unsafe values[index]
          guard areAllFinite || value.isFinite else { continue }
          let place = min(ranges - 1, Int((value / 2 - half) * scale))
          unsafe counts[(index & 3) * ranges + place] &+= 1
        }
      }
    }
  }

  /// To be called at the end.
  mutating func finishHistogram() {
    guard finite > 0 else { return }
    let ranges = ArrayStatistics.ranges
    statistics.histogram = (0..<ranges).map { range in (0..<4).reduce(0) { $0 + counts[$1 * ranges + range] } }
    if !needsHistogram { statistics.histogram[ranges / 2] = finite }
  }
}
