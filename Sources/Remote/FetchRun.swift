import Arrays

/// Files that are fetched together, by several requests at a time, and read while they come: what somebody waits for comes
/// first.
final class FetchRun: Sendable {
  let files: [FileFetch]
  private let state: Awaited<State>
  private let progress: ProgressHandler

  /// Requests at a time.
  static let workers = 6

  private struct State: Sendable {
    var queue: PieceQueue
    /// By file: pieces that aren't there yet.
    var missing: [Int]
    /// By file: whether it is there, and what the hub says; or what is wrong with it.
    var outcomes: [Result<Void, Failure>?]
    var isStopped = false

    mutating func end(with failure: Failure) {
      isStopped = true
      for file in outcomes.indices where outcomes[file] == nil { outcomes[file] = .failure(failure) }
    }
  }

  /// - Parameter progress: told what is there already, and then what comes.
  init(_ files: [FileFetch], progress: @escaping ProgressHandler) {
    (self.files, self.progress) = (files, progress)
    let missing = files.map(\.partial.missing)
    let queue = PieceQueue(counts: files.map(\.partial.pieces), missing: missing)
    state = Awaited(
      State(queue: queue, missing: missing.map(\.count), outcomes: files.map { _ in nil }))
  }

  /// Fetches all of them, and returns when each is there and is what the hub says, or something has failed.
  /// - Throws: `Failure` as `Pull.run`.
  func run() throws(Failure) {
    for file in files {
      let missing = file.partial.missing.reduce(0) { $0 + file.partial.range(of: $1).count }
      progress(file.item.path, file.item.size - missing)
    }
    do {
      for index in files.indices where state.withLock({ $0.missing[index] == 0 }) { try check(index) }
      try inParallel(jobs: Self.workers, workers: Self.workers) { [self] _ in
        while let piece = next() {
          let count = try files[piece.file].fetch(piece.number)
          progress(files[piece.file].item.path, count)
          let isLast = state.withLock { state in
            state.missing[piece.file] -= 1
            return state.missing[piece.file] == 0
          }
          if isLast { try check(piece.file) }
        }
      }
    } catch {
      let failure = Failure.wrapping(error, file: files.first?.path ?? "")
      state.withLock { $0.end(with: failure) }
      throw failure
    }
  }

  private func next() -> PieceQueue.Piece? { state.withLock { $0.isStopped ? nil : $0.queue.take() } }

  private func check(_ file: Int) throws(Failure) {
    try files[file].check()
    state.withLock { $0.outcomes[file] = .success(()) }
  }

  /// Lets no further piece be begun. Whoever waits for one is told that it doesn't come.
  func stop() {
    state.withLock { $0.end(with: Failure(.io, file: files.first?.path, "is no longer fetched")) }
  }

  /// Waits until a file is there, and is what the hub says.
  /// - Throws: what is wrong with it.
  func wait(for file: Int) throws(Failure) { try state.wait { $0.outcomes[file] }.get() }

  /// Reads bytes of a file when they are there.
  /// - Throws: what went wrong with fetching them.
  func read(_ count: Int, at offset: Int, of file: Int, into buffer: inout [UInt8]) throws(Failure) {
    let partial = files[file].partial
    guard offset >= 0, count >= 0, offset <= partial.size - count else {
      throw Failure(.io, file: files[file].path, place: "byte \(offset)", "ends before byte \(offset + count)")
    }
    guard count > 0 else { return }
    for number in offset / partial.pieceSize...(offset + count - 1) / partial.pieceSize
    where partial.digest(noted: number) == nil {
      let came: Result<Void, Failure> = state.wait { state in
        if partial.digest(noted: number) != nil { return .success(()) }
        if case .failure(let failure)? = state.outcomes[file] { return .failure(failure) }
        state.queue.want(PieceQueue.Piece(file: file, number: number))
        return nil
      }
      try came.get()
    }
    try partial.read(count, at: offset, into: &buffer)
  }
}
