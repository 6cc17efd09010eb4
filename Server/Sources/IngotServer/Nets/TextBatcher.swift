import Ingot
import IngotRequests
import Synchronization

/// Texts that wait to be embedded by the same net go through it together, also those of several requests: what a text's
/// vector is depends on the text alone, to the bit, and the products are the faster the more rows they have.
final class TextBatcher: Sendable {
  private struct Waiting: Sendable {
    let texts: [String]
    let prompt: String
    let box: ResultBox
  }

  private struct Key: Hashable, Sendable {
    let nets: Digest
    let prompt: String
  }

  private let waiting = Mutex<[Key: [Waiting]]>([:])
  /// Texts of others that one request may have to wait for.
  static let most = 256

  /// Vectors of texts, in their order.
  /// - Throws: `ServiceError`.
  func vectors(
    of texts: [String], prompt: String, by served: ServedNets, _ store: NetStore, in work: RequestWork
  ) async throws -> [[Float]] {
    let key = Key(nets: served.digest, prompt: prompt)
    let box = ResultBox()
    waiting.withLock { $0[key, default: []].append(Waiting(texts: texts, prompt: prompt, box: box)) }
    // Each asks for a turn; in the first that comes, all are computed that have come by then.
    do {
      try await work.compute { [self] in
        if box.isMade { return }
        run(take(key, first: box), served, store)
      }
    } catch {
      waiting.withLock { $0[key]?.removeAll { $0.box === box } }
      throw error
    }
    return try box.get()
  }

  /// One that asked, and others that wait for the same net.
  private func take(_ key: Key, first: ResultBox) -> [Waiting] {
    waiting.withLock { all in
      var queue = all[key] ?? []
      var taken: [Waiting] = []
      if let index = queue.firstIndex(where: { $0.box === first }) { taken.append(queue.remove(at: index)) }
      var count = taken.first?.texts.count ?? 0
      while let next = queue.first, count + next.texts.count <= Self.most {
        taken.append(queue.removeFirst())
        count += next.texts.count
      }
      all[key] = queue.isEmpty ? nil : queue
      return taken
    }
  }

  private func run(_ taken: [Waiting], _ served: ServedNets, _ store: NetStore) {
    guard let prompt = taken.first?.prompt else { return }
    func made(_ texts: [String]) -> Result<[[Float]], ServiceError> {
      do throws(Failure) {
        guard case .embed(let nets) = try store.open(served) else { return .success([]) }
        return .success(try nets.vectors(of: texts, prompt: prompt))
      } catch {
        return .failure(ServiceError(running: error))
      }
    }
    let all = made(taken.flatMap(\.texts))
    guard case .success(let vectors) = all, taken.count > 1 else {
      if taken.count == 1 {
        taken[0].box.set(all)
      } else {
        // Whose fault it was shows alone.
        for each in taken { each.box.set(made(each.texts)) }
      }
      return
    }
    var start = 0
    for each in taken {
      each.box.set(.success(Array(vectors[start..<start + each.texts.count])))
      start += each.texts.count
    }
  }
}

/// What comes of a request's texts.
private final class ResultBox: Sendable {
  private let result = Mutex<Result<[[Float]], ServiceError>?>(nil)

  var isMade: Bool { result.withLock { $0 != nil } }

  func set(_ made: Result<[[Float]], ServiceError>) { result.withLock { $0 = made } }

  func get() throws -> [[Float]] {
    guard let made = result.withLock({ $0 }) else {
      throw ServiceError(.internalServerError, "the server failed", detail: "a batch without a result")
    }
    return try made.get()
  }
}
