import Arrays
import Families
import NetFile
import TestSupport
import Testing

/// What the files beside a checkpoint's weights say of CLIP's tokenizer; that the tokens are the library's is in TextTests.
@Suite struct BytePairFileTests {
  private static let names = [
    "tokenizer_config.json", "tokenizer.json", "vocab.json", "merges.txt", "special_tokens_map.json",
    "added_tokens.json", "bpe_simple_vocab_16e6.txt.gz", "bpe_simple_vocab_16e6.txt",
  ]

  private func tokenizer(_ files: [String: String]) throws -> TokenizerDescription? {
    let read = Self.names.map { name in (name, files[name].map { Array($0.utf8) }) }
    return try BytePairFiles(SmallFiles(folder: "", read: read)).description()?.tokenizer
  }

  private static let small = [
    "vocab.json": #"{"a":0,"b</w>":1,"ab</w>":2,"<|startoftext|>":3,"<|endoftext|>":4}"#,
    "merges.txt": "#version: 0.2\na b</w>\n",
  ]

  @Test func withoutVocabularyThereIsNone() throws {
    #expect(try tokenizer(["merges.txt": "a b\n"]) == nil)
  }

  /// Windows' line ends, and a map of before tokenizer_config.json told all.
  @Test func smallFilesAreRead() throws {
    var files = Self.small
    files["merges.txt"] = "#version: 0.2\r\na b</w>\r\n"
    files["special_tokens_map.json"] = #"{"bos_token":{"content":"<|startoftext|>","normalized":true},"pad_token":"!"}"#
    let found = try #require(try tokenizer(files))
    #expect(found.kind == "clip-bpe" && found.merges == ["a b</w>"])
    #expect(found.vocabulary == ["a", "b</w>", "ab</w>", "<|startoftext|>", "<|endoftext|>", "!"])
    #expect(found.matched == ["<|endoftext|>", "!"] && found.matchedWords == ["<|startoftext|>"])
  }

  private static let flags = #""lstrip":false,"rstrip":false,"single_word":false,"normalized":false"#

  static let refused: [(files: [String: String], message: String)] = [
    (["tokenizer_config.json": #"{"bos_token":"<s>"}"#], "byte 13: bos_token is \"<s>\", not \"<|startoftext|>\""),
    (["special_tokens_map.json": #"{"unk_token":"<u>"}"#], "byte 13: unk_token is \"<u>\", not \"<|endoftext|>\""),
    (
      ["tokenizer_config.json": #"{"tokenizer_class":"BertTokenizer"}"#],
      "byte 19: tokenizer_class is \"BertTokenizer\"; supported: CLIPTokenizer, CLIPTokenizerFast"
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
      ["tokenizer_config.json": #"{"added_tokens_decoder":{"9":{"content":"<x>",\#(flags)}}}"#],
      "byte 29: the token \"<x>\" has id 9, but is token 5 of the vocabulary"
    ),
    (
      ["tokenizer_config.json": #"{"added_tokens_decoder":{"x":{"content":"<x>",\#(flags)}}}"#],
      "byte 29: added_tokens_decoder has the id \"x\""
    ),
    (
      ["tokenizer_config.json": #"{"pad_token":{"content":"<x>","lstrip":true}}"#],
      "byte 39: the added token \"<x>\" has lstrip true, which is not supported"
    ),
    (["tokenizer_config.json": #"{"extra_special_tokens":[""]}"#], "byte 25: an added token is empty"),
    (
      ["tokenizer.json": #"{"model":{"type":"WordPiece","vocab":{}}}"#],
      "byte 17: the model of tokenizer.json is \"WordPiece\", not BPE"
    ),
    (
      ["tokenizer.json": #"{"model":{"end_of_word_suffix":"","vocab":{},"merges":[]}}"#],
      "byte 31: end_of_word_suffix is \"\", not \"</w>\""
    ),
    (
      ["tokenizer.json": #"{"model":{"vocab":{"a":0,"b":1},"merges":["a b"]}}"#],
      "byte 42: the merge \"a b\" joins or makes a token that the vocabulary lacks"
    ),
    (
      ["tokenizer.json": #"{"model":{"vocab":{"a":0,"b":1},"merges":[["a","b","a"]]}}"#],
      "byte 42: the merge \"a b a\" is not two tokens with a space between them"
    ),
    (["vocab.json": #"{"a":0,"b":0}"#], "byte 11: token 0 is \"b\", but two tokens have that id, or this token two"),
    (["vocab.json": #"{"a":0,"b":2}"#], "byte 0: token ids are not 0, 1, 2, …"),
    (["vocab.json": #"{"a":0,"b":-1}"#], "byte 11: -1 is negative"),
    (["merges.txt": "#version\na b</w>\n\n"], "line 3: the merge \"\" is not two tokens with a space between them"),
    (["merges.txt": "a  b</w>\n"], "line 1: the merge \"a  b</w>\" is not two tokens with a space between them"),
    (["merges.txt": "a a\n"], "line 1: the merge \"a a\" joins or makes a token that the vocabulary lacks"),
  ]

  @Test(arguments: refused)
  func otherTokenizersAreRefusedByName(files: [String: String], message: String) throws {
    let error = failure { _ = try tokenizer(Self.small.merging(files) { $1 }) }
    #expect(error?.withoutFile == message)
    #expect(error?.file == "/" + (files.keys.first ?? ""))
    #expect(error?.kind == .badData)
  }

  @Test func mergesThatLackAreNamed() throws {
    let error = failure { _ = try tokenizer(["vocab.json": Self.small["vocab.json"] ?? ""]) }
    #expect(error?.description == "/merges.txt: is not there, but vocab.json is")
    #expect(error?.kind == .noInput)
  }

  @Test(arguments: [
    (
      ["bpe_simple_vocab_16e6.txt": "head\na b\nab c d\n"],
      "line 3: the merge \"ab c d\" is not two tokens that are there, with a space between"
    ),
    (
      ["bpe_simple_vocab_16e6.txt": "head\na b\nabc d\n"],
      "line 3: the merge \"abc d\" is not two tokens that are there, with a space between"
    ),
    (["bpe_simple_vocab_16e6.txt.gz": "no gzip"], "its packed data are damaged: incorrect header check"),
  ])
  func originalFilesAreChecked(files: [String: String], message: String) throws {
    let error = failure { _ = try tokenizer(files) }
    #expect(error?.withoutFile == message)
    #expect(error?.file == "/" + (files.keys.first ?? ""))
  }
}
