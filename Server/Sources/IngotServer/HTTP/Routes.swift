import HTTPTypes
import Hummingbird
import Ingot
import IngotRequests
import Logging
import NIOCore

/// What a handler knows of its request.
struct Call: Sendable {
  let request: Request
  /// Parts of the path that stand for names, decoded.
  let names: [String: String]
  let connection: Connection
  let logger: Logger
  /// By which the log knows it.
  let id: String

  func name(_ key: String) -> String { names[key] ?? "" }
}

/// One path of the server, with what answers there.
struct Route: Sendable {
  let method: HTTPRequest.Method
  let pattern: PathPattern
  /// Whether a client needs the token, where there is one.
  let isOpen: Bool
  let handler: @Sendable (Call) async throws -> Response

  init(
    _ method: HTTPRequest.Method, _ path: String, isOpen: Bool = false,
    _ handler: @escaping @Sendable (Call) async throws -> Response
  ) {
    (self.method, self.isOpen, self.handler) = (method, isOpen, handler)
    pattern = PathPattern(path)
  }

  var path: String { pattern.text }
}

/// All paths.
struct Routes: Sendable {
  enum Finding {
    case found(Route, [String: String])
    /// The path is known by other methods.
    case otherMethods([HTTPRequest.Method])
    case unknown
  }

  let all: [Route]

  func find(_ method: HTTPRequest.Method, _ path: String) -> Finding {
    let parts = PathPattern.parts(path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
    var others: [HTTPRequest.Method] = []
    for route in all {
      guard let names = route.pattern.names(in: parts) else { continue }
      if route.method == method || method == .head && route.method == .get { return .found(route, names) }
      others.append(route.method)
      if route.method == .get { others.append(.head) }
    }
    return others.isEmpty ? .unknown : .otherMethods(others)
  }
}
