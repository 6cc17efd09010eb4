import Hummingbird
import Ingot
import IngotRequests
import NIOCore

/// What comes of an answer that is told as it is made.
enum AskEvent: Sendable {
  case piece(String)
  /// The end, with the whole text.
  case said(Said)
}

extension Services {
  /// The whole answer; cancelled when the client goes.
  /// - Parameter share: of the room for bodies, held until then.
  func said(_ asked: Asked, _ call: Call, _ share: BodyRoom.Share) async throws -> Said {
    try await call.connection.whileThere { [connection = call.connection] in
      defer { withExtendedLifetime(share) {} }
      return try await queue.work { work in
        try await ask(asked, in: work, isWanted: { !connection.isGone })
      }
    }
  }

  /// The same, piece by piece.
  func events(
    _ asked: Asked, _ call: Call, _ share: BodyRoom.Share
  ) -> AsyncThrowingStream<AskEvent, any Error> {
    let (stream, continuation) = AsyncThrowingStream.makeStream(of: AskEvent.self)
    let connection = call.connection
    let task = Task {
      do {
        let said = try await connection.whileThere {
          defer { withExtendedLifetime(share) {} }
          return try await queue.work { work in
            try await ask(asked, in: work, isWanted: { !connection.isGone }) { continuation.yield(.piece($0)) }
          }
        }
        continuation.yield(.said(said))
        continuation.finish()
      } catch {
        continuation.finish(throwing: error)
      }
    }
    continuation.onTermination = { if case .cancelled = $0 { task.cancel() } }
    return stream
  }
}

/// The texts in which an interface tells events. One task at a time uses it.
final class EventTexts: @unchecked Sendable {
  private var events: AsyncThrowingStream<AskEvent, any Error>.AsyncIterator
  private let text: @Sendable (AskEvent) -> String

  init(
    _ events: AsyncThrowingStream<AskEvent, any Error>.AsyncIterator, _ text: @escaping @Sendable (AskEvent) -> String
  ) {
    (self.events, self.text) = (events, text)
  }

  func next() async throws -> String? {
    guard let event = try await events.next() else { return nil }
    return text(event)
  }
}

extension Response {
  /// A body that is written as its pieces come.
  /// - Parameters:
  ///   - first: written at once, with the head.
  ///   - failed: what to write where the pieces end in an error.
  static func streamed(
    _ type: String, first: String, _ rest: EventTexts, failed: @escaping @Sendable (ServiceError) -> String
  ) -> Response {
    Response(
      status: .ok, headers: [.contentType: type, .cacheControl: "no-cache"],
      body: ResponseBody { writer in
        try await writer.write(ByteBuffer(string: first))
        do {
          while let piece = try await rest.next() { try await writer.write(ByteBuffer(string: piece)) }
        } catch let error as ServiceError {
          try await writer.write(ByteBuffer(string: failed(error)))
        }
        try await writer.finish(nil)
      })
  }
}
