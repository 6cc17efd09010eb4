import Arrays
import Glibc
import Kernels
import Synchronization

/// A map in two dimensions on which vectors that are near each other stay so: t-SNE (van der Maaten and Hinton 2008; its forces by a
/// tree, van der Maaten 2014) with scikit-learn's settings: early exaggeration 12 for 250 of 1000 steps, momentum 0.5 and then
/// 0.8, learning rate max(n / 48, 50), gains of at least 0.01, begun from the principal components, angle 0.5. Up to
/// `exact` vectors, forces between all pairs are computed instead.
package struct NeighbourMap {
  /// Per vector, x and y.
  package let places: [[Double]]
  /// What was minimized, in nats: how far the map's neighbourhoods are from those of the vectors.
  package let divergence: Double

  /// Fewest and most vectors that a map is made of.
  package static let fewest = 4
  package static let most = 100_000
  private static let exact = 1000

  /// What scikit-learn, too, takes where there are enough vectors.
  package static func usualPerplexity(_ count: Int) -> Double { max(1, min(30, Double(count - 1) / 3)) }

  /// Neighbours by distance that a map is made of.
  package static func reach(_ perplexity: Double) -> Int { Neighbourhoods.reach(perplexity) }

  package static let steps = 1000
  private static let (exaggeratedSteps, exaggeration) = (250, Float(12))

  /// - Parameters:
  ///   - nearest: of `fewest` to `most` vectors, `reach(perplexity)` of each by distance, or all others.
  ///   - start: the vectors' two principal components.
  ///   - seed: of a small noise in the beginning, without which vectors on a line would stay there.
  ///   - angle: a group of points whose side is less than this part of its distance acts as one; 0: none; nil: as many vectors need.
  ///   - threads: that compute; the result is the same by any number.
  ///   - progress: is told of every step.
  package init(
    _ nearest: NearestVectors, start: [[Double]], perplexity: Double, seed: UInt64, angle: Float? = nil,
    threads: Int, progress: () -> Void = {}
  ) {
    let count = start.count
    precondition(count >= Self.fewest && nearest.byDistance.count == count * nearest.distanceCount)
    let near = Neighbourhoods(nearest, count: count, perplexity: perplexity, threads: threads)
    let angle = angle ?? (count > Self.exact ? 0.5 : 0)
    let spread = max(
      (start.reduce(0) { $0 + $1[0] * $1[0] } / Double(count)).squareRoot(), .leastNormalMagnitude)
    var random = RandomNumbers(seed: seed)
    var points = start.map { place -> SIMD2<Float> in
      func moved(_ coordinate: Double) -> Float { Float(coordinate / spread * 1e-4 + (random.fraction() - 0.5) * 1e-6) }
      return SIMD2(moved(place[0]), moved(place[1]))
    }
    var speed = [SIMD2<Float>](repeating: .zero, count: count)
    var gains = [SIMD2<Float>](repeating: .one, count: count)
    let rate = max(Float(count) / Self.exaggeration / 4, 50)
    for step in 0..<Self.steps {
      let isEarly = step < Self.exaggeratedSteps
      // The momentum changes with the exaggeration: both begin the second stage, which has no speed yet.
      if step == Self.exaggeratedSteps {
        speed = [SIMD2<Float>](repeating: .zero, count: count)
        gains = [SIMD2<Float>](repeating: .one, count: count)
      }
      let momentum: Float = isEarly ? 0.5 : 0.8
      let gradient = Self.gradient(points, near, isEarly ? Self.exaggeration : 1, angle, threads)
      for index in points.indices {
        let turns = speed[index] * gradient[index] .< 0
        let smaller = pointwiseMax(SIMD2<Float>(repeating: 0.01), gains[index] * 0.8)
        gains[index] = smaller.replacing(with: gains[index] + 0.2, where: turns)
        speed[index] = momentum * speed[index] - rate * gains[index] * gradient[index]
        points[index] += speed[index]
      }
      progress()
    }
    places = points.map { [Double($0.x), Double($0.y)] }
    divergence = Self.divergence(points, near, PointForces(points, angle: angle, threads: threads).kernel)
  }

  /// 4 Σ (p − q) (1 + distance²)⁻¹ (yᵢ − yⱼ).
  private static func gradient(
    _ points: [SIMD2<Float>], _ near: Neighbourhoods, _ exaggeration: Float, _ angle: Float, _ threads: Int
  ) -> [SIMD2<Float>] {
    let apart = PointForces(points, angle: angle, threads: threads)
    let factor = Float(1 / apart.kernel)
    let size = 1024
    let jobs = (points.count + size - 1) / size
    let pieces = Mutex([[SIMD2<Float>]](repeating: [], count: jobs))
    // Nothing is thrown in it.
    try? inParallel(jobs: jobs, workers: threads) { job in
      var out: [SIMD2<Float>] = []
      out.reserveCapacity(size)
      for row in job * size..<min(points.count, (job + 1) * size) {
        var sum = SIMD2<Float>.zero
        let own = points[row]
        for place in near.starts[row]..<near.starts[row + 1] {
          let way = own - points[Int(near.others[place])]
          let squared = way * way
          sum += near.shares[place] / (1 + (squared.x + squared.y)) * way
        }
        out.append(4 * (exaggeration * sum - factor * apart.vectors[row]))
      }
      pieces.withLock { [out] in $0[job] = out }
    }
    return pieces.withLock { $0.flatMap(\.self) }
  }

  private static func divergence(_ points: [SIMD2<Float>], _ near: Neighbourhoods, _ kernel: Double) -> Double {
    var out = 0.0
    for row in points.indices {
      for place in near.starts[row]..<near.starts[row + 1] where near.shares[place] > 0 {
        let way = points[row] - points[Int(near.others[place])]
        let share = Double(near.shares[place])
        let value = 1 / (1 + Double(way.x * way.x + way.y * way.y)) / kernel
        out += share * log(share / max(value, .leastNormalMagnitude))
      }
    }
    return out
  }
}
