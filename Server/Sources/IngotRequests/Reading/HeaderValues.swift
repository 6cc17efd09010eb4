import Ingot

/// What clients say in the headers of requests.
package enum HeaderValues {
  /// The host of `Host`, without the port, in lower case; nil where it names none.
  package static func host(of authority: String) -> String? {
    var host = authority[...]
    if host.hasPrefix("[") {
      // Behind the bracket there is a port or nothing: what has more is another name than the one in the brackets.
      guard let end = host.firstIndex(of: "]"), host[end...].dropFirst().first ?? ":" == ":" else { return nil }
      host = host[host.index(after: host.startIndex)..<end]
    } else if let colon = host.lastIndex(of: ":") {
      host = host[..<colon]
    }
    return host.isEmpty ? nil : host.lowercased()
  }

  /// Whether a host, as `host(of:)` gives it, is a name of the machine itself.
  package static func isThisMachine(_ host: String) -> Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return host == "localhost" || host == "::1" || host.hasSuffix(".localhost")
      || parts.count == 4 && parts[0] == "127" && parts.allSatisfy { isByte($0) }
  }

  /// As addresses have it: a number with a sign, or with zeros before it, makes a name, which may lead anywhere.
  private static func isByte(_ text: Substring) -> Bool { UInt8(text).map { "\($0)" == text } ?? false }

  /// Whether `Authorization` shows a token.
  package static func shows(_ token: String, _ authorization: String) -> Bool {
    authorization.prefix(7).lowercased() == "bearer " && areSame(authorization.dropFirst(7).utf8, token.utf8)
  }

  /// In a time that doesn't depend on where they differ.
  private static func areSame(_ a: some Collection<UInt8>, _ b: some Collection<UInt8>) -> Bool {
    var difference: UInt8 = a.count == b.count ? 0 : 1
    for (left, right) in zip(a, b) { difference |= left ^ right }
    return difference == 0
  }

  /// Whether a body of that `Content-Type` is taken for JSON. As curl sends it where nothing is said, it is too: Ollama's own
  /// examples do that.
  package static func isJSON(_ type: String) -> Bool {
    let name = type.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
    return name == "application/json" || name.hasSuffix("+json") || name == "application/x-www-form-urlencoded"
  }

  /// Whether a client's `X-Request-Id` may stand in the log and in the answer.
  package static func isRequestName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { isWordByte($0) }
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
      || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
  }
}
