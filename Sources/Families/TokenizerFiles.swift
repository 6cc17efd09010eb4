import Arrays
import NetFile

/// BERT's tokenizer as the small files of a checkpoint describe it, by the rules of transformers 5.24 (source: its
/// tokenization_utils_base.py and tokenization_bert.py): flags and names from tokenizer_config.json, the vocabulary from
/// tokenizer.json, else vocab.txt, and tokens that texts are searched for from whichever file has them.
struct TokenizerFiles {
  private let files: SmallFiles

  init(_ files: SmallFiles) {
    self.files = files
  }

  /// Found in a text as they are; the five that BERT's tokenizer has always.
  private static let own = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

  private static let names = [
    ("cls_token", "[CLS]"), ("sep_token", "[SEP]"), ("unk_token", "[UNK]"), ("pad_token", "[PAD]"),
    ("mask_token", "[MASK]"),
  ]

  /// Settings by which no text gets other tokens: of truncating and padding, which is not done here, of making text from
  /// tokens, of the older tokenizer in Python, notes.
  static let withoutInfluence: Set<String> = [
    "_commit_hash", "add_bos_token", "add_eos_token", "add_prefix_space", "backend", "chat_template",
    "clean_up_tokenization_spaces", "do_basic_tokenize", "errors", "from_slow", "full_tokenizer_file", "is_local",
    "local_files_only", "max_len", "max_length", "model_input_names", "model_max_length", "name_or_path", "never_split",
    "pad_to_multiple_of", "pad_token_type_id", "padding", "padding_side", "processor_class", "return_tensors",
    "special_tokens_map_file", "stride", "tokenizer_file", "transformers_version", "truncation", "truncation_side",
    "truncation_strategy", "use_fast", "verbose", "vocab_file",
  ]

  private static let used: Set<String> = [
    "added_tokens_decoder", "additional_special_tokens", "auto_map", "do_lower_case", "extra_special_tokens",
    "split_special_tokens",
    "strip_accents", "tokenize_chinese_chars", "tokenizer_class",
  ]

  /// - Returns: the tokenizer, and settings that nothing is known of; nil when there is no vocabulary.
  /// - Throws: `Failure` naming the file and the setting by which it would be another tokenizer.
  func description(
    _ rule: Family.TokenizerRule
  ) throws(Failure) -> (tokenizer: TokenizerDescription, unknown: [String])? {
    guard var vocabulary = try vocabulary() else { return nil }
    let config = try files.json("tokenizer_config.json")
    try checkClass(config)
    let (matched, words) = try addMatched(to: &vocabulary, config)
    try checkTokens(vocabulary)
    let published = vocabulary.count
    for token in rule.addedTokens where !vocabulary.contains(token) { vocabulary.append(token) }
    // A version that doesn't search texts for added tokens refuses the second kind.
    let kind =
      words.isEmpty && matched.allSatisfy(rule.addedTokens.contains)
      ? rule.kind : rule.kind + TokenizerDescription.addedKind
    let tokenizer = TokenizerDescription(
      kind: kind,
      lowercase: try flag(config, "do_lower_case") ?? true,
      stripAccents: try flag(config, "strip_accents"),
      splitCJK: try flag(config, "tokenize_chinese_chars") ?? true,
      vocabulary: vocabulary,
      added: vocabulary.count - published,
      matched: matched, matchedWords: words)
    return (tokenizer, try unknown(in: config))
  }

  private func unknown(in config: JSONValue?) throws(Failure) -> [String] {
    guard let config else { return [] }
    return try config.object().map(\.key).filter {
      !Self.used.contains($0) && !Self.withoutInfluence.contains($0) && !$0.hasSuffix("_token")
    }
  }

  private func flag(_ config: JSONValue?, _ key: String) throws(Failure) -> Bool? {
    guard let found = config?[key], found.content != .null else { return nil }
    guard case .boolean(let value) = found.content else {
      throw other(found, "\(key) is neither true nor false")
    }
    return value
  }

  /// Tokens that stand for something have the names that BERT's have; the words that are split are BERT's as well.
  private func checkClass(_ config: JSONValue?) throws(Failure) {
    try checkNames(config, file: "tokenizer_config.json")
    // Where tokenizer_config.json doesn't say which tokens were added, the older file goes before it.
    if config?["added_tokens_decoder"] == nil {
      try checkNames(try files.json("special_tokens_map.json"), file: "special_tokens_map.json")
    }
    if let found = config?["tokenizer_class"], found.content != .null {
      let known = ["BertTokenizer", "BertTokenizerFast"]
      guard known.contains(where: { found == .string($0) }) else {
        throw other(
          found, "tokenizer_class is \(found.compactText.prefix(60)); supported: \(known.joined(separator: ", "))")
      }
    }
    if let found = config?["auto_map"], found.content != .null {
      throw other(found, "auto_map names code of its author's, which isn't run")
    }
    if let found = config?["split_special_tokens"], try flag(config, "split_special_tokens") == true {
      throw other(found, "split_special_tokens is true, which is not supported")
    }
  }

