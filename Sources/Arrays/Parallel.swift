import Glibc
import Synchronization

/// Called with what is being done and the bytes done since the last call, from any thread.
public typealias ProgressHandler = @Sendable (_ what: String, _ bytes: Int) -> Void

/// Runs `body` for 0 ..< `jobs` on up to `workers` threads, each taking the next job when it is free: jobs start in
/// order. After an error no further job starts. The error of the first job that has one is thrown, which had started before
/// any later one failed: always the same.
public func inParallel(
  jobs: Int, workers: Int = Paths.processors, _ body: @Sendable @escaping (Int) throws -> Void
) throws {
  let state = JobState(jobs: jobs, body: body)
  var threads: [pthread_t] = []
  for _ in 1..<max(1, min(workers, jobs)) {
    // Without it, the threads that did start, and this one, do the work.
    guard let thread = state.workOnThread() else { break }
    threads.append(thread)
  }
  state.work()
  for thread in threads { _ = pthread_join(thread, nil) }
  if let error = state.error { throw error }
}

/// Work that goes on beside what its maker does.
public final class BackgroundWork: Sendable {
  private let state: JobState
  private let thread: pthread_t

  /// - Throws: `Failure` of kind `io` when there can't be a thread.
  public init(_ body: @Sendable @escaping () throws -> Void) throws(Failure) {
    state = JobState(jobs: 1) { _ in try body() }
    guard let thread = state.workOnThread() else { throw Failure(.io, "a thread can't be started") }
    self.thread = thread
  }

  /// Waits until it is done; once.
  /// - Throws: what it threw.
  public func wait() throws {
    _ = pthread_join(thread, nil)
    if let error = state.error { throw error }
  }
}

/// Runs `body` on a thread that nobody waits for.
/// - Throws: `Failure` of kind `io` when there can't be one.
func inBackground(_ body: @Sendable @escaping () -> Void) throws(Failure) {
  guard let thread = JobState(jobs: 1, body: { _ in body() }).workOnThread() else {
    throw Failure(.io, "a thread can't be started")
  }
  _ = pthread_detach(thread)
}

private final class JobState: Sendable {
  private struct Position {
    var next = 0
    var failure: (job: Int, error: any Error)?
  }

  private let jobs: Int
  private let body: @Sendable (Int) throws -> Void
  private let position = Mutex(Position())

  init(jobs: Int, body: @escaping @Sendable (Int) throws -> Void) {
    self.jobs = jobs
    self.body = body
  }

  var error: (any Error)? { position.withLock { $0.failure?.error } }

  func work() {
    while let job = take() {
      do {
        try body(job)
      } catch {
        position.withLock { position in
          if job < position.failure?.job ?? jobs { position.failure = (job, error) }
        }
      }
    }
  }

  /// Works on a thread of its own, which is to be joined or detached; nil when there can't be one.
  func workOnThread() -> pthread_t? {
    let argument = unsafe Unmanaged.passRetained(self).toOpaque()
    var thread = pthread_t()
    let status = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let pointer = unsafe argument else { return nil }
        unsafe Unmanaged<JobState>.fromOpaque(pointer).takeRetainedValue().work()
        return nil
      }, argument)
    if status == 0 { return thread }
    unsafe Unmanaged<JobState>.fromOpaque(argument).release()
    return nil
  }

  private func take() -> Int? {
    position.withLock { position in
      guard position.failure == nil, position.next < jobs else { return nil }
      defer { position.next += 1 }
      return position.next
    }
  }
}
