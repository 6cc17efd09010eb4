import HTTPTypes
import Hummingbird
import Ingot

/// `GET /openapi.json`: what the server takes and gives, by OpenAPI 3.1, with the names of the nets that are there now.
struct OpenAPIDocument: Sendable {
  let services: Services

  func answer(_ call: Call) async throws -> Response {
    let nets = try services.store.list()
    func names(_ tasks: RunnableNets.Task...) -> [String] { nets.filter { tasks.contains($0.nets.task) }.map(\.name) }
    let talking = names(.answer, .caption)
    let paths = [
      path("/healthz", get("Whether the server lives", as: "text/plain", Schema.text, isOpen: true)),
      path("/readyz", get("Whether it has nets", as: "text/plain", Schema.text, isOpen: true, error: Self.plainError)),
      path("/metrics", get("Prometheus' metrics", as: "text/plain", Schema.text)),
      path("/v1/models", get("All nets", Self.modelList, error: Self.openAIError)),
      path(
        "/v1/models/{model}",
        get(
          "One net, with its model card", Self.model,
          names: ["model": names(.answer, .caption, .match, .classify, .embed)], error: Self.openAIError)),
      path(
        "/v1/chat/completions",
        post(
          "What nets say about a picture", ChatSchemas.request(talking), ChatSchemas.answer, Self.openAIError,
          streams: "text/event-stream")),
      path(
        "/v1/embeddings",
        post(
          "Vectors of texts and pictures", EmbeddingSchemas.request(names(.embed)), EmbeddingSchemas.answer,
          Self.openAIError)),
      path("/api/version", get("The version", Schema.object(["version": Schema.text]), error: Self.plainError)),
      path("/api/tags", get("All nets", Self.ollamaModels, error: Self.plainError)),
      path("/api/ps", get("Nets that are open", Self.ollamaModels, error: Self.plainError)),
      path(
        "/api/show",
        post(
          "One net", Schema.object(["model": Schema.model(nets.map(\.name))]),
          Schema.object(["details": Schema.anyObject, "capabilities": Schema.list(Schema.text)]), Self.plainError)),
      path(
        "/api/generate",
        post(
          "What nets say about a picture", ChatSchemas.generate(talking), ChatSchemas.generated, Self.plainError,
          streams: "application/x-ndjson")),
      path(
        "/api/chat",
        post(
          "The same in a conversation", ChatSchemas.talk(talking), ChatSchemas.talked, Self.plainError,
          streams: "application/x-ndjson")),
      path(
        "/api/embed",
        post(
          "Vectors", EmbeddingSchemas.ollama(names(.embed)),
          Schema.object(["embeddings": Schema.list(EmbeddingSchemas.vector)]), Self.plainError)),
      path(
        "/api/embeddings",
        post(
          "The vector of a text", Schema.object(["model": Schema.model(names(.embed)), "prompt": Schema.someText]),
          Schema.object(["embedding": EmbeddingSchemas.vector]), Self.plainError)),
      path(
        "/v2",
        get(
          "The server",
          Schema.object(["name": Schema.text, "version": Schema.text, "extensions": Schema.list(Schema.text)]),
          error: Self.plainError)),
      path("/v2/health/live", get("Whether the server lives", Schema.object(["live": Schema.flag]), isOpen: true)),
      path(
        "/v2/health/ready",
        get("Whether it has nets", Schema.object(["ready": Schema.flag]), isOpen: true, error: Self.plainError)),
      path(
        "/v2/models/{model}",
        get("One net's tensors", Self.tensors, names: ["model": nets.map(\.name)], error: Self.plainError)),
      path(
        "/v2/models/{model}/ready",
        get(
          "Whether one is there", Schema.object(["ready": Schema.flag]), names: ["model": nets.map(\.name)],
          error: Self.plainError)),
      path(
        "/v2/models/{model}/infer",
        post("Nets on tensors", Self.inference, Self.inferred, Self.plainError, names: ["model": nets.map(\.name)])),
      path(
        "/ingot/v1/match",
        post("How well texts fit a picture", OwnSchemas.match(names(.match)), OwnSchemas.matches, Self.plainError)),
      path(
        "/ingot/v1/classify",
        post(
          "What a picture shows, of classes or labels",
          OwnSchemas.classify(
            nets.filter {
              $0.nets.task == .classify || $0.nets.takesTexts && $0.nets.takesPictures && $0.nets.task == .embed
            }.map(\.name)), OwnSchemas.classes, Self.plainError)),
      path(
        "/ingot/v1/attention",
        post("What words look at", OwnSchemas.attention(talking), OwnSchemas.heat, Self.plainError)),
    ]
    let arrays = get(
      "The arrays of a net", OwnSchemas.arrays, names: ["model": nets.map(\.name)], error: Self.plainError)
    var members: [JSONMember] = [
      JSONMember("openapi", "3.1.0"),
      JSONMember(
        "info",
        .object([
          "title": "Ingot", "version": .string(Ingot.version),
          "license": .object(["name": "Apache-2.0", "identifier": "Apache-2.0"]),
        ])),
      JSONMember("paths", JSONValue(.object(paths + [path("/ingot/v1/arrays/{model}", arrays)]))),
    ]
    if services.settings.token != nil {
      members.append(
        JSONMember(
          "components", .object(["securitySchemes": .object(["token": .object(["type": "http", "scheme": "bearer"])])]))
      )
      members.append(JSONMember("security", .array([JSONValue.object(["token": .array([JSONValue]())])])))
    }
    return .json(JSONValue(.object(members)))
  }

