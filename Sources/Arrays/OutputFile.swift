import Synchronization

/// A file that comes into being whole or not at all: written under a temporary name in its folder, flushed, and put in
/// place by a rename. Until `commit`, whatever was there before stays; let go without it, nothing remains.
///
/// The temporary file is locked while it is written. A process that dies leaves it unlocked, and the next writer in
/// that folder removes it.
public final class OutputFile: Sendable {
  static let suffix = ".ingot-partial"

  public let path: String
  /// Where the file is until it is put in its place; for other programs that write it.
  public let temporary: String
  private let descriptor: System.Descriptor
  private let isCommitted = Atomic(false)

  /// - Throws: `Failure` of kind `cannotCreate` when the folder or the file can't be created.
  public init(_ path: String) throws(Failure) {
    let folder = folderOf(path)
    try System.makeFolder(folder)
    if let there = System.status(path), !there.isRegular {
      // Putting a file in the place of a device or a pipe would destroy it.
      throw Failure(
        .cannotCreate, file: path,
        "is \(there.isDirectory ? "a folder" : "no regular file") where a file is to be written")
    }
    OutputFile.removeAbandoned(in: folder)
    self.path = path
    var attempt = 0
    while true {
      let name = ".\(Paths.name(path)).\(System.process)-\(attempt)\(OutputFile.suffix)"
      let candidate = Paths.join(folder, name)
      attempt += 1
      if System.status(candidate) != nil { continue }
      let descriptor = try System.create(candidate)
      // Another process may have taken the new, not yet locked file for an abandoned one.
      if System.lock(descriptor), (try? System.status(descriptor, candidate).links) == 1 {
        self.descriptor = descriptor
        temporary = candidate
        return
      }
      System.close(descriptor)
    }
  }

  deinit {
    if !isCommitted.load(ordering: .relaxed) { System.remove(temporary) }
    System.close(descriptor)
  }

  /// Writes bytes at an offset; safe from several threads for ranges that don't overlap.
  public func write(_ bytes: borrowing RawSpan, at offset: Int) throws(Failure) {
    let (descriptor, path) = (descriptor, path)
    let result: Result<Void, Failure> = unsafe bytes.withUnsafeBytes { buffer in
      do throws(Failure) {
        return .success(try unsafe System.write(descriptor, buffer, at: offset, path))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
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
  public func commit() throws(Failure) {
    try System.rename(temporary, to: path)
    isCommitted.store(true, ordering: .relaxed)
    try System.syncFolder(folderOf(path))
  }

  /// Removes what processes that died left in `folder`.
  static func removeAbandoned(in folder: String) {
    for name in System.list(folder) ?? [] where name.hasPrefix(".") && name.hasSuffix(suffix) {
      let path = Paths.join(folder, name)
      guard let descriptor = try? System.openForReading(path) else { continue }
      if System.lock(descriptor) { System.remove(path) }
      System.close(descriptor)
    }
  }
}
