import Arrays
import NetFile

/// CLIP's tokenizer as the small files of a checkpoint describe it, by the rules of transformers 5.24 (source: its
/// tokenization_clip.py, tokenization_utils_base.py, tokenization_utils_tokenizers.py): vocabulary and merges from
/// tokenizer.json, else vocab.json and merges.txt, else the original repository's file; tokens that texts are searched
/// for from whichever file has them.
package struct BytePairFiles {
  private let files: SmallFiles

  package init(_ files: SmallFiles) {
    self.files = files
  }

  private static let end = "<|endoftext|>"
  /// Special tokens in the library's order, with what its class has where no file says it; some must be that.
  private static let named: [(key: String, usual: String?, isFixed: Bool)] = [
    ("bos_token", "<|startoftext|>", true), ("eos_token", end, true), ("unk_token", end, true),
    ("sep_token", nil, false),
    ("pad_token", end, false), ("cls_token", nil, false), ("mask_token", nil, false),
  ]
  /// Settings of other tokenizers, which this one doesn't look at.
  private static let withoutInfluence: Set<String> = [
    "added_tokens_decoder", "additional_special_tokens", "auto_map", "do_lower_case", "extra_special_tokens",
    "merges_file", "split_special_tokens", "strip_accents", "tokenize_chinese_chars", "tokenizer_class",
  ]

  /// - Returns: the tokenizer, and settings that nothing is known of; nil when there is no vocabulary.
  /// - Throws: `Failure` naming the file and the setting by which it would be another tokenizer.
  package func description() throws(Failure) -> (tokenizer: TokenizerDescription, unknown: [String])? {
    guard let read = try vocabulary() else { return nil }
    var vocabulary = read.vocabulary
    let config = try files.json("tokenizer_config.json")
    try checkClass(config)
    var matches: [(token: String, isNormalized: Bool)] = []
    for token in try added(config) {
      try add(token, to: &vocabulary)
      // Of one that is told twice the last counts.
      matches.removeAll { $0.token.isSameBytes(as: token.content) }
      matches.append((token.content, token.isNormalized))
    }
    guard !vocabulary.contains(where: { $0.utf8.contains(0x0a) }) else {
      throw Failure(
        .badData, file: read.file, "a token holds a line feed", hint: "such a vocabulary can't be kept")
    }
    let tokenizer = TokenizerDescription(
      kind: TokenizerDescription.clipKind, lowercase: true, stripAccents: nil, splitCJK: false, vocabulary: vocabulary,
      matched: matches.filter { !$0.isNormalized }.map(\.token),
      matchedWords: matches.filter(\.isNormalized).map(\.token), merges: read.merges)
    let unknown = try config?.object().map(\.key).filter {
      !Self.withoutInfluence.contains($0) && !TokenizerFiles.withoutInfluence.contains($0) && !$0.hasSuffix("_token")
    }
    return (tokenizer, unknown ?? [])
  }

  private func checkClass(_ config: JSONValue?) throws(Failure) {
    guard let config else { return }
    if let found = config["tokenizer_class"], found.content != .null {
      let known = ["CLIPTokenizer", "CLIPTokenizerFast"]
      guard known.contains(where: { found == .string($0) }) else {
        throw other(
          found, "tokenizer_class is \(found.compactText.prefix(60)); supported: \(known.joined(separator: ", "))")
      }
    }
    if let found = config["auto_map"], found.content != .null {
      throw other(found, "auto_map names code of its author's, which isn't run")
    }
    if let found = config["split_special_tokens"], found.content != .null, found != .boolean(false) {
      throw other(found, "split_special_tokens is \(found.compactText.prefix(20)), which is not supported")
    }
  }

  private func other(_ json: JSONValue, _ reason: String, file: String = "tokenizer_config.json") -> Failure {
    json.failure(reason).inFile(files.path(file)).hinting(
      "the net's texts are split by CLIP's tokenizer only, so this one isn't converted")
  }

  // MARK: Tokens that texts are searched for

  private struct Added {
    let content: String
    /// nil: the vocabulary's, or the next that is free.
    let id: Int?
    /// Whether it is found in the normalized text.
    let isNormalized: Bool
    let json: JSONValue
    let file: String
  }

  private func add(_ token: Added, to vocabulary: inout [String]) throws(Failure) {
    guard !token.content.isEmpty else { throw other(token.json, "an added token is empty", file: token.file) }
    let id = vocabulary.firstIndex { $0.isSameBytes(as: token.content) } ?? vocabulary.count
    guard token.id ?? id == id else {
      throw other(
        token.json,
        "the token \"\(shortened(token.content, to: 40))\" has id \(token.id ?? 0), but is token \(id) of the vocabulary",
        file: token.file)
    }
    if id == vocabulary.count { vocabulary.append(token.content) }
  }

  /// In the order in which the library adds them: those with an id first, then special ones that these lack.
  private func added(_ config: JSONValue?) throws(Failure) -> [Added] {
    var numbered: [Int: Added] = [:]
    let file = "tokenizer_config.json"
    var map: JSONValue?
    if let decoder = config?["added_tokens_decoder"], decoder.content != .null {
      for member in try decoder.object() {
        guard let id = Int(member.key), id >= 0 else {
          throw other(member.value, "added_tokens_decoder has the id \"\(member.key.prefix(20))\"")
        }
        numbered[id] = try token(member.value, id: id, isSpecial: false, file)
      }
    } else {
      map = try files.json("special_tokens_map.json")
      try readLegacy(&numbered, [config, map].compactMap(\.self))
    }
    var out = numbered.sorted { $0.key < $1.key }.map(\.value)
    let known = Set(out.map { TokenBytes($0.content) })
    for (key, usual, isFixed) in Self.named {
      let inMap = map?[key].flatMap { $0.content == .null ? nil : $0 }
      guard let json = inMap ?? config?[key] ?? usual.map(JSONValue.string), json.content != .null else { continue }
      let found = try token(json, id: nil, isSpecial: inMap != nil, inMap == nil ? file : "special_tokens_map.json")
      guard !isFixed || found.content == usual else {
        throw other(json, "\(key) is \(json.compactText.prefix(60)), not \"\(usual ?? "")\"", file: found.file)
      }
      if !known.contains(TokenBytes(found.content)) { out.append(found) }
    }
    for (json, file) in [(config, file), (map, "special_tokens_map.json")] {
      for value in try extra(json) {
        let found = try token(value, id: nil, isSpecial: true, file)
        if !known.contains(TokenBytes(found.content)) { out.append(found) }
      }
    }
    return out
  }

  /// Files of before tokenizer_config.json said which tokens were added.
  private func readLegacy(_ numbered: inout [Int: Added], _ named: [JSONValue]) throws(Failure) {
    if let tokens = try files.json("added_tokens.json") {
      var special: Set<TokenBytes> = [TokenBytes("<|startoftext|>"), TokenBytes(Self.end)]
      for json in named {
        let values = try Self.named.compactMap { json[$0.key] } + extra(json)
        for value in values {
          if case .string(let text) = (value["content"] ?? value).content { special.insert(TokenBytes(text)) }
        }
      }
      for member in try tokens.object() {
        let id = try member.value.size()
        numbered[id] = Added(
          content: member.key, id: id, isNormalized: !special.contains(TokenBytes(member.key)), json: member.value,
          file: "added_tokens.json")
      }
    }
    if let json = try files.json("tokenizer.json") {
      for value in try json["added_tokens"]?.array() ?? [] {
        let id = try value.member("id").size()
        numbered[id] = try token(value, id: id, isSpecial: false, "tokenizer.json")
      }
    }
  }

  private func extra(_ json: JSONValue?) throws(Failure) -> [JSONValue] {
    for key in ["extra_special_tokens", "additional_special_tokens"] {
      switch json?[key]?.content {
      case .array(let values) where !values.isEmpty: return values
      case .object(let members) where !members.isEmpty: return members.map(\.value)
      default: continue
      }
    }
    return []
  }

  /// - Parameter isSpecial: whether it is where it doesn't say it itself.
  private func token(_ json: JSONValue, id: Int?, isSpecial: Bool, _ file: String) throws(Failure) -> Added {
    if case .string(let text) = json.content {
      return Added(content: text, id: id, isNormalized: false, json: json, file: file)
    }
    do throws(Failure) {
      let content = try json.member("content").string()
      for key in ["lstrip", "rstrip", "single_word"] {
        guard let value = json[key], value != .boolean(false) else { continue }
        throw other(
          value,
          "the added token \"\(shortened(content, to: 40))\" has \(key) \(value.compactText.prefix(20)), which is not supported",
          file: file)
      }
      let special = isSpecial || json["special"] == .boolean(true)
      return Added(
        content: content, id: id, isNormalized: try json["normalized"]?.boolean() ?? !special, json: json, file: file)
    } catch {
      throw error.inFile(files.path(file))
    }
  }

  // MARK: Vocabulary and merges

  private typealias Vocabulary = (vocabulary: [String], merges: [String], file: String)

  private func vocabulary() throws(Failure) -> Vocabulary? {
    if let json = try files.json("tokenizer.json") { return try vocabulary(of: json) }
    if let json = try files.json("vocab.json") { return try vocabulary(json) }
    return try OriginalMerges(files).read()
  }

  private func vocabulary(of json: JSONValue) throws(Failure) -> Vocabulary {
    let file = "tokenizer.json"
    if let type = json["model"]?["type"], type != "BPE" {
      throw other(type, "the model of tokenizer.json is \(type.compactText.prefix(40)), not BPE", file: file)
    }
    if let ending = json["model"]?["end_of_word_suffix"], ending != "</w>" {
      throw other(ending, "end_of_word_suffix is \(ending.compactText.prefix(40)), not \"</w>\"", file: file)
    }
    do throws(Failure) {
      let model = try json.member("model")
      var table = TokenTable()
      for member in try model.member("vocab").object() { try table.add(member.key, id: member.value) }
      for added in try json["added_tokens"]?.array() ?? [] {
        try table.add(added.member("content").string(), id: added.member("id"))
      }
      var merges: [String] = []
      for merge in try model.member("merges").array() {
        let line: String
        if case .string(let text) = merge.content {
          line = text
        } else {
          line = try merge.strings().joined(separator: " ")
        }
        try Self.check(line, table) { merge.failure($0) }
        merges.append(line)
      }
      return (try table.list(json), merges, files.path(file))
    } catch {
      throw error.inFile(files.path(file))
    }
  }

  private func vocabulary(_ json: JSONValue) throws(Failure) -> Vocabulary {
    var table = TokenTable()
    let tokens: [String]
    do throws(Failure) {
      for member in try json.object() { try table.add(member.key, id: member.value) }
      tokens = try table.list(json)
    } catch {
      throw error.inFile(files.path("vocab.json"))
    }
    let path = files.path("merges.txt")
    guard let bytes = try files.bytes("merges.txt") else {
      throw Failure(
        .noInput, file: path, "is not there, but vocab.json is", hint: "fetch it too: both make the tokenizer")
    }
    var merges: [String] = []
    try Self.forEachLine(bytes, path) { number, line throws(Failure) in
      if line.hasPrefix("#version") { return }
      try Self.check(line, table) { Failure(.badData, place: "line \(number)", $0) }
      merges.append(line)
    }
    return (tokens, merges, files.path("vocab.json"))
  }

  private static func check(_ line: String, _ table: TokenTable, _ failure: (String) -> Failure) throws(Failure) {
    guard let merge = TokenizerDescription.merge(line) else {
      throw failure("the merge \"\(shortened(line, to: 40))\" is not two tokens with a space between them")
    }
    guard [merge.first, merge.second, merge.joined].allSatisfy({ table.ids[$0] != nil }) else {
      throw failure(
        "the merge \"\(shortened(line, to: 40))\" joins or makes a token that the vocabulary lacks"
      ).hinting("the two files are of different tokenizers: fetch both of one")
    }
  }

  /// - Throws: `Failure` that names the file and the line.
  static func forEachLine(
    _ bytes: [UInt8], _ path: String, _ body: (_ number: Int, _ line: String) throws(Failure) -> Void
  ) throws(Failure) {
    var number = 0
    var lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    for line in lines {
      number += 1
      guard number <= Limit.vocabulary.value + 1 else {
        throw Limit.vocabulary.failure(file: path, "has more than \(Limit.vocabulary.value) merges")
      }
      do throws(Failure) {
        try body(number, readText(line.last == 0x0d ? line.dropLast() : line))
      } catch {
        throw Failure(
          error.kind, file: path, place: error.place ?? "line \(number)", error.reason, hint: error.hint)
      }
    }
  }
}
