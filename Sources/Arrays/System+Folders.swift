import CSystemCalls
import Glibc

/// Folders and the names in them.
extension System {
  static func openFolder(_ path: String) throws(Failure) -> Descriptor {
    let descriptor = retrying(.open) { unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw failure(.io, path, "can't be opened as a folder", errno) }
    return descriptor
  }

  enum Locking {
    case locked
    case heldElsewhere
    /// The file system has no locks for such a file.
    case impossible
    case failed(code: Int32)
  }

  /// An advisory lock that ends with the descriptor. Doesn't wait.
  static func lock(_ descriptor: Descriptor, isShared: Bool = false) -> Locking {
    if retrying(.flock, { flock(descriptor, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) }) == 0 { return .locked }
    let code = errno
    return switch code {
    case EWOULDBLOCK: .heldElsewhere
    case EBADF, EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP: .impossible
    default: .failed(code: code)
    }
  }

  static func rename(_ old: String, to new: String) throws(Failure) {
    guard retrying(.rename, { unsafe Glibc.rename(old, new) }) == 0 else {
      throw failure(.cannotCreate, new, "can't be put in place", errno)
    }
  }

  /// Puts `new` in the place of `old`, which gets its name; both must be there.
  /// - Returns: false where the file system can't do that without losing `old`; nothing was done then.
  static func exchange(_ new: String, with old: String) throws(Failure) -> Bool {
    if retrying(.exchange, { unsafe ingot_exchange(new, old) }) == 0 { return true }
    guard errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP else {
      throw failure(.cannotCreate, old, "can't be put in place", errno)
    }
    return false
  }

  /// A second name of a file; false where there can be none.
  static func link(_ path: String, as name: String) -> Bool {
    retrying(.link) { unsafe Glibc.link(path, name) } == 0
  }

  /// A symbolic link at `path` that leads to `target`; one that leads there already stays.
  static func symlink(_ target: String, at path: String) throws(Failure) {
    for _ in 0..<2 {
      if retrying(.link, { unsafe Glibc.symlink(target, path) }) == 0 { return }
      let code = errno
      guard code == EEXIST else { throw failure(.cannotCreate, path, "can't be made as a link", code) }
      var buffer = [CChar](repeating: 0, count: 4096)
      let count = unsafe readlink(path, &buffer, buffer.count)
      let found = buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
      if found.elementsEqual(target.utf8) { return }
      remove(path)
    }
    throw Failure(.cannotCreate, file: path, "is changed by another process")
  }

  /// Bytes that may be written on a folder's disk; nil where that isn't known.
  static func freeBytes(_ path: String) -> Int? {
    var info = statvfs()
    guard unsafe statvfs(path, &info) == 0 else { return nil }
    let (bytes, overflow) = Int(info.f_bavail).multipliedReportingOverflow(by: Int(info.f_frsize))
    return overflow ? nil : bytes
  }

  /// - Returns: whether there is no such file now.
  @discardableResult
  static func remove(_ path: String) -> Bool {
    retrying(.unlink) { unsafe unlink(path) } == 0 || errno == ENOENT
  }

  /// Makes a folder and those above it.
  static func makeFolder(_ path: String) throws(Failure) {
    if let there = try status(path) {
      guard there.isDirectory else { throw Failure(.cannotCreate, file: path, "is a file where a folder is needed") }
      return
    }
    let parent = folderOf(path)
    if parent != path { try makeFolder(parent) }
    guard retrying(.mkdir, { unsafe mkdir(path, 0o777) }) == 0 || errno == EEXIST else {
      throw failure(.cannotCreate, path, "can't be created as a folder", errno)
    }
  }

  /// The path from the root on, without links in it; nil when nothing is there.
  static func resolved(_ path: String) -> String? {
    guard let found = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(found) }
    return unsafe String(validatingCString: found)
  }

  /// Names in a folder, sorted by their bytes; nil when there is no such folder.
  /// - Throws: `Failure` of kind `io` when it can't be listed.
  static func list(_ path: String) throws(Failure) -> [String]? {
    var stream: OpaquePointer?
    let status = retrying(.opendir) {
      unsafe stream = opendir(path)
      return unsafe stream == nil ? -1 : 0
    }
    guard status == 0, let stream = unsafe stream else {
      let code = errno
      guard code != ENOENT && code != ENOTDIR else { return nil }
      throw failure(.io, path, "can't be listed", code)
    }
    defer { unsafe _ = closedir(stream) }
    var names: [String] = []
    while true {
      var entry: UnsafeMutablePointer<dirent>?
      let status = retrying(.readdir) {
        errno = 0
        unsafe entry = readdir(stream)
        return unsafe entry == nil && errno != 0 ? -1 : 0
      }
      guard status == 0 else { throw failure(.io, path, "can't be listed", errno) }
      guard let entry = unsafe entry else { break }
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}

/// The folder part of a path; "." when it has none.
func folderOf(_ path: String) -> String {
  // By bytes: to a String, a slash and a combining mark after it are one character, and no slash.
  guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}
