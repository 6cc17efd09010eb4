import Ingot
import IngotRequests
import NIOCore
import NIOPosix
import Synchronization

/// What is computed, piece by piece: a piece has all cores, so that several at a time would gain nothing. As many requests
/// may wait as the limit `queue` says; others are told to come again.
final class WorkQueue: Sendable {
  private struct State {
    var requests = 0
    /// That a request took, on average; the last ones count most.
    var seconds = 0.5
  }

  private let computing = NIOThreadPool(numberOfThreads: 1)
  private let decoding: NIOThreadPool
  /// A host that is slow holds up only others that are fetched from.
  private let fetching = NIOThreadPool(numberOfThreads: 8)
  private let state = Mutex(State())
  /// Pictures that are decoded and not yet looked at: each may be large.
  private let pictures: AsyncSemaphore

  init(decoders: Int = 4) {
    decoding = NIOThreadPool(numberOfThreads: decoders)
    pictures = AsyncSemaphore(decoders)
    computing.start()
    decoding.start()
    fetching.start()
  }

  /// Requests that wait or are worked on.
  var requests: Int { state.withLock { $0.requests } }

  /// Works for a request, if not too many wait.
  /// - Throws: `ServiceError` with 503 where too many do.
  func work<Value: Sendable>(_ body: (RequestWork) async throws -> Value) async throws -> Value {
    let wait = state.withLock { state -> Double? in
      guard state.requests < Limit.queue.value else { return Double(state.requests) * state.seconds }
      state.requests += 1
      return nil
    }
    if let wait { throw ServiceError.overloaded(retryAfter: min(60, Int(wait.rounded(.up)))) }
    let start = ContinuousClock.now
    defer {
      let seconds = (ContinuousClock.now - start).seconds
      state.withLock { state in
        // Of those that waited, the share that was theirs.
        state.seconds = 0.8 * state.seconds + 0.2 * seconds / Double(max(1, state.requests))
        state.requests -= 1
      }
    }
    return try await body(RequestWork(queue: self, deadline: start + .seconds(Limit.requestSeconds.value)))
  }

  fileprivate func run<Value: Sendable>(
    on pool: NIOThreadPool, until deadline: ContinuousClock.Instant, _ body: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    let isCancelled = Atomic(false)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        pool.submit { state in
          guard state == .active, !isCancelled.load(ordering: .relaxed) else {
            return continuation.resume(throwing: CancellationError())
          }
          guard ContinuousClock.now < deadline else {
            return continuation.resume(
              throwing: ServiceError(
                .serviceUnavailable, "its turn did not come within \(Limit.requestSeconds.value) s", code: "timeout",
                retryAfter: 5))
          }
          continuation.resume(with: Result { try body() })
        }
      }
    } onCancel: {
      isCancelled.store(true, ordering: .relaxed)
    }
  }

  fileprivate func withDecoded<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
    try await pictures.wait()
    defer { pictures.signal() }
    return try await body()
  }

  fileprivate var computingPool: NIOThreadPool { computing }
  fileprivate var fetchingPool: NIOThreadPool { fetching }
  fileprivate var decodingPool: NIOThreadPool { decoding }
}

/// A request's right to have something computed.
struct RequestWork: Sendable {
  fileprivate let queue: WorkQueue
  fileprivate let deadline: ContinuousClock.Instant

  /// Computes when it is this request's turn. What is cancelled before isn't computed.
  func compute<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await queue.run(on: queue.computingPool, until: deadline, body)
  }

  /// Waits for what comes over a network, while others compute.
  func fetch<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await queue.run(on: queue.fetchingPool, until: deadline, body)
  }

  /// Decodes a picture in a child process, and computes with it.
  /// - Parameter name: of the picture, for errors.
  func decode<Value: Sendable>(
    _ bytes: [UInt8], name: String, _ body: @escaping @Sendable (Picture) throws -> Value
  ) async throws -> Value {
    try await queue.withDecoded {
      let picture = try await queue.run(on: queue.decodingPool, until: deadline) {
        do throws(Failure) {
          return try Picture(decodingInChild: bytes, name: name, pixels: .requestPixels)
        } catch {
          throw ServiceError(error, of: name, parameter: name)
        }
      }
      return try await compute { try body(picture) }
    }
  }
}

/// Lets so many in at a time; others wait in order.
final class AsyncSemaphore: Sendable {
  private struct State {
    var free: Int
    var waiting: [(id: Int, continuation: CheckedContinuation<Void, any Error>)] = []
    var next = 0
  }

  private let state: Mutex<State>

  init(_ count: Int) { state = Mutex(State(free: count)) }

  /// - Throws: `CancellationError`.
  func wait() async throws {
    let id = state.withLock { state in
      state.next += 1
      return state.next
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let outcome = state.withLock { state -> Result<Void, any Error>? in
          // It may have been cancelled before it came to wait.
          if Task.isCancelled { return .failure(CancellationError()) }
          guard state.free == 0 else {
            state.free -= 1
            return .success(())
          }
          state.waiting.append((id, continuation))
          return nil
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    } onCancel: {
      let cancelled = state.withLock { state in
        state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).continuation }
      }
      cancelled?.resume(throwing: CancellationError())
    }
  }

  func signal() {
    let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
      guard !state.waiting.isEmpty else {
        state.free += 1
        return nil
      }
      return state.waiting.removeFirst().continuation
    }
    next?.resume()
  }
}
