import Arrays
import Glibc
import Kernels
import Synchronization

/// Probabilities that two vectors are neighbours, all pairs together 1, as t-SNE defines them (van der Maaten and Hinton 2008): of each
/// vector's a Gaussian over its nearest, whose entropy is that of `perplexity` equal ones, made symmetric. Those that are farther
/// have none (van der Maaten 2014, 4.1).
struct Neighbourhoods: Sendable {
  /// Where each vector's neighbours begin, and behind the last.
  private(set) var starts: [Int]
  /// Ascending for each vector.
  private(set) var others: [Int32]
  private(set) var shares: [Float]

  /// Neighbours by distance of which a vector's Gaussian is made: what scikit-learn and the paper take.
  static func reach(_ perplexity: Double) -> Int { Int(3 * perplexity + 1) }

  init(_ nearest: NearestVectors, count: Int, perplexity: Double, threads: Int) {
    let reach = nearest.distanceCount
    let distances = nearest.byDistance
    // Distances of any unit: what counts is their ratios.
    let mean = max(
      distances.reduce(0) { $0 + $1.squaredDistance } / Double(max(1, distances.count)), .leastNormalMagnitude)
    let size = 512
    let pieces = Mutex([[Float]](repeating: [], count: (count + size - 1) / size))
    // Nothing is thrown in it.
    try? inParallel(jobs: (count + size - 1) / size, workers: threads) { piece in
      var out: [Float] = []
      for row in piece * size..<min(count, (piece + 1) * size) {
        let to = (row * reach..<(row + 1) * reach).map { distances[$0].squaredDistance / mean }
        out += Self.gaussian(to, perplexity)
      }
      pieces.withLock { [out] in $0[piece] = out }
    }
    let own = pieces.withLock { $0.flatMap(\.self) }
    // Each pair at both its vectors; sorting each row adds the two shares of a pair that is in both neighbourhoods.
    var counts = [Int](repeating: reach, count: count)
    for entry in distances { counts[Int(entry.index)] += 1 }
    var starts = [0]
    for number in counts { starts.append(starts[starts.count - 1] + number) }
    var ends = starts
    var entries = [(other: Int32, share: Float)](repeating: (0, 0), count: 2 * distances.count)
    for (place, entry) in distances.enumerated() {
      let (row, other) = (place / max(1, reach), Int(entry.index))
      let share = own[place] / Float(2 * count)
      entries[ends[row]] = (entry.index, share)
      entries[ends[other]] = (Int32(row), share)
      ends[row] += 1
      ends[other] += 1
    }
    (self.starts, others, shares) = ([0], [], [])
    others.reserveCapacity(entries.count)
    shares.reserveCapacity(entries.count)
    for row in 0..<count {
      entries[starts[row]..<starts[row + 1]].sort { $0.other < $1.other }
      var last = Int32(-1)
      for entry in entries[starts[row]..<starts[row + 1]] {
        if entry.other == last {
          shares[shares.count - 1] += entry.share
        } else {
          others.append(entry.other)
          shares.append(entry.share)
          last = entry.other
        }
      }
      self.starts.append(others.count)
    }
  }

  /// exp(−beta · distance²) of some, their sum being 1, with the beta at which the entropy is log(perplexity), or as near as it gets.
  private static func gaussian(_ squaredDistances: [Double], _ perplexity: Double) -> [Float] {
    let least = squaredDistances.min() ?? 0
    let to = squaredDistances.map { $0 - least }
    var (beta, low, high) = (1.0, 0.0, Double.infinity)
    var shares = to
    for _ in 0..<200 {
      var (sum, weighted) = (0.0, 0.0)
      for index in to.indices {
        shares[index] = exp(-to[index] * beta)
        sum += shares[index]
        weighted += shares[index] * to[index]
      }
      let excess = log(sum) + beta * weighted / sum - log(perplexity)
      for index in to.indices { shares[index] /= sum }
      if abs(excess) <= 1e-5 { break }
      if excess > 0 { low = beta } else { high = beta }
      beta = high.isFinite ? (low + high) / 2 : beta * 2
    }
    return shares.map { Float($0) }
  }
}
