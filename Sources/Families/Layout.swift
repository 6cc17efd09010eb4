import Arrays
import NetFile

/// How one publisher names and arranges the arrays of a family.
public struct Layout: Sendable {
  /// How an array of a net is made from published ones.
  public struct Rule: Sendable {
    /// Names in the net.
    public let net: NamePattern
    /// Published names; several are joined along the first dimension, in this order.
    public let from: [NamePattern]
    /// How many dimensions of length 1 the published array has in front that the net's has not.
    public let leadingOnes: Int
    /// Dimension i of the net's array is dimension `permutation[i]` of the published one; nil: as it is.
    public let permutation: [Int]?
    /// Whether the array may be position embeddings of another grid, to be resized.
    public let isGrid: Bool
    /// Whether the published array lacks the first row of the net's, which is 0.
    public let lacksFirstRow: Bool

    fileprivate init(
      net: NamePattern, from: [NamePattern], leadingOnes: Int, permutation: [Int]?, isGrid: Bool, lacksFirstRow: Bool
    ) {
      (self.net, self.from) = (net, from)
      (self.leadingOnes, self.permutation, self.isGrid) = (leadingOnes, permutation, isGrid)
      self.lacksFirstRow = lacksFirstRow
    }

    /// The published dimensions of a net's array (of each, where several are joined), the inverse of `netDimensions`.
    public func publishedDimensions(_ dimensions: [Int]) -> [Int] {
      var out = dimensions
      if from.count > 1 { out[0] /= from.count }
      if let permutation {
        let permuted = out
        for (position, source) in permutation.enumerated() { out[source] = permuted[position] }
      }
      return [Int](repeating: 1, count: leadingOnes) + out
    }

    /// The dimensions that a published array has in the net, before joining; nil when it can't be an array of this rule.
    func netDimensions(_ shape: Shape) -> [Int]? {
      guard shape.rank >= leadingOnes, shape.dimensions[..<leadingOnes].allSatisfy({ $0 == 1 }) else { return nil }
      let dimensions = Array(shape.dimensions[leadingOnes...])
      guard let permutation else { return dimensions }
      guard permutation.count == dimensions.count else { return nil }
      return Transposition.permuted(dimensions, permutation)
    }
  }

  /// How a publisher spells the dotted names of the rules: words apart by `separator`, a number joined to the word before
  /// it by `index`, and `suffix` at the end.
  public struct Spelling: Sendable {
    let separator: String
    let index: String
    let suffix: String
  }

  /// The array from whose rows the side of the images can be told: one for the class token, one for each patch.
  public struct GridRule: Sendable {
    public let net: String
    public let from: String
    /// The configuration field that is the side in pixels.
    public let field: String
  }

  /// A published array that should hold the same elements as another one, and so needn't be stored.
  public struct TieRule: Sendable {
    public let from: String
    public let same: String
    /// How the elements of `from` are arranged with respect to those of `same`.
    public let transform: ArrayTransform
    /// The net whose configuration changes, and how, when the two differ; nil: they must not.
    public let untied: (net: String, configuration: [JSONMember])?
  }

  /// A published array that is no weight.
  public struct IgnoreRule: Sendable {
    /// Its name, or what that begins with.
    public let from: String
    public let isBeginning: Bool
    public let reason: String

    func holds(_ name: String) -> Bool { isBeginning ? name.hasPrefix(from) : name == from }
  }

  public let name: String
  public let about: String
  /// The profile that checkpoints in this layout run with, unless told otherwise.
  public let profile: String
  /// How published names differ from the dotted ones that the rules are about; nil: they don't.
  public let spelling: Spelling?
  /// Names that a checkpoint in this layout holds.
  public let recognizedBy: [String]
  /// Rules by net; of several that match, the first counts.
  public let rules: [String: [Rule]]
  public let ties: [TieRule]
  public let ignored: [IgnoreRule]
  public let grid: GridRule?
  /// How the configuration of each net is told from the arrays where no config.json of transformers has it; empty: it
  /// can't be.
  let shapes: [ShapeConfiguration]
  /// Which keys of the publisher's own files there are, where these tell the configuration.
  let fileKeys: [(file: String, keys: ConfigurationKeys)]
  /// Fields of the configuration that the layout itself says, by net.
  let configuration: [String: [JSONMember]]
  /// Whether a checkpoint that holds more than the layout's arrays is in another layout: names that many nets have prove
  /// nothing.
  let isAlone: Bool
  /// Skeletons of the small files of a folder in this layout; nil: it can't be written.
  public let exportedFiles: [(name: String, skeleton: JSONValue)]?
  /// Whether these are the layout's own and not another one's.
  fileprivate let isWritten: Bool

