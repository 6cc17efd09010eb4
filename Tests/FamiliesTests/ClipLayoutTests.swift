import Arrays
import Assurance
import Checkpoints
import Families
import NetFile
import Nets
import TestSupport
import Testing

/// CLIPs in the layouts of their publishers, as transformers and torch wrote them; see tools/fixtures/fixtures_clip.py.
@Suite struct ClipLayoutTests {
  private let folder = TemporaryFolder()
  private static let nets = packageFile("Tests/FamiliesTests/Fixtures/clip")
  private let family: Family
  private let facts: JSONValue

  init() throws {
    family = try Family.named("clip")
    facts = try JSONValue(parsing: bytes(of: Self.nets + "/facts.json"))
  }

  /// What transformers counts in CLIPModel without weights: its text encoder, text projection and scale, and the rest.
  @Test(arguments: ["ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-L-14-336"])
  func publishedSizesHaveThePublishedCounts(size: String) throws {
    let counts = try facts.member("published").member(size)
    var total = 0
    for (part, key) in [("ImageEncoder", "vision"), ("TextEncoder", "text")] {
      let combination = try family.combination(setting: [.init("Size", .word(size)), .init("Part", .word(part))])
      let net = try family.net(of: combination).definition.description(family.configuration(of: combination))
      #expect(try net.parameters == counts.member(key).size(), "\(part)")
      total += net.parameters
    }
    #expect(try total == counts.member("parameters").size())
  }

  private func plan(
    _ net: String, _ parameters: [String] = ["Release=tiny"], at path: String? = nil
  ) throws -> ConversionPlan {
    var chosen: [Combination.Parameter] = []
    for parameter in parameters { chosen.append(try .init(argument: parameter)) }
    return try ConversionPlan(openCheckpoint(path ?? "\(Self.nets)/\(net)"), ConversionRequest(parameters: chosen))
  }

  private func digests(_ net: String, _ parameters: [String] = ["Release=tiny"]) throws -> [String: Digest] {
    let written = try plan(net, parameters).run(on: Shelf(folder.file(net)), replacing: false, compress: false)
    let arrays = written.flatMap { net in net.header.arrays.map { ("\(net.header.net).\($0.name)", $0.sha256) } }
    return Dictionary(uniqueKeysWithValues: arrays)
  }

  @Test(arguments: [("published", "1"), ("open_clip", "2")])
  func everyLayoutGivesTheSameArrays(layout: String, net: String) throws {
    #expect(try digests(layout) == digests(net))
  }

  /// Of the archive's halves, which are those of the net's rounded.
  @Test func archivesGiveTheSameArraysRounded() throws {
    let half = ["Release=tiny", "Precision=float16"]
    #expect(try digests("openai", half) == digests("1", half))
    let error = failure { _ = try plan("openai") }
    #expect(error?.reason == "its weights are of several element types: float16, float32")
  }

  @Test(arguments: ["1", "2", "3"])
  func countsAreTorchs(net: String) throws {
    let facts = try facts.member(net)
    let plan = try plan(net)
    #expect(plan.family.name == "clip" && plan.layout.name == "huggingface")
    let counts = plan.nets.map(\.description.parameters)
    #expect(try counts == [facts.member("vision").size(), facts.member("text").size()])
    #expect(try counts.reduce(0, +) == facts.member("parameters").size())
    #expect(plan.nets.allSatisfy { $0.combination["Size"] == .word("custom") })
    let activation: ParameterValue = net == "2" ? .word("gelu") : .word("quick_gelu")
    #expect(plan.nets.allSatisfy { $0.combination["Activation"] == activation })
  }

  private func value(_ plan: ConversionPlan, _ net: Int, _ field: String) -> JSONValue? {
    plan.nets[net].header.configuration.first { $0.key == field }?.value
  }

  /// text_config_dict stands in place of text_config, as in transformers, and what it lacks is the class's.
  @Test func configurationsOfTheFirstReleasesAreRead() throws {
    let plan = try plan("published")
    #expect(value(plan, 1, "hiddenSize") == .integer(64) && value(plan, 1, "endToken") == .integer(2))
    #expect(value(plan, 1, "layerNormEpsilon") == .number(1e-5))
    let image = try #require(plan.nets[0].header.profile["image"])
    #expect(image["side"] == .integer(32) && image[path: "resize.shortestEdge"] == .integer(32))
    #expect(plan.coverage.ignored.map(\.name).sorted().first == "text_model.embeddings.position_ids")
  }

