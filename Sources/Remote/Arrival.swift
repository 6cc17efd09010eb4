import Arrays

/// Large files of a repository that are on their way, read as they come.
package final class Arrival: Sendable {
  private let fetches: [FileFetch]
  /// Of the files in the cache, held meanwhile.
  private let locks: [FileLock]
  private let isKept: Bool
  private let cache: HubCacheFolder
  private let commit: String
  /// How the repository is named in messages.
  private let repository: String
  private let told = Awaited<Told>(Told())

  /// What was fetched, for whoever wants to know it later than that began.
  private struct Told: Sendable {
    var bytes = 0
    var handler: ProgressHandler?
  }

  init(
    _ fetches: [FileFetch], _ locks: [FileLock], isKept: Bool, _ cache: HubCacheFolder, commit: String,
    repository: String
  ) {
    (self.fetches, self.locks, self.isKept) = (fetches, locks, isKept)
    (self.cache, self.commit, self.repository) = (cache, commit, repository)
  }

  /// Has what comes told from now on, and what has come so far.
  package func tell(_ progress: @escaping ProgressHandler) {
    let bytes = told.withLock { told in
      told.handler = progress
      return told.bytes
    }
    progress("fetching", bytes)
  }

  /// Fetches, while `body` reads what comes. Of files that it doesn't ask to be whole, the rest is fetched when they are kept.
  ///
  /// What was damaged on its way is mended, and `body` is run again then if it may have read it.
  /// - Parameters:
  ///   - path: of the file or folder in the repository that is meant; empty: all of it.
  ///   - body: handed the folder that holds what is meant, and the file if it is one.
  /// - Throws: what `body` throws, and as `Pull.run`. Where the network failed, what was fetched is kept for the next time.
  package func reading<Result>(
    _ path: String, _ body: (_ folder: any SourceFolder, _ file: (any Source)?) throws -> Result
  ) throws -> Result {
    while true {
      let run = FetchRun(fetches) { [told] what, bytes in
        let handler = told.withLock { told in
          told.bytes += bytes
          return told.handler
        }
        handler?(what, bytes)
      }
      let fetching = try BackgroundWork { try run.run() }
      do {
        let top = ArrivingFolder(run: run, snapshot: cache.snapshot(commit), repository: repository)
        let file = try path.isEmpty ? nil : top.file(path)
        let result = try body(file?.folder ?? top.at(path), file)
        if isKept {
          try fetching.wait()
        } else {
          run.stop()
          try? fetching.wait()
        }
        try end(isKept: isKept)
        return result
      } catch {
        run.stop()
        try? fetching.wait()
        if fetches.contains(where: \.isMended), fetches.allSatisfy(\.partial.missing.isEmpty) {
          for fetch in fetches { fetch.forgetMending() }
          continue
        }
        if (error as? Failure)?.isOfMachine != true { try? end(isKept: false) }
        throw error
      }
    }
  }

  private func end(isKept: Bool) throws(Failure) {
    for fetch in fetches {
      if isKept, let tag = fetch.item.file.tag {
        try fetch.partial.commit()
        try cache.link(fetch.item.path, of: commit, to: tag)
      } else {
        fetch.partial.discard()
      }
    }
  }
}