  /// A layout without rules.
  init(name: String, about: String) {
    self.name = name
    self.about = about
    (profile, recognizedBy, rules, ties, ignored) = ("", [], [:], [], [])
    (spelling, grid, shapes, exportedFiles, configuration, isAlone) = (nil, nil, [], nil, [:], false)
    fileKeys = []
    isWritten = false
  }

  /// - Parameters:
  ///   - others: layouts of the same family whose rules this one may refer to.
  ///   - families: whose layouts it may refer to likewise.
  init(name: String, json: JSONValue, others: [Layout], families: [Family]) throws(Failure) {
    self.name = name
    about = try json.member("about").string()
    profile = try json.member("profile").string()
    recognizedBy = try json.member("recognizedBy").strings()
    spelling = try json["names"].map(Spelling.init(json:))
    var rules: [String: [Rule]] = [:]
    for net in try json.member("nets").object() {
      if let same = try Self.sharedRules(net, others, families) {
        rules[net.key] = same
      } else {
        for rule in try net.value.array() { rules[net.key, default: []].append(try Rule(json: rule)) }
      }
    }
    self.rules = rules
    grid = try json["gridOf"].map(GridRule.init(json:))
    var own: [String: [JSONMember]] = [:]
    for net in try json["configuration"]?.object() ?? [] { own[net.key] = try net.value.object() }
    configuration = own
    isAlone = try json["alone"]?.boolean() ?? false
    var shapes: [ShapeConfiguration] = []
    if let one = json["configurationOf"] {
      var parts: [JSONValue] = [one]
      if case .array(let several) = one.content { parts = several }
      for part in parts { shapes.append(try ShapeConfiguration(json: part)) }
    }
    self.shapes = shapes
    var fileKeys: [(file: String, keys: ConfigurationKeys)] = []
    for file in try json["fileKeys"]?.object() ?? [] {
      fileKeys.append((file.key, try ConfigurationKeys(json: file.value)))
    }
    self.fileKeys = fileKeys
    if let export = json["export"], case .string(let other) = export.content {
      exportedFiles = others.first { $0.name == other }?.exportedFiles
      isWritten = false
    } else {
      exportedFiles = try json["export"]?.object().map { ($0.key, $0.value) }
      isWritten = exportedFiles != nil
    }
    var ties: [TieRule] = []
    for tie in try json.member("ties").array() {
      var untied: (net: String, configuration: [JSONMember])?
      if let change = tie["untied"] { untied = (try tie.member("part").string(), try change.object()) }
      let permutation = try tie["transpose"]?.permutation()
      ties.append(
        TieRule(
          from: try tie.member("from").string(), same: try tie.member("same").string(),
          transform: permutation.map(ArrayTransform.permute) ?? .none, untied: untied))
    }
    self.ties = ties
    var ignored: [IgnoreRule] = []
    for rule in try json.member("ignore").array() {
      let beginning = try rule["beginning"]?.string()
      let from = if let beginning { beginning } else { try rule.member("from").string() }
      ignored.append(
        IgnoreRule(from: from, isBeginning: beginning != nil, reason: try rule.member("reason").string()))
    }
    self.ignored = ignored
  }

  /// Rules that are another layout's: its name stands for them, behind that of its family where it is of another one, or an
  /// object that has it as `like`, words of the published names that are others here, and further rules as `and`; nil for rules of the layout's own.
  private static func sharedRules(
    _ net: JSONMember, _ others: [Layout], _ families: [Family]
  ) throws(Failure) -> [Rule]? {
    if case .array = net.value.content { return nil }
    let like: String
    var words: [String: String] = [:]
    var further: [Rule] = []
    if case .string(let name) = net.value.content {
      like = name
    } else {
      like = try net.value.member("like").string()
      for member in try net.value["words"]?.object() ?? [] { words[member.key] = try member.value.string() }
      for rule in try net.value["and"]?.array() ?? [] { further.append(try Rule(json: rule)) }
    }
    let path = like.split(separator: "/")
    let layouts = path.count == 2 ? families.first { $0.name == path[0] }?.layouts ?? [] : others
    guard let name = path.last, let same = layouts.first(where: { $0.name == name })?.rules[net.key] else {
      throw net.value.failure("there is no layout \(like) before this one that has rules for \(net.key)")
    }
    return (words.isEmpty ? same : same.map { $0.replacing(words) }) + further
  }

