import Synchronization

/// A file of lines that a long piece of work adds to as it goes on, so that it can be taken up again after it was stopped.
/// One process at a time may have it open.
public final class JournalFile: Sendable {
  public let path: String
  private let descriptor: System.Descriptor
  private let end: Atomic<Int>

  /// Opens a journal, or begins one.
  /// - Returns: with it, its whole lines; what a process that was stopped left behind the last line feed is removed.
  /// - Throws: `Failure` of kind `cannotCreate` when it can't be created or another process has it, `badData` when it is
  ///   too large, `io`.
  public static func open(_ path: String) throws(Failure) -> (file: JournalFile, lines: [[UInt8]]) {
    let descriptor = try System.openForUpdating(path)
    do throws(Failure) {
      let status = try System.status(descriptor, path)
      guard status.isRegular else { throw Failure(.cannotCreate, file: path, "is no regular file") }
      switch System.lock(descriptor) {
      case .locked, .impossible: break
      case .heldElsewhere:
        throw Failure(.cannotCreate, file: path, "another process is writing it", hint: "wait until that has ended")
      case .failed(let code): throw System.failure(.io, path, "can't be locked", code)
      }
      let bytes = try contents(of: path, limit: .journalBytes)
      let whole = bytes.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
      let file = JournalFile(path, descriptor, end: whole)
      return (file, bytes[..<whole].split(separator: 0x0a).map { Array($0) })
    } catch {
      System.close(descriptor)
      throw error
    }
  }

  private init(_ path: String, _ descriptor: System.Descriptor, end: Int) {
    self.path = path
    self.descriptor = descriptor
    self.end = Atomic(end)
  }

  deinit { System.close(descriptor) }

  /// Adds a line. A line is there whole or, after a crash, not at all.
  /// - Throws: `Failure` of kind `io`.
  public func add(_ line: String) throws(Failure) {
    let bytes = Array(line.utf8) + [0x0a]
    let offset = end.load(ordering: .relaxed)
    // What stood behind the last whole line must not follow this one.
    try System.truncate(descriptor, to: offset, path)
    try System.write(descriptor, bytes.rawSpan, at: offset, path)
    end.store(offset + bytes.count, ordering: .relaxed)
  }
}