  private func path(_ path: String, _ operation: JSONMember) -> JSONMember {
    JSONMember(path, JSONValue(.object([operation])))
  }

  private func get(
    _ summary: String, as type: String = "application/json", _ answer: JSONValue,
    names: KeyValuePairs<String, [String]> = [:],
    isOpen: Bool = false, error: JSONValue? = nil
  ) -> JSONMember {
    JSONMember("get", operation(summary, [(type, answer)], error ?? Self.plainError, names, isOpen: isOpen))
  }

  private func post(
    _ summary: String, _ request: JSONValue, _ answer: JSONValue, _ error: JSONValue, streams: String? = nil,
    names: KeyValuePairs<String, [String]> = [:]
  ) -> JSONMember {
    let answers = [("application/json", answer)] + (streams.map { [($0, Schema.text)] } ?? [])
    return JSONMember("post", operation(summary, answers, error, names, isOpen: false, request: request))
  }

  private func operation(
    _ summary: String, _ answers: [(String, JSONValue)], _ error: JSONValue, _ names: KeyValuePairs<String, [String]>,
    isOpen: Bool, request: JSONValue? = nil
  ) -> JSONValue {
    func content(_ all: [(String, JSONValue)]) -> JSONValue {
      JSONValue(.object(all.map { JSONMember($0.0, .object(["schema": $0.1])) }))
    }
    let parameters = names.map { name, values -> JSONValue in
      .object(["name": .string(name), "in": "path", "required": true, "schema": Schema.model(values)])
    }
    let isSecured = services.settings.token != nil && isOpen
    return .object([
      "summary": .string(summary), "parameters": parameters.isEmpty ? nil : .array(parameters),
      "security": isSecured ? .array([JSONValue]()) : nil,
      "requestBody": request.map { .object(["required": true, "content": content([("application/json", $0)])]) },
      "responses": .object([
        "200": .object(["description": "Done", "content": content(answers)]),
        "default": .object(["description": "Not done", "content": content([("application/json", error)])]),
      ]),
    ])
  }
}

extension OpenAPIDocument {
  static let openAIError = Schema.object([
    "error": Schema.object([
      "message": Schema.text, "type": Schema.text, "param": Schema.oneOf(Schema.text, .object(["type": "null"])),
      "code": Schema.oneOf(Schema.text, .object(["type": "null"])),
    ])
  ])
  static let plainError = Schema.object(["error": Schema.text])

  static let model = Schema.object([
    "id": Schema.text, "object": Schema.only("model"), "created": Schema.whole, "owned_by": Schema.text,
    "ingot": Schema.anyObject,
  ])
  static let modelList = Schema.object(["object": Schema.only("list"), "data": Schema.list(model)])
  static let ollamaModels = Schema.object([
    "models": Schema.list(
      Schema.object([
        "name": Schema.text, "model": Schema.text, "modified_at": Schema.text, "size": Schema.count,
        "digest": Schema.text,
        "details": Schema.anyObject,
      ]))
  ])
  static let tensors = Schema.object([
    "name": Schema.text, "versions": Schema.list(Schema.text), "platform": Schema.text,
    "inputs": Schema.list(
      Schema.object(["name": Schema.text, "datatype": Schema.text, "shape": Schema.list(Schema.whole)])),
    "outputs": Schema.list(
      Schema.object(["name": Schema.text, "datatype": Schema.text, "shape": Schema.list(Schema.whole)])),
  ])
  static let inference = Schema.object(
    [
      "inputs": Schema.list(
        Schema.object([
          "name": Schema.text, "shape": Schema.list(Schema.count),
          "datatype": Schema.word("FP32", "FP64", "INT32", "INT64"),
          "data": Schema.list(Schema.any),
        ]), least: 1)
    ],
    ["id": Schema.text, "parameters": Schema.anyObject, "outputs": Schema.list(Schema.object(["name": Schema.text]))])
  static let inferred = Schema.object([
    "model_name": Schema.text, "model_version": Schema.text,
    "outputs": Schema.list(
      Schema.object(["name": Schema.text, "datatype": Schema.text, "shape": Schema.list(Schema.count)])),
  ])
}