  /// Whether an array of that name is one of the layout's: made into a net's, tied or ignored.
  func holds(_ name: String) -> Bool {
    let words = name.split(separator: ".", omittingEmptySubsequences: false)
    return ignored.contains { $0.holds(name) } || ties.contains { $0.from == name }
      || rules.values.contains { $0.contains { rule in rule.from.contains { $0.match(words) != nil } } }
  }

  /// How a net's array is made: the published names; nil when no rule tells.
  func sources(of array: String, in net: String) -> (names: [String], rule: Rule)? {
    let words = array.split(separator: ".", omittingEmptySubsequences: false)
    for rule in rules[net] ?? [] {
      if let bindings = rule.net.match(words) { return (rule.from.map { $0.filled(with: bindings) }, rule) }
    }
    return nil
  }
}

extension Family {
  /// The layout in which nets are written: that of a name, or of its forms for nets with other parts, whose names are that
  /// and words more, the one that says most of what the nets' configurations say; nil: there is none.
  func exported(_ nets: [NetHeader], as name: String) -> Layout? {
    let forms = layouts.filter { layout in
      layout.name == name ? layout.exportedFiles != nil : layout.isWritten && layout.name.hasPrefix(name + "-")
    }
    let fitting = forms.filter { form in
      nets.allSatisfy { net in
        (form.configuration[net.net] ?? []).allSatisfy { member in
          let field = self.nets.first { $0.name == net.net }?.fields.first { $0.name == member.key }
          let value = net.configuration.first { $0.key == member.key }?.value ?? field?.defaultValue
          return value == member.value
        }
      }
    }
    let most = fitting.max { $0.told < $1.told }
    return fitting.first { $0.told == most?.told }
  }
}

extension Layout {
  /// How much of configurations it says.
  fileprivate var told: Int { configuration.reduce(0) { $0 + $1.value.count } }
}

extension Layout.Rule {
  /// The same rule with other words in the published names.
  fileprivate func replacing(_ words: [String: String]) -> Layout.Rule {
    Layout.Rule(
      net: net, from: from.map { $0.replacing(words) }, leadingOnes: leadingOnes, permutation: permutation,
      isGrid: isGrid, lacksFirstRow: lacksFirstRow)
  }

  init(json: JSONValue) throws(Failure) {
    net = NamePattern(try json.member("net").string())
    let published = try json.member("from")
    if case .array = published.content {
      from = try published.strings().map(NamePattern.init)
    } else {
      from = [NamePattern(try published.string())]
    }
    leadingOnes = try json["leadingOnes"]?.size() ?? 0
    permutation = try json["transpose"]?.permutation()
    isGrid = try json["grid"]?.boolean() ?? false
    lacksFirstRow = try json["lacksFirstRow"]?.boolean() ?? false
    guard !from.isEmpty, from.allSatisfy({ $0.placeholders == net.placeholders }) else {
      throw json.failure("the placeholders of \"from\" are not those of \"net\"")
    }
  }
}

extension Layout.GridRule {
  init(json: JSONValue) throws(Failure) {
    net = try json.member("part").string()
    from = try json.member("from").string()
    field = try json.member("field").string()
  }
}

extension Layout {
  /// A published name as the rules have it.
  func ruleName(_ published: String) -> String {
    guard let spelling else { return published }
    let name = published.hasSuffix(spelling.suffix) ? String(published.dropLast(spelling.suffix.count)) : published
    return name.replacing(spelling.index, with: ".").replacing(spelling.separator, with: ".")
  }

  /// A name of the rules as it is published.
  func publishedName(_ rule: String) -> String {
    guard let spelling else { return rule }
    let words = rule.split(separator: ".", omittingEmptySubsequences: false)
    let spelt = words.dropFirst().reduce(String(words[0])) { name, word in
      name + (Int(word) == nil ? spelling.separator : spelling.index) + word
    }
    return spelt + spelling.suffix
  }
}

extension Layout.Spelling {
  init(json: JSONValue) throws(Failure) {
    separator = try json.member("separator").string()
    index = try json.member("index").string()
    suffix = try json.member("suffix").string()
    guard !separator.isEmpty, !index.isEmpty else { throw json.failure("a separator is empty") }
  }
}

extension JSONValue {
  /// The numbers 0 ..< n in some order.
  fileprivate func permutation() throws(Failure) -> [Int] {
    let numbers = try sizes()
    guard numbers.sorted() == Array(0..<numbers.count) else { throw failure("is no permutation of dimensions") }
    return numbers
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

  private init(words: [Word]) { self.words = words }

  func replacing(_ replacements: [String: String]) -> NamePattern {
    NamePattern(
      words: words.map { word in
        if case .literal(let text) = word, let new = replacements[String(text)] {
          .literal(Substring(new))
        } else {
          word
        }
      })
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
