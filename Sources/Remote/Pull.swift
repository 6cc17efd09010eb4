import Arrays
import Synchronization

/// Files of a repository that are brought into the cache that the hub's clients share, so that each finds what the others
/// fetched. What is there is not fetched again, and what was begun is gone on with.
package struct Pull: Sendable {
  package struct Item: Sendable {
    /// In the repository.
    package let path: String
    package let size: Int
    /// Whether it is there already.
    package let isThere: Bool
    let file: HubFile
  }

  package let items: [Item]
  package let commit: String
  /// The folder of the revision in the cache.
  package var snapshot: String { cache.snapshot(commit) }
  private let repository: HubRepository
  private let cache: HubCacheFolder

  /// Bytes of a request.
  static let pieceSize = 4 << 20
  /// Files that have git's name only.
  static let mostOfGit = 64 << 20
  /// Requests at a time.
  static let workers = 6

  /// - Parameter paths: the files that are wanted, all of the repository.
  /// - Throws: `Failure` of kind `io` when the cache can't be looked at.
  package init(_ remote: RemoteRepository, _ paths: [String]) throws(Failure) {
    repository = remote.repository
    commit = repository.commit
    cache = HubCacheFolder(repository.name, in: repository.settings.cache)
    var items: [Item] = []
    for path in paths {
      guard let file = repository.file(path) else { continue }
      let isThere = try Self.isThere(file, cache)
      items.append(Item(path: path, size: file.size, isThere: isThere, file: file))
    }
    self.items = items
  }

  package var bytesToFetch: Int { items.filter { !$0.isThere }.reduce(0) { $0 + $1.size } }
  package var fetched: FetchTally { repository.client.tally }

  private static func isThere(_ file: HubFile, _ cache: HubCacheFolder) throws(Failure) -> Bool {
    guard let tag = file.tag else { return false }
    let blob = cache.blob(tag)
    guard try Paths.isRegularFile(blob) else { return false }
    return try InputFile(blob).size == file.size
  }

  /// Fetches what isn't there, verified, and links it into the snapshot.
  /// - Throws: `Failure` of kind `unavailable` when it can't be had, `badData` when what came isn't what the hub says,
  ///   `cannotCreate` or `io`. What was fetched is kept for the next time.
  package func run(
    progress: @escaping ProgressHandler = { _, _ in }, waiting: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(Failure) {
    // Small files wait for answers, not for bytes: several at a time. Of a large one, several pieces are fetched at a time.
    // Files of the same content are one in the cache.
    var seen: Set<String> = []
    let different = items.filter { seen.insert($0.file.tag ?? "").inserted }
    var needed = 0
    // Of what is begun, its own journal tells how much is missing.
    for item in different where !item.isThere {
      if try !PartialFile.isBegun(cache.blob(tag(of: item))) { needed += item.size }
    }
    try PartialFile.checkRoom(for: needed, in: cache.path)
    let small = different.filter { $0.size <= Self.pieceSize }
    do {
      try inParallel(jobs: small.count, workers: Self.workers) { try bring(small[$0], progress, waiting) }
    } catch {
      throw Failure.wrapping(error, file: repository.path)
    }
    for item in different where item.size > Self.pieceSize { try bring(item, progress, waiting) }
    for item in items { try cache.link(item.path, of: commit, to: tag(of: item)) }
    try cache.note(repository.revision ?? "main", isAt: commit)
  }

  private func tag(of item: Item) throws(Failure) -> String {
    guard let tag = item.file.tag else {
      throw Failure(.unavailable, file: repository.path, "doesn't say what \(item.path) is", hint: "try again later")
    }
    return tag
  }

  private func bring(
    _ item: Item, _ progress: @escaping ProgressHandler, _ waiting: @Sendable (String) -> Void
  ) throws(Failure) {
    let tag = try tag(of: item)
    if item.isThere { PartialFile.clean(besides: cache.blob(tag)) } else { try fetch(item, tag, progress, waiting) }
  }

  private func fetch(
    _ item: Item, _ tag: String, _ progress: @escaping ProgressHandler, _ waiting: (String) -> Void
  ) throws(Failure) {
    let lock = try FileLock(cache.lock(tag)) { waiting(item.path) }
    defer { withExtendedLifetime(lock) {} }
    // Whoever was waited for may have fetched it.
    if try Self.isThere(item.file, cache) {
      progress(item.path, item.size)
      return
    }
    let partial = try PartialFile(cache.blob(tag), size: item.size, pieceSize: Self.pieceSize)
    let missing = partial.missing
    let source = try repository.source(item.file)
    progress(item.path, item.size - missing.reduce(0) { $0 + partial.range(of: $1).count })
    let running = RunningDigest(partial)
    do {
      try inParallel(jobs: missing.count, workers: Self.workers) { job in
        let bytes = try source.fetch(partial.range(of: missing[job]))
        try partial.write(bytes, as: missing[job])
        progress(item.path, bytes.count)
        try running.goOn()
      }
    } catch {
      throw Failure.wrapping(error, file: item.path)
    }
    if try !isRight(item.file, partial, running) { try mend(item, partial, source) }
    try partial.commit()
  }

  private func isRight(_ file: HubFile, _ partial: PartialFile, _ running: RunningDigest?) throws(Failure) -> Bool {
    if let digest = file.sha256 { return try (running ?? RunningDigest(partial)).finish() == digest }
    // git keeps small files only.
    guard file.size <= Self.mostOfGit else {
      throw Failure(
        .unavailable, file: "\(repository.path)/\(file.path)",
        "has \(file.size) bytes, and the hub gives no SHA-256 of it",
        hint: "its owner should keep it in the hub's storage of large files")
    }
    var bytes: [UInt8] = []
    for piece in 0..<(file.size + Self.pieceSize - 1) / Self.pieceSize { bytes += try partial.bytes(of: piece) }
    return SHA256.gitBlob(bytes) == file.blob
  }

  /// What came isn't what the hub says. A piece that comes otherwise the second time was damaged on its way; when what
  /// there is then is right, that is all that was fetched twice.
  private func mend(_ item: Item, _ partial: PartialFile, _ source: RangeFetcher) throws(Failure) {
    for piece in 0..<(item.size + Self.pieceSize - 1) / Self.pieceSize {
      let bytes = try source.fetch(partial.range(of: piece))
      guard SHA256.digest(bytes) != partial.digest(noted: piece) else { continue }
      try partial.write(bytes, as: piece)
      if try isRight(item.file, partial, nil) { return }
    }
    partial.discard()
    throw Failure(
      .badData, file: "\(repository.path)/\(item.path)", "is not what the hub says that it is: its SHA-256 is another",
      hint: "don't use it; try again later, and tell the repository's owner if it stays so")
  }
}

/// The digest of a file that comes in pieces of any order: of its front as far as it is there.
private final class RunningDigest: Sendable {
  private final class Front {
    private var hash = SHA256()
    private var next = 0

    func advance(_ partial: PartialFile) throws(Failure) {
      let pieces = (partial.size + partial.pieceSize - 1) / partial.pieceSize
      while next < pieces, partial.digest(noted: next) != nil {
        let bytes = try partial.bytes(of: next)
        hash.update(bytes.rawSpan)
        next += 1
      }
    }

    func finish() -> Digest { hash.finish() }
  }

  private let partial: PartialFile
  private let front = Mutex(Front())

  init(_ partial: PartialFile) { self.partial = partial }

  /// Takes in what has come, unless somebody is at it.
  func goOn() throws { _ = try front.withLockIfAvailable { try $0.advance(partial) } }

  func finish() throws(Failure) -> Digest {
    try front.withLock { front throws(Failure) in
      try front.advance(partial)
      return front.finish()
    }
  }
}
