import Arrays
import Families
import NetFile
import TestSupport
import Testing

/// What is made of the small files beside a checkpoint's weights.
@Suite struct SettingsTests {
  private static let names = [
    "config.json", "preprocessor_config.json", "processor_config.json", "tokenizer_config.json", "tokenizer.json",
    "vocab.txt",
    "generation_config.json",
  ]

  private func settings(_ files: [String: String]) throws -> NetSettings {
    let read = Self.names.map { name in (name, files[name].map { Array($0.utf8) }) }
    return NetSettings(try Family.named("blip-vqa"), SmallFiles(folder: "", read: read))
  }

  private func tokenizer(_ files: [String: String], words: Int? = nil) throws -> TokenizerDescription? {
    var settings = try settings(files)
    return try settings.tokenizer(rule, words: words)
  }

  private var rule: Family.TokenizerRule {
    get throws { try #require(try Family.named("blip-vqa").nets.compactMap(\.tokenizer).first) }
  }

  @Test func vocabulariesAreRead() throws {
    let added = try rule.addedTokens
    let lines = try #require(try tokenizer(["vocab.txt": "[PAD]\r\na\n##b\n"]))
    #expect(lines.vocabulary == ["[PAD]", "a", "##b"] + added && lines.added == added.count)
    #expect(lines.lowercase && lines.stripAccents == nil && lines.splitCJK)
    let json = try #require(
      try tokenizer([
        "tokenizer.json": #"{"model":{"vocab":{"a":1,"[PAD]":0}},"added_tokens":[{"id":2,"content":"x"}]}"#,
        "tokenizer_config.json": #"{"do_lower_case":false,"strip_accents":true,"tokenize_chinese_chars":false}"#,
      ]))
    #expect(json.vocabulary == ["[PAD]", "a", "x"] + added)
    #expect(!json.lowercase && json.stripAccents == true && !json.splitCJK)
    #expect(try tokenizer([:]) == nil)
  }

  static let vocabularies: [([String: String], String)] = [
    (["tokenizer.json": "[]"], "byte 0: an object is needed, not an array"),
    (["tokenizer.json": #"{"model":{"vocab":{"a":-1}}}"#], "byte 23: -1 is negative"),
    (["tokenizer.json": #"{"model":{"vocab":{"a":1}}}"#], "byte 0: token ids are not 0, 1, 2, …"),
    (["tokenizer.json": #"{"model":{"vocab":{"a\nb":0}}}"#], "a token holds a line feed"),
    (["tokenizer.json": #"{"model":{"vocab":{}},"added_tokens":[{"id":0}]}"#], "byte 38: has no member \"content\""),
    (["vocab.txt": String(repeating: "a\n", count: 400_001)], "has more than 400000 tokens"),
    (["vocab.txt": "a", "tokenizer_config.json": "{"], "byte 1: the JSON text ends inside an object"),
  ]

  @Test(arguments: vocabularies)
  func refusesVocabularies(files: [String: String], message: String) {
    let error = failure { _ = try tokenizer(files) }
    #expect(error?.withoutFile == message)
    #expect(error?.kind == .badData && error?.file != nil)
  }

  @Test func vocabulariesAreUTF8() throws {
    let files = SmallFiles(folder: "f", read: [("vocab.txt", [0x61, 0x0a, 0xff])])
    var settings = NetSettings(try Family.named("blip-vqa"), files)
    let error = failure { _ = try settings.tokenizer(rule, words: nil) }
    #expect(error?.description == "f/vocab.txt: line 2: is not UTF-8")
  }

  @Test func whatDoesNotFitIsNoted() throws {
    var settings = try settings([
      "config.json": "{}", "vocab.txt": "a\n", "preprocessor_config.json": #"{"size":{"height":7,"width":384}}"#,
    ])
    _ = try settings.tokenizer(rule, words: 9)
    let count = 1 + (try rule.addedTokens.count)
    #expect(settings.notes == ["the vocabulary has \(count) tokens, the net 9 rows for them"])
    let profile = try #require(try Family.named("blip-vqa").profile("hf-384"))
    _ = try settings.profile(profile)
    #expect(
      settings.notes.last
        == "preprocessor_config.json has images of height 7, config.json of side 384: the net takes 384")
  }

  @Test func codesAreTranslatedOrRefused() throws {
    let profile = try #require(try Family.named("blip-vqa").profile("hf-384"))
    var known = try settings(["preprocessor_config.json": #"{"resample":2}"#])
    #expect(try known.profile(profile)[path: "image.resize"] == "bilinear")
    var unknown = try settings(["preprocessor_config.json": #"{"resample":1}"#])
    #expect(
      failure { _ = try unknown.profile(profile) }?.withoutFile
        == "byte 12: resample 1 is not supported; it can be 2, 3")
  }

  @Test func theConfigurationIsOfTheFamily() throws {
    let family = try Family.named("blip-vqa")
    var other = try settings(["config.json": #"{"model_type":"bert"}"#])
    #expect(
      failure { _ = try other.configuration(of: family.nets[0], family.combination(setting: [])) }?.withoutFile
        == "byte 14: model_type \"bert\" is not of the family blip-vqa")
  }
}
