import Ingot

/// A path of the server, in which parts may stand for names: `/v1/models/{model}`.
package struct PathPattern: Sendable {
  package let text: String
  private let parts: [Substring]

  package init(_ text: String) {
    self.text = text
    parts = PathPattern.parts(text)
  }

  /// What stands between the slashes of a path.
  package static func parts(_ path: String) -> [Substring] {
    Array(path.split(separator: "/", omittingEmptySubsequences: false).dropFirst())
  }

  /// The names in a request's path, decoded; nil where it is another path.
  package func names(in path: [Substring]) -> [String: String]? {
    guard path.count == parts.count else { return nil }
    var names: [String: String] = [:]
    for (part, given) in zip(parts, path) {
      if part.hasPrefix("{") {
        guard !given.isEmpty, let name = Ingot.text(ofPercentEncoded: String(given)) else { return nil }
        names[String(part.dropFirst().dropLast())] = name
      } else if part != given {
        return nil
      }
    }
    return names
  }
}