  private func checkNames(_ json: JSONValue?, file: String) throws(Failure) {
    for (key, usual) in Self.names {
      guard let found = json?[key] else { continue }
      // Of some releases it is an object that tells more of the token.
      guard (found["content"] ?? found) == .string(usual) else {
        throw other(found, "\(key) is \(found.compactText.prefix(60)), not \"\(usual)\"", file: file)
      }
    }
  }

  private func other(_ json: JSONValue, _ reason: String, file: String = "tokenizer_config.json") -> Failure {
    json.failure(reason).inFile(files.path(file)).hinting(
      "the net's questions are split by BERT's tokenizer only, so this one isn't converted")
  }

  // MARK: Tokens that texts are searched for

  /// A token of one of the files, with what there is to say of it.
  private struct Added {
    let content: String
    /// nil: the next that is free.
    let id: Int?
    /// Left out of answers, and found in a text as it is.
    let isSpecial: Bool
    let json: JSONValue
    let file: String
  }

  /// Appends to the vocabulary the tokens that the files add to it, in the order of transformers.
  /// - Returns: tokens besides BERT's own that are found in a text as they are, and those found in one that is normalized.
  private func addMatched(
    to vocabulary: inout [String], _ config: JSONValue?
  ) throws(Failure) -> (special: [String], words: [String]) {
    var (matched, words): ([String], [String]) = ([], [])
    let found = try added(config).sorted { ($0.id ?? .max) < ($1.id ?? .max) }
    var ids: [String: Int] = [:]
    for (id, token) in vocabulary.enumerated() { ids[token] = id }
    var seen = Set(Self.own)
    for token in found {
      try checkForm(token)
      let id = ids[token.content] ?? vocabulary.count
      guard token.id ?? id == id else {
        throw other(
          token.json,
          "the token \"\(shortened(token.content, to: 40))\" has id \(token.id ?? 0), but is token \(id) of the vocabulary",
          file: token.file)
      }
      if id == vocabulary.count {
        vocabulary.append(token.content)
        ids[token.content] = id
        guard vocabulary.count <= Limit.vocabulary.value else { throw tooMany }
      }
      guard seen.insert(token.content).inserted else { continue }
      if token.isSpecial { matched.append(token.content) } else { words.append(token.content) }
    }
    return (matched, words)
  }

  /// A token must be found exactly where its text stands: a special one in the text as it is, another in the normalized text.
  private func checkForm(_ token: Added) throws(Failure) {
    guard !token.content.isEmpty else { throw other(token.json, "an added token is empty", file: token.file) }
    let name = "the added token \"\(shortened(token.content, to: 40))\""
    if !token.isSpecial,
      token.content.unicodeScalars.contains(where: { $0.properties.isWhitespace || $0.value >= 0x2e80 })
    {
      throw other(token.json, "\(name) holds a space, or an ideograph, which is not supported", file: token.file)
    }
    guard case .object = token.json.content else { return }
    for key in ["lstrip", "rstrip", "single_word"] {
      guard let value = token.json[key] else { continue }
      guard value == .boolean(false) else {
        throw other(
          value, "\(name) has \(key) \(value.compactText.prefix(20)), which is not supported", file: token.file)
      }
    }
    if let value = token.json["normalized"], value != .boolean(!token.isSpecial) {
      throw other(
        value,
        "\(name) is \(token.isSpecial ? "" : "not ")special with normalized \(value.compactText.prefix(20)), which is not supported",
        file: token.file)
    }
  }

  private func added(_ config: JSONValue?) throws(Failure) -> [Added] {
    var out: [Added] = []
    let file = "tokenizer_config.json"
    var named = config.map { [($0, file)] } ?? []
    if let decoder = config?["added_tokens_decoder"] {
      for member in try decoder.object() {
        guard let id = Int(member.key), id >= 0 else {
          throw other(member.value, "added_tokens_decoder has the id \"\(member.key.prefix(20))\"")
        }
        out.append(try token(member.value, id: id, file))
      }
    } else {
      if let map = try files.json("special_tokens_map.json") { named.append((map, "special_tokens_map.json")) }
      if let tokens = try files.json("added_tokens.json") {
        var special = Set(Self.own)
        for (json, _) in named { special.formUnion(try specials(json).compactMap { content(of: $0.value) }) }
        for member in try tokens.object() {
          out.append(
            Added(
              content: member.key, id: try member.value.size(), isSpecial: special.contains(member.key),
              json: member.value, file: "added_tokens.json"))
        }
      }
      if let json = try files.json("tokenizer.json") {
        for value in try json["added_tokens"]?.array() ?? [] {
          out.append(try token(value, id: try value.member("id").size(), "tokenizer.json"))
        }
      }
    }
    var told = Set(out.map(\.content))
    for (json, file) in named {
      for value in try specials(json) {
        let added = try token(value.value, id: nil, isNamed: true, file)
        if told.insert(added.content).inserted { out.append(added) }
      }
    }
    return out
  }

