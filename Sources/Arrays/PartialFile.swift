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
  /// Whether it will be put in its place: a file that serves for a while needn't reach the disk.
  private let isKept: Bool
  private let descriptor: System.Descriptor
  private let journal: JournalFile
  /// By piece: its digest, where it is there.
  private let there: Mutex<[Int: Digest]>

  private static func partial(_ path: String) -> String { path + ".ingot-fetch" }
  private static func ranges(_ path: String) -> String { path + ".ingot-ranges" }

  /// Takes up what there is of the file; pieces that aren't what the journal says are missing.
  /// - Parameter isKept: whether it will be committed; else it is let go when it has served.
  /// - Throws: `Failure` of kind `cannotCreate` when it can't be made, or the disk has no room for the rest; `io`.
  public init(_ path: String, size: Int, pieceSize: Int, isKept: Bool = true) throws(Failure) {
    (self.path, self.size, self.pieceSize, self.isKept) = (path, size, pieceSize, isKept)
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
    for (piece, digest) in there.withLock(\.self) where try SHA256.digest(bytes(of: piece)) != digest {
      _ = there.withLock { $0.removeValue(forKey: piece) }
    }
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

  public var pieces: Int { (size + pieceSize - 1) / pieceSize }

  /// Pieces that aren't there yet, in order.
  public var missing: [Int] {
    there.withLock { there in (0..<pieces).filter { there[$0] == nil } }
  }

  public func range(of piece: Int) -> Range<Int> { piece * pieceSize..<min(size, (piece + 1) * pieceSize) }

  public func digest(noted piece: Int) -> Digest? { there.withLock { $0[piece] } }

  /// Bytes of a piece, as they stand in the file.
  public func bytes(of piece: Int) throws(Failure) -> [UInt8] {
    // What a crash cut off counts as zeros.
    var bytes = [UInt8](repeating: 0, count: range(of: piece).count)
    try readPiece(piece, into: &bytes)
    return bytes
  }

  /// Reads a piece into the front of `buffer`, which grows when it is too small.
  /// - Throws: `Failure` of kind `io`.
  public func readPiece(_ piece: Int, into buffer: inout [UInt8]) throws(Failure) {
    let range = range(of: piece)
    _ = try System.read(descriptor, range.count, at: range.lowerBound, into: &buffer, path)
  }

  /// Reads bytes of pieces that are there into the front of `buffer`, which grows when it is too small.
  /// - Throws: `Failure` of kind `io`.
  public func read(_ count: Int, at offset: Int, into buffer: inout [UInt8]) throws(Failure) {
    guard try System.read(descriptor, count, at: offset, into: &buffer, path) == count else {
      throw Failure(.io, file: path, place: "byte \(offset)", "the file became shorter while it was being read")
    }
  }

  /// Writes a piece and notes it; from any thread, each piece once at a time.
  /// - Parameter digesting: makes the bytes' digest, meanwhile perhaps more.
  /// - Throws: `Failure` of kind `io`, and what `digesting` throws.
  public func write(
    _ bytes: [UInt8], as piece: Int,
    digesting: (_ bytes: [UInt8]) throws(Failure) -> Digest = { bytes in SHA256.digest(bytes) }
  ) throws(Failure) {
    precondition(bytes.count == range(of: piece).count, "a piece of another length")
    try System.write(descriptor, bytes.rawSpan, at: piece * pieceSize, path)
    if isKept { System.startWriting(descriptor, from: piece * pieceSize, count: bytes.count) }
    let digest = try digesting(bytes)
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
