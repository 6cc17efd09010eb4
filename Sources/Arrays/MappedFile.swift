import CEnding

/// A file mapped into memory for reading; unmapped when the last user lets go. Arrays of a net are used in place from it.
///
/// The mapping is private: what this process sees can't be written through it. Net files are replaced by rename, never
/// rewritten, and a mapping goes on showing the file that was opened. If somebody else cuts the file short, or its disk
/// fails, reading the missing bytes is a bus error (SIGBUS). The command, which calls `Ending.takeSignals`, then ends with
/// one error line that names the file, a hint, and the status of `Failure.Kind.io`, whichever thread it was, in Swift or
/// in C. A program that embeds the library decides itself what signals do to it: by default, a bus error ends it. What a
/// file that is cut short had in the last page that is left reads as zeros, and somebody who writes into the file changes
/// what is seen: neither can be noticed.
@safe public final class MappedFile: Sendable {
  public let path: String
  nonisolated(unsafe) private let mapping: UnsafeRawBufferPointer
  /// In the table of mappings whose faults are told.
  private let place: Int32

  public init(_ file: InputFile) throws(Failure) {
    path = file.path
    unsafe mapping = try System.map(file.descriptor, count: file.size, file.path)
    let failure = Failure(.io, file: path, "became shorter while it was in use, or its disk failed")
    let hint = "let files in use alone, and replace them by renaming: see whether this one is whole with `ingot verify`"
    place = unsafe ingot_ending_note_mapping(
      mapping.baseAddress, mapping.count, "ingot: error: \(failure)\nhint: \(hint)\n")
  }

  deinit {
    ingot_ending_forget_mapping(place)
    unsafe System.unmap(mapping)
  }

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
