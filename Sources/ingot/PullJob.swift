import Arrays
import Checkpoints
import Remote
import Reports

/// A pull of what an address means.
struct PullJob {
  let pull: Remote.Pull
  /// What is left on the hub.
  let left: [(path: String, size: Int)]
  /// Where it is then: a folder, or a file.
  let place: String
  /// The file or folder of the repository that is meant; empty: all of it.
  private let path: String

  /// - Throws: `Failure` of kind `usage` when the address is none of the hub, and what asking throws.
  init(_ address: String, revision given: String? = nil, including included: [String] = []) throws(Failure) {
    guard case .hub(let name, let named, let path) = try RemoteAddress(address) else {
      throw Failure(
        .usage, file: shortened(address, to: 200), "is no address of the hub; only those are kept in its cache",
        hint: "fetch the file by another program, such as curl, and name it here")
    }
    if let given, let named, given != named {
      throw Failure(.usage, "--revision \(given) contradicts the address, which says \(named)")
    }
    let repository = try RemoteRepository(name, revision: given ?? named)
    let choice = try RepositoryChoice(repository, in: path ?? "", including: included)
    pull = try Remote.Pull(repository, choice.files)
    left = choice.left
    let snapshot = pull.snapshot
    place = path.map { Paths.join(snapshot, $0) } ?? snapshot
    self.path = path ?? ""
  }

  /// - Parameter tells: whether to say on standard error what will be fetched.
  func run(tells: Bool = true) throws(Failure) {
    if tells { tell() }
    let progress = ProgressLine("fetching", total: pull.bytesToFetch)
    defer { progress.finish() }
    try pull.run(progress: progress.add, waiting: Self.tellWaiting)
  }

  /// Opens the checkpoint, and hands it to `body`: its weights arrive while that reads them, where they aren't in the cache.
  /// - Parameters:
  ///   - isKept: whether they are kept in the cache.
  ///   - body: handed also who is to be told of what arrives; nil where all is there.
  /// - Throws: what opening, `body` and fetching throw.
  func open<Result>(
    _ part: CheckpointPart, isKept: Bool, _ body: (any Checkpoint, Arrival?) throws -> Result
  ) throws -> Result {
    tell()
    guard let arrival = try pull.begin(isKept: isKept, waiting: Self.tellWaiting) else {
      try run(tells: false)
      return try body(openCheckpoint(place, part), nil)
    }
    return try arrival.reading(path) { folder, file in
      let checkpoint =
        if let file { try openCheckpoint(file, openedBy: file.path, part) } else {
          try openCheckpoint(in: folder, part)
        }
      return try body(checkpoint, arrival)
    }
  }

  private func tell() {
    if pull.items.contains(where: { !$0.isThere }) { Console.printError(PullReport.plan(pull)) }
  }

  private static let tellWaiting: @Sendable (String) -> Void = { file in
    Console.printError("waiting for another program that fetches \(printable(file))")
  }
}
