import Arrays
import Families
import NetFile
import TestSupport
import Testing
import Text

private func clip(
  _ vocabulary: [String], merges: [String] = [], matched: [String] = [], matchedWords: [String] = []
) -> TokenizerDescription {
  TokenizerDescription(
    kind: "clip-bpe", lowercase: true, stripAccents: nil, splitCJK: false, vocabulary: vocabulary, matched: matched,
    matchedWords: matchedWords, merges: merges)
}

private let special = ["<|startoftext|>", "<|endoftext|>"]

/// What transformers' CLIPTokenizer made of strings: see Fixtures/byte-pair/README.md.
@Suite struct BytePairTests {
  private let strings: JSONValue
  private let vocabulary: [UInt8]
  private let merges: [UInt8]

  init() throws {
    let folder = "Tests/TextTests/Fixtures/byte-pair/"
    strings = try JSONValue(parsing: bytes(of: packageFile(folder + "strings.json")))
    vocabulary = try bytes(of: packageFile(folder + "vocab.json"))
    merges = try bytes(of: packageFile(folder + "merges.txt"))
  }

  private func description(config: String = "null") throws -> TokenizerDescription {
    let config = config == "null" ? nil : Array(config.utf8)
    return try description([
      ("vocab.json", vocabulary), ("merges.txt", merges), ("tokenizer_config.json", config), ("tokenizer.json", nil),
      ("special_tokens_map.json", nil), ("added_tokens.json", nil),
    ])
  }

  private func description(_ files: [(name: String, bytes: [UInt8]?)]) throws -> TokenizerDescription {
    try #require(try BytePairFiles(SmallFiles(folder: "", read: files)).description()).tokenizer
  }

  private func expect(_ cases: JSONValue, _ tokenizer: BytePair) throws {
    for item in try cases.array() {
      let text = try item.member("text").string()
      let ids = try item.member("ids").sizes()
      #expect(tokenizer.sequence(text, maximumTokens: 1 << 20) == ids, "\(text.debugDescription)")
      #expect(tokenizer.tokens(text) == Array(ids.dropFirst().dropLast()), "\(text.debugDescription)")
    }
  }

  /// Also where the files say otherwise what texts are searched for.
  @Test func givesThePublishersIDs() throws {
    let settings = try strings.member("settings").array()
    #expect(settings.count == 4)
    #expect(try settings[0].member("strings").array().count > 1000)
    for setting in settings {
      try expect(setting.member("strings"), BytePair(description(config: setting.member("config").string())))
    }
  }

  @Test func truncatesAsThePublisherDoes() throws {
    let tokenizer = try BytePair(description())
    for item in try strings.member("truncated").array() {
      let (text, maximum) = (try item.member("text").string(), try item.member("maximum").size())
      let ids = try item.member("ids").sizes()
      #expect(tokenizer.sequence(text, maximumTokens: maximum) == ids, "\(text)")
      #expect(tokenizer.isTooLong(text, maximumTokens: maximum) == (tokenizer.tokens(text).count + 2 > maximum))
    }
  }

  /// Of merges in any order, with letters that are no tokens.
  @Test func joinsInThePublishersOrder() throws {
    for item in try strings.member("disordered").array() {
      let tokenizer = try BytePair(
        clip(item.member("vocabulary").strings(), merges: item.member("merges").strings(), matched: special))
      try expect(item.member("strings"), tokenizer)
    }
  }

  @Test func findsIDs() throws {
    let description = try description()
    let tokenizer = try BytePair(description)
    for (id, token) in description.vocabulary.enumerated() {
      #expect(tokenizer.id(token) == id)
      #expect(tokenizer.token(id).map { $0.utf8.elementsEqual(token.utf8) } == true)
    }
    #expect(tokenizer.id("no such token") == nil && tokenizer.token(-1) == nil && tokenizer.token(1 << 30) == nil)
    // Not the canonically equivalent one.
    #expect(tokenizer.id("\u{c3}") != nil && tokenizer.id("A\u{303}") == nil)
  }

