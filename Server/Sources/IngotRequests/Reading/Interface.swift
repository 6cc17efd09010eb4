import Ingot

/// Whose clients a path is for: they expect errors in a form of their own.
package enum Interface: String, Sendable {
  case openAI = "openai"
  case ollama
  case inference
  /// The server's own paths.
  case plain = "ingot"

  package init(path: String) {
    func isUnder(_ prefix: String) -> Bool { path == prefix || path.hasPrefix(prefix + "/") }
    self =
      isUnder("/v1") ? .openAI : isUnder("/api") ? .ollama : isUnder("/v2") ? .inference : .plain
  }

  /// The body of an error.
  package func body(_ error: ServiceError) -> JSONValue {
    switch self {
    case .openAI:
      let isOurs = error.status.rawValue >= 500
      return .object([
        "error": .object([
          "message": .string(error.message), "type": .string(isOurs ? "server_error" : "invalid_request_error"),
          "param": error.parameter.map { .string($0) } ?? .null, "code": error.code.map { .string($0) } ?? .null,
        ])
      ])
    case .ollama, .inference, .plain: return .object(["error": .string(error.message)])
    }
  }
}
