import Arrays
import NetFile

/// Makes the configuration and tokenizer files of an exported folder: a layout's skeletons, filled with what the nets'
/// headers say.
struct ExportedFiles {
  private let family: Family
  private let headers: [NetHeader]

  init(_ family: Family, _ headers: [NetHeader]) {
    self.family = family
    self.headers = headers
  }

  func texts(_ skeletons: [(name: String, skeleton: JSONValue)]) throws(Failure) -> [(name: String, text: String)] {
    var out: [(name: String, text: String)] = []
    for (name, skeleton) in skeletons {
      if name.hasPrefix("tokenizer"), tokenizer == nil { continue }
      var json = filled(skeleton)
      if name == "config.json" { json = withConfiguration(json) }
      json = try withProfile(json, file: name)
      out.append((name, json.prettyText + "\n"))
    }
    if let embedding = headers[0].profile["embedding"], case .integer(let width)? = width?.content {
      for file in try TextVectorRules(json: embedding).files(width: width) {
        out.append((file.name, file.json.prettyText + "\n"))
      }
    }
    if let tokenizer, tokenizer.kind == TokenizerDescription.clipKind {
      let tokens = tokenizer.vocabulary.enumerated().map { id, token in JSONMember(token, .integer(id)) }
      out.append(("vocab.json", JSONValue(.object(tokens)).compactText + "\n"))
      out.append(("merges.txt", "#version: 0.2\n" + tokenizer.merges.map { $0 + "\n" }.joined()))
    } else if let tokenizer {
      let tokens = tokenizer.vocabulary.dropLast(tokenizer.added)
      out.append(("vocab.txt", tokens.map { $0 + "\n" }.joined()))
    }
    return out
  }

  /// Of a token's vector.
  private var width: JSONValue? { headers[0].configuration.first { $0.key == "hiddenSize" }?.value }

  private var tokenizer: TokenizerDescription? { headers.lazy.compactMap(\.tokenizer).first }

  /// A skeleton with its `$` words replaced; members whose word stands for nothing are left out.
  private func filled(_ value: JSONValue) -> JSONValue {
    switch value.content {
    case .object(let members):
      return JSONValue(
        .object(
          members.compactMap { member in
            if case .string(let text) = member.value.content, text.hasPrefix("$") {
              return word(String(text.dropFirst())).map { JSONMember(member.key, $0) }
            }
            return JSONMember(member.key, filled(member.value))
          }))
    default: return value
    }
  }

  private func word(_ path: String) -> JSONValue? {
    switch path {
    case "precision":
      return headers[0].arrays.map(\.elementType).first(where: \.isFloatingPoint).map { .string($0.rawValue) }
    case "tokenizer.lowercase": return tokenizer.map { .boolean($0.lowercase) }
    case "tokenizer.stripAccents": return tokenizer.map { $0.stripAccents.map(JSONValue.boolean) ?? .null }
    case "tokenizer.matched":
      return tokenizer.flatMap { $0.matched.isEmpty ? nil : .strings($0.matched) }
    case "tokenizer.matchedWords": return matchedWords
    case "tokenizer.decoder": return decoder
    case "tokenizer.splitCJK": return tokenizer.map { .boolean($0.splitCJK) }
    default: return headers[0].profile[path: path].flatMap { $0.content == .null ? nil : JSONValue($0.content) }
    }
  }

  /// Added tokens that are words, as tokenizer_config.json has them; nil: there are none.
  private var matchedWords: JSONValue? {
    guard let tokenizer, !tokenizer.matchedWords.isEmpty else { return nil }
    return JSONValue(.object(added(tokenizer.matchedWords, isNormalized: true, isSpecial: false)))
  }

  /// All tokens that texts are searched for, as tokenizer_config.json has them.
  private var decoder: JSONValue? {
    tokenizer.map { tokenizer in
      JSONValue(
        .object(
          added(tokenizer.matched, isNormalized: false, isSpecial: true)
            + added(tokenizer.matchedWords, isNormalized: true, isSpecial: true)))
    }
  }

  private func added(_ tokens: [String], isNormalized: Bool, isSpecial: Bool) -> [JSONMember] {
    let off = JSONValue.boolean(false)
    return tokens.compactMap { token in
      guard let id = tokenizer?.vocabulary.firstIndex(where: { $0.isSameBytes(as: token) }) else { return nil }
      return JSONMember(
        String(id),
        .object([
          "content": .string(token), "lstrip": off, "normalized": .boolean(isNormalized), "rstrip": off,
          "single_word": off, "special": .boolean(isSpecial),
        ]))
    }
  }

  private func withConfiguration(_ json: JSONValue) -> JSONValue {
    var json = json
    for header in headers {
      guard let kind = family.nets.first(where: { $0.name == header.net }) else { continue }
      for field in kind.fields {
        guard let key = field.key, let value = header.configuration.first(where: { $0.key == field.name })?.value else {
          continue
        }
        // A backbone has no classes to name.
        if field.isTable, value.content == .integer(0) { continue }
        json = json.setting(key.split(separator: "."), to: field.isTable ? table(value) : value)
      }
    }
    return json
  }

  /// Names for classes that nobody named, as the publisher's library makes them.
  private func table(_ count: JSONValue) -> JSONValue {
    guard case .integer(let count) = count.content else { return .object([:]) }
    return JSONValue(.object((0..<count).map { JSONMember("\($0)", .string("LABEL_\($0)")) }))
  }

  private func withImageProcessor(_ json: JSONValue) throws(Failure) -> JSONValue {
    guard let image = headers[0].profile["image"], let name = family.profiles.compactMap(\.imageProcessor).first else {
      return json
    }
    var json = json
    for member in try ImagePreparation(profile: image).settings(of: name) {
      json = json.setting([Substring(member.key)], to: member.value)
    }
    return json
  }

  private func withProfile(_ json: JSONValue, file: String) throws(Failure) -> JSONValue {
    var json = json
    guard case .string(let name) = headers[0].profile["name"]?.content, let profile = family.profile(name) else {
      return json
    }
    for (profileFile, keys) in profile.keys where profileFile == file {
      for key in keys {
        guard let value = headers[0].profile[path: key.path], value.content != .null else { continue }
        json = json.setting(key.key.split(separator: "."), to: JSONValue(value.content))
      }
    }
    return file == "preprocessor_config.json" ? try withImageProcessor(json) : json
  }
}
