import Glibc

/// How much the order of some numbers is that of others: Spearman's coefficient, Pearson's of their ranks, of which equal
/// numbers share the mean.
public struct RankCorrelation: Sendable, Equatable {
  /// -1...1; nil where one of the two doesn't vary.
  public let value: Double?
  public let count: Int

  public init(_ a: [Double], _ b: [Double]) {
    precondition(a.count == b.count)
    count = a.count
    value = Self.pearson(Self.ranks(a), Self.ranks(b))
  }

  /// 95 % confidence interval: of Fisher's transform, whose variance is (1 + ρ²/2) / (n - 3) (Bonett and Wright, Sample size
  /// requirements for estimating Pearson, Kendall and Spearman correlations, Psychometrika 65, 2000).
  public var interval: ClosedRange<Double>? {
    guard let value, count > 3 else { return nil }
    if abs(value) >= 1 { return value...value }
    let half = 1.959_963_984_540_054 * ((1 + value * value / 2) / Double(count - 3)).squareRoot()
    return tanh(atanh(value) - half)...tanh(atanh(value) + half)
  }

  /// From 1; the mean of their places for those that are equal.
  private static func ranks(_ numbers: [Double]) -> [Double] {
    let order = numbers.indices.sorted { numbers[$0] < numbers[$1] }
    var out = [Double](repeating: 0, count: numbers.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, numbers[order[end]] == numbers[order[start]] { end += 1 }
      for place in start..<end { out[order[place]] = Double(start + end + 1) / 2 }
      start = end
    }
    return out
  }

  static func pearson(_ a: [Double], _ b: [Double]) -> Double? {
    guard a.count > 1 else { return nil }
    let (meanA, meanB) = (a.reduce(0, +) / Double(a.count), b.reduce(0, +) / Double(b.count))
    var (product, squaresA, squaresB) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      let (x, y) = (x - meanA, y - meanB)
      product += x * y
      squaresA += x * x
      squaresB += y * y
    }
    guard squaresA > 0, squaresB > 0 else { return nil }
    return max(-1, min(1, product / (squaresA * squaresB).squareRoot()))
  }
}
