import Synchronization

/// A file that is fetched piece by piece, by this process or, where that is stopped, by the next one: it has a name of its
/// own until it is whole, and beside it a journal of the pieces that are there, each with its SHA-256, by which what a crash
/// of the machine left of them is known.
///
/// Whoever uses one sees to it that nobody else uses the same.
public final class PartialFile: Sendable {
  public let path: String
  public let size: Int
  public let pieceSize: Int
  private let descriptor: System.Descriptor
  private let journal: JournalFile
  /// By piece: its digest, where it is there.
  private let there: Mutex<[Int: Digest]>

  private static func partial(_ path: String) -> String { path + ".ingot-fetch" }
  private static func ranges(_ path: String) -> String { path + ".ingot-ranges" }

  /// Takes up what there is of the file; pieces that aren't what the journal says are missing.
  /// - Throws: `Failure` of kind `cannotCreate` when it can't be made, or the disk has no room for the rest; `io`.
  public init(_ path: String, size: Int, pieceSize: Int) throws(Failure) {
    (self.path, self.size, self.pieceSize) = (path, size, pieceSize)
    try System.makeFolder(folderOf(path))
    let descriptor = try System.openForUpdating(Self.partial(path))
    do throws(Failure) {
      let head = "ingot ranges 1 \(size) \(pieceSize)"
      var (journal, lines) = try JournalFile.open(Self.ranges(path))
      if let first = lines.first, !first.elementsEqual(head.utf8) {
        System.remove(Self.ranges(path))
        (journal, lines) = try JournalFile.open(Self.ranges(path))
      }
      if lines.isEmpty { try journal.add(head) }
      var found: [Int: Digest] = [:]
      let count = (size + pieceSize - 1) / pieceSize
      for line in lines.dropFirst() {
        let words = String(decoding: line, as: UTF8.self).split(separator: " ")
        guard words.count == 2, let piece = Int(words[0]), (0..<count).contains(piece),
          let digest = Digest(hex: String(words[1]))
        else { continue }
        found[piece] = digest
      }
      self.descriptor = descriptor
      self.journal = journal
      there = Mutex(found)
    } catch {
      System.close(descriptor)
      throw error
    }
    try drop { piece, digest throws(Failure) in try self.digest(of: piece) != digest }
    try checkRoom()
    try System.truncate(descriptor, to: size, path)
  }

  deinit { System.close(descriptor) }

  private func checkRoom() throws(Failure) {
    try Self.checkRoom(for: missing.reduce(0) { $0 + range(of: $1).count }, in: folderOf(path))
  }

  /// Says before long work that a disk hasn't room for it.
  /// - Parameter folder: on the disk; need not be there yet.
  /// - Throws: `Failure` of kind `cannotCreate`.
  public static func checkRoom(for needed: Int, in folder: String) throws(Failure) {
    var place = folder
    while try System.status(place) == nil, folderOf(place) != place { place = folderOf(place) }
    guard let free = System.freeBytes(place), free < needed else { return }
    throw Failure(
      .cannotCreate, file: folder, "\(needed) bytes more are needed, and the disk has \(free) left",
      hint: "free some space on the disk and run the command again: what was fetched is kept")
  }

  /// Whether some of a file is there.
  public static func isBegun(_ path: String) throws(Failure) -> Bool { try System.status(partial(path)) != nil }

  /// Pieces that aren't there yet, in order.
  public var missing: [Int] {
    let count = (size + pieceSize - 1) / pieceSize
    return there.withLock { there in (0..<count).filter { there[$0] == nil } }
  }

  public func range(of piece: Int) -> Range<Int> { piece * pieceSize..<min(size, (piece + 1) * pieceSize) }

  public func digest(noted piece: Int) -> Digest? { there.withLock { $0[piece] } }

  /// Bytes of a piece, as they stand in the file.
  public func bytes(of piece: Int) throws(Failure) -> [UInt8] {
    let range = range(of: piece)
    var bytes = [UInt8](repeating: 0, count: range.count)
    let (descriptor, path) = (descriptor, path)
    let result: Result<Int, Failure> = unsafe bytes.withUnsafeMutableBytes { buffer in
      do throws(Failure) {
        return .success(try unsafe System.read(descriptor, into: buffer, at: range.lowerBound, path))
      } catch {
        return .failure(error)
      }
    }
    // What a crash cut off counts as zeros.
    _ = try result.get()
    return bytes
  }

  private func digest(of piece: Int) throws(Failure) -> Digest { SHA256.digest(try bytes(of: piece)) }

  /// Forgets pieces for which `isWrong` holds.
  private func drop(_ isWrong: (Int, Digest) throws(Failure) -> Bool) throws(Failure) {
    for (piece, digest) in there.withLock({ $0 }) where try isWrong(piece, digest) {
      _ = there.withLock { $0.removeValue(forKey: piece) }
    }
  }

  /// Writes a piece and notes it; from any thread, each piece once at a time.
  /// - Throws: `Failure` of kind `io`.
  public func write(_ bytes: [UInt8], as piece: Int) throws(Failure) {
    precondition(bytes.count == range(of: piece).count, "a piece of another length")
    try System.write(descriptor, bytes.rawSpan, at: piece * pieceSize, path)
    System.startWriting(descriptor, from: piece * pieceSize, count: bytes.count)
    let digest = SHA256.digest(bytes)
    let noted: Result<Void, Failure> = there.withLock { there in
      do throws(Failure) {
        try journal.add("\(piece) \(digest)")
        there[piece] = digest
        return .success(())
      } catch {
        return .failure(error)
      }
    }
    try noted.get()
  }

  /// Puts the file in its place, which lasts then.
  /// - Throws: `Failure` of kind `io` or `cannotCreate`.
  public func commit() throws(Failure) {
    precondition(missing.isEmpty, "pieces are missing")
    try System.sync(descriptor, path)
    try System.rename(Self.partial(path), to: path)
    System.remove(Self.ranges(path))
  }

  /// Removes what a process that was killed may have left beside a file that is whole.
  public static func clean(besides path: String) {
    if (try? System.status(ranges(path))) != nil { System.remove(ranges(path)) }
    if (try? System.status(partial(path))) != nil { System.remove(partial(path)) }
  }

  /// Removes what was fetched.
  public func discard() {
    System.remove(Self.partial(path))
    System.remove(Self.ranges(path))
  }
}

/// A file whose lock others use too, whatever they are for; held until let go.
public final class FileLock: Sendable {
  private let descriptor: System.Descriptor

  /// Waits until nobody else has it.
  /// - Parameter waiting: called once, where there is somebody to wait for.
  /// - Throws: `Failure` of kind `cannotCreate` or `io` when it can't be had.
  public init(_ path: String, waiting: () -> Void = {}) throws(Failure) {
    try System.makeFolder(folderOf(path))
    let descriptor = try System.openForUpdating(path)
    var hasTold = false
    while true {
      switch System.lock(descriptor) {
      case .locked, .impossible:
        self.descriptor = descriptor
        return
      case .failed(let code):
        System.close(descriptor)
        throw System.failure(.io, path, "can't be locked", code)
      case .heldElsewhere:
        if !hasTold { waiting() }
        hasTold = true
        System.pause(seconds: 0.05)
      }
    }
  }

  deinit { System.close(descriptor) }
}
