import HTTPTypes
import Hummingbird
import Ingot

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
    let name = try fields.string("model") ?? fields.requiredString("name")
    let served = try services.store.named(name)
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
    let served = try services.store.named(fields.requiredString("model"))
    let items = try Embeddings.items(fields)
    let cutsOff = try fields.boolean("truncate") ?? true
    let dimensions = try fields.integer("dimensions", 1...1 << 20)
    let made = try await vectors(items, served, cutsOff: cutsOff, call, share)
    if let dimensions, let size = made.vectors.first?.count, size != dimensions {
      throw ServiceError.unsupported("dimensions", "vectors of this model have \(size) elements")
    }
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
    let served = try services.store.named(fields.requiredString("model"))
    let text = try fields.requiredString("prompt")
    guard !text.isEmpty else { throw ServiceError.badRequest("prompt is empty", "prompt") }
    let made = try await vectors([.text(text)], served, cutsOff: true, call, share)
    return .json(.object(["embedding": .array((made.vectors.first ?? []).map { JSONValue.float($0) })]))
  }

  private func vectors(
    _ items: [SentItem], _ served: ServedNets, cutsOff: Bool, _ call: Call, _ share: BodyRoom.Share
  ) async throws -> MadeVectors {
    try await call.connection.whileThere { [services] in
      defer { withExtendedLifetime(share) {} }
      return try await services.queue.work { work in
        try await services.embed(items, by: served, cutsOff: cutsOff, in: work)
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
