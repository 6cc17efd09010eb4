import Arrays

/// Seeded random elements, float32: the same for the same seed and array name on every machine, because only integer
/// arithmetic, one conversion and one multiplication are involved.
public enum SeededWeights {
  /// Standard deviation of matrices and embeddings, as BERT and ViT are initialized.
  static let deviation: Float = 0.02

  /// Hands the elements of an array to `body` in pieces, little-endian float32.
  ///
  /// Gains are 1 and biases 0. The rest is the sum of four 16-bit uniform numbers of one SplitMix64 output (Steele et
  /// al. 2014), centred and scaled to the deviation: near enough to normal, and exact.
  public static func forEachChunk(
    of array: NetDescription.StoredArray, seed: Int, _ body: (borrowing RawSpan) throws -> Void
  ) throws {
    var generator = SplitMix64(seed: seed, name: array.name)
    var remaining = array.shape.elements
    while remaining > 0 {
      let count = min(remaining, chunkSize / 4)
      let values: [Float] =
        switch array.role {
        case .gain: [Float](repeating: 1, count: count)
        case .bias: [Float](repeating: 0, count: count)
        case .weight, .embedding: (0..<count).map { _ in generator.nextCentred() * deviation }
        }
      try body(Floats.bytes(values).rawSpan)
      remaining -= count
    }
  }
}

private struct SplitMix64 {
  private var state: UInt64

  /// A stream of its own for every name: the name's SHA-256 with the seed in front decides where it starts.
  init(seed: Int, name: String) {
    let digest = SHA256.digest(UInt64(bitPattern: Int64(seed)).littleEndianBytes + Array(name.utf8)).bytes
    state = digest[..<8].enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Mean 0, standard deviation 1.
  mutating func nextCentred() -> Float {
    let bits = next()
    let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + bits >> 48
    // Four uniform integers 0 ... 65535: mean 4 · 32767.5, variance 4 · (65536² − 1) / 12.
    return (Float(sum) - 131070) * 2.642_899_8e-05
  }
}
