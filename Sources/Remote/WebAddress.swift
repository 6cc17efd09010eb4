import Arrays

/// An address of HTTP or HTTPS (RFC 3986), taken apart as far as is needed to know whom it asks.
struct WebAddress: Hashable, Sendable, CustomStringConvertible {
  /// `http` or `https`.
  let scheme: String
  /// In lower case; a numeric address of version 6 in its brackets.
  let host: String
  let port: Int
  /// From the first slash on, without a fragment.
  let rest: String

  /// - Throws: `Failure` of kind `usage` when it is none that can be asked.
  init(_ text: String) throws(Failure) {
    guard let scheme = ["http", "https"].first(where: { text.lowercased().hasPrefix($0 + "://") }) else {
      throw Self.wrong(text, "is not an address of http or https")
    }
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), text.utf8.count <= 16384 else {
      throw Self.wrong(text, "has characters that no address has, or too many")
    }
    let body = text.dropFirst(scheme.count + 3)
    let end = body.firstIndex { "/?#".contains($0) } ?? body.endIndex
    let authority = body[..<end]
    guard !authority.contains("@") else {
      throw Self.wrong(scheme + "://…", "has a name and a password in it, which would be seen by others")
    }
    var (host, port) = (authority, scheme == "https" ? 443 : 80)
    if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
      guard let number = Int(authority[authority.index(after: colon)...]), (1...65535).contains(number) else {
        throw Self.wrong(text, "has a port that is none")
      }
      (host, port) = (authority[..<colon], number)
    }
    guard !host.isEmpty else { throw Self.wrong(text, "names no host") }
    let tail = body[end...].prefix { $0 != "#" }
    (self.scheme, self.host, self.port) = (scheme, host.lowercased(), port)
    rest = tail.hasPrefix("/") ? String(tail) : "/" + tail
  }

  private static func wrong(_ text: String, _ reason: String) -> Failure {
    Failure(
      .usage, file: shortened(text, to: 200), reason, hint: "addresses look like https://HOST/PATH/model.safetensors")
  }

  var description: String { origin + rest }

  /// What must be the same for two addresses to be of one server.
  var origin: String { "\(scheme)://\(host)" + (port == (scheme == "https" ? 443 : 80) ? "" : ":\(port)") }

  /// The path, without what is asked of it.
  var path: String { String(rest.prefix { $0 != "?" }) }

  /// Whether it is this machine's own, where nobody listens in.
  var isLoopback: Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    let isNumeric = parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    return host == "localhost" || host == "[::1]" || isNumeric && parts[0] == "127"
  }

  /// What a `Location` or a link says, from this address on (RFC 3986, 5.2, without dots).
  /// - Throws: `Failure` of kind `usage` when it leads to what isn't HTTP.
  func following(_ location: String) throws(Failure) -> WebAddress {
    if location.hasPrefix("//") { return try WebAddress("\(scheme):\(location)") }
    if location.hasPrefix("/") { return try WebAddress(origin + location) }
    let start = location.prefix { $0 != "/" && $0 != "?" }
    if start.contains(":") { return try WebAddress(location) }
    let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
    return try WebAddress(origin + folder + location)
  }
}

/// `text` with all but letters, digits and `-._~`, and what is kept, as `%XX`.
func percentEncoded(_ text: String, keeping kept: String = "") -> String {
  let plain = Set("-._~".utf8).union(kept.utf8)
  let digits = Array("0123456789ABCDEF".utf8)
  var out: [UInt8] = []
  for byte in text.utf8 {
    let isLetter = (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    if isLetter || plain.contains(byte) {
      out.append(byte)
    } else {
      out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
  }
  return String(decoding: out, as: UTF8.self)
}

/// The text of which `text` is the percent-encoded form; nil where it is none, or not of UTF-8.
package func percentDecoded(_ text: some StringProtocol) -> String? {
  var out: [UInt8] = []
  var bytes = Array(text.utf8)[...]
  while let byte = bytes.popFirst() {
    guard byte == UInt8(ascii: "%") else {
      out.append(byte)
      continue
    }
    guard bytes.count >= 2, let value = UInt8(String(decoding: bytes.prefix(2), as: UTF8.self), radix: 16) else {
      return nil
    }
    out.append(value)
    bytes = bytes.dropFirst(2)
  }
  return String(validating: out, as: UTF8.self)
}
