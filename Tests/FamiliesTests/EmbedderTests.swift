import Arrays
import Checkpoints
import Families
import Foundation
import NetFile
import Nets
import TestSupport
import Testing

/// Sentence embedders: what is recognized, what the files of sentence-transformers say, what is refused.
@Suite struct EmbedderTests {
  private static let fixtures = packageFile("Tests/FamiliesTests/Fixtures/embedders")
  private let folder = TemporaryFolder()

  private func copy(_ name: String, as other: String? = nil) throws -> String {
    let path = folder.file(other ?? name)
    try FileManager.default.copyItem(atPath: Paths.join(Self.fixtures, name), toPath: path)
    return path
  }

  private func plan(_ path: String, _ settings: String...) throws -> ConversionPlan {
    let parameters = try settings.map { try Combination.Parameter(argument: $0) }
    return try ConversionPlan(openCheckpoint(path), ConversionRequest(parameters: parameters))
  }

  /// `num_parameters()` of transformers' BertModel of each size.
  @Test(arguments: [
    ("all-MiniLM-L6-v2", 22_713_216, 37, 13), ("bge-small-en-v1.5", 33_360_000, 73, 25),
    ("bge-base-en-v1.5", 109_482_240, 73, 25), ("mxbai-embed-large-v1", 335_141_888, 145, 49),
  ])
  func countsAreThePublishers(release: String, parameters: Int, linear: Int, norms: Int) throws {
    let family = try Family.named("text-embedding")
    let combination = try family.combination(setting: [.init("Release", .word(release))])
    let net = try family.net(of: combination).definition.description(family.configuration(of: combination))
    #expect(net.parameters == parameters)
    let counts = net.layerTypes.map { "\($0.type.rawValue) \($0.count)" }
    let blocks = (norms - 1) / 2
    #expect(
      counts == [
        "Linear \(linear)", "LayerNorm \(norms)", "Embedding 3", "GELU \(blocks)", "Tanh 1", "Attention \(blocks)",
      ])
  }

  @Test(arguments: [
    ("mean", "huggingface", 39, 0), ("folder", "huggingface", 39, 0), ("heads", "huggingface-heads", 39, 7),
    ("original", "original-names", 39, 7), ("bare", "huggingface-no-pooler", 37, 0),
  ])
  func layoutsAreRecognized(name: String, layout: String, used: Int, ignored: Int) throws {
    let plan = try plan(Paths.join(Self.fixtures, name))
    #expect(plan.family.name == "text-embedding" && plan.layout.name == layout)
    #expect(plan.coverage.used == used && plan.coverage.ignored.count == ignored)
    // The folder names the release.
    #expect(plan.nets[0].combination["Release"] == .word(name))
  }

  @Test func layoutsOfOneNetGiveTheSameArrays() throws {
    let nets = try ["heads", "original"].map { name in
      let plan = try plan(Paths.join(Self.fixtures, name), "Release=x")
      let written = try plan.run(on: Shelf(folder.file(name)), replacing: false, compress: false)
      return try NetFile(try #require(written.first).path)
    }
    #expect(nets[0].header.arrays == nets[1].header.arrays)
  }

  @Test func aFolderMayNotBeCalledAsAPublishedNetOfOtherDimensions() throws {
    let path = try copy("mean", as: "bge-base-en-v1.5")
    let error = failure { _ = try plan(path) }
    #expect(error?.kind == .usage)
    #expect(
      error?.withoutFile
        == "its folder is called bge-base-en-v1.5, but its configuration is not that of the published net of this name")
    #expect(try plan(path, "Release=mine").nets[0].combination["Release"] == .word("mine"))
    let odd = try copy("mean", as: "an odd name")
    #expect(
      failure { _ = try plan(odd) }?.withoutFile == "its folder's name, \"an odd name\", is none that a net can have")
  }

  /// A hub's cache has the repository's name above the revision's.
  @Test func aHubsCacheNamesTheRelease() throws {
    _ = try folder.write([], to: "models--acme--small-one/snapshots/.keep")
    let path = try copy("mean", as: "models--acme--small-one/snapshots/abc123")
    #expect(try plan(path).nets[0].combination["Release"] == .word("small-one"))
    #expect(try plan(folder.file("models--acme--small-one")).nets[0].combination["Release"] == .word("small-one"))
  }

  /// RoBERTa's arrays are named as BERT's are.
  @Test func otherConstructionsWithTheSameNamesAreKeptPlain() throws {
    let path = try copy("bare", as: "roberta")
    try change(path, "config.json", "\"bert\"", "\"roberta\"")
    let checkpoint = try openCheckpoint(path)
    #expect(try Family.recognize(checkpoint) == nil)
    let plan = try ConversionPlan(checkpoint, ConversionRequest(keepsUnknown: true))
    #expect(plan.family.name == "plain")
    let error = failure { _ = try ConversionPlan(checkpoint, ConversionRequest()) }
    #expect(error?.reason.hasPrefix("is a RoBERTa net, which is not supported") == true)
    #expect(error?.hint?.hasPrefix("texts are embedded by nets of BertModel") == true)
  }

  private func change(_ path: String, _ file: String, _ old: String, _ new: String) throws {
    let name = Paths.join(path, file)
    let text = String(decoding: try bytes(of: name), as: UTF8.self)
    #expect(text.contains(old))
    try Data(text.replacing(old, with: new).utf8).write(to: URL(filePath: name))
  }

  private static let modules = "sentence_transformers.base.modules"

  /// A file of mean/, what stands there, what takes its place, and why that isn't converted.
  static let refused: [(String, String, String, String)] = [
    (
      "modules.json", "\(modules).normalize.Normalize", "sentence_transformers.models.Dense",
      "module 2 is Dense, which is not supported"
    ),
    (
      "modules.json", "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
      "sentence_transformers.models.WeightedLayerPooling", "module 1 is WeightedLayerPooling, not Pooling"
    ),
    (
      "modules.json", "\(modules).transformer.Transformer", "sentence_transformers.models.BoW",
      "module 0 is BoW, not Transformer"
    ),
    (
      "modules.json", "\(modules).transformer.Transformer", "custom_st.Transformer",
      "a module is custom_st.Transformer, code of its author's, which isn't run"
    ),
    (
      "modules.json", "\"1_Pooling\"", "\"../1_Pooling\"",
      "a module's path is \"../1_Pooling\", which leads out of the folder"
    ),
    ("modules.json", "[\n", "{\n", "a key in quotes expected in an object"),
    ("1_Pooling/config.json", "\"mean\"", "\"median\"", "pooling_mode \"median\" is not supported"),
    (
      "1_Pooling/config.json", "\"pooling_mode\": \"mean\"", "\"pooling_mode_new\": true",
      "pooling_mode_new is true, which is not supported"
    ),
    ("1_Pooling/config.json", "\"mean\"", "[]", "pooling_mode is empty, which makes no vector"),
    (
      "2_Normalize/config.json", "\"module_output_name\": \"sentence_embedding\"", "\"module_output_name\": \"x\"",
      "module_output_name is \"x\", which is not supported"
    ),
    (
      "sentence_bert_config.json", "\"feature-extraction\"", "\"fill-mask\"",
      "transformer_task is \"fill-mask\", which is not supported"
    ),
    (
      "sentence_bert_config.json", "\"last_hidden_state\"", "\"pooler_output\"",
      "modality_config is {\"text\":{\"method\":\"forward\",\"method_output_name\":\"pooler_out, which is not supported"
    ),
    (
      "config_sentence_transformers.json", "\"SentenceTransformer\"", "\"CrossEncoder\"",
      "model_type is \"CrossEncoder\", not \"SentenceTransformer\""
    ),
    (
      "config_sentence_transformers.json", "\"default_prompt_name\": null", "\"default_prompt_name\": \"title\"",
      "default_prompt_name is \"title\", none of the prompts"
    ),
    ("config_sentence_transformers.json", "\"cosine\"", "\"jaccard\"", "unknown similarity \"jaccard\""),
    ("config.json", "\"gelu\"", "\"relu\"", "hidden_act is \"relu\"; supported: \"gelu\""),
    (
      "config.json", "\"model_type\": \"bert\"", "\"is_decoder\": true, \"model_type\": \"bert\"",
      "is_decoder is true; supported: false"
    ),
    (
      "config.json", "\"model_type\": \"bert\"",
      "\"position_embedding_type\": \"relative_key\", \"model_type\": \"bert\"",
      "position_embedding_type is \"relative_key\"; supported: \"absolute\""
    ),
    (
      "tokenizer_config.json", "\"BertTokenizer\"", "\"PreTrainedTokenizerFast\"",
      "tokenizer_class is \"PreTrainedTokenizerFast\"; supported: BertTokenizer, BertTokenizerFast"
    ),
  ]

  @Test(arguments: refused)
  func whatIsNotDoneIsRefusedByName(file: String, old: String, new: String, reason: String) throws {
    let path = try copy("mean")
    try change(path, file, old, new)
    let error = failure { _ = try plan(path) }
    #expect(error?.reason == reason)
    #expect(error?.kind == .badData && error?.file == Paths.join(path, file) && error?.hint != nil)
  }

  @Test func aMissingPoolingIsNamed() throws {
    let path = try copy("mean")
    try FileManager.default.removeItem(atPath: Paths.join(path, "1_Pooling"))
    let error = failure { _ = try plan(path) }
    #expect(error?.kind == .noInput && error?.reason == "is missing, which says how vectors are pooled")
  }

  @Test(arguments: ["mean", "folder", "joined", "heads", "bare"])
  func exportsAreWhatWasConverted(name: String) throws {
    let shelf = Shelf(folder.file("shelf"))
    let written = try plan(Paths.join(Self.fixtures, name)).run(on: shelf, replacing: false, compress: false)
    let net = try NetFile(try #require(written.first).path)
    try ExportPlan([net], layout: "huggingface").writeSafetensors(to: folder.file("out/\(name)"), replacing: false)
    let back = try plan(folder.file("out/\(name)"))
    #expect(back.layout.name == (name == "bare" ? "huggingface-no-pooler" : "huggingface"))
    let again = try back.run(on: Shelf(folder.file("again")), replacing: false, compress: false)
    let other = try NetFile(try #require(again.first).path)
    #expect(other.header.arrays.map(\.name) == net.header.arrays.map(\.name))
    #expect(other.header.arrays.map(\.sha256) == net.header.arrays.map(\.sha256))
    #expect(other.header.configuration == net.header.configuration)
    #expect(other.header.profile == net.header.profile)
    #expect(other.header.tokenizer == net.header.tokenizer)
  }
}
