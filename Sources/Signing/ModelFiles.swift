import Arrays
import Synchronization

/// The files of a model: those of a folder and of the folders in it, or the one of a path.
struct ModelFiles: Sendable {
  struct File: Sendable {
    /// Path from the model's folder; `.` of a model that is one file.
    let name: String
    let path: String
  }

  /// Something that can't be signed.
  struct Obstacle: Sendable {
    let name: String
    let reason: String
  }

  /// The last component of its path, links followed.
  let name: String
  let isFolder: Bool
  /// In the order in which model-signing lists them: by the components of their names, each by its bytes.
  let files: [File]
  /// Links that aren't followed, pipes and devices.
  let obstacles: [Obstacle]

  /// What git keeps beside what it is asked to keep, which model-signing leaves out too.
  static let ofGit = [".git", ".gitattributes", ".github", ".gitignore"]

  /// - Parameters:
  ///   - ignored: cleaned paths that are left out, with all that is below them.
  ///   - followsLinks: whether links to files are followed.
  /// - Throws: `Failure` of kind `noInput` when there is nothing or no file, `badData` when there are too many, `io` when that
  ///   can't be said.
  init(_ path: String, ignoring ignored: [String], followsLinks: Bool) throws(Failure) {
    name = Paths.name(Paths.resolved(path) ?? path)
    isFolder = try Paths.isFolder(path)
    guard isFolder else {
      guard try Paths.exists(path) else { throw Failure(.noInput, file: path, "no such file or folder") }
      guard try Paths.isRegularFile(path) else { throw Failure(.noInput, file: path, "is not a regular file") }
      (files, obstacles) = ([File(name: ".", path: path)], [])
      return
    }
    var files: [File] = []
    var obstacles: [Obstacle] = []
    let ignored = Set(ignored.map { Array($0.utf8) })
    var folders = [("", path)]
    while let (prefix, folder) = folders.popLast() {
      for name in try Paths.names(in: folder) {
        let (inside, item) = (prefix + name, Paths.join(folder, name))
        if ignored.contains(Array(inside.utf8)) { continue }
        if let reason = try Self.obstacle(item, followsLinks) {
          obstacles.append(Obstacle(name: inside, reason: reason))
        } else if try Paths.isFolder(item) {
          folders.append((inside + "/", item))
        } else {
          files.append(File(name: inside, path: item))
        }
      }
      try Limit.signedFiles.check(files.count, "files", file: path)
    }
    self.files = files.sorted { Self.key($0.name).lexicographicallyPrecedes(Self.key($1.name)) }
    self.obstacles = obstacles
  }

  /// Bytes by which names are sorted: a slash comes before all that names have.
  private static func key(_ name: String) -> [UInt8] { name.utf8.map { $0 == UInt8(ascii: "/") ? 0 : $0 } }

  private static func obstacle(_ path: String, _ followsLinks: Bool) throws(Failure) -> String? {
    let isLink = try Paths.isLink(path)
    if isLink {
      guard followsLinks else { return "is a symbolic link" }
      guard try Paths.exists(path) else { return "is a symbolic link that leads nowhere" }
      // model-signing passes over them, so that nobody would see what changes there.
      if try Paths.isFolder(path) { return "is a symbolic link to a folder" }
    }
    if try Paths.isRegularFile(path) { return nil }
    return try Paths.isFolder(path) ? nil : "is neither a file nor a folder"
  }

  /// A path in a folder without what means nothing: `./a//b/` is `a/b`. nil when it leads out, or is the folder itself.
  static func cleaned(_ path: String) -> String? {
    guard !path.utf8.starts(with: "/".utf8), !path.utf8.contains(0) else { return nil }
    let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }.filter { $0 != "." }
    guard !parts.isEmpty, !parts.contains("..") else { return nil }
    return parts.joined(separator: "/")
  }

  /// The path of a file from the model's folder; nil when it isn't there.
  static func name(of file: String, in folder: String) -> String? {
    guard let root = Paths.resolved(folder), let place = Paths.resolved(Paths.folder(of: file)) else { return nil }
    let (start, path) = (root == "/" ? root : root + "/", Paths.join(place, Paths.name(file)))
    guard path.utf8.starts(with: start.utf8) else { return nil }
    return cleaned(String(Substring(path.utf8.dropFirst(start.utf8.count))))
  }

  /// The SHA-256 of every file, and bytes of all. Several files are read at once.
  /// - Parameter beginning: is told how many bytes there are, and gives what is told of progress.
  /// - Throws: `Failure` of kind `io` or `noInput` when one can't be read.
  func digests(beginning: (_ bytes: Int) -> ProgressHandler) throws -> (digests: [Digest], bytes: Int) {
    var total = 0
    for file in files { total += try InputFile(file.path).size }
    let progress = beginning(total)
    let found = Mutex((digests: [Digest](repeating: .zero, count: files.count), bytes: 0))
    try inParallel(jobs: files.count) { number in
      let file = try InputFile(files[number].path)
      let digest = try file.digest { progress(file.path, $0) }
      found.withLock { found in
        found.digests[number] = digest
        found.bytes += file.size
      }
    }
    return found.withLock { $0 }
  }
}
