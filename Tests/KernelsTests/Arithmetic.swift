import Foundation

/// What kernels compute, to the bit, as docs/ARITHMETIC.md states it: slow, one element after the other.
enum Arithmetic {
  /// a b + c, rounded once.
  static func fma(_ a: Float, _ b: Float, _ c: Float) -> Float { c.addingProduct(a, b) }

  /// x 2ⁿ, rounded once: the product of doubles is exact.
  static func scaled(_ x: Float, _ n: Float) -> Float {
    Float(Double(x) * Double(sign: .plus, exponent: Int(n), significand: 1))
  }

  static func horner(_ coefficients: [Float], _ x: Float) -> Float {
    coefficients.dropFirst().reduce(coefficients[0]) { fma($0, x, $1) }
  }

  static func exp(_ value: Float) -> Float {
    let x = min(89.5, max(-105, value))
    let n = (x * 1.44269504).rounded(.toNearestOrEven)
    let r = fma(-n, -2.12194440e-4, fma(-n, 0.693359375, x))
    let p = horner(
      [1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1], r)
    return scaled(fma(p * r, r, r) + 1, n)
  }

  static func gelu(_ x: Float) -> Float {
    let z = min(16, x.magnitude)
    let q = max(
      -160,
      fma(
        horner(
          [
            -4.94441394e-08, 1.26913153e-06, -1.43122252e-05, 9.08693328e-05, -0.000314984267, 4.93089865e-05,
            0.00690984493, -0.0524284691, -0.459221959, -1.15110433,
          ], z), z, -1))
    let n = q.rounded(.toNearestOrEven)
    let p = horner(
      [0.00015353362, 0.0013398875, 0.00961843692, 0.0555033237, 0.240226477, 0.693147182, 1], q - n)
    return fma(-z, scaled(p, n), max(0, x))
  }

  static func quickGELU(_ x: Float) -> Float { x / (1 + exp(-1.702 * x)) }

  /// Element i in lane i mod 16; lanes i and i + 8 added, then i and i + 4, i + 2, i + 1.
  static func sum(_ terms: [Float]) -> Float {
    var lanes = [Float](repeating: 0, count: 16)
    // Up to a whole number of lanes zeros are added.
    for index in 0..<(terms.count + 15) / 16 * 16 { lanes[index % 16] += index < terms.count ? terms[index] : 0 }
    for half in [8, 4, 2, 1] { for lane in 0..<half { lanes[lane] += lanes[lane + half] } }
    return lanes[0]
  }

  /// Σ x w, in parts of at most 3,072 inputs.
  static func product(_ x: [Float], _ w: [Float]) -> [Float] {
    let parts = (x.count + 3071) / 3072
    return (0..<parts).map { part in
      (x.count * part / parts..<x.count * (part + 1) / parts).reduce(0) { fma(x[$1], w[$1], $0) }
    }
  }

  /// One element of a linear map. Before it is finished.
  static func linear(_ x: [Float], _ w: [Float], before: Float?, bias: Float) -> Float {
    let parts = product(x, w)
    var y = before
    for (index, sum) in parts.enumerated() {
      y = (y.map { sum + $0 } ?? sum) + (index == parts.count - 1 ? bias : 0)
    }
    return y ?? 0
  }

  static func exponentials(_ scores: [Float]) -> (terms: [Float], sum: Float) {
    let top = scores.max() ?? 0
    let terms = scores.map { exp($0 - top) }
    return (terms, sum(terms))
  }

  static func softmax(_ scores: [Float]) -> [Float] {
    let (terms, sum) = exponentials(scores)
    return terms.map { $0 * (1 / sum) }
  }

  /// One row of attention, over keys and values that it sees.
  static func attention(_ q: [Float], _ keys: [[Float]], _ values: [[Float]]) -> (weights: [Float], out: [Float]) {
    let query = q.map { $0 * (1 / Float(q.count).squareRoot()) }
    let (terms, sum) = exponentials(keys.map { key in query.indices.reduce(0) { fma(query[$1], key[$1], $0) } })
    let factor = 1 / sum
    let out = values[0].indices.map { column in
      terms.indices.reduce(Float(0)) { fma(terms[$1], values[$1][column], $0) } * factor
    }
    return (terms.map { $0 * factor }, out)
  }

  static func layerNorm(_ x: [Float], weight: [Float], bias: [Float], epsilon: Float) -> [Float] {
    let mean = sum(x) / Float(x.count)
    let differences = x.map { $0 - mean }
    let missed = Double(sum(differences)) / Double(x.count)
    // Squares are added fused: one lane after the other.
    var lanes = [Float](repeating: 0, count: 16)
    for (index, d) in differences.enumerated() { lanes[index % 16] = fma(d, d, lanes[index % 16]) }
    let variance = max(0, Double(sum(lanes)) / Double(x.count) - missed * missed)
    let factor = 1 / (variance + Double(epsilon)).squareRoot()
    let (scale, shift) = (Float(factor), Float(-missed * factor))
    return x.indices.map { fma(fma(differences[$0], scale, shift), weight[$0], bias[$0]) }
  }

  /// Without its logarithm: the greatest, and the sum of exponentials of differences from it.
  static func sumOfExponentials(_ x: [Float]) -> (top: Double, total: Double) {
    let top = x.max() ?? -.infinity
    let total = stride(from: 0, to: x.count, by: 256).reduce(0.0) { total, start in
      total + Double(sum(x[start..<min(x.count, start + 256)].map { exp($0 - top) }))
    }
    return (Double(top), total)
  }
}
