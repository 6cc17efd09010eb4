import Arrays

/// What loading files elsewhere would run, of files and of folders with all that is in them.
public struct Scan: Sendable {
  public let files: [ScannedFile]

  public var verdict: ScanVerdict { files.map(\.verdict).max() ?? .nothing }

  /// - Parameters:
  ///   - paths: files and folders; those below folders are followed, links to folders are not.
  ///   - progress: is told of each file before it is scanned.
  /// - Throws: `Failure` of kind `noInput` when there is no such file, `io` when one can't be read, `badData` when there
  ///   are too many.
  public init(_ paths: [String], progress: (String) -> Void = { _ in }) throws(Failure) {
    var files: [ScannedFile] = []
    for path in paths {
      let isFolder = try Paths.isFolder(path)
      for file in isFolder ? try Scan.files(in: path) : [path] {
        progress(file)
        do throws(Failure) {
          files.append(try FileScanner(file).run())
        } catch {
          // One of many files costs itself only.
          guard isFolder else { throw error }
          files.append(FileScanner.unreadable(file, error))
        }
      }
    }
    self.files = files
  }

  /// The files of a folder and of those in it, in order of their names.
  private static func files(in path: String) throws(Failure) -> [String] {
    var out: [String] = []
    var folders = [(path, 0)]
    var seen: Set<Paths.Identity> = []
    while let (folder, depth) = folders.popLast() {
      // A folder that a link leads to may be one that it stands in.
      guard depth < 64, let identity = try Paths.identity(folder), seen.insert(identity).inserted else { continue }
      var inner: [(String, Int)] = []
      for name in try Paths.names(in: folder) where name != ".git" {
        let item = Paths.join(folder, name)
        if try Paths.isFolder(item) {
          inner.append((item, depth + 1))
        } else if try Paths.isRegularFile(item) {
          out.append(item)
        }
      }
      folders += inner.reversed()
      try Limit.scanFiles.check(out.count, "files", file: path)
    }
    guard !out.isEmpty else {
      throw Failure(.noInput, file: path, "has no files", hint: "name a file, or a folder with files")
    }
    return out
  }
}
