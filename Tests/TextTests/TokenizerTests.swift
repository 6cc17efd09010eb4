import Arrays
import NetFile
import Text
import TestSupport
import Testing

/// What the publisher's tokenizer made of strings, and its vocabulary: see Fixtures/tokenizer/README.md.
private struct TokenizerFixture {
  let strings: JSONValue
  let vocabulary: [String]

  init() throws {
    let folder = "Tests/TextTests/Fixtures/tokenizer/"
    strings = try JSONValue(parsing: bytes(of: packageFile(folder + "strings.json")))
    vocabulary = try bytes(of: packageFile(folder + "vocab.txt")).split(separator: 0x0a).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// The tokenizer as a net file has it: with the two tokens that BLIP adds.
  func wordPiece() throws -> WordPiece {
    try WordPiece(description(vocabulary + ["[DEC]", "[ENC]"], added: 2))
  }
}

private func description(
  _ vocabulary: [String], lowercase: Bool = true, stripAccents: Bool? = nil, splitCJK: Bool = true, added: Int = 0
) -> TokenizerDescription {
  TokenizerDescription(
    kind: "wordpiece", lowercase: lowercase, stripAccents: stripAccents, splitCJK: splitCJK, vocabulary: vocabulary,
    added: added)
}

/// Whether the code points are the same: strings are equal when they are canonically equivalent already.
private func same(_ left: String, _ right: String) -> Bool { left.unicodeScalars.elementsEqual(right.unicodeScalars) }

@Suite struct TokenizerTests {
  private let fixture: TokenizerFixture

  init() throws { fixture = try TokenizerFixture() }

  private func expectQuestions(_ cases: JSONValue, _ tokenizer: WordPiece) throws {
    for question in try cases.array() {
      let text = try question.member("text").string()
      let ids = try question.member("ids").sizes()
      #expect(tokenizer.question(text, maximumTokens: nil) == ids, "\(text.debugDescription)")
      #expect(tokenizer.tokens(text) == Array(ids.dropFirst().dropLast()), "\(text.debugDescription)")
    }
  }

  private func expectTexts(_ cases: JSONValue, _ tokenizer: WordPiece) throws {
    for answer in try cases.array() {
      let ids = try answer.member("ids").sizes()
      let text = tokenizer.text(ids)
      #expect(same(text, try answer.member("text").string()), "\(ids): \(text.debugDescription)")
    }
  }

  @Test func givesThePublishersIDs() throws {
    let cases = try fixture.strings.member("questions")
    #expect(try cases.array().count > 1000)
    try expectQuestions(cases, fixture.wordPiece())
  }

  @Test func truncatesAsThePublisherDoes() throws {
    let tokenizer = try fixture.wordPiece()
    for question in try fixture.strings.member("truncated").array() {
      let text = try question.member("text").string()
      let maximum = try question.member("maximum").size()
      #expect(tokenizer.question(text, maximumTokens: maximum) == (try question.member("ids").sizes()), "\(text)")
    }
  }

  @Test func givesThePublishersText() throws {
    try expectTexts(fixture.strings.member("texts"), fixture.wordPiece())
  }

  /// With a vocabulary of single characters, so that the ids tell each one that comes out.
  @Test func everySettingNormalizesAsThePublisherDoes() throws {
    let cases = try fixture.strings.member("characters")
    let vocabulary = try cases.member("characters").strings().flatMap { [$0, "##\($0)"] }
    let special = try cases.member("special").strings()
    for setting in try cases.member("settings").array() {
      let tokenizer = try WordPiece(
        description(
          special + vocabulary, lowercase: setting.member("lowercase").boolean(),
          stripAccents: try? setting.member("stripAccents").boolean(), splitCJK: setting.member("splitCJK").boolean()))
      try expectQuestions(setting.member("questions"), tokenizer)
    }
  }

  /// Duplicates, tokens with spaces and marks in them, and no [MASK].
  @Test func oddVocabularyIsReadAsThePublisherDoes() throws {
    let cases = try fixture.strings.member("odd")
    let tokenizer = try WordPiece(description(cases.member("vocabulary").strings(), lowercase: false))
    try expectQuestions(cases.member("questions"), tokenizer)
    try expectTexts(cases.member("texts"), tokenizer)
  }