  /// The original repository's file makes the vocabulary that the others have, whose order is the original's.
  @Test func theOriginalFileMakesTheSameTokenizer() throws {
    let lines = String(decoding: merges, as: UTF8.self).drop { $0 != "\n" }
    let text = "\"bpe_simple_vocab_16e6.txt#version: 0.2" + lines
    let found = try description([
      ("tokenizer.json", nil), ("vocab.json", nil), ("bpe_simple_vocab_16e6.txt.gz", nil),
      ("bpe_simple_vocab_16e6.txt", Array(text.utf8)), ("tokenizer_config.json", nil), ("special_tokens_map.json", nil),
      ("added_tokens.json", nil),
    ])
    #expect(try found == description())
  }

  /// tokenizer.json has merges as one text or as two.
  @Test(arguments: [#"["a b","ab c</w>"]"#, #"[["a","b"],["ab","c</w>"]]"#])
  func wholeTokenizersAreRead(merges: String) throws {
    let json =
      #"{"model":{"type":"BPE","end_of_word_suffix":"</w>","vocab":{"a":0,"b":1,"c</w>":2,"ab":3,"abc</w>":4},"merges":"#
      + merges + #"},"added_tokens":[{"id":5,"content":"<|startoftext|>","special":true,"normalized":true},"#
      + #"{"id":6,"content":"<|endoftext|>","special":true,"normalized":false}]}"#
    let found = try description([
      ("tokenizer.json", Array(json.utf8)), ("tokenizer_config.json", nil), ("special_tokens_map.json", nil),
      ("added_tokens.json", nil),
    ])
    #expect(found.merges == ["a b", "ab c</w>"] && found.vocabulary.count == 7)
    #expect(found.matched == ["<|endoftext|>"] && found.matchedWords == ["<|startoftext|>"])
    #expect(try BytePair(found).tokens("ABC <|StartOfText|> ab") == [4, 5, 0, 6])
  }

  static let refused: [(TokenizerDescription, String)] = [
    (clip(special, merges: []).with("wordpiece"), "kind \"wordpiece\" is not supported; it can be clip-bpe"),
    (clip([]), "the vocabulary lacks <|startoftext|>"),
    (clip(["<|startoftext|>"]), "the vocabulary lacks <|endoftext|>"),
    (clip(special, matched: ["x"]), "the vocabulary lacks x"),
    (clip(special + [""], matched: [""]), "a token that texts are searched for is empty"),
    (clip(special + ["a"], merges: ["a"]), "merge 1, \"a\", is not two tokens with a space between them"),
    (clip(special + ["a"], merges: ["a a a"]), "merge 1, \"a a a\", is not two tokens with a space between them"),
    (clip(special + ["a"], merges: ["a "]), "merge 1, \"a \", is not two tokens with a space between them"),
    (clip(special + ["a"], merges: ["a a"]), "merge 1, \"a a\", joins or makes a token that the vocabulary lacks"),
    (
      clip(special + ["a", "aa"], merges: ["a a", "a b"]),
      "merge 2, \"a b\", joins or makes a token that the vocabulary lacks"
    ),
  ]

  @Test(arguments: refused) func refuses(description: TokenizerDescription, message: String) {
    let error = failure { _ = try BytePair(description) }
    #expect(error?.description == "tokenizer: " + message)
    #expect(error?.kind == .badData)
  }

  /// What takes quadratic time where it is done without care.
  @Test(.timeLimit(.minutes(1))) func longTextsAreReadInTime() throws {
    let tokenizer = try BytePair(description())
    #expect(tokenizer.tokens(String(repeating: "a", count: 300_000)).count > 10)
    #expect(tokenizer.tokens(String(repeating: "\u{301}\u{316}", count: 100_000)).count > 10)
    #expect(tokenizer.tokens(String(repeating: "<|", count: 100_000)).count > 10)
    #expect(tokenizer.sequence(String(repeating: "a ", count: 300_000), maximumTokens: 77).count == 77)
  }
}

extension TokenizerDescription {
  fileprivate func with(_ kind: String) -> TokenizerDescription {
    var copy = self
    copy.kind = kind
    return copy
  }
}
