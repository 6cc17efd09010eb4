import CDigests

/// SHA-256 over bytes that come in pieces, which takes in others' bytes beside its own: a processor with instructions for
/// SHA-256 makes two digests at once in two thirds of the time that it needs for one after the other. Elsewhere, libcrypto
/// makes them in turn.
@safe public struct TwinSHA256: ~Copyable {
  private var own = ingot_sha256()
  private var turns = SHA256()
  private let isTogether: Bool

  /// Whether this processor makes two at once.
  public static var isPossible: Bool { ingot_sha256_is_there() != 0 }

  /// - Parameter isTogether: whether two are made at once, where that is possible.
  public init(isTogether: Bool = true) {
    self.isTogether = isTogether && Self.isPossible
    unsafe ingot_sha256_begin(&own)
  }

  public mutating func update(_ bytes: borrowing RawSpan) {
    guard isTogether else { return turns.update(bytes) }
    unsafe bytes.withUnsafeBytes { buffer in unsafe ingot_sha256_update(&own, buffer.baseAddress, buffer.count) }
  }

  /// Takes in bytes, and makes the digest of others, or of the same, meanwhile.
  public mutating func update(_ bytes: borrowing RawSpan, digesting others: borrowing RawSpan) -> Digest {
    guard isTogether else {
      turns.update(bytes)
      var hash = SHA256()
      hash.update(others)
      return hash.finish()
    }
    var other = ingot_sha256()
    unsafe ingot_sha256_begin(&other)
    unsafe bytes.withUnsafeBytes { mine in
      unsafe others.withUnsafeBytes { theirs in
        unsafe ingot_sha256_update_both(
          &own, mine.baseAddress, mine.count, &other, theirs.baseAddress, theirs.count)
      }
    }
    return Self.finish(&other)
  }

  /// The digest of everything handed to `update`; the next `update` starts another one.
  public mutating func finish() -> Digest { isTogether ? Self.finish(&own) : turns.finish() }

  private static func finish(_ digest: inout ingot_sha256) -> Digest {
    var bytes = [UInt8](repeating: 0, count: 32)
    unsafe ingot_sha256_finish(&digest, &bytes)
    return Digest(checked: bytes)
  }
}
