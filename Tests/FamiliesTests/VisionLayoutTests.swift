import Arrays
import Assurance
import Checkpoints
import Families
import NetFile
import TestSupport
import Testing

/// Vision Transformers without classifiers, DeiTs and DINOv2s, as transformers, timm and torch wrote them; see
/// tools/fixtures/fixtures_vision.py.
@Suite struct VisionLayoutTests {
  private let folder = TemporaryFolder()
  private static let nets = packageFile("Tests/FamiliesTests/Fixtures/vision")
  private let facts: JSONValue

  init() throws { facts = try JSONValue(parsing: bytes(of: Self.nets + "/facts.json")) }

  private func plan(_ net: String) throws -> ConversionPlan {
    try ConversionPlan(openCheckpoint("\(Self.nets)/\(net)"), ConversionRequest())
  }

  private func digests(_ path: String) throws -> [String: Digest] {
    let plan = try ConversionPlan(openCheckpoint(path), ConversionRequest())
    let written = try plan.run(on: Shelf(folder.file("shelf")), replacing: true, compress: false)
    return Dictionary(uniqueKeysWithValues: written.flatMap { $0.header.arrays.map { ($0.name, $0.sha256) } })
  }

  private static let sizes: [(net: String, family: String, parameters: [String])] =
    ["tiny", "small", "base", "large"].map { ("vit-\($0)", "vit-imagenet", ["ModelSize=\($0)", "Head=pooler"]) }
    + [("vit-huge", "vit-imagenet", ["ModelSize=huge", "Head=pooler", "PatchSize=14"])]
    + ["tiny", "small", "base"].map { ("deit-\($0)", "deit", ["ModelSize=\($0)"]) }
    + ["small", "base", "large", "giant"].flatMap { size in
      [
        ("dinov2-\(size)", "dinov2", ["ModelSize=\(size)"]),
        ("dinov2-registers-\(size)", "dinov2", ["ModelSize=\(size)", "Registers=4"]),
        ("dinov2-classifier-\(size)", "dinov2", ["ModelSize=\(size)", "Head=classifier"]),
      ]
    }

  /// What num_parameters() counts in transformers' classes without weights.
  @Test func publishedSizesHaveThePublishedCounts() throws {
    let published = try facts.member("published")
    #expect(try published.object().count == Self.sizes.count)
    for (net, name, parameters) in Self.sizes {
      let family = try Family.named(name)
      let combination = try family.combination(
        setting: parameters.map { try Combination.Parameter(argument: $0) })
      let description = try family.net(of: combination).definition.description(family.configuration(of: combination))
      #expect(try description.parameters == published.member(net).size(), "\(net)")
    }
  }

  @Test(arguments: [
    ("pooler", "vit-imagenet", "huggingface-pooler", "pooler"),
    ("backbone", "vit-imagenet", "huggingface-backbone", "none"),
    ("deit", "deit", "huggingface", "distilled"), ("deit-one", "deit", "huggingface-classifier", "classifier"),
    ("deit-pooler", "deit", "huggingface-pooler", "pooler"), ("dino", "dinov2", "huggingface", "none"),
    ("registers", "dinov2", "huggingface-registers", "none"),
    ("gated", "dinov2", "huggingface-classifier", "classifier"),
    ("registers-classes", "dinov2", "huggingface-registers-classifier", "classifier"),
  ])
  func classesAreTold(net: String, family: String, layout: String, head: String) throws {
    let plan = try plan(net)
    #expect(plan.family.name == family && plan.layout.name == layout)
    #expect(plan.nets[0].combination["Head"] == .word(head))
    #expect(try plan.nets[0].description.parameters == facts.member(net).size())
    #expect(plan.coverage.used == plan.coverage.arrays && plan.notes.isEmpty, "\(plan.notes)")
  }

