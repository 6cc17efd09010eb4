/// A folder that this process has to itself for a moment, or shares with others that only look: while unfinished files are
/// made, files are put in place, or several that belong together are opened. Held for milliseconds, never while work is
/// done.
///
/// Where the file system can't lock folders (some network ones), there is no lock and everything goes on: then two
/// processes must not replace the same files at once. Nor is there one in folders like /tmp, where anybody could hold it.
final class FolderLock {
  enum Kind {
    case exclusive, shared
  }

  /// Seconds that others are waited for.
  static let patience = 60.0

  let path: String
  private let descriptor: System.Descriptor

  /// Waits for others, and undoes what a process left half done that was killed while it put files in place.
  /// - Throws: `Failure` of kind `io` when the folder can't be opened or locked, `cannotCreate` when others don't let go or
  ///   files can't be put back.
  init(_ path: String, _ kind: Kind = .exclusive) throws(Failure) {
    self.path = path
    descriptor = try System.openFolder(path)
    let status = try System.status(descriptor, path)
    let isAnybodys = status.isSticky && status.owner != System.user
    if !isAnybodys { try acquire(kind) }
    guard let journal = try System.status(Replacement.journal(in: path)) else { return }
    // What others write there says nothing about files of this user.
    guard !isAnybodys || journal.owner == System.user else { return }
    if kind == .shared, !isAnybodys { try acquire(.exclusive) }
    try Replacement.undo(in: path) { () throws(Failure) in try flush() }
    if kind == .shared, !isAnybodys { try acquire(.shared) }
  }

  deinit { System.close(descriptor) }

  private func acquire(_ kind: Kind) throws(Failure) {
    let start = System.clock
    while true {
      switch System.lock(descriptor, isShared: kind == .shared) {
      case .locked, .impossible: return
      case .failed(let code): throw System.failure(.io, path, "can't be locked", code)
      case .heldElsewhere:
        guard System.clock - start < Self.patience else {
          throw Failure(
            .cannotCreate, file: path, "another process has been putting files in place here for a minute",
            hint: "see whether an ingot is stopped, and end it")
        }
        System.pause(seconds: 0.002)
      }
    }
  }

  /// Makes names that were given and taken in the folder last.
  func flush() throws(Failure) { try System.sync(descriptor, path) }
}
