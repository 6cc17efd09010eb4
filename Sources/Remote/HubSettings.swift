import Arrays

/// What the environment says of the hub, by the names that its own clients use
/// (https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables).
struct HubSettings: Sendable {
  /// `HF_ENDPOINT`.
  let endpoint: WebAddress
  /// `HF_TOKEN`, else what the file of `HF_TOKEN_PATH`, by default `HF_HOME/token`, holds; nil: none.
  let token: String?
  /// `HF_HUB_OFFLINE`: no address may be asked.
  let isOffline: Bool
  /// `HF_HUB_CACHE`, by default `HF_HOME/hub`: where repositories are kept.
  let cache: String

  /// - Throws: `Failure` of kind `usage` when a variable makes no sense, `io` when the token can't be read.
  init(_ environment: (String) -> String? = Paths.environment) throws(Failure) {
    func value(_ name: String) -> String? {
      guard let text = environment(name), !text.isEmpty else { return nil }
      // As the hub's clients do, of paths that no shell has seen.
      guard text.hasPrefix("~/"), let home = environment("HOME") else { return text }
      return Paths.join(home, String(text.dropFirst(2)))
    }
    var address = value("HF_ENDPOINT") ?? "https://huggingface.co"
    while address.hasSuffix("/") { address.removeLast() }
    do { endpoint = try WebAddress(address) } catch {
      throw Failure(.usage, "$HF_ENDPOINT: \(error.reason)", hint: "unset it, or give it the address of a hub")
    }
    let home =
      value("HF_HOME")
      ?? Paths.join(value("XDG_CACHE_HOME") ?? Paths.join(value("HOME") ?? ".", ".cache"), "huggingface")
    cache = value("HF_HUB_CACHE") ?? value("HUGGINGFACE_HUB_CACHE") ?? Paths.join(home, "hub")
    isOffline = Self.isTrue(value("HF_HUB_OFFLINE")) || Self.isTrue(value("TRANSFORMERS_OFFLINE"))
    let isExplicitOnly = Self.isTrue(value("HF_HUB_DISABLE_IMPLICIT_TOKEN"))
    token = try isExplicitOnly ? nil : Self.token(value, home)
  }

  /// An address of the hub.
  func address(_ path: String) throws(Failure) -> WebAddress {
    let base = "\(endpoint)"
    return try WebAddress(base.hasSuffix("/") ? base + path : "\(base)/\(path)")
  }

  private static func isTrue(_ value: String?) -> Bool {
    ["1", "ON", "YES", "TRUE"].contains(value?.uppercased() ?? "")
  }

  private static func token(_ value: (String) -> String?, _ home: String) throws(Failure) -> String? {
    let path = value("HF_TOKEN_PATH") ?? Paths.join(home, "token")
    var token = value("HF_TOKEN") ?? value("HUGGING_FACE_HUB_TOKEN")
    if token == nil, try Paths.isRegularFile(path) {
      let file = try InputFile(path)
      token = String(decoding: try file.bytes(min(file.size, 4096), at: 0), as: UTF8.self)
    }
    guard let text = token else { return nil }
    let bare = text.utf8.filter { $0 > 0x20 && $0 < 0x7f }
    guard !bare.isEmpty else { return nil }
    // A line's end in it would begin another header.
    guard text.utf8.allSatisfy({ $0 < 0x7f && ($0 >= 0x20 || $0 == 0x0a || $0 == 0x0d) }) else {
      throw Failure(.usage, "the hub's token has characters that no token has", hint: "see $HF_TOKEN, or \(path)")
    }
    return String(decoding: bare, as: UTF8.self)
  }
}
