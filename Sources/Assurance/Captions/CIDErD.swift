import Glibc

/// CIDEr-D, the consensus of a caption with people's (Vedantam, Zitnick, Parikh: CIDEr, 2015; computed as pycocoevalcap's
/// cider_scorer.py computes it): cosines of n-grams' counts, n from 1 to 4, each weighted by how few images have it in
/// their captions; clipped, less for another length, times 10.
public struct CIDErD: Sendable {
  /// The longest n-grams.
  private static let longest = 4
  /// Of the lengths' Gaussian.
  private static let sigma = 6.0
  /// What a caption can have at most.
  public static let most = 10.0

  /// In how many images' captions an n-gram stands.
  private var frequency: [NGram: Int] = [:]
  /// Logarithm of the number of images.
  private let logImages: Double

  private struct NGram: Hashable {
    let words: [String]
  }

  /// N-grams weighted, by their length; the lengths of these vectors; and how many pairs of words there are, which is
  /// taken for the length of the caption.
  private struct Vector {
    var weights: [[NGram: Double]]
    /// By their length, as they come: sums over them are the same each time.
    var nGrams: [[NGram]]
    var norms: [Double]
    var length = 0
  }

  /// - Parameter references: of each image that is evaluated, its captions, each a list of words.
  public init(references: [[[String]]]) {
    logImages = log(Double(max(1, references.count)))
    for captions in references {
      var seen: Set<NGram> = []
      for caption in captions { seen.formUnion(Self.counts(caption).map(\.nGram)) }
      for nGram in seen { frequency[nGram, default: 0] += 1 }
    }
  }

  /// Every n-gram once, in the order in which they come, the short ones first.
  private static func counts(_ words: [String]) -> [(nGram: NGram, count: Int)] {
    var (places, out) = ([NGram: Int](), [(nGram: NGram, count: Int)]())
    for length in 1...longest where length <= words.count {
      for start in 0...words.count - length {
        let nGram = NGram(words: [String](words[start..<start + length]))
        if let place = places[nGram] {
          out[place].count += 1
        } else {
          places[nGram] = out.count
          out.append((nGram, 1))
        }
      }
    }
    return out
  }

  private func vector(_ words: [String]) -> Vector {
    var vector = Vector(
      weights: [[NGram: Double]](repeating: [:], count: Self.longest),
      nGrams: [[NGram]](repeating: [], count: Self.longest),
      norms: [Double](repeating: 0, count: Self.longest))
    for (nGram, count) in Self.counts(words) {
      let place = nGram.words.count - 1
      let weight = Double(count) * (logImages - log(Double(max(1, frequency[nGram] ?? 0))))
      vector.weights[place][nGram] = weight
      vector.nGrams[place].append(nGram)
      vector.norms[place] += weight * weight
      if place == 1 { vector.length += count }
    }
    vector.norms = vector.norms.map { $0.squareRoot() }
    return vector
  }

  /// 0...10.
  /// - Parameter references: captions of the same image; at least one.
  public func score(_ caption: [String], references: [[String]]) -> Double {
    let ours = vector(caption)
    var sum = 0.0
    for reference in references {
      let theirs = vector(reference)
      let delta = Double(ours.length - theirs.length)
      let penalty = exp(-(delta * delta) / (2 * Self.sigma * Self.sigma))
      for place in 0..<Self.longest {
        var value = 0.0
        for nGram in ours.nGrams[place] {
          guard let weight = ours.weights[place][nGram], let other = theirs.weights[place][nGram] else { continue }
          value += min(weight, other) * other
        }
        if ours.norms[place] != 0, theirs.norms[place] != 0 { value /= ours.norms[place] * theirs.norms[place] }
        sum += value * penalty
      }
    }
    return Self.most * sum / Double(Self.longest) / Double(max(1, references.count))
  }
}
