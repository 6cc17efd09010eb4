import HTTPTypes
import Hummingbird
import Ingot
import IngotRequests
import Logging
import NIOCore

/// Answers every request: finds who is to do it, turns errors into those of the client's interface, and tells the log and
/// the metrics. What is in requests and answers is told to neither.
struct Responder: HTTPResponder {
  let routes: Routes
  let access: Access
  let metrics: ServerMetrics
  let logger: Logger

  func respond(to request: Request, context: Context) async throws -> Response {
    let start = ContinuousClock.now
    let path = request.uri.path
    let id = RequestName.of(request)
    metrics.requestBegan()
    defer { metrics.requestEnded() }
    var route: Route?
    var response: Response
    do {
      response = try await answered(request, context, path, id, &route)
    } catch {
      response = failed(error, path, id, context.connection)
    }
    if request.method == .head {
      // A head tells the length of what isn't there.
      response.headers[.contentLength] = response.body.contentLength.map { String($0) }
      response.body = .init()
    }
    response.headers[RequestName.header] = id
    access.mark(&response, for: request)
    let seconds = (ContinuousClock.now - start).seconds
    metrics.requestAnswered(route?.path ?? "other", request.method, Int(response.status.code), seconds)
    logger.info(
      "request",
      metadata: [
        "id": "\(id)", "method": "\(request.method.rawValue)", "route": "\(route?.path ?? "other")",
        "status": "\(response.status.code)", "ms": "\(Int(seconds * 1000))",
      ])
    return response
  }

  private func answered(
    _ request: Request, _ context: Context, _ path: String, _ id: String, _ route: inout Route?
  ) async throws -> Response {
    try access.checkPlace(of: request)
    if let answer = access.preflight(request) { return answer }
    switch routes.find(request.method, path) {
    case .found(let found, let names):
      route = found
      if !found.isOpen { try access.checkToken(of: request) }
      return try await found.handler(
        Call(request: request, names: names, connection: context.connection, logger: logger, id: id))
    case .otherMethods(let methods):
      try access.checkToken(of: request)
      var error = ServiceError(.methodNotAllowed, "this path takes \(methods.map(\.rawValue).joined(separator: ", "))")
      error.allowed = methods.map(\.rawValue)
      throw error
    case .unknown:
      try access.checkToken(of: request)
      throw ServiceError(.notFound, "there is nothing at this path", code: "unknown_url")
    }
  }

  private func failed(_ error: any Error, _ path: String, _ id: String, _ connection: Connection) -> Response {
    let known: ServiceError
    switch error {
    case let error as ServiceError: known = error
    case let error as Failure: known = ServiceError(running: error)
    case is LateBody:
      known = ServiceError(.requestTimeout, "the body did not come in \(Limit.bodySeconds.value) s", code: "timeout")
    case is CancellationError where connection.isGone:
      // Nobody reads it; the status is the log's, as other servers have it.
      return Response(status: .init(code: 499, reasonPhrase: "Client Closed Request"))
    default: known = ServiceError(.internalServerError, "the server failed", detail: "\(error)")
    }
    if let detail = known.detail { logger.error("request failed", metadata: ["id": "\(id)", "error": "\(detail)"]) }
    var response = Response.json(Interface(path: path).body(known), status: .init(code: known.status.rawValue))
    if let seconds = known.retryAfter { response.headers[.retryAfter] = String(seconds) }
    if !known.allowed.isEmpty { response.headers[.allow] = known.allowed.joined(separator: ", ") }
    if known.status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
    return response
  }
}

/// By which a request is known in the log, and to its client: what the client calls it, or a name made here.
enum RequestName {
  static let header = HTTPField.Name("X-Request-Id") ?? .date

  static func of(_ request: Request) -> String {
    if let given = request.headers[header], HeaderValues.isRequestName(given) { return given }
    return unique()
  }

  /// 24 hexadecimal digits that nobody had before.
  static func unique() -> String {
    var random = SystemRandomNumberGenerator()
    let text = String(random.next(), radix: 16) + String(random.next(), radix: 16)
    return String((text + String(repeating: "0", count: 24)).prefix(24))
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
