import CEnding
import Synchronization

/// A file that comes into being whole or not at all: written under a temporary name in its folder, flushed, and put in
/// place by a rename. Until `commit`, whatever was there before stays; let go without it, nothing remains.
///
/// The temporary file is locked while it is written. A process that dies leaves it unlocked, and the next writer in
/// that folder removes it; one that ends by Ctrl-C and the like removes it itself (`Ending`).
public final class OutputFile: Sendable {
  static let suffix = ".ingot-partial"

  public let path: String
  /// Where the file is until it is put in its place; for other programs that write it.
  public let temporary: String
  let descriptor: System.Descriptor
  /// In the table of files that a signal removes.
  private let place: Int32
  private let isCommitted = Atomic(false)

  /// - Throws: `Failure` of kind `cannotCreate` when the folder or the file can't be created, `io`.
  public init(_ path: String) throws(Failure) {
    let folder = folderOf(path)
    try System.makeFolder(folder)
    try OutputFile.checkIsReplaceable(path)
    let lock = try FolderLock(folder)
    defer { withExtendedLifetime(lock) {} }
    OutputFile.removeAbandoned(in: folder)
    self.path = path
    (temporary, descriptor, place) = try OutputFile.makeTemporary(for: path)
  }

  /// Says before long work, not after it, that a file can't be written. Folders that lack are not made yet.
  /// - Throws: `Failure` as `init` does.
  public static func checkCanBeWritten(_ path: String) throws(Failure) {
    var path = path
    while case let folder = folderOf(path), folder != path, try System.status(folder) == nil { path = folder }
    _ = try OutputFile(path)
  }

  private static func makeTemporary(
    for path: String
  ) throws(Failure) -> (path: String, descriptor: System.Descriptor, place: Int32) {
    // A name's length is limited, and the temporary one is longer.
    let start = String(decoding: Paths.name(path).utf8.prefix(160), as: UTF8.self)
    var attempt = 0
    while true {
      let candidate = Paths.join(folderOf(path), ".\(start).\(System.process)-\(attempt)\(suffix)")
      attempt += 1
      if try System.status(candidate) != nil { continue }
      ingot_ending_hold()
      defer { ingot_ending_release() }
      let descriptor: System.Descriptor
      do throws(Failure) {
        descriptor = try System.create(candidate)
      } catch {
        throw error.of(path)
      }
      do throws(Failure) {
        if case .failed(let code) = System.lock(descriptor) {
          throw System.failure(.io, candidate, "can't be locked", code)
        }
        // In a folder that can't be locked, another process may have taken the new file for an abandoned one.
        if try System.status(descriptor, candidate).links > 0 {
          return (candidate, descriptor, unsafe ingot_ending_note_file(candidate))
        }
        System.close(descriptor)
      } catch {
        System.close(descriptor)
        System.remove(candidate)
        throw error
      }
    }
  }

  deinit {
    if !isCommitted.load(ordering: .relaxed) { discard() }
    System.close(descriptor)
  }

  private func discard() {
    System.remove(temporary)
    ingot_ending_forget_file(place)
  }

  /// Putting a file in the place of a device or a pipe would destroy it.
  private static func checkIsReplaceable(_ path: String) throws(Failure) {
    guard let there = try System.status(path), !there.isRegular else { return }
    throw Failure(
      .cannotCreate, file: path,
      "is \(there.isDirectory ? "a folder" : "no regular file") where a file is to be written")
  }

  /// Writes bytes at an offset; safe from several threads for ranges that don't overlap.
  public func write(_ bytes: borrowing RawSpan, at offset: Int) throws(Failure) {
    try System.write(descriptor, bytes, at: offset, path)
  }

  /// Writes zeros up to `size`, or cuts the file there.
  public func setSize(_ size: Int) throws(Failure) { try System.truncate(descriptor, to: size, path) }

  /// Lets the disk begin with a range that is final.
  public func startFlushing(from offset: Int, count: Int) {
    // For small ranges the call costs more than it gains.
    if count >= 1 << 20 { System.startWriting(descriptor, from: offset, count: count) }
  }

  /// Waits until the bytes are on the disk.
  public func flush() throws(Failure) { try System.sync(descriptor, path) }

  /// Puts the flushed file in its place and makes that last.
  public func commit() throws(Failure) { try OutputFile.commit([self]) }

  /// Puts flushed files of one folder in their places together: all or none (see `Replacement`). Other processes that put
  /// files there, or open several through `together`, come before or after.
  /// - Parameter check: looks, when nobody else can change it any more, whether what is there may be replaced.
  /// - Throws: what `check` throws; `Failure` of kind `cannotCreate` or `io`, with everything as it was.
  public static func commit(
    _ files: [OutputFile], checking check: () throws(Failure) -> Void = {}
  ) throws(Failure) {
    guard let folder = files.first.map({ folderOf($0.path) }) else { return }
    precondition(files.allSatisfy { folderOf($0.path) == folder }, "files of several folders")
    let lock = try FolderLock(folder)
    defer { withExtendedLifetime(lock) {} }
    try check()
    var steps: [Replacement.Step] = []
    for file in files {
      try checkIsReplaceable(file.path)
      let new = try System.status(file.descriptor, file.path)
      steps.append(
        .init(
          name: Paths.name(file.path), temporary: Paths.name(file.temporary), number: new.number, size: new.size,
          changed: new.changed, replaces: try System.status(file.path) != nil))
    }
    ingot_ending_hold()
    defer { ingot_ending_release() }
    // While they change places, a temporary name is that of a former file.
    for file in files { ingot_ending_forget_file(file.place) }
    for file in files { file.isCommitted.store(true, ordering: .relaxed) }
    do throws(Failure) {
      try Replacement(lock: lock, steps: steps).run()
    } catch {
      // Unless they can't be put back, in which case the journal says where they are.
      if (try? Paths.exists(Replacement.journal(in: folder))) == false { removeTemporaries(of: files) }
      throw error
    }
    removeTemporaries(of: files)
  }

  private static func removeTemporaries(of files: [OutputFile]) {
    for file in files where (try? Paths.exists(file.temporary)) != false { System.remove(file.temporary) }
  }

  /// Opens, or looks at, several files of a folder while nobody replaces some of them. Where the folder can't be opened,
  /// `body` is run all the same, and finds out what there is to find.
  /// - Throws: what `body` throws; `Failure` of kind `cannotCreate` when files were left half replaced by a process that was
  ///   killed, and can't be put back.
  public static func together<Result>(
    in folder: String, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard try Paths.isFolder(folder) else { return try body() }
    let lock: FolderLock?
    do {
      lock = try FolderLock(folder, .shared)
    } catch {
      guard error.kind == .io else { throw error }
      lock = nil
    }
    defer { withExtendedLifetime(lock) {} }
    return try body()
  }

  /// Removes what processes that died left in `folder`, which is locked.
  private static func removeAbandoned(in folder: String) {
    for name in (try? System.list(folder)) ?? [] where name.hasPrefix(".") && name.hasSuffix(suffix) {
      let path = Paths.join(folder, name)
      guard let descriptor = try? System.openForReading(path) else { continue }
      if case .locked = System.lock(descriptor) { System.remove(path) }
      System.close(descriptor)
    }
  }
}
