import HTTPTypes
import Hummingbird
import Ingot

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
    guard let authority = request.head.authority, let host = Self.host(of: authority) else {
      throw ServiceError.badRequest("the request names no host")
    }
    guard token != nil || Self.isThisMachine(host) || hosts.contains(host) else {
      throw ServiceError(.forbidden, "this server is not known as that host; it can be allowed by --allow-host")
    }
    guard let origin = request.headers[.origin], !isAllowed(origin, authority) else { return }
    throw ServiceError(.forbidden, "pages of that origin may not ask; it can be allowed by --allow-origin")
  }

  /// - Throws: `ServiceError` with 401.
  func checkToken(of request: Request) throws {
    guard let token else { return }
    let given = request.headers[.authorization] ?? ""
    let scheme = given.prefix(7)
    guard scheme.lowercased() == "bearer ", Self.areSame(given.dropFirst(7).utf8, token.utf8) else {
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

  /// Without the port, in lower case.
  static func host(of authority: String) -> String? {
    var host = authority[...]
    if host.hasPrefix("[") {
      guard let end = host.firstIndex(of: "]") else { return nil }
      host = host[host.index(after: host.startIndex)..<end]
    } else if let colon = host.lastIndex(of: ":") {
      host = host[..<colon]
    }
    return host.isEmpty ? nil : host.lowercased()
  }

  static func isThisMachine(_ host: String) -> Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return host == "localhost" || host == "::1" || host.hasSuffix(".localhost")
      || parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  /// In a time that doesn't depend on where they differ.
  static func areSame(_ a: some Collection<UInt8>, _ b: some Collection<UInt8>) -> Bool {
    var difference: UInt8 = a.count == b.count ? 0 : 1
    for (left, right) in zip(a, b) { difference |= left ^ right }
    return difference == 0
  }
}
