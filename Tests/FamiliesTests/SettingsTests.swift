import Arrays
import Families
import NetFile
import TestSupport
import Testing

/// What is made of the small files beside a checkpoint's weights.
@Suite struct SettingsTests {
  private static let names = [
    "config.json", "preprocessor_config.json", "processor_config.json", "tokenizer_config.json", "tokenizer.json",
    "vocab.txt", "generation_config.json", "special_tokens_map.json", "added_tokens.json",
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
        "tokenizer.json":
          #"{"model":{"vocab":{"a":1,"[PAD]":0}},"added_tokens":[{"id":2,"content":"x","special":true}]}"#,
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
    var settings = try settings(["config.json": "{}", "vocab.txt": "a\n"])
    _ = try settings.tokenizer(rule, words: 9)
    let count = 1 + (try rule.addedTokens.count)
    #expect(settings.notes == ["the vocabulary has \(count) tokens, the net 9 rows for them"])
    _ = try settings.profile(hf)
    #expect(
      settings.notes.last?.hasPrefix(
        "nothing beside the weights says how pictures are prepared (no preprocessor_config.json, no processor_config.json)"
      )
        == true)
  }

  private var hf: Family.Profile { get throws { try #require(try Family.named("blip-vqa").profile("hf-384")) } }

  /// The image of the profile, by what a preprocessor_config.json says.
  private func image(_ json: String, backend: ImageBackend? = nil) throws -> JSONValue {
    var settings = try settings(["preprocessor_config.json": json])
    return try settings.profile(hf, backend: backend).member("image")
  }

  private func mean(_ json: String) throws -> String? { try image(json)["mean"]?.compactText }

  /// What is as it was before 0.2.0 has the form that it had; the rest has one that 0.1.0 refuses.
  @Test func imageProcessorsAreObeyed() throws {
    let plain = try image("{}")
    #expect(plain["resize"] == "bicubic" && plain["side"] == 384 && plain["keepAspectRatio"] == false)
    #expect(try image(#"{"resample":2,"size":384}"#)["resize"] == "bilinear")
    #expect(try mean(#"{"image_processor_type":"ViTImageProcessor","size":384}"#) == "[0.5,0.5,0.5]")
    let fast = try image(#"{"image_processor_type":"BlipImageProcessorFast","resample":1}"#)
    #expect(fast[path: "resize.pixels"] == "torchvision" && fast[path: "resize.filter"] == "lanczos")
    #expect(try image(#"{"backend":"torchvision"}"#, backend: .pillow)["resize"] == "bicubic")
    let crop = try image(#"{"size":{"shortest_edge":400},"do_center_crop":true,"crop_size":384}"#)
    #expect(crop[path: "resize.shortestEdge"] == 400 && crop[path: "resize.crop.width"] == 384)
    let off = try image(#"{"do_resize":false,"do_rescale":false,"do_normalize":null}"#)
    #expect(off[path: "resize.filter"]?.content == .null && off["scale"]?.content == .null)
    #expect(off["mean"]?.content == .null && off["std"]?.content == .null)
    #expect(try mean(#"{"image_mean":0.25,"image_std":[1,2,3]}"#) == "[0.25,0.25,0.25]")
  }

  /// What is read from a profile is what was written into it.
  @Test func preparationsComeBack() throws {
    for json in [
      "{}", #"{"resample":5}"#, #"{"backend":"torchvision","do_normalize":false}"#, #"{"do_resize":false}"#,
      #"{"size":{"shortest_edge":500},"do_center_crop":true,"crop_size":384,"do_rescale":false}"#,
    ] {
      let profile = try image(json)
      let preparation = try ImagePreparation(profile: profile)
      #expect(JSONValue(.object([JSONMember("side", 384)] + preparation.members(side: 384))) == profile)
      // And a preprocessor_config.json that is exported says the same.
      let exported = JSONValue(.object(preparation.settings(of: "BlipImageProcessor"))).compactText
      #expect(try image(exported) == profile, "\(exported)")
    }
  }

  static let refused: [(json: String, reason: String)] = [
    (#"{"resample":6}"#, "byte 12: resample 6 is not one of Pillow's filters, 0 to 5"),
    (#"{"resample":null}"#, "byte 12: resample is null, and do_resize needs it"),
    (#"{"do_normalize":1}"#, "byte 16: do_normalize is neither true nor false"),
    (#"{"image_mean":[0.5]}"#, "byte 14: image_mean has 1 numbers, not one a channel: 3"),
    (
      #"{"rescale_factor":1e30}"#,
      "byte 18: rescale_factor, image_mean and image_std make values of pixels with which float32 overflows"
    ),
    (#"{"image_std":[1,0,1]}"#, "byte 13: image_std holds what is no positive number"),
    (#"{"size":{"longest_edge":384}}"#, "byte 8: size by longest_edge is not supported"),
    (#"{"do_pad":true,"pad_size":500}"#, "byte 10: do_pad is not supported: pictures aren't padded"),
    (#"{"resample":4,"backend":"torchvision"}"#, "byte 12: resample box is not among torchvision's filters"),
    (
      #"{"size":{"height":7,"width":384}}"#,
      "byte 8: pictures are made 384 × 7, but by config.json the net takes 384 × 384"
    ),
    (
      #"{"image_processor_type":"ConvNextImageProcessor"}"#,
      "byte 24: image_processor_type \"ConvNextImageProcessor\" is not supported; it can be BitImageProcessor, "
        + "BlipImageProcessor, CLIPImageProcessor, DeiTImageProcessor, ViTImageProcessor"
    ),
    (#"{"auto_map":{}}"#, "byte 12: auto_map names code of its author's, which isn't run"),
  ]

  @Test(arguments: refused)
  func whatCannotBeObeyedIsRefusedByName(json: String, reason: String) {
    let error = failure { _ = try image(json) }
    #expect(error?.withoutFile == reason)
    #expect(error?.kind == .badData && error?.file == "/preprocessor_config.json" && error?.hint != nil)
    #expect(error?.hint?.contains("fetch") == false)
  }

  /// transformers 5 keeps the image processor in processor_config.json, and takes it from there if both are there.
  @Test func nestedProcessorsAreRead() throws {
    let nested = #"{"processor_class":"BlipProcessor","image_processor":{"image_mean":[0.5,0.5,0.5],"future":1}}"#
    var both = try settings(["processor_config.json": nested, "preprocessor_config.json": #"{"image_mean":[1,1,1]}"#])
    let bothProfile = try both.profile(hf)
    #expect(bothProfile[path: "image.mean"]?.compactText == "[0.5,0.5,0.5]")
    #expect(both.notes == ["processor_config.json has settings that nothing is known of: future"])
    var flat = try settings([
      "processor_config.json": #"{"processor_class":"BlipProcessor"}"#,
      "preprocessor_config.json": #"{"image_mean":[1,1,1]}"#,
    ])
    let flatProfile = try flat.profile(hf)
    #expect(flatProfile[path: "image.mean"]?.compactText == "[1.0,1.0,1.0]")
  }

  /// As transformers writes "no bound", in many repositories.
  @Test func lengthsWithoutBoundAreNoMatter() throws {
    let json = #"{"model_max_length":1000000000000000019884624838656,"cls_token":{"content":"[CLS]","lstrip":false}}"#
    #expect(try tokenizer(["vocab.txt": "a\n", "tokenizer_config.json": json]) != nil)
  }

  @Test func theConfigurationIsOfTheFamily() throws {
    let family = try Family.named("blip-vqa")
    var other = try settings(["config.json": #"{"model_type":"bert"}"#])
    #expect(
      failure { _ = try other.configuration(of: family.nets[0], family.combination(setting: [])) }?.withoutFile
        == "byte 14: model_type \"bert\" is not of the family blip-vqa")
  }
}
