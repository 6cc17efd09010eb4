/// A file mapped into memory for reading; unmapped when the last user lets go. Arrays of a net are used in place from it.
///
/// The mapping is private: what this process sees can't be written through it. Truncating the file underneath still ends
/// the process with a bus error, as with every mapping; net files are therefore replaced by rename, never rewritten.
@safe public final class MappedFile: Sendable {
  public let path: String
  nonisolated(unsafe) private let mapping: UnsafeRawBufferPointer

  public init(_ file: InputFile) throws(Failure) {
    path = file.path
    unsafe mapping = try System.map(file.descriptor, count: file.size, file.path)
  }

  deinit { unsafe System.unmap(mapping) }

  public var count: Int { unsafe mapping.count }

  /// Lends the bytes of `range`, which must lie inside the file; the span can't escape `body`.
  public func withBytes<Result>(
    in range: Range<Int>, _ body: (borrowing RawSpan) throws -> Result
  ) rethrows -> Result {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside the mapped file")
    return try unsafe body(RawSpan(_unsafeBytes: mapping[range]))
  }

  /// Where the byte at `offset` is, for as long as the file is held.
  @unsafe public func address(at offset: Int) -> UnsafeRawPointer {
    guard offset >= 0, offset < count, let base = unsafe mapping.baseAddress else {
      preconditionFailure("offset outside the mapped file")
    }
    return unsafe base + offset
  }
}
