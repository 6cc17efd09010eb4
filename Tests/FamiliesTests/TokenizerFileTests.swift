import Arrays
import Families
import NetFile
import TestSupport
import Testing

/// What the files beside a checkpoint's weights say of its tokenizer. The expected tokens are those of transformers 5.24's
/// BertTokenizer, loaded from the same files; tools/checks/check_settings.py holds both against each other at random.
@Suite struct TokenizerFileTests {
  private func tokenizer(_ files: [String: String]) throws -> TokenizerDescription? {
    let names = [
      "tokenizer_config.json", "tokenizer.json", "vocab.txt", "special_tokens_map.json", "added_tokens.json",
    ]
    let read = names.map { name in (name, files[name].map { Array($0.utf8) }) }
    let family = try Family.named("blip-vqa")
    var settings = NetSettings(family, SmallFiles(folder: "", read: read))
    return try settings.tokenizer(try #require(family.nets.compactMap(\.tokenizer).first), words: nil)
  }

  private static let five = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n"
  private static let special = #""special":true,"normalized":false,"lstrip":false,"rstrip":false,"single_word":false"#

  /// Every place where a further token can stand.
  static let places: [[String: String]] = [
    ["tokenizer_config.json": #"{"added_tokens_decoder":{"6":{"content":"<x>",\#(special)}}}"#],
    ["tokenizer_config.json": #"{"additional_special_tokens":["<x>"]}"#],
    ["tokenizer_config.json": #"{"extra_special_tokens":["<x>"],"additional_special_tokens":["<y>"]}"#],
    ["tokenizer_config.json": #"{"extra_special_tokens":{"image_token":"<x>"}}"#],
    ["tokenizer_config.json": #"{"bos_token":"<x>","eos_token":null}"#],
    ["special_tokens_map.json": #"{"cls_token":"[CLS]","additional_special_tokens":["<x>"]}"#],
    ["added_tokens.json": #"{"<x>":6}"#, "special_tokens_map.json": #"{"additional_special_tokens":["<x>"]}"#],
  ]

  @Test(arguments: places)
  func addedTokensAreFound(files: [String: String]) throws {
    let found = try #require(try tokenizer(files.merging(["vocab.txt": Self.five]) { $1 }))
    #expect(Array(found.vocabulary.prefix(7)) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "<x>"])
    #expect(found.matched == ["<x>"] && found.kind == "wordpiece-added" && found.added == 2)
  }

  /// [DEC] and [ENC] are the family's; an older version tokenizes what doesn't spell them as this one does.
  @Test func theFamilysOwnTokensKeepTheKind() throws {
    let found = try #require(
      try tokenizer([
        "vocab.txt": Self.five, "tokenizer_config.json": #"{"additional_special_tokens":["[DEC]","[ENC]"]}"#,
      ]))
    #expect(found.matched == ["[DEC]", "[ENC]"] && found.kind == "wordpiece" && found.added == 0)
  }

  /// As `add_tokens` of the library leaves them: normalized, and no special ones.
  @Test(arguments: [
    ["tokenizer_config.json": #"{"added_tokens_decoder":{"6":{"content":"Lung","special":false,"normalized":true}}}"#],
    ["added_tokens.json": #"{"Lung":6}"#],
  ])
  func addedWordsAreFound(files: [String: String]) throws {
    let found = try #require(try tokenizer(files.merging(["vocab.txt": Self.five]) { $1 }))
    #expect(found.matchedWords == ["Lung"] && found.matched.isEmpty && found.kind == "wordpiece-added")
    #expect(found.vocabulary[6] == "Lung")
  }

  /// tokenizer.json goes before vocab.txt, in transformers 4 and 5.
  @Test func theWholeTokenizerGoesBeforeItsWords() throws {
    let json = #"{"model":{"type":"WordPiece","vocab":{"[PAD]":0,"b":1}},"added_tokens":[]}"#
    #expect(try tokenizer(["vocab.txt": Self.five, "tokenizer.json": json])?.vocabulary.prefix(2) == ["[PAD]", "b"])
  }

  static let refused: [(files: [String: String], message: String)] = [
    (["tokenizer_config.json": #"{"cls_token":"<s>"}"#], "byte 13: cls_token is \"<s>\", not \"[CLS]\""),
    (["tokenizer_config.json": #"{"sep_token":null}"#], "byte 13: sep_token is null, not \"[SEP]\""),
    (["tokenizer_config.json": #"{"mask_token":"<mask>"}"#], "byte 14: mask_token is \"<mask>\", not \"[MASK]\""),
    (["special_tokens_map.json": #"{"unk_token":"<u>"}"#], "byte 13: unk_token is \"<u>\", not \"[UNK]\""),
    (["tokenizer_config.json": #"{"do_lower_case":"no"}"#], "byte 17: do_lower_case is neither true nor false"),
    (
      ["tokenizer_config.json": #"{"tokenizer_class":"RobertaTokenizer"}"#],
      "byte 19: tokenizer_class is \"RobertaTokenizer\"; supported: BertTokenizer, BertTokenizerFast"
    ),
    (
      ["tokenizer_config.json": #"{"auto_map":{"AutoTokenizer":["a.B",null]}}"#],
      "byte 12: auto_map names code of its author's, which isn't run"
    ),
    (
      ["tokenizer_config.json": #"{"split_special_tokens":true}"#],
      "byte 24: split_special_tokens is true, which is not supported"
    ),
    (
      ["tokenizer_config.json": #"{"added_tokens_decoder":{"9":{"content":"<x>",\#(special)}}}"#],
      "byte 29: the token \"<x>\" has id 9, but is token 6 of the vocabulary"
    ),
    (
      ["tokenizer_config.json": #"{"added_tokens_decoder":{"-1":{"content":"<x>",\#(special)}}}"#],
      "byte 30: added_tokens_decoder has the id \"-1\""
    ),
    (
      ["tokenizer_config.json": #"{"added_tokens_decoder":{"6":{"content":"<x>","lstrip":true,"special":true}}}"#],
      "byte 55: the added token \"<x>\" has lstrip true, which is not supported"
    ),
    (
      ["tokenizer_config.json": #"{"added_tokens_decoder":{"6":{"content":"<x>","special":true,"normalized":true}}}"#],
      "byte 74: the added token \"<x>\" is special with normalized true, which is not supported"
    ),
    (
      ["tokenizer_config.json": #"{"added_tokens_decoder":{"6":{"content":"two words"}}}"#],
      "byte 29: the added token \"two words\" holds a space, or an ideograph, which is not supported"
    ),
    (["tokenizer_config.json": #"{"extra_special_tokens":[""]}"#], "byte 25: an added token is empty"),
    (
      ["tokenizer.json": #"{"model":{"type":"BPE","vocab":{}}}"#],
      "byte 17: the model of tokenizer.json is \"BPE\", not WordPiece"
    ),
    (
      ["tokenizer.json": #"{"model":{"vocab":{"a":0,"b":1}},"added_tokens":[{"id":0,"content":"b"}]}"#],
      "byte 55: token 0 is \"b\", but two tokens have that id, or this token two"
    ),
  ]

  @Test(arguments: refused)
  func otherTokenizersAreRefusedByName(files: [String: String], message: String) throws {
    let error = failure { _ = try tokenizer(files.merging(["vocab.txt": Self.five]) { $1 }) }
    #expect(error?.withoutFile == message)
    #expect(error?.file == "/" + (files.keys.first ?? ""))
  }
}
