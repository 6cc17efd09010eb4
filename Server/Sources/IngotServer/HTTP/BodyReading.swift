import HTTPTypes
import Hummingbird
import Ingot
import IngotRequests
import NIOCore
import Synchronization

/// Room for the bodies of all requests together, so that many connections can't make this process hold more than it may.
final class BodyRoom: Sendable {
  private let held = Mutex(0)

  /// A part of the room, given back when nobody has it any more.
  final class Share: Sendable {
    private let room: BodyRoom
    private let bytes = Mutex(0)

    fileprivate init(_ room: BodyRoom) { self.room = room }

    deinit { room.give(bytes.withLock { $0 }) }

    /// - Throws: `ServiceError` with 503 when there is no more room.
    func take(_ count: Int) throws {
      guard room.take(count) else { throw ServiceError.overloaded(retryAfter: 1) }
      bytes.withLock { $0 += count }
    }
  }

  func share() -> Share { Share(self) }

  var bytes: Int { held.withLock { $0 } }

  private func take(_ count: Int) -> Bool {
    held.withLock { held in
      guard held + count <= Limit.requestMemory.value else { return false }
      held += count
      return true
    }
  }

  private func give(_ count: Int) { held.withLock { $0 -= count } }
}

/// A whole body.
struct ReadBody: Sendable {
  let bytes: [UInt8]
  /// Held as long as the bytes are.
  let share: BodyRoom.Share
}

extension Call {
  /// The whole body.
  /// - Throws: `ServiceError` with 413 when it is too long, 503 when too much is held already; `LateBody`.
  func body(in room: BodyRoom) async throws -> ReadBody {
    let most = Limit.requestBytes.value
    let tooLong = ServiceError(
      .contentTooLarge, "the body has more than the \(most) bytes that are taken", code: "request_too_large")
    let stated = request.headers[.contentLength].flatMap { Int($0) }
    if let stated, stated > most { throw tooLong }
    if let coding = request.headers[.contentEncoding], coding.lowercased() != "identity" {
      throw ServiceError(.unsupportedMediaType, "bodies are taken as they are, not packed")
    }
    let share = room.share()
    var bytes: [UInt8] = []
    do {
      for try await piece in request.body {
        guard bytes.count + piece.readableBytes <= most else { throw tooLong }
        try share.take(piece.readableBytes)
        bytes.append(contentsOf: piece.readableBytesView)
      }
    } catch  where !(error is ServiceError || error is LateBody || error is CancellationError) {
      // Its client went in the middle of it, or wrote what HTTP doesn't allow: nothing that failed here.
      throw ServiceError.badRequest("the body does not come as its head says", code: "invalid_body")
    }
    if let stated, stated != bytes.count { throw CancellationError() }
    return ReadBody(bytes: bytes, share: share)
  }

  /// The body as a JSON object.
  /// - Throws: as `body(in:)`; `ServiceError` with 415 for another type, 400 for what is no object.
  func json(in room: BodyRoom) async throws -> (fields: Fields, share: BodyRoom.Share) {
    if let type = request.headers[.contentType], !HeaderValues.isJSON(type) {
      throw ServiceError(.unsupportedMediaType, "the body is to be application/json")
    }
    let body = try await body(in: room)
    return (try Fields(parsing: body.bytes), body.share)
  }
}
