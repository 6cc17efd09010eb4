import Arrays
import Families
import Nets
import TestSupport
import Testing

@Suite struct FamilyTests {
  private let blip: Family
  private let vit: Family

  init() throws {
    blip = try Family.named("blip-vqa")
    vit = try Family.named("vit-imagenet")
  }

  /// The published net's counts: parameters, Linear, LayerNorm, Embedding, Conv2d, GELU, Attention and arrays of each part.
  @Test(arguments: [
    ("ImageEncoder", 86_090_496, [48, 25, 0, 1, 12, 12], 150),
    ("TextEncoder", 137_258_496, [120, 37, 2, 0, 12, 24], 316),
    ("TextDecoder", 137_881_148, [122, 38, 2, 0, 13, 24], 321),
  ])
  func blipHasThePublishedCounts(part: String, parameters: Int, layers: [Int], arrays: Int) throws {
    let combination = try blip.combination(setting: [.init("Part", .word(part))])
    let net = try blip.net(of: combination).definition.description(blip.configuration(of: combination))
    #expect(net.parameters == parameters)
    #expect(net.arrays.count == arrays)
    let types: [LayerType] = [.linear, .layerNorm, .embedding, .conv2d, .gelu, .attention]
    #expect(types.map { type in net.layerTypes.first { $0.type == type }?.count ?? 0 } == layers)
  }

  @Test func combinationsAreTheProductOfTheAxes() {
    #expect(blip.combinations.count == 2 * 3 * 4 * 4)
    #expect(vit.combinations.count == 5 * 4 * 2 * 3 * 4)
    #expect(Set(vit.combinations).count == vit.combinations.count)
  }

  @Test func axesDecideOnVisionTransformers() throws {
    let combination = try vit.combination(setting: [
      .init("ModelSize", .word("large")), .init("PatchSize", .integer(32)), .init("ImageSize", .integer(384)),
    ])
    let configuration = try vit.configuration(of: combination)
    #expect(try configuration.dimension("hiddenSize") == 1024)
    #expect(try configuration.dimension("patchSize") == 32)
    #expect(try configuration.dimension("imageSide") == 384)
    #expect(vit.publication(of: combination)?.repository == "google/vit-large-patch32-384")
  }

  static let wrongSettings: [(String, String)] = [
    ("Size=1", "blip-vqa has no parameter Size"), ("Part=Encoder", "Part can't be Encoder"),
    ("CapFilt=1", "CapFilt can't be 1"), ("Release=a/b", "Release can't be a/b"), ("Release=..", "Release can't be .."),
    ("Release=", "Release can't be "),
  ]

  @Test(arguments: wrongSettings)
  func refusesValues(setting: String, message: String) {
    let error = failure { _ = try blip.combination(setting: [.init(argument: setting)]) }
    #expect(error?.kind == .usage && error?.description == message)
  }

  @Test func releasesMayHaveNamesOfTheirOwn() throws {
    let combination = try blip.combination(setting: [.init(argument: "Release=my-net_2.1")])
    #expect(combination["Release"] == .word("my-net_2.1"))
    #expect(
      failure { _ = try Combination.Parameter(argument: "Release") }?.description == "\"Release\" is not NAME=VALUE")
  }

  @Test func parametersNameTheFamily() throws {
    #expect(try Family.meant(by: [.init(argument: "PatchSize=16")]).name == "vit-imagenet")
    #expect(try Family.meant(by: [.init(argument: "Precision=float16")]).name == "blip-vqa")
    // An axis that may have any name says less than one that lists it.
    #expect(try Family.meant(by: [.init(argument: "Release=bge-base-en-v1.5")]).name == "text-embedding")
    #expect(try Family.meant(by: [.init(argument: "Release=mine")]).name == "blip-vqa")
    #expect(
      failure { _ = try Family.meant(by: [.init(argument: "X=1")]) }?.description == "no family has the parameters X")
  }

  @Test func patternsFitWholeWords() throws {
    let layout = try #require(blip.layouts.first)
    let net = try NetDefinition.blipTextDecoder.description(
      blip.configuration(of: blip.combination(setting: [.init("Part", .word("TextDecoder"))])))
    #expect(net.arrays.contains { $0.name == "blocks.11.crossAttention.norm.weight" })
    #expect(layout.recognizedBy.count == 3)
  }

  /// Each takes the right family file and breaks one thing.
  static let broken: [(String, String, String)] = [
    ("\"family\": \"blip-vqa\",", "", "has no member \"family\""),
    ("\"definition\": \"BlipTextEncoder\"", "\"definition\": \"Bert\"", "unknown net definition \"Bert\""),
    ("\"defaultProfile\": \"hf-384\"", "\"defaultProfile\": \"hf\"", "there is no profile \"hf\""),
    ("\"transpose\": [3, 2, 0, 1]", "\"transpose\": [3, 2, 0, 0]", "is no permutation of dimensions"),
    (
      "\"TextEncoder\": \"huggingface\"", "\"TextEncoder\": \"other\"",
      "there is no layout other before this one that has rules for TextEncoder"
    ),
    ("\"selects\": \"net\"", "\"selects\": \"nets\"", "unknown selection \"nets\""),
    (
      "\"profile\": \"original-480\",\n      \"recognizedBy\"", "\"profile\": \"x\",\n      \"recognizedBy\"",
      "layout salesforce names no profile of this family"
    ),
    (
      "{\"net\": \"norm.{leaf}\", \"from\": \"vision_model.post_layernorm.{leaf}\"}",
      "{\"net\": \"norm.{leaf}\", \"from\": \"a.{n}\"}", "the placeholders of \"from\" are not those of \"net\""
    ),
    (
      "\"when\": {\"Release\": \"demo\"}", "\"when\": {\"Release\": \"x\"}",
      "a variant depends on a value that no axis has"
    ),
    (
      "\"values\": [\"ImageEncoder\", \"TextEncoder\", \"TextDecoder\"]", "\"values\": [\"ImageEncoder\"]",
      "the values of Part are not the names of the nets"
    ),
    (
      "\"attendsOver\": \"TextEncoder\"", "\"attendsOver\": \"x\"", "TextDecoder attends over x, which is none of them"
    ),
    ("\"default\": \"float32\"", "\"default\": \"float31\"", "the default is not among the values"),
    ("33786eed", "33786EED", "64 lower-case hexadecimal digits of a SHA-256 are needed"),
  ]

  @Test(arguments: broken)
  func refusesBrokenFamilyFiles(old: String, new: String, message: String) throws {
    let text = String(decoding: try bytes(of: packageFile("schemas/families/blip-vqa.json")), as: UTF8.self)
    #expect(text.contains(old))
    let changed = text.replacing(old, with: new, maxReplacements: 1)
    #expect(failure { _ = try Family(json: JSONValue(parsing: Array(changed.utf8))) }?.reason == message)
  }
}
