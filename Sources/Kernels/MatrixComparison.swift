import Glibc

/// How far some matrices are from their references: sums over all their elements, to which further ones can be added.
public struct MatrixComparison: Sendable {
  private var squares = 0.0
  private var referenceSquares = 0.0
  private var products = 0.0
  private var errorSquares = 0.0

  public init() {}

  /// Counts a matrix and its reference, of the same size, in.
  public mutating func add(_ matrix: Matrix, reference: Matrix) {
    precondition(matrix.rows == reference.rows && matrix.columns == reference.columns, "matrices differ in size")
    typealias Vector = SIMD16<Float>
    for row in 0..<matrix.rows {
      let (a, b) = unsafe (matrix.base + row * matrix.stride, reference.base + row * reference.stride)
      // A row's sums are float32 in 16 lanes, those of rows float64.
      var (squares, others, products, errors) = (Vector(), Vector(), Vector(), Vector())
      let whole = matrix.columns / 16 * 16
      for column in stride(from: 0, to: whole, by: 16) {
        let x = unsafe UnsafeRawPointer(a + column).loadUnaligned(as: Vector.self)
        let y = unsafe UnsafeRawPointer(b + column).loadUnaligned(as: Vector.self)
        squares += x * x
        others += y * y
        products += x * y
        errors += (x - y) * (x - y)
      }
      for column in whole..<matrix.columns {
        let (x, y) = unsafe (a[column], b[column])
        squares[0] += x * x
        others[0] += y * y
        products[0] += x * y
        errors[0] += (x - y) * (x - y)
      }
      self.squares += Double(squares.sum())
      referenceSquares += Double(others.sum())
      self.products += Double(products.sum())
      errorSquares += Double(errors.sum())
    }
  }

  /// Counts all that another comparison counted in.
  public mutating func add(_ other: MatrixComparison) {
    squares += other.squares
    referenceSquares += other.referenceSquares
    products += other.products
    errorSquares += other.errorSquares
  }

  /// Signal to quantization noise ratio in decibels: 10 log₁₀(Σ reference² / Σ (matrix − reference)²). Infinite where nothing
  /// differs; nil where the reference is zero or something is not finite.
  public var sqnr: Double? {
    guard referenceSquares > 0, referenceSquares.isFinite, errorSquares.isFinite else { return nil }
    return errorSquares == 0 ? .infinity : 10 * log10(referenceSquares / errorSquares)
  }

  /// Of the angle between the two, all elements being one vector; nil where one is zero or something is not finite.
  public var cosine: Double? {
    let size = (squares * referenceSquares).squareRoot()
    guard size > 0, size.isFinite, products.isFinite else { return nil }
    return min(1, max(-1, products / size))
  }
}

/// Kullback-Leibler divergence in nats of softmax(scores) from softmax(reference): Σ p (log p − log q), p being the
/// reference's.
/// - Parameters: rows of the same width.
public func klDivergence(of scores: Matrix, from reference: Matrix) -> Double {
  precondition(scores.rows == 1 && reference.rows == 1 && scores.columns == reference.columns, "rows differ in width")
  let (total, referenceTotal) = (logSumExp(scores, row: 0), logSumExp(reference, row: 0))
  var sum = 0.0
  for column in 0..<reference.columns {
    let logarithm = unsafe Double(reference.base[column]) - referenceTotal
    // What is left out is below 1e-20 of the whole.
    guard logarithm > -60 else { continue }
    sum += unsafe exp(logarithm) * (logarithm - (Double(scores.base[column]) - total))
  }
  return max(0, sum)
}
