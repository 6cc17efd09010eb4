import Arrays
import Synchronization

/// For each of some vectors those that are nearest to it, by distance and by cosine, all pairs compared.
///
/// All pairs' products are float32, and choose a few candidates more than are wanted; of these distances and cosines are computed
/// again in double precision. So the result is that of double precision unless more vectors than those few differ by less than
/// float32 tells, and it is the same on every processor then.
public struct NearestVectors: Sendable {
  /// Neighbours by distance that each vector has: as many as were asked for, or all others.
  public let distanceCount: Int
  /// Neighbours by cosine that each vector has.
  public let cosineCount: Int
  /// `distanceCount` of the first vector, nearest first, of equally near ones the earlier, and so on for each vector.
  public let byDistance: [(index: Int32, squaredDistance: Double)]
  /// As `byDistance`. A vector of zeros has the cosine 0 with all.
  public let byCosine: [(index: Int32, cosine: Double)]

  /// Candidates beyond those wanted.
  private static let further = 10
  /// Sizes of the pieces of the matrix of all products that are computed at once.
  private static let (pieceRows, pieceColumns) = (512, 4096)

  /// - Parameters:
  ///   - vectors: of one length, finite, fewer than 2³¹. Squared distances are of the vectors divided by the largest magnitude of a
  ///     difference from their mean, so that none overflows.
  ///   - byDistance: how many neighbours by distance are wanted.
  ///   - byCosine: how many by cosine.
  ///   - progress: is told of every so many vectors done, as a share of the pairs.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public init(
    _ vectors: [[Float]], byDistance: Int, byCosine: Int, _ engine: Engine, progress: (Int) -> Void = { _ in }
  ) throws(Failure) {
    let count = vectors.count
    distanceCount = max(0, min(byDistance, count - 1))
    cosineCount = max(0, min(byCosine, count - 1))
    let frame = CentredVectors(vectors)
    var distances: [(index: Int32, squaredDistance: Double)] = []
    var cosines: [(index: Int32, cosine: Double)] = []
    distances.reserveCapacity(count * distanceCount)
    cosines.reserveCapacity(count * cosineCount)
    let products = Matrix(rows: min(Self.pieceRows, count), columns: min(Self.pieceColumns, count))
    let (wantedNear, wantedAlike) = (distanceCount, cosineCount)
    let (near, alike) = (wantedNear + Self.further, wantedAlike + Self.further)
    let found = Mutex((0..<count).map { RowCandidates?(RowCandidates(row: $0, near, alike)) })
    @Sendable func change(_ row: Int, _ body: (inout RowCandidates) -> Void) {
      guard var candidates = found.withLock({ $0[row].take() }) else { return }
      body(&candidates)
      found.withLock { [candidates] in $0[row] = candidates }
    }
    var told = 0
    for top in stride(from: 0, to: count, by: Self.pieceRows) {
      let rows = top..<min(top + Self.pieceRows, count)
      // What stands left of it are products of pairs that were had: a · b is b · a.
      for left in stride(from: top, to: count, by: Self.pieceColumns) {
        let columns = left..<min(left + Self.pieceColumns, count)
        let piece = products.rows(0..<rows.count).columns(0..<columns.count)
        let weight = KernelWeight(frame.matrix.rows(columns))
        try engine.run([LinearMap(frame.matrix.rows(rows), weight, bias: nil, into: piece)])
        // Each vector gets the others in their order.
        Self.inPieces(columns.count, engine.threads) { column in
          change(columns.lowerBound + column) { $0.add(piece, column: column, rows: rows, frame) }
        }
        Self.inPieces(rows.count, engine.threads) { row in
          change(rows.lowerBound + row) { $0.add(piece, row: row, columns: columns, frame) }
        }
      }
      let lists = found.withLock { all in rows.map { all[$0].take() } }
      let exact = Mutex([ExactNeighbours?](repeating: nil, count: rows.count))
      Self.inPieces(rows.count, engine.threads) { row in
        guard let candidates = lists[row] else { return }
        let neighbours = ExactNeighbours(candidates, vectors, frame, wantedNear, wantedAlike)
        exact.withLock { $0[row] = neighbours }
      }
      for neighbours in exact.withLock(\.self) {
        distances += neighbours?.byDistance ?? []
        cosines += neighbours?.byCosine ?? []
      }
      // By pairs: the first vectors have the most.
      let rest = Double(count - rows.upperBound) / Double(count)
      let done = count - Int(Double(count) * rest * rest)
      progress(done - told)
      told = done
    }
    self.byDistance = distances
    self.byCosine = cosines
  }

  private static func inPieces(_ count: Int, _ threads: Int, _ body: @Sendable @escaping (Int) -> Void) {
    let size = 32
    // Nothing is thrown in it.
    try? inParallel(jobs: (count + size - 1) / size, workers: threads) { job in
      for index in job * size..<min(count, (job + 1) * size) { body(index) }
    }
  }
}

