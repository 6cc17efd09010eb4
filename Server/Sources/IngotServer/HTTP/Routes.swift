import HTTPTypes
import Hummingbird
import Ingot
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
  /// Parts of the path; `{name}` stands for any one.
  let path: String
  let parts: [String]
  /// Whether a client needs the token, where there is one.
  let isOpen: Bool
  let handler: @Sendable (Call) async throws -> Response

  init(
    _ method: HTTPRequest.Method, _ path: String, isOpen: Bool = false,
    _ handler: @escaping @Sendable (Call) async throws -> Response
  ) {
    (self.method, self.path, self.isOpen, self.handler) = (method, path, isOpen, handler)
    parts = Route.parts(path)
  }

  static func parts(_ path: String) -> [String] {
    path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { String($0) }
  }

  /// The names in a path; nil where it is another path.
  func names(in path: [String]) -> [String: String]? {
    guard path.count == parts.count else { return nil }
    var names: [String: String] = [:]
    for (part, given) in zip(parts, path) {
      if part.hasPrefix("{") {
        guard !given.isEmpty, let name = text(ofPercentEncoded: given) else { return nil }
        names[String(part.dropFirst().dropLast())] = name
      } else if part != given {
        return nil
      }
    }
    return names
  }
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
    let parts = Route.parts(path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
    var others: [HTTPRequest.Method] = []
    for route in all {
      guard let names = route.names(in: parts) else { continue }
      if route.method == method || method == .head && route.method == .get { return .found(route, names) }
      others.append(route.method)
      if route.method == .get { others.append(.head) }
    }
    return others.isEmpty ? .unknown : .otherMethods(others)
  }
}
