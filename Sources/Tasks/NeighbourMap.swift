import Glibc

/// A map in two dimensions on which vectors that are near each other stay so: t-SNE (van der Maaten and Hinton 2008), with
/// all pairs computed, and with scikit-learn's settings: early exaggeration 12 for 250 of 1000 steps, momentum 0.5 and then
/// 0.8, learning rate max(n / 48, 50), gains of at least 0.01, begun from the principal components.
package struct NeighbourMap {
  /// Per vector, x and y.
  package let places: [[Double]]
  /// What was minimized, in nats: how far the map's neighbourhoods are from those of the vectors.
  package let divergence: Double

  /// Fewest and most vectors that a map is made of.
  package static let fewest = 4
  package static let most = 3000

  /// What scikit-learn, too, takes where there are enough vectors.
  package static func usualPerplexity(_ count: Int) -> Double { max(1, min(30, Double(count - 1) / 3)) }

  private static let (steps, exaggeratedSteps, exaggeration) = (1000, 250, 12.0)
  private static let tiny = 2.220446049250313e-16

  /// - Parameters:
  ///   - vectors: `fewest` to `most` of one length, finite.
  ///   - start: the vectors' two principal components.
  ///   - seed: of a small noise in the beginning, without which vectors on a line would stay there.
  package init(_ vectors: [[Float]], start: [[Double]], perplexity: Double, seed: UInt64) {
    let count = vectors.count
    precondition(count >= Self.fewest && start.count == count)
    let near = Self.neighbourhoods(vectors, perplexity)
    let spread = max(
      (start.reduce(0) { $0 + $1[0] * $1[0] } / Double(count)).squareRoot(), .leastNormalMagnitude)
    var random = RandomNumbers(seed: seed)
    var y = start.map { place in (0..<2).map { place[$0] / spread * 1e-4 + (random.fraction() - 0.5) * 1e-6 } }
      .flatMap(\.self)
    var speed = [Double](repeating: 0, count: 2 * count)
    var gains = [Double](repeating: 1, count: 2 * count)
    let rate = max(Double(count) / Self.exaggeration / 4, 50)
    for step in 0..<Self.steps {
      let isEarly = step < Self.exaggeratedSteps
      // The momentum changes with the exaggeration: both begin the second stage, which has no speed yet.
      if step == Self.exaggeratedSteps {
        speed = speed.map { _ in 0 }
        gains = gains.map { _ in 1 }
      }
      let gradient = Self.gradient(y, near, isEarly ? Self.exaggeration : 1)
      for index in y.indices {
        gains[index] = speed[index] * gradient[index] < 0 ? gains[index] + 0.2 : max(0.01, gains[index] * 0.8)
        speed[index] = (isEarly ? 0.5 : 0.8) * speed[index] - rate * gains[index] * gradient[index]
        y[index] += speed[index]
      }
    }
    places = (0..<count).map { [y[2 * $0], y[2 * $0 + 1]] }
    divergence = Self.divergence(y, near)
  }

  /// Probabilities that two vectors are neighbours, all pairs together 1: of each vector's a Gaussian over the others whose
  /// entropy is that of `perplexity` equal ones, made symmetric.
  /// - Returns: count × count.
  private static func neighbourhoods(_ vectors: [[Float]], _ perplexity: Double) -> [Double] {
    let count = vectors.count
    var distances = [Double](repeating: 0, count: count * count)
    for row in 0..<count {
      for column in 0..<row {
        var sum = 0.0
        for (a, b) in zip(vectors[row], vectors[column]) { sum += (Double(a) - Double(b)) * (Double(a) - Double(b)) }
        distances[row * count + column] = sum
        distances[column * count + row] = sum
      }
    }
    // Distances of any unit: what counts is their ratios.
    let mean = max(distances.reduce(0, +) / Double(count * count), .leastNormalMagnitude)
    var near = [Double](repeating: 0, count: count * count)
    for row in 0..<count {
      let to = (0..<count).map { distances[row * count + $0] / mean }
      let least = (0..<count).filter { $0 != row }.map { to[$0] }.min() ?? 0
      var (beta, low, high) = (1.0, 0.0, Double.infinity)
      var shares = [Double](repeating: 0, count: count)
      for _ in 0..<200 {
        var (sum, weighted) = (0.0, 0.0)
        for index in 0..<count where index != row {
          shares[index] = exp(-(to[index] - least) * beta)
          sum += shares[index]
          weighted += shares[index] * (to[index] - least)
        }
        let excess = log(sum) + beta * weighted / sum - log(perplexity)
        for index in 0..<count { shares[index] /= sum }
        if abs(excess) <= 1e-5 { break }
        if excess > 0 { low = beta } else { high = beta }
        beta = high.isFinite ? (low + high) / 2 : beta * 2
      }
      for index in 0..<count { near[row * count + index] = shares[index] }
    }
    var out = near
    for row in 0..<count {
      for column in 0..<count {
        let both = (near[row * count + column] + near[column * count + row]) / Double(2 * count)
        out[row * count + column] = row == column ? 0 : max(both, tiny)
      }
    }
    return out
  }

  /// Student-t kernel values of all pairs, each pair once, and their sum over both orders.
  private static func kernel(_ y: [Double]) -> (values: [Double], sum: Double) {
    let count = y.count / 2
    var values = [Double](repeating: 0, count: count * (count - 1) / 2)
    var (sum, place) = (0.0, 0)
    for row in 1..<count {
      for column in 0..<row {
        let (dx, dy) = (y[2 * row] - y[2 * column], y[2 * row + 1] - y[2 * column + 1])
        let value = 1 / (1 + dx * dx + dy * dy)
        values[place] = value
        sum += value
        place += 1
      }
    }
    return (values, 2 * sum)
  }

  /// 4 Σ (p − q) (1 + distance²)⁻¹ (yᵢ − yⱼ).
  private static func gradient(_ y: [Double], _ near: [Double], _ exaggeration: Double) -> [Double] {
    let count = y.count / 2
    let (values, sum) = kernel(y)
    var out = [Double](repeating: 0, count: y.count)
    var place = 0
    for row in 1..<count {
      for column in 0..<row {
        let value = values[place]
        place += 1
        let factor = 4 * (exaggeration * near[row * count + column] - max(value / sum, tiny)) * value
        let (fx, fy) = (factor * (y[2 * row] - y[2 * column]), factor * (y[2 * row + 1] - y[2 * column + 1]))
        out[2 * row] += fx
        out[2 * row + 1] += fy
        out[2 * column] -= fx
        out[2 * column + 1] -= fy
      }
    }
    return out
  }

  private static func divergence(_ y: [Double], _ near: [Double]) -> Double {
    let count = y.count / 2
    let (values, sum) = kernel(y)
    var (out, place) = (0.0, 0)
    for row in 1..<count {
      for column in 0..<row {
        let p = near[row * count + column]
        out += 2 * p * log(p / max(values[place] / sum, tiny))
        place += 1
      }
    }
    return out
  }
}
