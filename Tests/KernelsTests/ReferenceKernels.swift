import Foundation

/// The kernels as their definitions read, in double precision: slow, and what the fast ones are compared with.
enum ReferenceKernels {
  typealias Rows = [[Double]]

  static func quickGELU(_ x: Double) -> Double { x / (1 + exp(-1.702 * x)) }
  static func gelu(_ x: Double) -> Double { 0.5 * x * (1 + erf(x / 2.0.squareRoot())) }

  /// x wᵀ + b
  static func linear(_ x: Rows, _ weight: Rows, bias: [Double]?) -> Rows {
    x.map { row in
      weight.indices.map { output in
        zip(row, weight[output]).reduce(bias?[output] ?? 0) { $0 + $1.0 * $1.1 }
      }
    }
  }

  /// Weights and output of one head.
  static func attention(_ q: Rows, _ k: Rows, _ v: Rows, isCausal: Bool) -> (weights: Rows, output: Rows) {
    let scale = 1 / Double(q[0].count).squareRoot()
    let weights = q.enumerated().map { index, query in
      let scores = k.enumerated().map { position, key in
        isCausal && position > k.count - q.count + index
          ? -Double.infinity : zip(query, key).reduce(0) { $0 + $1.0 * $1.1 } * scale
      }
      let top = scores.max() ?? 0
      let exponentials = scores.map { exp($0 - top) }
      let sum = exponentials.reduce(0, +)
      return exponentials.map { $0 / sum }
    }
    let output = weights.map { row in
      v[0].indices.map { column in zip(row, v).reduce(0) { $0 + $1.0 * $1.1[column] } }
    }
    return (weights, output)
  }

  static func layerNorm(_ x: Rows, weight: [Double], bias: [Double], epsilon: Double) -> Rows {
    x.map { row in
      let mean = row.reduce(0, +) / Double(row.count)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
      return row.indices.map { (row[$0] - mean) / (variance + epsilon).squareRoot() * weight[$0] + bias[$0] }
    }
  }
}
