import Arrays
import Kernels
import Tasks

/// Vectors summed up so that their mean and the directions in which they vary most can be told, in memory that grows with
/// their length and not its square.
///
/// Of the matrix A of the vectors' products, Ω A is kept for a few random Ω; that gives the best of A as
/// (A Ωᵀ) (Ω A Ωᵀ)⁻¹ (Ω A) (Nyström's approximation; Halko, Martinsson, Tropp: Finding Structure with Randomness, 2011,
/// section 5.4).
package struct InputSketch {
  /// Directions that are told. More add little: of full-size text nets with random weights, rounded along 8, 16, 24
  /// directions, first tokens diverged by 1.2e-5, 1.0e-5, 1.0e-5.
  private static let most = 16
  /// Outputs of a layer for each direction, so that the directions of small matrices don't outweigh these.
  private static let outputsEach = 48
  /// Rows of Ω: some more than are told, which makes these better.
  private static let sampled = most + 8
  /// What a direction's variance is compared with is at least this part of the largest direction's, spread over all inputs:
  /// what a few questions don't show is not taken for zero.
  private static let leastRest = 0.02
  /// Part of the vectors' squares below which what is left without the mean is rounding errors.
  private static let leastVariance = 1e-5
  /// Part of the largest eigenvalue below which others are rounding errors.
  private static let leastEigenvalue = 1e-5

  private let samples: Matrix
  private let wanted: Int
  private var rows: Int
  private var sum: [Double]
  /// Sum of the squares of all elements.
  private var squares: Double
  /// Ω A: `sampled` rows.
  private var products: [Double]

  /// Ω: always the same for a length.
  package static func samples(inputs: Int) -> Matrix {
    var random = RandomNumbers(seed: UInt64(inputs))
    return Matrix(
      rows: sampled, columns: inputs, (0..<sampled * inputs).map { _ in random.fraction() < 0.5 ? -1 : 1 })
  }

  /// Of the rows of `x`, which go into a layer.
  package init(_ x: Matrix, outputs: Int, _ samples: Matrix, _ engine: Engine) throws(Failure) {
    let x = x.copied
    wanted = min(Self.most, max(1, outputs / Self.outputsEach))
    self.samples = samples
    rows = x.rows
    sum = x.columnSums
    squares = x.elements.reduce(0) { $0 + Double($1) * Double($1) }
    let along = Matrix(rows: x.rows, columns: Self.sampled)
    try engine.run([LinearMap(x, KernelWeight(samples), bias: nil, into: along)])
    let products = Matrix(rows: Self.sampled, columns: x.columns)
    engine.run([ProductMap(along.transposed, KernelWeight(x), into: products)])
    self.products = products.elements.map(Double.init)
  }

  /// More vectors of the same length.
  package mutating func add(_ other: InputSketch) {
    rows += other.rows
    squares += other.squares
    for index in sum.indices { sum[index] += other.sum[index] }
    for index in products.indices { products[index] += other.products[index] }
  }

  package var means: [Float] { sum.map { Float($0 / Double(rows)) } }

  /// Inputs × directions, as float16 can hold them: their lengths say how much larger the variance is than in all other
  /// directions on average.
  package var directions: RoundingDirections? {
    let (inputs, count) = (sum.count, Self.sampled)
    let total = squares - sum.reduce(0) { $0 + $1 * $1 } / Double(rows)
    guard total > Self.leastVariance * squares else { return nil }
    // Around the mean.
    let omega = (0..<count).map { row in samples.rows(row..<row + 1).elements.map(Double.init) }
    let centred = omega.enumerated().map { row, signs in
      let along = zip(signs, sum).reduce(0) { $0 + $1.0 * $1.1 } / Double(rows)
      return (0..<inputs).map { products[row * inputs + $0] - along * sum[$0] }
    }
    // F Fᵀ is what is known of A, F being inputs × rank.
    let (values, vectors) = eigenvectors(
      ofSymmetric: symmetric(count) { a, b in zip(omega[a], centred[b]).reduce(0) { $0 + $1.0 * $1.1 } })
    let usable = values.indices.filter { values[$0] > Self.leastEigenvalue * (values.max() ?? 0) }
    let factor = usable.map { column in
      var out = [Double](repeating: 0, count: inputs)
      for row in 0..<count {
        let part = vectors[row][column] / values[column].squareRoot()
        for input in 0..<inputs { out[input] += part * centred[row][input] }
      }
      return out
    }
    let (found, rotation) = eigenvectors(
      ofSymmetric: symmetric(factor.count) { a, b in zip(factor[a], factor[b]).reduce(0) { $0 + $1.0 * $1.1 } })
    let largest = found.indices.sorted { found[$0] > found[$1] }.prefix(wanted)
    guard let first = largest.first, found[first] > 0 else { return nil }
    let rest =
      max(total - largest.reduce(0) { $0 + found[$1] }, Self.leastRest * found[first]) / Double(inputs)
    let told = largest.filter { found[$0] > rest }
    guard !told.isEmpty else { return nil }
    var out = [Float](repeating: 0, count: inputs * told.count)
    for (place, column) in told.enumerated() {
      for row in factor.indices {
        let part = rotation[row][column] / rest.squareRoot()
        for input in 0..<inputs { out[input * told.count + place] += Float(part * factor[row][input]) }
      }
    }
    let halves = FloatConversion.convert(Floats.bytes(out).rawSpan, from: .float32, to: .float16)
    return RoundingDirections(
      Floats.array(FloatConversion.convert(halves.rawSpan, from: .float16, to: .float32)), columns: inputs)
  }

  /// A matrix of which one half is asked for, and the other taken to be the same.
  private func symmetric(_ size: Int, _ element: (Int, Int) -> Double) -> [[Double]] {
    var out = [[Double]](repeating: [Double](repeating: 0, count: size), count: size)
    for row in 0..<size {
      for column in 0...row {
        out[row][column] = element(row, column)
        out[column][row] = out[row][column]
      }
    }
    return out
  }
}