/// Vectors less their mean, over their largest magnitude, and what gives their cosines back.
private struct CentredVectors: Sendable {
  /// Vectors × elements.
  let matrix: Matrix
  /// What was divided by.
  let scale: Double
  let squares: [Float]
  /// Products of the mean with each vector, as they are in `matrix`, and with itself.
  let meanProducts: [Float]
  let meanSquare: Float
  /// One over the length of each vector with its mean; 0 of a vector of zeros.
  let reciprocals: [Float]

  init(_ vectors: [[Float]]) {
    let size = vectors.first?.count ?? 0
    var mean = [Double](repeating: 0, count: size)
    for vector in vectors { for column in 0..<size { mean[column] += Double(vector[column]) } }
    for column in 0..<size { mean[column] /= Double(max(1, vectors.count)) }
    var largest = 0.0
    for vector in vectors {
      for column in 0..<size { largest = max(largest, abs(Double(vector[column]) - mean[column])) }
    }
    let scale = max(largest, Double(Float.leastNormalMagnitude))
    let matrix = Matrix(rows: vectors.count, columns: size)
    var (squares, meanProducts, reciprocals): ([Float], [Float], [Float]) = ([], [], [])
    var row = [Float](repeating: 0, count: size)
    for (index, vector) in vectors.enumerated() {
      var (square, meanProduct, whole) = (0.0, 0.0, 0.0)
      for column in 0..<size {
        let element = Double(vector[column])
        let centred = (element - mean[column]) / scale
        row[column] = Float(centred)
        square += centred * centred
        meanProduct += centred * mean[column] / scale
        whole += element / scale * (element / scale)
      }
      matrix.setRow(index, row)
      squares.append(Float(square))
      meanProducts.append(Float(meanProduct))
      reciprocals.append(whole > 0 ? Float(1 / whole.squareRoot()) : 0)
    }
    self.matrix = matrix
    self.scale = scale
    self.squares = squares
    self.meanProducts = meanProducts
    self.reciprocals = reciprocals
    meanSquare = Float(mean.reduce(0) { $0 + $1 / scale * ($1 / scale) })
  }
}

/// The candidates of one vector, as products come in.
private struct RowCandidates: Sendable {
  let row: Int
  private(set) var near: Smallest
  private(set) var alike: Smallest

  init(row: Int, _ near: Int, _ alike: Int) {
    self.row = row
    self.near = Smallest(near)
    self.alike = Smallest(alike)
  }

  /// Those after this one.
  /// - Parameter products: of some vectors, of which this is the one at `row`, with those at `columns`.
  mutating func add(_ products: Matrix, row place: Int, columns: Range<Int>, _ frame: CentredVectors) {
    let own = frame.meanProducts[row] + frame.meanSquare
    let start = unsafe products.base + place * products.stride - columns.lowerBound
    for index in columns.clamped(to: row + 1..<Int.max) { offer(unsafe start[index], index, own, frame) }
  }

