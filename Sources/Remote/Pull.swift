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
    try run(items, progress: progress, waiting)
  }

  private func run(
    _ items: [Item], progress: @escaping ProgressHandler, _ waiting: @escaping @Sendable (String) -> Void
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
      try inParallel(jobs: small.count, workers: FetchRun.workers) { try bring(small[$0], progress, waiting) }
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
    try FetchRun([FileFetch(item, partial, of: repository)], progress: progress).run()
    try partial.commit()
  }

  /// Begins to fetch the large files that aren't there, to be read meanwhile; what is small is brought before.
  /// - Parameter isKept: whether they will be kept in the cache.
  /// - Returns: nil where all are there already.
  /// - Throws: as `run`.
  package func begin(
    isKept: Bool, waiting: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(Failure) -> Arrival? {
    let large = items.filter { $0.size > Self.pieceSize && $0.file.sha256 != nil }
    guard large.contains(where: { !$0.isThere }) else { return nil }
    let isLarge = Set(large.map(\.path))
    try run(items.filter { !isLarge.contains($0.path) }, progress: { _, _ in }, waiting)
    var (fetches, locks, seen): ([FileFetch], [FileLock], Set<String>) = ([], [], [])
    for item in large {
      let tag = try tag(of: item)
      guard seen.insert(tag).inserted else { return nil }
      let lock = try FileLock(cache.lock(tag)) { waiting(item.path) }
      // Whoever was waited for may have fetched it.
      if try Self.isThere(item.file, cache) {
        try cache.link(item.path, of: commit, to: tag)
        continue
      }
      let partial = try PartialFile(cache.blob(tag), size: item.size, pieceSize: Self.pieceSize, isKept: isKept)
      fetches.append(try FileFetch(item, partial, of: repository))
      locks.append(lock)
    }
    guard !fetches.isEmpty else { return nil }
    return Arrival(fetches, locks, isKept: isKept, cache, commit: commit, repository: repository.path)
  }
}
