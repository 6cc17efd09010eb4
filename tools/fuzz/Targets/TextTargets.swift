import Arrays
import Families
import NetFile
import Text

extension FuzzTarget {
  /// The small files beside a checkpoint's weights; or a family file.
  static let settings = FuzzTarget("settings", kinds: [.badData, .usage]) { bytes in
    let (choice, rest) = bytes.choice(of: 64)
    if choice == 63 {
      _ = try Family(json: JSONValue(parsing: rest))
      return
    }
    let family = Family.known[choice & 1]
    let net = family.nets[choice >> 1 % family.nets.count]
    let profile = family.profiles[choice >> 3 % family.profiles.count]
    let names = [
      "config.json", "preprocessor_config.json", "tokenizer_config.json", "generation_config.json", "tokenizer.json",
      "vocab.txt",
    ]
    let files = SmallFiles(folder: "", read: zip(names, rest.parts(names.count)).map { ($0, $1.isEmpty ? nil : $1) })
    var settings = NetSettings(family, files)
    let header = NetHeader(
      family: family.name, net: net.name, parameters: [],
      configuration: try settings.configuration(of: net, family.combination(setting: [])).members,
      profile: try settings.profile(profile),
      tokenizer: try net.tokenizer.flatMap { rule throws(Failure) in try settings.tokenizer(rule, words: nil) },
      provenance: Provenance(tool: "fuzz"), isInitialized: false, ties: [], arrays: [])
    let text = header.json.compactText
    // Numbers that are none become null, and whatever is nested too deep is refused.
    let again = try NetHeader(json: JSONValue(parsing: Array(text.utf8), rules: NetFormat.headerRules))
    try expect(again.json.compactText == text, "another header when read again")
  }

  /// A vocabulary and a question.
  static let tokenizer = FuzzTarget("tokenizer") { bytes in
    let (choice, rest) = bytes.choice(of: 256)
    let parts = rest.parts(2)
    var vocabulary = String(decoding: parts[0], as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
    if choice & 1 == 0 { vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + vocabulary }
    let tokenizer = try WordPiece(
      TokenizerDescription(
        kind: choice < 250 ? "wordpiece" : "bpe", lowercase: choice & 2 == 0,
        stripAccents: choice & 4 == 0 ? nil : choice & 8 == 0, splitCJK: choice & 16 == 0, vocabulary: vocabulary,
        added: (choice >> 5) & 3))
    try check(tokenizer, String(decoding: parts[1], as: UTF8.self), vocabulary)
  }

  private static func check(_ tokenizer: WordPiece, _ text: String, _ vocabulary: [String]) throws {
    let tokens = tokenizer.tokens(text)
    try expect(tokens.count <= text.unicodeScalars.count * 4, "more tokens than a text can have")
    for id in tokens {
      guard let token = tokenizer.token(id) else { throw Broken(description: "token \(id), which there is not") }
      try expect(tokenizer.id(token) == id, "token \(id) has another id")
    }
    // Words don't look at each other.
    try expect(tokenizer.tokens("\(text) ab?") == tokens + tokenizer.tokens("ab?"), "words that depend")
    let question = tokenizer.question(text, maximumTokens: 8)
    try expect(question.dropFirst().dropLast().elementsEqual(tokens.prefix(6)), "not the question's beginning")
    try expect(
      tokenizer.text(Array(question.prefix(min(2, tokens.count + 1)))) == tokenizer.text(Array(tokens.prefix(1))),
      "special tokens in a text")
    try expect(tokenizer.text([-1, vocabulary.count]).isEmpty, "a text of ids that are no token's")
  }
}

extension FuzzTarget {
  /// The files of CLIP's tokenizer, in one of three forms, and a text.
  static let bytePair = FuzzTarget("bytepair", kinds: [.badData, .noInput]) { bytes in
    let (choice, rest) = bytes.choice(of: 3)
    let parts = rest.parts(4)
    var read: [(name: String, bytes: [UInt8]?)] = [
      ("tokenizer_config.json", parts[0].isEmpty ? nil : parts[0]), ("special_tokens_map.json", nil),
      ("added_tokens.json", nil), ("bpe_simple_vocab_16e6.txt.gz", nil),
    ]
    read.append(("tokenizer.json", choice == 0 ? parts[1] : nil))
    read.append(("vocab.json", choice == 1 ? parts[1] : nil))
    read.append(("merges.txt", choice == 1 ? parts[2] : nil))
    read.append(("bpe_simple_vocab_16e6.txt", choice == 2 ? parts[1] : nil))
    guard let description = try BytePairFiles(SmallFiles(folder: "", read: read)).description()?.tokenizer else {
      throw Broken(description: "no tokenizer where its files are")
    }
    let tokenizer = try BytePair(description)
    let text = String(decoding: parts[3], as: UTF8.self)
    let tokens = tokenizer.tokens(text)
    for id in tokens { try expect(tokenizer.token(id) != nil, "token \(id), which there is not") }
    let sequence = tokenizer.sequence(text, maximumTokens: 8)
    try expect(sequence == [tokenizer.start] + tokens.prefix(6) + [tokenizer.end], "not the text's beginning")
    try expect(tokenizer.isTooLong(text, maximumTokens: 8) == (tokens.count > 6), "another length")
    // Words don't look at each other, but for a token with a space in it.
    let found = (description.matched + description.matchedWords).flatMap(\.unicodeScalars)
    if found.allSatisfy({ 0x21...0x7e ~= $0.value }) {
      try expect(tokenizer.tokens("\(text) ab") == tokens + tokenizer.tokens("ab"), "words that depend")
    }
  }
}
