import Kernels

/// Takes one vector of several: the class token's of an image, the first or the last token's of a text.
public struct VectorChoice: Sendable {
  init(_ source: WeightSource, size: Int) {
    source.begin(.pooling, [source.rows, .fixed(size)], to: [.fixed(1), .fixed(size)])
  }

  /// 1 × size, in place.
  public func callAsFunction(_ vectors: Matrix, at row: Int = 0) -> Matrix { vectors.rows(row..<row + 1) }
}

/// Joins the class token's vector and the mean of the patches'.
struct ClassAndMean: Sendable {
  init(_ source: WeightSource, size: Int) {
    source.begin(.pooling, [source.rows, .fixed(size)], to: [.fixed(1), .fixed(2 * size)])
  }

  /// 1 × 2 · size.
  func callAsFunction(_ vectors: Matrix, meanOfPatches: [Float]) -> Matrix {
    let both = vectors.rows(0..<1).elements + meanOfPatches
    return Matrix(rows: 1, columns: both.count, both)
  }
}

/// Divides a vector by its length.
public struct UnitLength: Sendable {
  init(_ source: WeightSource, size: Int) { source.begin(.normalize, size, to: size) }

  /// Of length 1; a vector shorter than 10⁻¹² stays so short (source: torch.nn.functional.normalize). Of one whose elements
  /// are not finite, neither are the result's.
  public func callAsFunction(_ vector: [Float]) -> [Float] {
    let length = vector.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    let divisor = max(length, 1e-12)
    return vector.map { Float(Double($0) / divisor) }
  }
}

/// Makes one vector of those of a text's tokens.
public struct TextPooling: Sendable {
  /// How; what the words mean is what sentence-transformers 6.2 does (source: its pooling.py).
  public enum Mode: String, Sendable, CaseIterable {
    /// The first token's that counts.
    case cls
    /// Of each element the largest.
    case max
    case mean
    /// The sum, divided by the square root of the number of tokens.
    case meanOfSquareRoot = "mean_sqrt_len_tokens"
    /// Weighted by places from 1.
    case weightedMean = "weightedmean"
    case lastToken = "lasttoken"
  }

  /// The vectors of several are joined in this order.
  public let modes: [Mode]

  init(_ source: WeightSource, _ modes: [Mode], size: Int) {
    self.modes = modes
    source.begin(.pooling, [source.rows, .fixed(size)], to: [.fixed(1), .fixed(modes.count * size)])
  }

  /// - Parameters:
  ///   - vectors: a text's tokens × size.
  ///   - first: the first token that counts.
  /// - Returns: modes · size elements.
  public func callAsFunction(_ vectors: Matrix, from first: Int = 0) -> [Float] {
    let counted = vectors.rows(first..<vectors.rows)
    let rows = (0..<counted.rows).map { counted.rows($0..<$0 + 1).elements }
    var out: [Float] = []
    for mode in modes {
      switch mode {
      case .cls: out += rows[0]
      case .lastToken: out += rows[rows.count - 1]
      case .max:
        out += rows.dropFirst().reduce(rows[0]) { most, row in zip(most, row).map { $0 > $1 ? $0 : $1 } }
      case .mean: out += counted.columnSums.map { Float($0 / Double(rows.count)) }
      case .meanOfSquareRoot: out += counted.columnSums.map { Float($0 / Double(rows.count).squareRoot()) }
      case .weightedMean:
        var (sums, total) = ([Double](repeating: 0, count: vectors.columns), 0.0)
        for (index, row) in rows.enumerated() {
          // By places in the whole text, those of a prompt counted.
          let weight = Double(first + index + 1)
          for (column, value) in row.enumerated() { sums[column] += weight * Double(value) }
          total += weight
        }
        out += sums.map { Float($0 / total) }
      }
    }
    return out
  }
}
