import Arrays

/// The folder of a repository in the cache that the hub's clients share
/// (https://huggingface.co/docs/huggingface_hub/guides/manage-cache): `blobs/ETAG`, `snapshots/COMMIT/PATH`, which are links
/// to those, and `refs/REVISION`, which hold commits.
package struct HubCacheFolder: Sendable {
  package let path: String
  private let locks: String

  package init(_ repository: String, in cache: String) {
    let name = "models--" + repository.split(separator: "/").joined(separator: "--")
    path = Paths.join(cache, name)
    locks = Paths.join(Paths.join(cache, ".locks"), name)
  }

  /// The folder of a revision of a repository in the cache that the environment names; nil where it isn't there.
  /// - Throws: `Failure` of kind `io` when that can't be said.
  package static func snapshot(of repository: String, revision: String?) throws(Failure) -> String? {
    guard repository.split(separator: "/").allSatisfy({ RepositoryPath.isComponent(String($0)) }) else { return nil }
    let cache = HubCacheFolder(repository, in: try HubSettings().cache)
    var commit = revision ?? "main"
    let ref = Paths.join(cache.path, "refs/\(commit)")
    if try Paths.isRegularFile(ref) {
      let file = try InputFile(ref)
      commit = String(decoding: try file.bytes(min(file.size, 64), at: 0).filter { $0 > 0x20 }, as: UTF8.self)
    }
    guard RepositoryPath.isComponent(commit) else { return nil }
    let folder = cache.snapshot(commit)
    return try Paths.isFolder(folder) ? folder : nil
  }

  func blob(_ tag: String) -> String { Paths.join(path, "blobs/\(tag)") }

  /// What the clients lock while they fetch a blob.
  func lock(_ tag: String) -> String { Paths.join(locks, "\(tag).lock") }

  package func snapshot(_ commit: String) -> String { Paths.join(path, "snapshots/\(commit)") }

  /// Lets a path of a snapshot lead to a blob.
  func link(_ file: String, of commit: String, to tag: String) throws(Failure) {
    let place = Paths.join(snapshot(commit), file)
    try Paths.makeFolder(Paths.folder(of: place))
    let depth = file.split(separator: "/").count + 1
    try Paths.link(String(repeating: "../", count: depth) + "blobs/\(tag)", at: place)
  }

  /// Notes which commit a revision is at; a commit needs none.
  func note(_ revision: String, isAt commit: String) throws(Failure) {
    guard revision != commit, revision.split(separator: "/").allSatisfy({ RepositoryPath.isComponent(String($0)) })
    else {
      return
    }
    let file = try OutputFile(Paths.join(path, "refs/\(revision)"))
    try file.write(Array(commit.utf8).rawSpan, at: 0)
    try file.flush()
    try file.commit()
  }
}
