import Arrays
import Synchronization

/// The fronts of files that a repository may have, asked for before it is known whether it has them.
final class EarlyFiles: Sendable {
  private struct Front {
    let bytes: [UInt8]
    let size: Int
    /// The commit that the hub took them from.
    let commit: String?
  }

  private let names: [String]
  private let ask: @Sendable (String) throws -> Front?
  private let found = Mutex([String: Front]())

  init(
    _ names: [String], of repository: String, _ revision: String, _ settings: HubSettings, _ client: FetchClient,
    _ resource: FetchedResource
  ) {
    self.names = names
    ask = { name in
      let path = "\(repository)/resolve/\(percentEncoded(revision))/\(percentEncoded(name, keeping: "/"))"
      let range = 0..<(name.hasSuffix(".json") ? RemoteBytes.leastFetched : RemoteBytes.leastOfLarge)
      let answer = try client.get(
        FetchRequest(address: settings.address(path), range: range), resource, most: range.count, attempts: 1)
      let told = ContentRange(answer.head["content-range"] ?? "")
      let isWhole = answer.head.status == 200
      guard isWhole || told?.range == 0..<answer.body.count, let size = isWhole ? answer.body.count : told?.size else {
        return nil
      }
      return Front(
        bytes: answer.body, size: size, commit: answer.first["x-repo-commit"] ?? answer.head["x-repo-commit"])
    }
  }

  /// Runs `body` while the files are asked for. What can't be had early is had later, or told then.
  func `while`<Result: Sendable>(
    _ body: @Sendable @escaping () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let result = Mutex(Swift.Result<Result, Failure>?.none)
    try? inParallel(jobs: names.count + 1, workers: names.count + 1) { [self] job in
      if job == 0 {
        let value: Swift.Result<Result, Failure>
        do throws(Failure) { value = .success(try body()) } catch { value = .failure(error) }
        result.withLock { $0 = value }
      } else if let front = try? ask(names[job - 1]) {
        found.withLock { $0[names[job - 1]] = front }
      }
    }
    guard let value = result.withLock({ $0 }) else { return try body() }
    return try value.get()
  }

  /// The first bytes of a file, where they are of that commit.
  func front(of file: HubFile, at commit: String) -> [UInt8]? {
    guard let front = found.withLock({ $0[file.path] }), front.commit == commit, front.size == file.size else {
      return nil
    }
    return front.bytes
  }
}
