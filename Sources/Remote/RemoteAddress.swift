import Arrays

/// An address that a user gave where a path may stand: `hf://org/name[@revision][/file]`, or one of HTTP.
public enum RemoteAddress: Hashable, Sendable {
  /// A repository of the hub, and what is meant in it: a file, a folder, or all.
  case hub(repository: String, revision: String?, path: String?)
  /// A file wherever.
  case web(String)

  /// Whether a text is meant as one.
  public static func isOne(_ text: String) -> Bool {
    ["hf://", "https://", "http://"].contains { text.lowercased().hasPrefix($0) }
  }

  /// - Throws: `Failure` of kind `usage` when it is malformed.
  public init(_ text: String) throws(Failure) {
    if text.lowercased().hasPrefix("hf://") {
      self = try Self.hub(text, Substring(text.dropFirst(5)))
      return
    }
    let (web, endpoint) = (try WebAddress(text), try HubSettings().endpoint)
    // What people copy from the hub's pages.
    if web.origin == endpoint.origin, web.path.hasPrefix(endpoint.rest), let page = try Self.page(web, endpoint) {
      self = page
    } else {
      self = .web(web.description)
    }
  }

  private static func wrong(_ text: String, _ reason: String) -> Failure {
    Failure(
      .usage, file: shortened(text, to: 200), reason,
      hint: "repositories are named hf://ORG/NAME, hf://ORG/NAME@REVISION or hf://ORG/NAME/FILE")
  }

  private static func hub(_ text: String, _ body: Substring) throws(Failure) -> RemoteAddress {
    var parts = body.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    while parts.last == "" { parts.removeLast() }
    if ["datasets", "spaces", "buckets"].contains(parts.first ?? "") {
      throw wrong(text, "is of \(parts[0]), not of nets")
    }
    if parts.first == "models" { parts.removeFirst() }
    // Nets of the hub's first years have no organization.
    var names: [String] = []
    while names.count < 2, !parts.isEmpty, names.last?.contains("@") != true { names.append(parts.removeFirst()) }
    var revision: String?
    if let last = names.last, let sign = last.firstIndex(of: "@") {
      guard let decoded = percentDecoded(last[last.index(after: sign)...]) else {
        throw wrong(text, "has a revision that can't be read")
      }
      revision = decoded
      names[names.count - 1] = String(last[..<sign])
    }
    guard !names.isEmpty, names.allSatisfy(isName) else { throw wrong(text, "names no repository") }
    return try checked(text, names.joined(separator: "/"), revision, parts)
  }

  /// A page of a repository: its own, of a folder (`tree`), or of a file (`blob`, `resolve`).
  private static func page(_ web: WebAddress, _ endpoint: WebAddress) throws(Failure) -> RemoteAddress? {
    var parts = web.path.dropFirst(endpoint.rest.count).split(separator: "/").map { percentDecoded($0) ?? "" }
    guard parts.count >= 2, !["api", "datasets", "spaces", "docs"].contains(parts[0]) else { return nil }
    let names = parts.prefix(2)
    parts.removeFirst(2)
    guard names.allSatisfy(isName) else { return nil }
    var revision: String?
    if let verb = parts.first, ["tree", "blob", "resolve", "raw"].contains(verb) {
      guard parts.count >= 2 else { return nil }
      revision = parts[1]
      parts.removeFirst(2)
    } else if !parts.isEmpty {
      return nil
    }
    return try checked(web.description, names.joined(separator: "/"), revision, parts)
  }

  private static func checked(
    _ text: String, _ repository: String, _ revision: String?, _ parts: [String]
  ) throws(Failure) -> RemoteAddress {
    if let revision,
      revision.isEmpty || revision.utf8.count > 200 || !revision.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
    {
      throw wrong(text, "has a revision that is none")
    }
    guard parts.allSatisfy(RepositoryPath.isComponent) else { throw wrong(text, "names no file of a repository") }
    return .hub(repository: repository, revision: revision, path: parts.isEmpty ? nil : parts.joined(separator: "/"))
  }

  /// As the hub has them: letters, digits, `-`, `_`, `.`, at most 96 of them.
  private static func isName(_ text: String) -> Bool {
    (1...96).contains(text.utf8.count) && text != "." && text != ".."
      && text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
          || "-_.".utf8.contains(byte)
      }
  }
}

/// Names of files in a repository, which a stranger chose.
package enum RepositoryPath {
  /// Whether it is one name, of a file or folder, that can't lead elsewhere.
  static func isComponent(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255
      && !name.utf8.contains { $0 < 0x20 || $0 == 0x7f || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
  }

  /// A path below a folder; either may be empty.
  static func joined(_ folder: String, _ name: String) -> String {
    folder.isEmpty || name.isEmpty ? folder + name : "\(folder)/\(name)"
  }

  /// The folder that a path stands in; empty: the repository's top.
  package static func folder(of path: String) -> String { path.split(separator: "/").dropLast().joined(separator: "/") }

  /// What of some files stands in a folder: names of files and folders.
  static func names(in folder: String, of paths: [String]) -> Set<String> {
    let start = folder.isEmpty ? "" : folder + "/"
    return Set(
      paths.filter { $0.hasPrefix(start) }.compactMap { path in
        let inside = path.utf8.dropFirst(start.utf8.count)
        return inside.split(separator: UInt8(ascii: "/")).first.map { String(Substring($0)) }
      })
  }

  /// Whether it stays in its folder, and isn't what tools keep of their own there.
  package static func isSafe(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    // As git itself refuses: a folder of that name, wherever it is, would be another repository to it, with hooks.
    return parts.allSatisfy { isComponent($0) && $0.lowercased() != ".git" } && path.utf8.count <= 1024
  }
}
