import Arrays
import Assurance
import Checkpoints
import Families
import Foundation
import NetFile
import Nets
import TestSupport
import Testing

/// BLIP captioning nets in the layouts of their publishers, as transformers, torch and TensorFlow wrote them; see
/// tools/fixtures/fixtures_captions.py.
@Suite struct CaptionLayoutTests {
  private let folder = TemporaryFolder()
  private static let nets = packageFile("Tests/FamiliesTests/Fixtures/captions")
  private let family: Family

  init() throws { family = try Family.named("blip-caption") }

  /// What transformers 5.24 counts in BlipForConditionalGeneration: parameters, Linear, LayerNorm, Embedding, Conv2d, arrays.
  @Test(arguments: [
    ("base", "ImageEncoder", 86_090_496, [48, 25, 0, 1], 150),
    ("base", "TextDecoder", 137_881_148, [122, 38, 2, 0], 321),
    ("large", "ImageEncoder", 303_690_752, [96, 49, 0, 1], 294),
    ("large", "TextDecoder", 142_599_740, [122, 38, 2, 0], 321),
  ])
  func publishedSizesHaveThePublishedCounts(
    size: String, part: String, parameters: Int, layers: [Int], arrays: Int
  ) throws {
    let combination = try family.combination(setting: [.init("Size", .word(size)), .init("Part", .word(part))])
    let net = try family.net(of: combination).definition.description(family.configuration(of: combination))
    #expect(net.parameters == parameters)
    #expect(net.arrays.count == arrays)
    let types: [LayerType] = [.linear, .layerNorm, .embedding, .conv2d]
    #expect(types.map { type in net.layerTypes.first { $0.type == type }?.count ?? 0 } == layers)
  }

  private func plan(_ net: String, _ parameters: [String] = ["Release=tiny"]) throws -> ConversionPlan {
    var chosen: [Combination.Parameter] = []
    for parameter in parameters { chosen.append(try .init(argument: parameter)) }
    return try ConversionPlan(openCheckpoint("\(Self.nets)/\(net)"), ConversionRequest(parameters: chosen))
  }

  private func digests(_ net: String) throws -> [String: Digest] {
    let written = try plan(net).run(on: Shelf(folder.file(net)), replacing: false, compress: false)
    let arrays = written.flatMap { net in net.header.arrays.map { ("\(net.header.net).\($0.name)", $0.sha256) } }
    return Dictionary(uniqueKeysWithValues: arrays)
  }

  @Test(arguments: ["published", "salesforce", "keras"])
  func everyLayoutGivesTheSameArrays(layout: String) throws {
    #expect(try digests(layout) == digests("1"))
  }

  @Test(arguments: ["1", "2", "3"])
  func countsAreTorchs(net: String) throws {
    let facts = try JSONValue(parsing: bytes(of: "\(Self.nets)/facts.json")).member(net)
    let plan = try plan(net)
    #expect(plan.family.name == "blip-caption" && plan.layout.name == "huggingface")
    let counts = plan.nets.map(\.description.parameters)
    #expect(try counts == [facts.member("vision").size(), facts.member("decoder").size()])
    #expect(try counts.reduce(0, +) == facts.member("parameters").size())
    #expect(plan.nets.allSatisfy { $0.combination["Size"] == .word("custom") })
  }

  @Test func profilesAreThoseOfTheLayouts() throws {
    let later = try plan("published").nets[1].header.profile
    #expect(try later.member("name").string() == "hf-384")
    #expect(later[path: "caption.startToken"] == .integer(34) && later[path: "caption.endToken"] == .integer(3))
    #expect(later[path: "caption.prompt"]?.content == .null)
    let original = try plan("salesforce").nets[0].header
    #expect(original.profile[path: "caption.prompt"] == .string("a picture of "))
    #expect(original.profile[path: "caption.startToken"] == .integer(34))
    #expect(original.profile[path: "image.side"] == .integer(32))
    #expect(original.configuration.first { $0.key == "layerNormEpsilon" }?.value == .number(1e-6))
  }

  /// Every array of a net that captions is there in one that answers questions, which has further ones.
  @Test func netsThatAnswerQuestionsAreNoneThatCaption() throws {
    for layout in ["huggingface", "salesforce", "keras"] {
      let checkpoint = try openCheckpoint(packageFile("Tests/FamiliesTests/Fixtures/layouts/\(layout)"))
      #expect(try Family.recognize(checkpoint)?.family.name == "blip-vqa")
    }
  }

  @Test func sizesOfNobodyNeedAName() {
    let failure = failure { _ = try plan("1", []) }
    #expect(failure?.reason == "its configuration is that of no published net, so it needs a name of its own")
    let other = TestSupport.failure { _ = try plan("1", ["Release=tiny", "Size=large"]) }
    #expect(other?.reason == "its Size is custom, not large" && other?.kind == .usage)
  }

  /// No configuration stands beside an original checkpoint. Its names and shapes are all that is needed here.
  @Test(arguments: ["base", "large"])
  func theSizeOfOriginalWeightsIsToldByTheirArrays(size: String) throws {
    var entries: [String] = []
    var offset = 0
    for array in try JSONValue(parsing: bytes(of: "\(Self.nets)/original-\(size).json")).object() {
      // Those that are tied would be read.
      if array.key.contains("position_ids") || array.key.contains("predictions.decoder.") { continue }
      let shape = try array.value.array().map { try $0.size() }
      let end = offset + 4 * shape.reduce(1, *)
      entries.append("\"\(array.key)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    let header = safetensors("{\(entries.joined(separator: ","))}")
    let path = try folder.write(header, to: "\(size).safetensors")
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    try file.truncate(atOffset: UInt64(header.count + offset))
    try file.close()
    let plan = try ConversionPlan(openCheckpoint(path), ConversionRequest())
    #expect(plan.family.name == "blip-caption" && plan.layout.name == "salesforce")
    #expect(plan.nets.map { $0.combination["Size"] } == [.word(size), .word(size)])
    #expect(plan.nets.map { $0.combination["Release"] } == [.word("original"), .word("original")])
  }

  @Test func exportedNetsAreTheSource() throws {
    let written = try plan("1").run(on: Shelf(folder.file("shelf")), replacing: false, compress: false)
    let nets = try written.map { try NetFile($0.path) }
    let out = folder.file("out")
    try ExportPlan(nets, layout: "huggingface").writeSafetensors(to: out, replacing: false)
    let difference = try Comparison(out, "\(Self.nets)/1").run()
    #expect(difference.isIdentical && difference.equal == 91)
    let config = try JSONValue(parsing: bytes(of: out + "/config.json"))
    #expect(try config.member("architectures").strings() == ["BlipForConditionalGeneration"])
  }
}
