/// Where the bytes of a checkpoint come from: a file here, or ranges of an address. What reads a checkpoint reads through
/// this alone and doesn't know which it has; so whatever bytes can be had by ranges can be inspected, and what was fetched
/// can be counted.
public protocol Source: Sendable {
  /// Names it in messages, and tells it from others: a path, or an address with its revision.
  var path: String { get }
  /// Bytes in it when it was opened.
  var size: Int { get }

  /// Reads `count` bytes at `offset` into the front of `buffer`, which grows when it is too small. From any thread.
  /// - Throws: `Failure` of kind `io` when it ends early or can't be read.
  func read(_ count: Int, at offset: Int, into buffer: inout [UInt8]) throws(Failure)

  /// Opens what stands beside it, by a relative path without `..`.
  /// - Parameter followsLinks: whether a link may lead out of the folder, as where its user laid the files out; false where a
  ///   stranger's file names the other.
  /// - Throws: `Failure` of kind `noInput` when there is no such thing, `badData` when a link leads out.
  func neighbour(_ name: String, followsLinks: Bool) throws(Failure) -> any Source

  /// Where it is on this machine's disk, for libraries that open files themselves; nil: its bytes can only be read.
  var localPath: String? { get }

  /// The folder that it stands in, where that is none of this machine's; nil: `path` tells.
  var folder: (any SourceFolder)? { get }

  /// Tells how many of the first bytes will be read, so that one request gets them all.
  func willRead(_ count: Int)

  /// Whether its bytes are still on their way, in their order, so that reading in that order waits least.
  var isArriving: Bool { get }

  /// The SHA-256 of all of it.
  /// - Parameter progress: told the bytes of every piece that is read for it.
  /// - Throws: `Failure` of kind `io` when it can't be read, and `unavailable` when it has changed since it was opened.
  func digest(progress: (_ bytes: Int) -> Void) throws(Failure) -> Digest
}

extension Source {
  public var localPath: String? { nil }
  public var folder: (any SourceFolder)? { nil }
  public func willRead(_ count: Int) {}
  public var isArriving: Bool { false }
  public func digest(progress: (_ bytes: Int) -> Void) throws(Failure) -> Digest {
    try computedDigest(progress: progress)
  }

  /// The SHA-256 of what is read of it.
  /// - Throws: `Failure` of kind `io` when it can't be read.
  public func computedDigest(progress: (_ bytes: Int) -> Void) throws(Failure) -> Digest {
    var hash = SHA256()
    do {
      try forEachChunk(in: 0..<size) { piece in
        hash.update(piece)
        progress(piece.byteCount)
      }
    } catch {
      throw Failure.wrapping(error, file: path)
    }
    return hash.finish()
  }

  /// The `count` bytes at `offset`.
  public func bytes(_ count: Int, at offset: Int) throws(Failure) -> [UInt8] {
    var buffer: [UInt8] = []
    try read(count, at: offset, into: &buffer)
    return buffer
  }

  /// Hands the bytes of `range` to `body` in order, in pieces of at most `chunkSize`.
  /// - Parameter multipleOf: bytes that a piece is a multiple of, but for the last one, unless they are more than such a
  ///   piece.
  public func forEachChunk(
    in range: Range<Int>, multipleOf unit: Int = 1, _ body: (borrowing RawSpan) throws -> Void
  ) throws {
    let most = unit > 0 && unit <= chunkSize ? chunkSize / unit * unit : chunkSize
    var buffer = [UInt8](repeating: 0, count: min(most, range.count))
    var offset = range.lowerBound
    while offset < range.upperBound {
      let count = min(buffer.count, range.upperBound - offset)
      try read(count, at: offset, into: &buffer)
      try body(buffer.rawSpan.extracting(0..<count))
      offset += count
    }
  }
}

/// Bytes handled at a time where whole files pass through: few enough to stay in a cache between reading, hashing and
/// writing, many enough for system calls to cost nothing.
public let chunkSize = 1 << 20
