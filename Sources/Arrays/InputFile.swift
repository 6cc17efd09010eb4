/// A regular file open for reading at any offset, from any thread. Reading by `pread` rather than through a mapping
/// keeps the pages out of the process's resident memory, and a file truncated meanwhile is an error, not a signal.
public final class InputFile: Source {
  public let path: String
  public var localPath: String? { path }
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
    guard try System.read(descriptor, count, at: offset, into: &buffer, path) == count else {
      throw Failure(
        .io, file: path, place: "byte \(offset)", "the file became shorter while it was being read",
        hint: "wait until whatever writes the file has finished")
    }
  }

  public func neighbour(_ name: String, followsLinks: Bool) throws(Failure) -> any Source {
    let folder = Paths.folder(of: path)
    let other = Paths.join(folder, name)
    guard !followsLinks, try Paths.exists(other) else { return try InputFile(other) }
    // In the hub client's cache links lead a file and its neighbours alike into one folder.
    guard let target = Paths.resolved(other), let here = Paths.resolved(folder), let own = Paths.resolved(path),
      [here, Paths.folder(of: own)].contains(where: { target.isInside($0) })
    else { throw Failure(.badData, file: other, "leads out of the folder by a link") }
    return try InputFile(other)
  }
}

extension String {
  fileprivate func isInside(_ folder: String) -> Bool {
    utf8.starts(with: (folder == "/" ? folder : folder + "/").utf8)
  }
}

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
