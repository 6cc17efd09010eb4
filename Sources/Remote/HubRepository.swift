import Arrays
import Synchronization

/// A repository of the hub, as others see it.
package struct RemoteRepository: Sendable {
  let repository: HubRepository
  package var folder: any SourceFolder { HubFolder(repository) }
  package var path: String { repository.path }
  /// All files, by their paths from the repository's top on, with their sizes.
  package var files: [(path: String, size: Int)] { repository.files.map { ($0.path, $0.size) } }

  /// - Throws: as `RemotePlace`.
  package init(_ name: String, revision: String?) throws(Failure) {
    repository = try HubRepository(name, revision: revision)
  }
}

/// A revision of a repository of the hub: which files it has, by one request.
final class HubRepository: Sendable {
  /// `org/name`.
  let name: String
  /// As the user gave it; nil: the main branch.
  let revision: String?
  /// The commit that the revision is at.
  let commit: String
  let files: [HubFile]
  let settings: HubSettings
  let client: FetchClient
  private let opened = Mutex([String: RemoteBytes]())

  /// - Parameter guesses: files of which the front will be wanted, where they are there: asked for while the list is still on
  ///   its way, since what is waited for is answers.
  /// - Throws: `Failure` of kind `noInput` when there is no such repository or revision, `unavailable`.
  init(_ name: String, revision: String?, guesses: [String] = []) throws(Failure) {
    let settings = try HubSettings()
    (self.name, self.revision, self.settings) = (name, revision, settings)
    client = FetchClient(token: settings.token.map { (settings.endpoint.origin, $0) })
    let listing = try settings.address("api/models/\(name)/revision/\(percentEncoded(revision ?? "main"))?blobs=true")
    let path = Self.path(name, revision)
    if settings.isOffline { throw RemoteFailure.offline(listing) }
    let resource = Self.resource(path, name, settings)
    let early = EarlyFiles(guesses, of: name, revision ?? "main", settings, client, resource)
    let body = try early.while { [client] () throws(Failure) in
      try client.get(FetchRequest(address: listing), resource, most: FetchClient.mostText).body
    }
    do {
      let list = try HubListing(body)
      (commit, files) = (list.commit, list.files)
    } catch {
      throw RemoteFailure.malformed(listing, "gives no list of files: \(error.reason)")
    }
    for file in files {
      guard let front = early.front(of: file, at: commit) else { continue }
      let bytes = RemoteBytes(try source(file), front: front)
      opened.withLock { $0[file.path] = bytes }
    }
  }

  /// How a repository is named in messages.
  static func path(_ name: String, _ revision: String?) -> String {
    "hf://\(name)" + (revision.map { "@" + percentEncoded($0) } ?? "")
  }

  var path: String { Self.path(name, revision) }

  private static func resource(_ path: String, _ name: String, _ settings: HubSettings) -> FetchedResource {
    FetchedResource(
      name: path, page: "\(settings.endpoint.origin)/\(name)", isHub: true, origin: settings.endpoint.origin,
      hasToken: settings.token != nil)
  }

  /// Where a file of the commit is fetched.
  func address(of file: HubFile) throws(Failure) -> WebAddress {
    try settings.address("\(name)/resolve/\(commit)/\(percentEncoded(file.path, keeping: "/"))")
  }

  func file(_ path: String) -> HubFile? { files.first { $0.path.isSameBytes(as: path) } }

  /// Whoever fetches pieces of a file.
  func source(_ file: HubFile) throws(Failure) -> RangeFetcher {
    let path = "\(self.path)/\(file.path)"
    return RangeFetcher(
      path, size: file.size, at: try address(of: file), client, Self.resource(path, name, settings),
      tag: file.sha256?.description ?? file.blob)
  }

  /// A file, with what was fetched of it before.
  func open(_ file: HubFile) throws(Failure) -> RemoteFile {
    let new = RemoteBytes(try source(file))
    let bytes = opened.withLock { opened in
      let bytes = opened[file.path] ?? new
      opened[file.path] = bytes
      return bytes
    }
    return RemoteFile(bytes: bytes, folder: HubFolder(self, RepositoryPath.folder(of: file.path)))
  }
}

/// A folder of a repository of the hub.
struct HubFolder: SourceFolder {
  private let repository: HubRepository
  /// From the repository's top on; empty: that.
  private let place: String
  let isRemote = true
  var fetched: FetchTally? { repository.client.tally }

  init(_ repository: HubRepository, _ place: String = "") { (self.repository, self.place) = (repository, place) }

  var path: String { RepositoryPath.joined(repository.path, place) }

  var parent: (any SourceFolder)? {
    place.isEmpty ? nil : HubFolder(repository, RepositoryPath.folder(of: place))
  }

  private func inside(_ name: String) -> String { RepositoryPath.joined(place, name) }

  func names() throws(Failure) -> [String] {
    RepositoryPath.names(in: place, of: repository.files.map(\.path)).sorted {
      $0.utf8.lexicographicallyPrecedes($1.utf8)
    }
  }

  func file(_ name: String) throws(Failure) -> (any Source)? {
    try repository.file(inside(name)).map { file throws(Failure) in try repository.open(file) }
  }

  func folder(_ name: String) throws(Failure) -> (any SourceFolder)? {
    let place = inside(name)
    return repository.files.contains { $0.path.hasPrefix(place + "/") } ? HubFolder(repository, place) : nil
  }
}
