/// Bytes in memory, aligned to cache lines, that stay where they are and don't change once they are filled.
@safe public final class MemoryBlock: Sendable {
  nonisolated(unsafe) private let base: UnsafeMutableRawPointer
  public let count: Int

  /// - Parameter fill: appends all the bytes, in pieces.
  public init(count: Int, _ fill: ((borrowing RawSpan) -> Void) throws -> Void) rethrows {
    precondition(count >= 0)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(1, count), alignment: 64)
    unsafe base = memory
    self.count = count
    var filled = 0
    try fill { piece in
      precondition(piece.byteCount <= count - filled, "more bytes than the block has")
      let start = filled
      unsafe piece.withUnsafeBytes { bytes in
        guard let source = bytes.baseAddress else { return }
        unsafe (memory + start).copyMemory(from: source, byteCount: bytes.count)
      }
      filled += piece.byteCount
    }
    precondition(filled == count, "fewer bytes than the block has")
  }

  deinit { unsafe base.deallocate() }

  /// Lends the bytes; the span can't escape `body`.
  public func withBytes<Result>(_ body: (borrowing RawSpan) throws -> Result) rethrows -> Result {
    try unsafe body(RawSpan(_unsafeStart: base, byteCount: count))
  }

  /// Where the bytes are, for as long as the block is held.
  @unsafe public var address: UnsafeRawPointer { unsafe UnsafeRawPointer(base) }
}