  /// The original's archives are told from state dicts by three numbers, and have the published nets' activation.
  @Test func configurationsAreToldByArrays() throws {
    let openai = try plan("openai", ["Release=tiny", "Precision=float32"])
    #expect(openai.layout.name == "openai" && openai.coverage.ignored.count == 3)
    #expect(value(openai, 0, "activation") == "quick_gelu" && value(openai, 1, "activation") == "quick_gelu")
    #expect(value(openai, 0, "heads") == .integer(1) && value(openai, 0, "imageSide") == .integer(32))
    #expect(value(openai, 1, "endToken") == .integer(2) && value(openai, 1, "positions") == .integer(24))
    #expect(openai.nets[1].header.tokenizer == (try plan("1")).nets[1].header.tokenizer)
    let image = try #require(openai.nets[0].header.profile["image"])
    #expect(image["side"] == .integer(32) && image[path: "resize.crop.width"] == .integer(32))
    let open = try plan("open_clip")
    #expect(open.layout.name == "open_clip")
    #expect(value(open, 0, "activation") == "gelu" && value(open, 0, "heads") == .integer(2))
    #expect(open.nets[0].header.profile[path: "image.mean"] == .array([.number(0.5), .number(0.4), .number(0.3)]))
  }

  private func openClip(_ change: (String) -> String?) throws -> String {
    for name in ["open_clip_model.safetensors", "vocab.json", "merges.txt"] {
      try folder.write(bytes(of: "\(Self.nets)/open_clip/\(name)"), to: "other/\(name)")
    }
    let text = String(decoding: try bytes(of: "\(Self.nets)/open_clip/open_clip_config.json"), as: UTF8.self)
    if let changed = change(text) { try folder.write(Array(changed.utf8), to: "other/open_clip_config.json") }
    return folder.file("other")
  }

  /// Nothing but a configuration tells GELU from its like.
  @Test func whatNothingTellsHasToBeSaid() throws {
    let path = try openClip { _ in nil }
    let error = failure { _ = try plan("", at: path) }
    #expect(error?.reason == "nothing beside its weights says its Activation" && error?.kind == .usage)
    #expect(error?.hint?.hasSuffix("--set Activation=quick_gelu or --set Activation=gelu") == true)
    for (name, other) in [("gelu", "quick_gelu"), ("quick_gelu", "gelu")] {
      let plan = try plan("", ["Release=tiny", "Activation=\(name)"], at: path)
      #expect(value(plan, 0, "activation") == .string(name) && value(plan, 1, "activation") == .string(name))
      #expect(value(plan, 0, "activation") != .string(other))
    }
    let bare = folder.file("bare")
    try folder.write(bytes(of: "\(Self.nets)/1/model.safetensors"), to: "bare/model.safetensors")
    let second = failure { _ = try plan("", at: bare) }
    #expect(second?.reason == "nothing beside its weights says its Activation")
  }

  @Test func openClipsOwnConfigurationTellsTheActivation() throws {
    let path = try openClip { $0.replacing("\"embed_dim\"", with: "\"quick_gelu\": true, \"embed_dim\"") }
    #expect(value(try plan("", at: path), 1, "activation") == "quick_gelu")
    let error = failure { _ = try plan("", ["Release=tiny", "Activation=gelu"], at: path) }
    #expect(error?.reason == "its Activation is quick_gelu, not gelu")
  }

  @Test(arguments: [
    (
      "\"width\": 128", "\"width\": 128, \"no_ln_pre\": true",
      "model_cfg.vision_cfg.no_ln_pre is true; supported: false"
    ),
    (
      "\"heads\": 1", "\"heads\": 1, \"pool_type\": \"eos\"",
      "model_cfg.text_cfg.pool_type is \"eos\"; supported: \"argmax\""
    ),
    ("\"embed_dim\"", "\"quick_gelu\": 1, \"embed_dim\"", "model_cfg.quick_gelu is 1; it can be true or false"),
    ("\"bicubic\"", "\"bilinear\"", "preprocess_cfg.interpolation is \"bilinear\"; supported: \"bicubic\""),
  ])
  func otherNetsOfOpenClipAreRefused(old: String, new: String, reason: String) throws {
    let path = try openClip { $0.replacing(old, with: new) }
    let error = failure { _ = try plan("", at: path) }
    #expect(error?.reason == reason && error?.file?.hasSuffix("open_clip_config.json") == true)
  }

  @Test func exportedNetsAreTheSource() throws {
    for name in ["1", "2"] {
      let written = try plan(name).run(on: Shelf(folder.file("shelf" + name)), replacing: false, compress: false)
      let out = folder.file("out" + name)
      try ExportPlan(written.map { try NetFile($0.path) }, layout: "huggingface").writeSafetensors(
        to: out, replacing: false)
      let difference = try Comparison(out, "\(Self.nets)/\(name)").run()
      #expect(difference.isIdentical && difference.onlyInA.isEmpty && difference.onlyInB.isEmpty)
      for file in ["vocab.json", "merges.txt"] {
        let ours = try bytes(of: "\(out)/\(file)")
        let theirs = try bytes(of: "\(Self.nets)/\(name)/\(file)")
        #expect(file == "merges.txt" ? ours == theirs : try JSONValue(parsing: ours) == JSONValue(parsing: theirs))
      }
      // Converted again it is the same.
      let again = try plan("", at: out)
      let headers = try plan(name).nets.map(\.header)
      #expect(again.nets.map(\.header.configuration) == headers.map(\.configuration))
      #expect(again.nets.map(\.header.tokenizer) == headers.map(\.tokenizer))
      #expect(again.nets.map(\.header.profile) == headers.map(\.profile))
    }
  }
}