  @Test func findsIDs() throws {
    let tokenizer = try fixture.wordPiece()
    #expect(tokenizer.id("[CLS]") == 101)
    #expect(tokenizer.id("what") == 2054)
    #expect(tokenizer.id("##s") == 2015)
    #expect(tokenizer.id("[DEC]") == 30522)
    #expect(tokenizer.id("[ENC]") == 30523)
    #expect(tokenizer.id("What") == nil)
    #expect(tokenizer.id("") == nil)
    for (id, token) in fixture.vocabulary.enumerated() { #expect(tokenizer.id(token) == id) }
  }

  @Test func anIDThatIsNoTokensHasNoText() throws {
    #expect(try fixture.wordPiece().text([-1, .min, .max, 30524, 2748]) == "yes")
  }

  /// By UAX 15's Stream-Safe Text Process: 30 in a row, then U+034F.
  @Test func combiningMarksDoNotPileUp() throws {
    let marks = String(repeating: "\u{301}", count: 16)
    let tokenizer = try WordPiece(description(["[UNK]", "[CLS]", "[SEP]", "[PAD]", "a", "##\(marks)"]))
    let scalars = { (text: String) in Array(text.unicodeScalars) }
    #expect(scalars(tokenizer.text([4, 5])) == scalars("a\(marks)"))
    let run = String(repeating: "\u{301}", count: 30)
    #expect(
      scalars(tokenizer.text([4, 5, 5, 5, 5])) == scalars("a\(run)\u{34f}\(run)\u{34f}\u{301}\u{301}\u{301}\u{301}"))
  }

  /// Tokens that were added to the checkpoint's are no part of a text, whatever they are.
  @Test func addedTokensAreNotFoundInText() throws {
    let special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]"]
    let tokenizer = try WordPiece(description(special + ["a", "##b", "ab", "a", "##bb"], added: 3))
    #expect(tokenizer.tokens("a ab abb") == [4, 4, 5, 4, 5, 5])
    #expect(tokenizer.text([4, 6, 7, 5, 8]) == "ab")
    #expect(tokenizer.id("ab") == 6)
    #expect(tokenizer.id("a") == 4)
  }

  /// Words that a fine-tune added are found inside others, special tokens in the text as it is. The ids are those of
  /// transformers 5.24's BertTokenizer with the same vocabulary and `added_tokens_decoder`.
  @Test(arguments: [
    ("is a LUNG?", [2, 6, 5, 15, 12, 3]), ("xlungs lungx a-lùng", [2, 9, 15, 8, 15, 9, 5, 10, 15, 3]),
    ("circle-like, circle-likes <x>lung <X>", [2, 16, 11, 16, 8, 17, 15, 1, 9, 1, 3]),
    ("sx circle - like lunglung", [2, 8, 14, 1, 10, 13, 15, 15, 3]),
  ])
  func addedWordsAreFoundAsThePublisherDoes(text: String, ids: [Int]) throws {
    let five = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    var description = description(
      five + ["a", "is", "##s", "s", "x", "-", ",", "?", "like", "##x", "Lung", "circle-like", "<x>"])
    (description.matched, description.matchedWords) = (["<x>"], ["Lung", "circle-like"])
    description.kind = "wordpiece-added"
    let tokenizer = try WordPiece(description)
    #expect(tokenizer.question(text, maximumTokens: nil) == ids)
    #expect(tokenizer.text([16, 17, 7]) == "circle-likes")
  }

  @Test(arguments: [
    (
      "sentencepiece", ["a"], 0,
      "tokenizer: kind \"sentencepiece\" is not supported; it can be wordpiece or wordpiece-added"
    ),
    ("wordpiece", [], 0, "tokenizer: the vocabulary is empty"),
    ("wordpiece", ["[PAD]", "[CLS]", "[SEP]", "a"], 0, "tokenizer: the vocabulary lacks [UNK]"),
    ("wordpiece", ["[PAD]", "[UNK]", "[SEP]", "a"], 0, "tokenizer: the vocabulary lacks [CLS]"),
    ("wordpiece", ["[PAD]", "[CLS]", "[UNK]", "a"], 0, "tokenizer: the vocabulary lacks [SEP]"),
    ("wordpiece", ["[UNK]", "[CLS]", "[SEP]", "a"], 0, "tokenizer: the vocabulary lacks [PAD]"),
    ("wordpiece", ["[UNK]", "[CLS]", "[SEP]", "[PAD]"], 1, "tokenizer: the vocabulary lacks [PAD]"),
    ("wordpiece", ["[UNK]"], 9, "tokenizer: the vocabulary lacks [UNK]"),
  ])
  func refuses(kind: String, vocabulary: [String], added: Int, message: String) {
    var wrong = description(vocabulary, added: added)
    wrong.kind = kind
    let error = failure { _ = try WordPiece(wrong) }
    #expect(error?.description == message)
    #expect(error?.kind == .badData)
  }

  /// What takes quadratic time where it is done without care.
  @Test(.timeLimit(.minutes(1))) func longTextsAreReadInTime() throws {
    let tokenizer = try fixture.wordPiece()
    #expect(tokenizer.tokens(String(repeating: "a", count: 1_000_000)) == [100])
    #expect(tokenizer.tokens(String(repeating: "\u{302e}\u{1baa}", count: 200_000)) == [100])
    #expect(tokenizer.tokens(String(repeating: "[", count: 200_000)).count == 200_000)
    #expect(tokenizer.tokens(String(repeating: "[SEP]", count: 100_000)).count == 100_000)
    #expect(tokenizer.question(String(repeating: "a ", count: 500_000), maximumTokens: 512).count == 512)
  }
}
