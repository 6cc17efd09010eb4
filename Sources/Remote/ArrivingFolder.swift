import Arrays

/// A folder of a repository of which the weights are on their way, and the rest is in the cache.
struct ArrivingFolder: SourceFolder {
  let run: FetchRun
  /// The folder of the revision in the cache.
  let snapshot: String
  /// How the repository is named in messages.
  let repository: String
  /// From the repository's top on; empty: that.
  var place = ""
  let isRemote = true
  var fetched: FetchTally? { nil }

  var path: String { RepositoryPath.joined(repository, place) }
  private var local: LocalFolder { LocalFolder(RepositoryPath.joined(snapshot, place)) }

  /// A folder in it.
  func at(_ place: String) -> ArrivingFolder {
    var folder = self
    folder.place = place
    return folder
  }

  var parent: (any SourceFolder)? {
    place.isEmpty ? nil : at(RepositoryPath.folder(of: place))
  }

  func names() throws(Failure) -> [String] {
    let coming = RepositoryPath.names(in: place, of: run.files.map(\.item.path))
    let there = try Paths.isFolder(local.path) ? local.names() : []
    return coming.union(there).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  func file(_ name: String) throws(Failure) -> (any Source)? {
    let wanted = RepositoryPath.joined(place, name)
    if let index = run.files.firstIndex(where: { $0.item.path.isSameBytes(as: wanted) }) {
      return ArrivingFile(index: index, folder: self)
    }
    return try local.file(name).map { KeptFile(file: $0, folder: self) }
  }

  func folder(_ name: String) throws(Failure) -> (any SourceFolder)? {
    let inner = at(RepositoryPath.joined(place, name))
    let isComing = run.files.contains { $0.item.path.hasPrefix(inner.place + "/") }
    return try isComing ? inner : Paths.isFolder(inner.local.path) ? inner : nil
  }
}

/// A file on its way: a read waits until its bytes are there.
private struct ArrivingFile: Source {
  let index: Int
  let place: ArrivingFolder
  var folder: (any SourceFolder)? { place }
  private var file: FileFetch { place.run.files[index] }
  var path: String { file.path }
  var size: Int { file.item.size }
  let isArriving = true

  init(index: Int, folder: ArrivingFolder) { (self.index, place) = (index, folder) }

  func read(_ count: Int, at offset: Int, into buffer: inout [UInt8]) throws(Failure) {
    try place.run.read(count, at: offset, of: index, into: &buffer)
  }

  func neighbour(_ name: String, followsLinks: Bool) throws(Failure) -> any Source { try place.beside(name) }

  /// That which the hub says, which what came is held to.
  /// - Throws: `Failure` of kind `unavailable` when bytes that may have been read were damaged on their way.
  func digest(progress: (_ bytes: Int) -> Void) throws(Failure) -> Digest {
    try place.run.wait(for: index)
    guard !file.isMended else {
      throw Failure(.unavailable, file: path, "was damaged on its way, and has been mended", hint: "read it again")
    }
    guard let digest = file.item.file.sha256 else { return try computedDigest(progress: progress) }
    return digest
  }
}

/// A file that is in the cache.
private struct KeptFile: Source {
  let file: any Source
  let place: ArrivingFolder
  var folder: (any SourceFolder)? { place }
  var path: String { file.path }
  var localPath: String? { file.localPath }
  var size: Int { file.size }

  init(file: any Source, folder: ArrivingFolder) { (self.file, place) = (file, folder) }

  func read(_ count: Int, at offset: Int, into buffer: inout [UInt8]) throws(Failure) {
    try file.read(count, at: offset, into: &buffer)
  }

  func neighbour(_ name: String, followsLinks: Bool) throws(Failure) -> any Source { try place.beside(name) }
}
