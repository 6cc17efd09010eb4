import Glibc
import Ingot
import IngotRequests

extension RequestTarget {
  /// Lines: a path, `Host`, `Authorization`, `Content-Type`, `X-Request-Id`.
  static let headers = RequestTarget("request-head") { bytes in
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    func line(_ index: Int) -> String { index < lines.count ? String(lines[index]) : "" }
    let isKnown = try checkPath(line(0))
    try checkHost(line(1))
    let token = "0123456789abcdef"
    let shown = Array(line(2).utf8)
    let isRight = shown.count == 7 + token.utf8.count && shown.suffix(token.utf8.count).elementsEqual(token.utf8)
    try expect(!HeaderValues.shows(token, line(2)) || isRight, "let in by \(line(2))")
    try expect(HeaderValues.shows(token, "Bearer " + token), "not let in by the token")
    if HeaderValues.isJSON(line(3)) {
      let type = line(3).lowercased().filter { $0 != " " }
      try expect(type.contains("json") || type.contains("form"), "taken for JSON: \(type)")
    }
    if HeaderValues.isRequestName(line(4)) {
      try expect(line(4).utf8.allSatisfy { (0x2d...0x7a).contains($0) }, "a name that isn't fit for a log: \(line(4))")
    }
    if !isKnown { throw ServiceError(.badRequest, "there is nothing at this path") }
  }

  private static let patterns = ["/", "/v1/models/{model}", "/v2/models/{model}/versions/{version}/infer"].map {
    PathPattern($0)
  }

  /// - Returns: whether it is one of the paths.
  private static func checkPath(_ path: String) throws -> Bool {
    var isKnown = false
    for pattern in patterns {
      guard let names = pattern.names(in: PathPattern.parts(path)) else { continue }
      isKnown = true
      // With each byte of each name escaped, the path is the same.
      var again = pattern.text
      for (name, value) in names {
        try expect(!value.isEmpty, "an empty \(name)")
        let escaped = value.utf8.map { "%" + String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
        guard let place = again.firstRange(of: "{\(name)}") else { throw Broken(description: "no place for \(name)") }
        again.replaceSubrange(place, with: escaped)
      }
      try expect(pattern.names(in: PathPattern.parts(again)) == names, "other names in \(again) than in \(path)")
    }
    return isKnown
  }

  /// What is taken for this machine is so for the system too, as an address or by its name.
  private static func checkHost(_ authority: String) throws {
    guard let host = HeaderValues.host(of: authority), HeaderValues.isThisMachine(host) else { return }
    var four = in_addr()
    var six = in6_addr()
    if inet_pton(AF_INET, host, &four) == 1 {
      return try expect(UInt32(bigEndian: four.s_addr) >> 24 == 127, "taken for this machine: \(authority)")
    }
    if inet_pton(AF_INET6, host, &six) == 1 { return try expect(host == "::1", "taken for this machine: \(authority)") }
    let isName = host == "localhost" || host.hasSuffix(".localhost")
    try expect(isName, "taken for this machine: \(authority)")
    let whole = authority.lowercased()
    let rest = whole.hasPrefix(host) ? Array(whole.utf8.dropFirst(host.utf8.count)) : []
    try expect(rest.isEmpty || rest.first == UInt8(ascii: ":"), "something behind the name: \(authority)")
  }
}
