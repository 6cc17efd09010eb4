import Arrays

/// The folder in which Hugging Face's hub client keeps a repository: `models--org--name`, with the files of each revision
/// in `snapshots/REVISION` and the revision that a branch is at in `refs/BRANCH`.
enum HubCache {
  /// The folder of the revision that is meant by such a folder: that of the branch main, else the only one there is. nil
  /// when the path isn't such a folder.
  /// - Throws: `Failure` of kind `noInput` when the revision isn't there or several could be meant.
  static func snapshot(of path: String) throws(Failure) -> String? {
    // As a path of several names may end: "…/models--acme--net/".
    guard try Paths.isFolder(path) else { return nil }
    let snapshots = Paths.join(path, "snapshots")
    guard try Paths.isFolder(snapshots), try Paths.isFolder(Paths.join(path, "refs")) || isNamed(path) else {
      return nil
    }
    let revisions = try Paths.names(in: snapshots).filter { !$0.hasPrefix(".") }
    let main = Paths.join(Paths.join(path, "refs"), "main")
    if try Paths.exists(main) {
      let revision = try revision(in: main)
      guard revisions.contains(revision) else {
        throw Failure(
          .noInput, file: snapshots, "has no revision \(shortened(revision, to: 40)), which refs/main names",
          hint: "fetch the repository again, or name a folder of snapshots/")
      }
      return Paths.join(snapshots, revision)
    }
    guard revisions.count == 1 else {
      throw Failure(
        .noInput, file: path, "is a cache of \(revisions.count) revisions, and no refs/main says which is meant",
        hint: revisions.isEmpty
          ? "fetch the repository again" : "name one of them: \(Paths.join(snapshots, revisions[0]))")
    }
    return Paths.join(snapshots, revisions[0])
  }

  private static func isNamed(_ path: String) -> Bool { Paths.name(path).hasPrefix("models--") }

  /// A revision is a hash: nothing that could lead out of the folder.
  private static func revision(in file: String) throws(Failure) -> String {
    let input = try InputFile(file)
    let bytes = try input.bytes(min(input.size, 65), at: 0).filter { $0 > 0x20 }
    let isHash = bytes.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    guard isHash, (1...64).contains(bytes.count) else {
      throw Failure(
        .badData, file: file, "is no revision", hint: "fetch the repository again, or name a folder of snapshots/")
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