  /// Those before this one.
  /// - Parameter products: of the vectors at `rows` with some, of which this is the one at `column`.
  mutating func add(_ products: Matrix, column: Int, rows: Range<Int>, _ frame: CentredVectors) {
    let own = frame.meanProducts[row] + frame.meanSquare
    let (start, stride) = unsafe (products.base + column, products.stride)
    for index in rows.clamped(to: 0..<row) {
      offer(unsafe start[(index - rows.lowerBound) * stride], index, own, frame)
    }
  }

  @inline(__always) private mutating func offer(_ product: Float, _ index: Int, _ own: Float, _ frame: CentredVectors) {
    near.offer(frame.squares[index] - 2 * product, index)
    let whole = product + frame.meanProducts[index] + own
    // Without this vector's own length, which is the same for all.
    alike.offer(-whole * frame.reciprocals[index], index)
  }
}

/// The smallest of some numbers, the earlier of equal ones.
private struct Smallest: Sendable {
  private let count: Int
  private var entries: [(value: Float, index: Int32)] = []
  private var bound = Float.infinity

  init(_ count: Int) { self.count = count }

  @inline(__always) mutating func offer(_ value: Float, _ index: Int) {
    if value < bound { add(value, index) }
  }

  private mutating func add(_ value: Float, _ index: Int) {
    entries.append((value, Int32(index)))
    guard entries.count == 4 * count else { return }
    cut()
    bound = entries[count - 1].value
  }

  private mutating func cut() {
    entries.sort { $0.value != $1.value ? $0.value < $1.value : $0.index < $1.index }
    if entries.count > count { entries.removeLast(entries.count - count) }
  }

  var indices: [Int32] {
    var copy = self
    copy.cut()
    return copy.entries.map(\.index)
  }
}

/// The neighbours of one vector, of its candidates.
private struct ExactNeighbours: Sendable {
  let byDistance: [(index: Int32, squaredDistance: Double)]
  let byCosine: [(index: Int32, cosine: Double)]

  init(_ candidates: RowCandidates, _ vectors: [[Float]], _ frame: CentredVectors, _ near: Int, _ alike: Int) {
    let own = vectors[candidates.row]
    let factor = 1 / (frame.scale * frame.scale)
    var distances = candidates.near.indices.map { index in
      (index: index, squaredDistance: Self.sum(own, vectors[Int(index)]) { ($0 - $1) * ($0 - $1) } * factor)
    }
    distances.sort {
      $0.squaredDistance != $1.squaredDistance ? $0.squaredDistance < $1.squaredDistance : $0.index < $1.index
    }
    let square = Self.sum(own, own) { $0 * $1 }
    var cosines = candidates.alike.indices.map { index -> (index: Int32, cosine: Double) in
      let other = vectors[Int(index)]
      let lengths = square.squareRoot() * Self.sum(other, other) { $0 * $1 }.squareRoot()
      return (index, lengths > 0 ? Self.sum(own, other) { $0 * $1 } / lengths : 0)
    }
    cosines.sort { $0.cosine != $1.cosine ? $0.cosine > $1.cosine : $0.index < $1.index }
    byDistance = [(index: Int32, squaredDistance: Double)](distances.prefix(near))
    byCosine = [(index: Int32, cosine: Double)](cosines.prefix(alike))
  }

  /// Over all elements, in eight sums that are added in the end.
  @inline(__always) private static func sum(
    _ a: [Float], _ b: [Float], _ term: (SIMD8<Double>, SIMD8<Double>) -> SIMD8<Double>
  ) -> Double {
    var sums = SIMD8<Double>()
    var place = 0
    while place < a.count {
      var (left, right) = (SIMD8<Double>(), SIMD8<Double>())
      for lane in 0..<min(8, a.count - place) {
        left[lane] = Double(a[place + lane])
        right[lane] = Double(b[place + lane])
      }
      sums += term(left, right)
      place += 8
    }
    return sums.sum()
  }
}
