import HTTPTypes
import Hummingbird
import Ingot
import IngotRequests

/// Who may ask: those with the token; from a browser, pages of this server and of origins that were allowed. Without a token,
/// only what names this machine, so that no page elsewhere reaches it by a name that leads here (DNS rebinding).
struct Access: Sendable {
  /// nil: none is needed, because only this machine can ask.
  let token: String?
  /// `https://example.org`, or `*` for all.
  let origins: [String]
  /// Names by which clients may call this server besides those of this machine.
  let hosts: [String]

  /// - Throws: `ServiceError` with 403 or 400.
  func checkPlace(of request: Request) throws {
    guard let authority = request.head.authority, let host = HeaderValues.host(of: authority) else {
      throw ServiceError.badRequest("the request names no host")
    }
    guard token != nil || HeaderValues.isThisMachine(host) || hosts.contains(host) else {
      throw ServiceError(.forbidden, "this server is not known as that host; it can be allowed by --allow-host")
    }
    guard let origin = request.headers[.origin], !isAllowed(origin, authority) else { return }
    throw ServiceError(.forbidden, "pages of that origin may not ask; it can be allowed by --allow-origin")
  }

  /// - Throws: `ServiceError` with 401.
  func checkToken(of request: Request) throws {
    guard let token else { return }
    guard HeaderValues.shows(token, request.headers[.authorization] ?? "") else {
      throw ServiceError(.unauthorized, "the token is missing or wrong", code: "invalid_api_key")
    }
  }

  /// The answer to what a browser asks before a page of another origin may ask; nil for other requests.
  func preflight(_ request: Request) -> Response? {
    guard request.method == .options, request.headers[.origin] != nil,
      request.headers[.accessControlRequestMethod] != nil
    else { return nil }
    return Response(
      status: .noContent,
      headers: [
        .accessControlAllowMethods: "GET, HEAD, POST",
        .accessControlAllowHeaders: "authorization, content-type, x-request-id",
        .accessControlMaxAge: "600",
      ])
  }

  /// What a browser needs to be told.
  func mark(_ response: inout Response, for request: Request) {
    response.headers[.xContentTypeOptions] = "nosniff"
    guard let origin = request.headers[.origin], let authority = request.head.authority, isAllowed(origin, authority)
    else { return }
    response.headers[.accessControlAllowOrigin] = origin
    response.headers[.vary] = "Origin"
  }

  private func isAllowed(_ origin: String, _ authority: String) -> Bool {
    origin == "http://\(authority)" || origin == "https://\(authority)" || origins.contains("*")
      || origins.contains(origin)
  }
}
