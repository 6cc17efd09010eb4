import NIOCore
import Synchronization

/// A client's connection, as far as requests have to know it: whether the client is still there.
final class Connection: Sendable {
  private struct State {
    var isGone = false
    var whenGone: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())

  /// The client went, or closed its side: nobody waits for an answer.
  func clientIsGone() {
    let told = state.withLock { state in
      state.isGone = true
      defer { state.whenGone = nil }
      return state.whenGone
    }
    told?()
  }

  var isGone: Bool { state.withLock { $0.isGone } }

  /// Works for a request, which is cancelled when the client goes.
  func whileThere<Value: Sendable>(
    _ work: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let task = Task { try await work() }
    let isGone = state.withLock { state in
      if !state.isGone { state.whenGone = { task.cancel() } }
      return state.isGone
    }
    if isGone { task.cancel() }
    defer { state.withLock { $0.whenGone = nil } }
    return try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      task.cancel()
    }
  }
}

/// All connections, by their channels.
final class ConnectionTable: Sendable {
  private let connections = Mutex<[ObjectIdentifier: Connection]>([:])

  /// The only one: a request's context is made by the framework, which hands it the channel and nothing else.
  static let shared = ConnectionTable()

  func add(_ channel: any Channel) -> Connection {
    let connection = Connection()
    connections.withLock { $0[ObjectIdentifier(channel)] = connection }
    return connection
  }

  func remove(_ channel: any Channel) { connections.withLock { $0[ObjectIdentifier(channel)] = nil } }

  func connection(of channel: any Channel) -> Connection? {
    connections.withLock { $0[ObjectIdentifier(channel)] }
  }

  var count: Int { connections.withLock { $0.count } }
}
