import Arrays
import Assurance
import Checkpoints
import Families
import Foundation
import NetFile
import Nets
import TestSupport
import Testing

/// BLIP image-text retrieval nets in the layouts of their publishers, as transformers, torch and TensorFlow wrote them; see
/// tools/fixtures/fixtures_matches.py.
@Suite struct MatchLayoutTests {
  private let folder = TemporaryFolder()
  private static let nets = packageFile("Tests/FamiliesTests/Fixtures/matches")
  private let family: Family

  init() throws { family = try Family.named("blip-match") }

  /// What transformers 5.24 counts in BlipForImageTextRetrieval: parameters, Linear, LayerNorm, Embedding, Conv2d, arrays;
  /// vision_proj is the image encoder's, text_proj and itm_head are the text encoder's.
  @Test(arguments: [
    ("base", "ImageEncoder", 86_090_496 + 196_864, [49, 25, 0, 1], 152),
    ("base", "TextEncoder", 137_258_496 + 196_864 + 1_538, [122, 37, 2, 0], 320),
    ("large", "ImageEncoder", 303_690_752 + 262_400, [97, 49, 0, 1], 296),
    ("large", "TextEncoder", 141_977_088 + 196_864 + 1_538, [122, 37, 2, 0], 320),
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

  private func plan(_ net: String) throws -> ConversionPlan {
    try ConversionPlan(
      openCheckpoint("\(Self.nets)/\(net)"), ConversionRequest(parameters: [.init(argument: "Release=tiny")]))
  }

  private func digests(_ net: String) throws -> [String: Digest] {
    let written = try plan(net).run(on: Shelf(folder.file(net)), replacing: false, compress: false)
    let arrays = written.flatMap { net in net.header.arrays.map { ("\(net.header.net).\($0.name)", $0.sha256) } }
    return Dictionary(uniqueKeysWithValues: arrays)
  }

  @Test(arguments: ["salesforce", "keras"])
  func everyLayoutGivesTheSameArrays(layout: String) throws {
    #expect(try digests(layout) == digests("1"))
  }

  @Test(arguments: ["1", "2", "3"])
  func countsAreTorchs(net: String) throws {
    let facts = try JSONValue(parsing: bytes(of: "\(Self.nets)/facts.json")).member(net)
    let plan = try plan(net)
    #expect(plan.family.name == "blip-match" && plan.layout.name == "huggingface")
    #expect(try plan.nets.map(\.description.parameters).reduce(0, +) == facts.member("parameters").size())
  }

  @Test func whatIsOfTrainingIsLeftOut() throws {
    let coverage = try plan("salesforce").coverage
    #expect(coverage.used == 92)
    let means = coverage.ignored.filter { $0.reason == "of training: the running mean of the net" }
    #expect(means.count == 91 && means.allSatisfy { $0.name.contains("_m.") })
    #expect(coverage.ignored.count == 97)
  }

  @Test func profilesAreThoseOfTheLayouts() throws {
    let original = try plan("salesforce").nets[0].header
    #expect(original.profile[path: "text.matchToken"] == "[ENC]" && original.profile[path: "text.maximumWords"] == 30)
    #expect(original.configuration.first { $0.key == "layerNormEpsilon" }?.value == .number(1e-6))
    let later = try plan("2").nets[1].header
    #expect(later.profile[path: "text.matchToken"] == "[CLS]" && later.profile[path: "text.maximumTokens"] == 26)
    #expect(later.configuration.first { $0.key == "projectionSize" }?.value == 17)
  }

  @Test func exportedNetsAreTheSource() throws {
    let written = try plan("1").run(on: Shelf(folder.file("shelf")), replacing: false, compress: false)
    let nets = try written.map { try NetFile($0.path) }
    try ExportPlan(nets, layout: "huggingface").writeSafetensors(to: folder.file("out"), replacing: false)
    let difference = try Comparison(folder.file("out"), "\(Self.nets)/1").run()
    #expect(difference.isIdentical && difference.equal == 92)
    let config = try JSONValue(parsing: bytes(of: folder.file("out/config.json")))
    #expect(config["image_text_hidden_size"] == 12)
  }

  /// Headers of the published base net: nothing in them tells on what it was trained.
  @Test func releasesAreToldByTheirNames() throws {
    func release(_ path: String) throws -> (ParameterValue?, [String]) {
      let plan = try ConversionPlan(openCheckpoint(publishedNet(path)), ConversionRequest())
      return (plan.nets[0].combination["Release"], plan.notes.filter { $0.contains("as well") })
    }
    let named = try release("Salesforce/blip-itm-base-flickr/model.safetensors")
    #expect(named.0 == .word("blip-itm-flickr") && named.1 == [])
    let cached = try release("models--Salesforce--blip-itm-base-coco/snapshots/1/model.safetensors")
    #expect(cached.0 == .word("blip-itm-coco") && cached.1 == [])
    let unnamed = try release("somewhere/model.safetensors")
    #expect(unnamed.0 == .word("blip-itm-coco"))
    #expect(
      unnamed.1 == [
        "its configuration is that of Release=blip-itm-coco and as well that of Release=blip-itm-flickr: it is called the former unless --set says otherwise"
      ])
  }

  /// A file of the published size without weights in it.
  private func publishedNet(_ path: String) throws -> String {
    let layout = try #require(family.layouts.first { $0.name == "huggingface" })
    let given = try plan("1")
    // Names are those of a tiny net, with as many blocks and the shapes of the published one.
    var entries: [String] = []
    var offset = 0
    for kind in family.nets {
      let combination = try family.combination(setting: [.init("Part", .word(kind.name))])
      for array in try kind.definition.description(family.configuration(of: combination)).arrays {
        let (name, ones) = try #require(published(array.name, kind.name, given))
        let end = offset + 4 * array.shape.elements
        let shape = [Int](repeating: 1, count: ones) + array.shape.dimensions
        entries.append("\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(offset),\(end)]}")
        offset = end
      }
    }
    #expect(layout.name == "huggingface")
    let header = safetensors("{\(entries.joined(separator: ","))}")
    let written = try folder.write(header, to: path)
    let file = try FileHandle(forWritingTo: URL(filePath: written))
    try file.truncate(atOffset: UInt64(header.count + offset))
    try file.close()
    return written
  }

  /// The published name of an array, by that of the same array of another block, and how many dimensions of 1 it has in front.
  private func published(_ name: String, _ net: String, _ plan: ConversionPlan) -> (String, Int)? {
    let words = name.split(separator: ".").map(String.init)
    let block = words.count > 2 && words[0] == "blocks" ? words[1] : nil
    let known = block == nil ? name : (["blocks", "0"] + words.dropFirst(2)).joined(separator: ".")
    guard let planned = plan.nets.first(where: { $0.header.net == net }),
      let array = planned.arrays.first(where: { $0.entry.name == known })
    else { return nil }
    let source = plan.checkpoint.arrays[array.sources[0]]
    let ones = source.shape.rank - array.entry.shape.rank
    let published = block.map {
      source.name.replacing("layers.0.", with: "layers.\($0).").replacing("layer.0.", with: "layer.\($0).")
    }
    return (published ?? source.name, ones)
  }
}