  /// The text of a token, which stands alone or among what else there is to say of it; nil: it has none.
  private func content(of json: JSONValue) -> String? {
    if case .string(let text) = (json["content"] ?? json).content { text } else { nil }
  }

  /// Tokens under names of their own, and the lists of further ones.
  private func specials(_ json: JSONValue) throws(Failure) -> [JSONMember] {
    var out: [JSONMember] = []
    for member in try json.object() where member.value.content != .null {
      switch member.key {
      case "additional_special_tokens", "extra_special_tokens":
        // Those of transformers 5 go before the others, which are left out then.
        if member.key == "additional_special_tokens", let new = json["extra_special_tokens"], !isEmpty(new) { continue }
        if case .object(let named) = member.value.content {
          out += named
        } else {
          for value in try member.value.array() { out.append(JSONMember(member.key, value)) }
        }
      case let key where key.hasSuffix("_token"):
        switch member.value.content {
        case .string, .object: out.append(member)
        default: break
        }
      default: break
      }
    }
    return out
  }

  private func isEmpty(_ json: JSONValue) -> Bool {
    switch json.content {
    case .array(let values): values.isEmpty
    case .object(let members): members.isEmpty
    default: json.content == .null
    }
  }

  /// - Parameter isNamed: whether it stands for something, and so is special whatever it says of itself.
  private func token(
    _ json: JSONValue, id: Int?, isNamed: Bool = false, _ file: String
  ) throws(Failure) -> Added {
    if case .string(let text) = json.content {
      return Added(content: text, id: id, isSpecial: true, json: json, file: file)
    }
    do throws(Failure) {
      let content = try json.member("content").string()
      return Added(
        content: content, id: id, isSpecial: isNamed || Self.own.contains(content) || json["special"] == .boolean(true),
        json: json, file: file)
    } catch {
      throw error.inFile(files.path(file))
    }
  }

  // MARK: The vocabulary

  private func checkTokens(_ vocabulary: [String]) throws(Failure) {
    guard vocabulary.count <= Limit.vocabulary.value else { throw tooMany }
    guard !vocabulary.contains(where: { $0.utf8.contains(0x0a) }) else {
      throw Failure(
        .badData, file: files.path("tokenizer.json"), "a token holds a line feed",
        hint: "such a vocabulary can't be kept")
    }
  }

  private var tooMany: Failure {
    Limit.vocabulary.failure(file: files.path("vocab.txt"), "has more than \(Limit.vocabulary.value) tokens")
  }

  private func vocabulary() throws(Failure) -> [String]? {
    guard let json = try files.json("tokenizer.json") else { return try files.bytes("vocab.txt").map(lines) }
    if let type = json["model"]?["type"], type != "WordPiece" {
      throw other(
        type, "the model of tokenizer.json is \(type.compactText.prefix(40)), not WordPiece", file: "tokenizer.json")
    }
    do throws(Failure) {
      var tokens: [Int: String] = [:]
      var ids: [String: Int] = [:]
      for member in try json.member("model").member("vocab").object() {
        try add(member.key, id: member.value, to: &tokens, &ids)
      }
      for added in try json["added_tokens"]?.array() ?? [] {
        try add(added.member("content").string(), id: added.member("id"), to: &tokens, &ids)
      }
      guard tokens.keys.allSatisfy({ $0 < tokens.count }) else { throw json.failure("token ids are not 0, 1, 2, …") }
      return (0..<tokens.count).compactMap { tokens[$0] }
    } catch {
      throw error.inFile(files.path("tokenizer.json"))
    }
  }

  private func add(
    _ token: String, id: JSONValue, to tokens: inout [Int: String], _ ids: inout [String: Int]
  ) throws(Failure) {
    let number = try id.size()
    let other = tokens.updateValue(token, forKey: number)
    let before = ids.updateValue(number, forKey: token)
    guard other == nil || other == token, before == nil || before == number else {
      throw id.failure(
        "token \(number) is \"\(shortened(token, to: 40))\", but two tokens have that id, or this token two")
    }
  }

  private func lines(_ bytes: [UInt8]) throws(Failure) -> [String] {
    var out: [String] = []
    for line in bytes.split(separator: 0x0a, omittingEmptySubsequences: false) {
      let line = line.last == 0x0d ? line.dropLast() : line
      do {
        out.append(try readText(line))
      } catch {
        throw Failure(
          .badData, file: files.path("vocab.txt"), place: "line \(out.count + 1)", error.reason, hint: error.hint)
      }
      guard out.count <= Limit.vocabulary.value + 1 else { throw tooMany }
    }
    if out.last == "" { out.removeLast() }
    return out
  }
}
