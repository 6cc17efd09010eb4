import HTTPTypes
import Hummingbird
import Ingot

/// `GET /v1/models`: with the model card in a member that clients of others pass over.
struct Models: Sendable {
  let services: Services

  func list(_ call: Call) async throws -> Response {
    .json(.object(["object": "list", "data": .array(try services.store.list().map { Self.model($0) })]))
  }

  func one(_ call: Call) async throws -> Response {
    .json(Self.model(try services.store.named(call.name("model"))))
  }

  private static func model(_ served: ServedNets) -> JSONValue {
    .object([
      "id": .string(served.name), "object": "model", "created": .integer(served.changed), "owned_by": "ingot",
      "ingot": served.card,
    ])
  }
}
