import HTTPTypes
import Hummingbird
import Ingot
import NIOCore

/// The page for people: one file, which asks this server and nobody else.
enum Page {
  static func answer(_ call: Call) async throws -> Response {
    Response(
      status: .ok,
      headers: [
        .contentType: "text/html; charset=utf-8", .cacheControl: "no-cache",
        // Nothing from elsewhere, and nothing to elsewhere, whatever were to get into it.
        .contentSecurityPolicy:
          "default-src 'none'; img-src 'self' data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      ],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: PackageResources.page_html)))
  }
}
