import Arrays

/// How one publisher names and arranges the arrays of a family.
public struct Layout: Sendable {
  /// How an array of a net is made from published ones.
  public struct Rule: Sendable {
    /// Names in the net.
    public let net: NamePattern
    /// Published names; several are joined along the first dimension, in this order.
    public let from: [NamePattern]
    /// Whether the published array has leading dimensions of length 1 that the net's has not.
    public let squeezes: Bool
  }

  /// A published array that should hold the same elements as another one, and so needn't be stored.
  public struct TieRule: Sendable {
    public let from: String
    public let same: String
    /// The net whose configuration changes, and how, when the two differ; nil: they must not.
    public let untied: (net: String, configuration: [JSONMember])?
  }

  /// A published array that is no weight.
  public struct IgnoreRule: Sendable {
    public let from: String
    public let reason: String
  }

  public let name: String
  public let about: String
  /// The profile that checkpoints in this layout run with, unless told otherwise.
  public let profile: String
  /// Names that a checkpoint in this layout holds.
  public let recognizedBy: [String]
  /// Rules by net; of several that match, the first counts.
  public let rules: [String: [Rule]]
  public let ties: [TieRule]
  public let ignored: [IgnoreRule]

  init(name: String, json: JSONValue) throws(Failure) {
    self.name = name
    about = try json.member("about").string()
    profile = try json.member("profile").string()
    recognizedBy = try json.member("recognizedBy").strings()
    var rules: [String: [Rule]] = [:]
    for net in try json.member("nets").object() {
      for rule in try net.value.array() { rules[net.key, default: []].append(try Rule(json: rule)) }
    }
    self.rules = rules
    var ties: [TieRule] = []
    for tie in try json.member("ties").array() {
      var untied: (net: String, configuration: [JSONMember])?
      if let change = tie["untied"] { untied = (try tie.member("part").string(), try change.object()) }
      ties.append(TieRule(from: try tie.member("from").string(), same: try tie.member("same").string(), untied: untied))
    }
    self.ties = ties
    var ignored: [IgnoreRule] = []
    for rule in try json.member("ignore").array() {
      ignored.append(IgnoreRule(from: try rule.member("from").string(), reason: try rule.member("reason").string()))
    }
    self.ignored = ignored
  }

  /// How a net's array is made: the published names; nil when no rule tells.
  func sources(of array: String, in net: String) -> (names: [String], squeezes: Bool)? {
    let words = array.split(separator: ".", omittingEmptySubsequences: false)
    for rule in rules[net] ?? [] {
      if let bindings = rule.net.match(words) { return (rule.from.map { $0.filled(with: bindings) }, rule.squeezes) }
    }
    return nil
  }
}

extension Layout.Rule {
  init(json: JSONValue) throws(Failure) {
    net = NamePattern(try json.member("net").string())
    let published = try json.member("from")
    if case .array = published.content {
      from = try published.strings().map(NamePattern.init)
    } else {
      from = [NamePattern(try published.string())]
    }
    squeezes = try json["squeeze"]?.boolean() ?? false
    guard !from.isEmpty, from.allSatisfy({ $0.placeholders == net.placeholders }) else {
      throw json.failure("the placeholders of \"from\" are not those of \"net\"")
    }
  }
}

/// An array name in which some of the dot-separated words may vary: `blocks.{n}.norm1.{leaf}`.
public struct NamePattern: Sendable {
  private enum Word: Sendable {
    case literal(Substring)
    case placeholder(Substring)
  }

  private let words: [Word]

  public init(_ text: String) {
    words = text.split(separator: ".", omittingEmptySubsequences: false).map { word in
      word.hasPrefix("{") && word.hasSuffix("}") ? .placeholder(word.dropFirst().dropLast()) : .literal(word)
    }
  }

  var placeholders: Set<Substring> {
    Set(words.compactMap { if case .placeholder(let name) = $0 { name } else { nil } })
  }

  /// What the placeholders stand for in a name, given as its words; nil when the name doesn't fit.
  func match(_ name: [Substring]) -> [Substring: Substring]? {
    guard name.count == words.count else { return nil }
    for (word, text) in zip(words, name) {
      if case .literal(let literal) = word, literal != text { return nil }
    }
    var bindings: [Substring: Substring] = [:]
    for (word, text) in zip(words, name) {
      if case .placeholder(let placeholder) = word { bindings[placeholder] = text }
    }
    return bindings
  }

  func filled(with bindings: [Substring: Substring]) -> String {
    words.map { word in
      switch word {
      case .literal(let text): text
      case .placeholder(let name): bindings[name] ?? name
      }
    }.joined(separator: ".")
  }
}