  /// By transformers 5's names in memory, timm's, and those of the original repositories.
  @Test(arguments: [
    ("pooler-5", "pooler"), ("backbone-5", "backbone"), ("deit-5", "deit"), ("deit-one-5", "deit-one"),
    ("deit-pooler-5", "deit-pooler"), ("registers-5", "registers"), ("gated-5", "gated"),
    ("registers-classes-5", "registers-classes"), ("deit-timm", "deit"), ("dino-original", "dino"),
    ("registers-original", "registers"),
  ])
  func everyLayoutGivesTheSameArrays(other: String, net: String) throws {
    #expect(try plan(other).layout.name != plan(net).layout.name)
    #expect(try digests("\(Self.nets)/\(other)") == digests("\(Self.nets)/\(net)"))
    // Whoever published it, it is run alike.
    let (first, second) = (try plan(other).nets[0].header, try plan(net).nets[0].header)
    #expect(first.configuration == second.configuration, "\(first.configuration)")
    if other != "dino-original" { #expect(first.profile["image"] == second.profile["image"]) }
  }

  /// timm's files lack the mask token, the original's a classifier.
  @Test func layoutsLackWhatRunningDoesNotNeed() throws {
    var whole = try digests("\(Self.nets)/dino")
    whole["maskToken"] = nil
    #expect(try digests("\(Self.nets)/dino-timm") == whole)
    let registers = try digests("\(Self.nets)/registers")
    let timm = try digests("\(Self.nets)/registers-timm")
    // The class token's position is in its vector there.
    let other = Set(registers.keys).subtracting(timm.keys).union(timm.keys.filter { timm[$0] != registers[$0] })
    #expect(other == ["classToken", "maskToken", "positions"])
    let gated = try digests("\(Self.nets)/gated").filter { !$0.key.hasPrefix("classifier.") }
    #expect(try digests("\(Self.nets)/gated-original") == gated)
    #expect(gated["blocks.1.mlp.gated.weight"] != nil)
  }

  @Test(arguments: [
    ("pooler", "ViTModel", "vit"), ("backbone", "ViTModel", "vit"),
    ("deit", "DeiTForImageClassificationWithTeacher", "deit"),
    ("deit-one", "DeiTForImageClassification", "deit"), ("deit-pooler", "DeiTModel", "deit"),
    ("dino", "Dinov2Model", "dinov2"), ("registers", "Dinov2WithRegistersModel", "dinov2_with_registers"),
    ("gated", "Dinov2ForImageClassification", "dinov2"), ("dino-original", "Dinov2Model", "dinov2"),
    ("registers-classes", "Dinov2WithRegistersForImageClassification", "dinov2_with_registers"),
  ])
  func exportsAreTheClassThatTheyWere(net: String, name: String, type: String) throws {
    let written = try plan(net).run(on: Shelf(folder.file("export")), replacing: true, compress: false)
    let nets = try written.map { try NetFile($0.path) }
    let target = folder.file("target")
    try ExportPlan(nets, layout: "huggingface").writeSafetensors(to: target, replacing: true)
    let config = try JSONValue(parsing: bytes(of: target + "/config.json"))
    #expect(try config.member("architectures").strings() == [name])
    #expect(try config.member("model_type").string() == type)
    #expect(try digests(target) == digests("\(Self.nets)/\(net)"))
    let names = try openCheckpoint(target).arrays.map(\.name).sorted()
    let source = net == "dino-original" ? "dino" : net
    #expect(try names == openCheckpoint("\(Self.nets)/\(source)").arrays.map(\.name).sorted())
  }

  /// Of another side, lengths go in proportion: 438 for 384 is what facebook/deit-base-distilled-patch16-384 has.
  @Test func creationsOfOtherSidesArePreparedInProportion() throws {
    let family = try Family.named("deit")
    let combination = try family.combination(setting: [.init(argument: "ImageSize=384")])
    let written = try Creation(family, combination, seed: nil).run(
      on: Shelf(folder.file("created")), replacing: false, compress: false)
    let image = try #require(written.header.profile["image"])
    #expect(image["side"] == .integer(384) && image[path: "resize.height"] == .integer(438))
    #expect(image[path: "resize.crop.width"] == .integer(384))
  }
}
