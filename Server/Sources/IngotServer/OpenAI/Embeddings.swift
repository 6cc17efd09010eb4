import HTTPTypes
import Hummingbird
import Ingot
import IngotRequests

/// `POST /v1/embeddings`: of texts, and of pictures by nets that see them.
struct Embeddings: Sendable {
  let services: Services

  func answer(_ call: Call) async throws -> Response {
    let (fields, share) = try await call.json(in: services.room)
    let request = try EmbeddingsRequest(openAI: fields)
    let served = try services.store.named(request.model)
    let made = try await call.connection.whileThere { [services] in
      defer { withExtendedLifetime(share) {} }
      return try await services.queue.work { work in
        try await services.embed(request, by: served, in: work)
      }
    }
    try request.checkSize(of: made.vectors)
    let data = made.vectors.enumerated().map { index, vector -> JSONValue in
      .object([
        "object": "embedding", "index": .integer(index),
        "embedding": request.isBase64 ? .string(Self.base64(vector)) : .array(vector.map { JSONValue.float($0) }),
      ])
    }
    return .json(
      .object([
        "object": "list", "data": .array(data), "model": .string(served.name),
        "usage": .object(["prompt_tokens": .integer(made.tokens), "total_tokens": .integer(made.tokens)]),
      ]))
  }

  /// Of float32, the lowest byte first, as OpenAI's clients decode it.
  static func base64(_ vector: [Float]) -> String {
    let bytes = vector.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
    }
    return Ingot.base64(of: bytes)
  }
}
