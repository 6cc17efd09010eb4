import Arrays
import Remote

/// What loading files elsewhere would run, of files and of folders with all that is in them.
public struct Scan: Sendable {
  public let files: [ScannedFile]
  /// What was fetched of the last address; nil where there is none.
  public let fetched: FetchTally?

  public var verdict: ScanVerdict { files.map(\.verdict).max() ?? .nothing }

  /// - Parameters:
  ///   - paths: files and folders, and addresses of them; those below folders are followed, links to folders are not.
  ///   - progress: is told of each file before it is scanned.
  /// - Throws: `Failure` of kind `noInput` when there is no such file, `io` when one can't be read, `badData` when there
  ///   are too many.
  public init(_ paths: [String], progress: (String) -> Void = { _ in }) throws(Failure) {
    var files: [ScannedFile] = []
    var fetched: FetchTally?
    for path in paths {
      if RemoteAddress.isOne(path) {
        let (found, tally) = try Scan.remote(path, progress)
        files += found
        fetched = tally
        continue
      }
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
    self.fetched = fetched
  }

  /// What is at an address.
  private static func remote(
    _ path: String, _ progress: (String) -> Void
  ) throws(Failure) -> ([ScannedFile], FetchTally?) {
    let folder: any SourceFolder
    switch try RemotePlace(path) {
    case .file(let file):
      progress(file.path)
      let found = try FileScanner(file.path).run(file)
      return ([found], file.folder?.fetched)
    case .folder(let found): folder = found
    }
    var out: [ScannedFile] = []
    var folders = [folder]
    while let place = folders.popLast() {
      var inner: [any SourceFolder] = []
      for name in try place.names() {
        if let found = try place.folder(name) { inner.append(found) }
        guard let file = try place.file(name) else { continue }
        progress(file.path)
        do throws(Failure) {
          out.append(try FileScanner(file.path).run(file))
        } catch {
          out.append(FileScanner.unreadable(file.path, error))
        }
      }
      folders += inner.reversed()
      try Limit.scanFiles.check(out.count, "files", file: path)
    }
    guard !out.isEmpty else {
      throw Failure(.noInput, file: path, "has no files", hint: "name a repository with files")
    }
    return (out, folder.fetched)
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
