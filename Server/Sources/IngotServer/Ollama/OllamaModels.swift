import HTTPTypes
import Hummingbird
import Ingot
import IngotRequests

/// Ollama's lists of models, and its embeddings.
struct OllamaModels: Sendable {
  let services: Services

  func version(_ call: Call) async throws -> Response { .json(.object(["version": .string(Ingot.version)])) }

  func tags(_ call: Call) async throws -> Response {
    .json(.object(["models": .array(try services.store.list().map { JSONValue(.object(Self.listed($0))) })]))
  }

  /// Nets that are open, and until when.
  func running(_ call: Call) async throws -> Response {
    let now = ContinuousClock.now
    let models = services.store.open.map { served, used in
      let rest = Double(services.settings.idleSeconds) - (now - used).seconds
      return JSONValue(
        .object(
          Self.listed(served) + [
            JSONMember("expires_at", .string(Timestamp.text(seconds: Timestamp.seconds + Int(max(0, rest))))),
            JSONMember("size_vram", 0),
          ]))
    }
    return .json(.object(["models": .array(models)]))
  }

  func show(_ call: Call) async throws -> Response {
    let (fields, _) = try await call.json(in: services.room)
    let served = try services.store.named(OllamaRequest.shownModel(fields))
    let facts = [
      JSONMember("general.architecture", .string(served.family)),
      JSONMember("general.basename", .string(served.nets.title)),
      JSONMember("general.parameter_count", .integer(served.nets.elements)),
    ]
    return .json(
      .object([
        "modelfile": .string("# \(served.about)\nFROM \(served.name)\n"), "parameters": "", "template": "{{ .Prompt }}",
        "license": "", "details": Self.details(served), "model_info": JSONValue(.object(facts)),
        "capabilities": .strings(served.capabilities),
        "modified_at": .string(Timestamp.text(seconds: served.changed)), "ingot": served.card,
      ]))
  }

  func embed(_ call: Call) async throws -> Response {
    let start = ContinuousClock.now
    let (fields, share) = try await call.json(in: services.room)
    let request = try EmbeddingsRequest(ollama: fields)
    let served = try services.store.named(request.model)
    let made = try await vectors(request, served, call, share)
    try request.checkSize(of: made.vectors)
    return .json(
      .object([
        "model": .string(served.name),
        "embeddings": .array(made.vectors.map { JSONValue.array($0.map { JSONValue.float($0) }) }),
        "total_duration": .integer(Int((ContinuousClock.now - start).seconds * 1e9)), "load_duration": 0,
        "prompt_eval_count": .integer(made.tokens),
      ]))
  }

  /// The older form, of one text.
  func embedding(_ call: Call) async throws -> Response {
    let (fields, share) = try await call.json(in: services.room)
    let request = try EmbeddingsRequest(olderOllama: fields)
    let served = try services.store.named(request.model)
    let made = try await vectors(request, served, call, share)
    return .json(.object(["embedding": .array((made.vectors.first ?? []).map { JSONValue.float($0) })]))
  }

  private func vectors(
    _ request: EmbeddingsRequest, _ served: ServedNets, _ call: Call, _ share: BodyRoom.Share
  ) async throws -> MadeVectors {
    try await call.connection.whileThere { [services] in
      defer { withExtendedLifetime(share) {} }
      return try await services.queue.work { work in
        try await services.embed(request, by: served, in: work)
      }
    }
  }

  /// What changes the models of a server: here they are a shelf's, which the command fills.
  func refused(_ call: Call) async throws -> Response {
    throw ServiceError(
      .notImplemented,
      "models are a shelf's here: ingot pull and ingot convert put them there, and this server finds them")
  }

  private static func listed(_ served: ServedNets) -> [JSONMember] {
    [
      JSONMember("name", .string(served.name)), JSONMember("model", .string(served.name)),
      JSONMember("modified_at", .string(Timestamp.text(seconds: served.changed))),
      JSONMember("size", .integer(served.nets.bytes)), JSONMember("digest", .string("\(served.digest)")),
      JSONMember("details", details(served)),
    ]
  }

  private static func details(_ served: ServedNets) -> JSONValue {
    .object([
      "parent_model": "", "format": "ingot", "family": .string(served.family), "families": .strings([served.family]),
      "parameter_size": .string(shortCount(served.nets.elements)), "quantization_level": .string(served.precision),
    ])
  }

  /// `385.0M`.
  private static func shortCount(_ number: Int) -> String {
    for (unit, size) in [("B", 1e9), ("M", 1e6), ("K", 1e3)] where Double(number) >= size {
      let tenths = Int((Double(number) / size * 10).rounded())
      return "\(tenths / 10).\(tenths % 10)\(unit)"
    }
    return "\(number)"
  }
}
