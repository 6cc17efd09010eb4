/// A regular file open for reading at any offset, from any thread. Reading by `pread` rather than through a mapping
/// keeps the pages out of the process's resident memory, and a file truncated meanwhile is an error, not a signal.
public final class InputFile: Sendable {
  public let path: String
  /// Bytes in the file when it was opened.
  public let size: Int
  let descriptor: System.Descriptor

  /// - Throws: `Failure` of kind `noInput` when there is no such regular file, `io` when it can't be opened.
  public init(_ path: String) throws(Failure) {
    descriptor = try System.openForReading(path)
    self.path = path
    let status: System.Status
    do {
      status = try System.status(descriptor, path)
    } catch {
      System.close(descriptor)
      throw error
    }
    guard status.isRegular else {
      System.close(descriptor)
      throw Failure(.noInput, file: path, status.isDirectory ? "is a folder" : "is not a regular file")
    }
    size = status.size
  }

  deinit { System.close(descriptor) }

  /// Reads `count` bytes at `offset` into the front of `buffer`, which grows when it is too small.
  /// - Throws: `Failure` of kind `io` when the file ends early or can't be read.
  public func read(_ count: Int, at offset: Int, into buffer: inout [UInt8]) throws(Failure) {
    if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
    let (descriptor, path) = (descriptor, path)
    let got: Result<Int, Failure> = unsafe buffer.withUnsafeMutableBytes { bytes in
      do throws(Failure) {
        return .success(
          try unsafe System.read(descriptor, into: .init(rebasing: bytes[..<count]), at: offset, path))
      } catch {
        return .failure(error)
      }
    }
    guard try got.get() == count else {
      throw Failure(
        .io, file: path, place: "byte \(offset)", "the file became shorter while it was being read",
        hint: "wait until whatever writes the file has finished")
    }
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

/// The whole content of a small file.
/// - Throws: `Failure` as `InputFile` does, and of kind `badData` when the file holds more than `limit` bytes.
public func contents(of path: String, limit: Limit) throws(Failure) -> [UInt8] {
  let file = try InputFile(path)
  try limit.check(file.size, "bytes", file: path)
  return try file.bytes(file.size, at: 0)
}

extension RawSpan {
  /// Whether the front of these bytes is the same as all of others.
  public func holdsSameBytes(as other: borrowing RawSpan) -> Bool {
    guard byteCount >= other.byteCount else { return false }
    return unsafe withUnsafeBytes { mine in
      unsafe other.withUnsafeBytes { theirs in unsafe System.isSame(mine, theirs) }
    }
  }
}

extension Array where Element == UInt8 {
  /// The bytes, lent.
  public var rawSpan: RawSpan {
    @_lifetime(borrow self)
    get {
      // From Swift 6.3 on, `Span.bytes` counts as unsafe because elements may have padding, which these have not.
      return unsafe _overrideLifetime(span.bytes, borrowing: self)
    }
  }

  /// Appends all bytes of a span.
  public mutating func append(contentsOf bytes: borrowing RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe self.append(contentsOf: $0) }
  }
}
