import Arrays
import Assurance
import Checkpoints
import Families
import Foundation
import NetFile
import TestSupport
import Testing

/// One tiny net in every layout that the family is published in, written by the publishers' own libraries; see
/// tools/fixtures/fixtures_layouts.py.
@Suite struct LayoutTests {
  private let folder = TemporaryFolder()
  private static let layouts = packageFile("Tests/FamiliesTests/Fixtures/layouts")

  private func plan(_ layout: String, profile: String? = nil) throws -> ConversionPlan {
    try ConversionPlan(
      openCheckpoint("\(Self.layouts)/\(layout)"),
      ConversionRequest(parameters: [.init("Release", .word("tiny"))], profile: profile))
  }

  private func convert(_ layout: String, profile: String? = nil) throws -> [WrittenNet] {
    try plan(layout, profile: profile).run(on: Shelf(folder.file(layout)), replacing: false, compress: false)
  }

  private func digests(_ nets: [WrittenNet]) -> [String: Digest] {
    Dictionary(
      uniqueKeysWithValues: nets.flatMap { net in net.header.arrays.map { ("\(net.header.net).\($0.name)", $0.sha256) }
      })
  }

  @Test(arguments: ["sharded", "bin", "bin-sharded", "keras", "no-buffers"])
  func everyLayoutGivesTheSameArrays(layout: String) throws {
    #expect(try digests(convert(layout)) == digests(convert("huggingface")))
  }

  @Test(arguments: ["salesforce", "salesforce-legacy"])
  func originalPositionsAreResizedAsPublished(layout: String) throws {
    let nets = try convert(layout, profile: "hf-384")
    var (found, wanted) = (digests(nets), try digests(convert("huggingface")))
    let positions = "ImageEncoder.positions"
    found[positions] = nil
    wanted[positions] = nil
    #expect(found == wanted)
    let entry = try #require(nets[0].header.arrays.first { $0.name == "positions" })
    var bytes: [UInt8] = []
    try NetFile(nets[0].path).forEachChunk(of: entry) { bytes.append(contentsOf: $0) }
    let torch = try JSONValue(parsing: TestSupport.bytes(of: "\(Self.layouts)/expected.json")).member(
      "resized_positions"
    ).array()
    #expect(torch.count == entry.shape.elements)
    for (mine, theirs) in zip(Floats.array(bytes), torch) { #expect(try abs(Double(mine) - theirs.number()) <= 1e-6) }
  }

  @Test func originalProfileKeepsItsPositions() throws {
    let nets = try convert("salesforce")
    let profile = nets[0].header.profile
    #expect(try profile.member("name").string() == "original-480")
    #expect(try profile.member("image").member("side").integer() == 40)
    #expect(try profile.member("question").member("firstToken").string() == "[ENC]")
    let configuration = nets[0].header.configuration
    #expect(configuration.first { $0.key == "layerNormEpsilon" }?.value == .number(1e-6))
    #expect(nets[0].header.arrays.first { $0.name == "positions" }?.shape.dimensions.first == 26)
  }

  @Test func profilesAreForLayoutsThatHaveAChoice() {
    #expect(
      failure { _ = try plan("huggingface", profile: "original-480") }?.reason
        == "a checkpoint in layout huggingface can only be run with profile hf-384")
    #expect(failure { _ = try plan("salesforce", profile: "x") }?.reason == "blip-vqa has no profile x")
  }

  @Test(arguments: [("float16", ElementType.float16), ("bfloat16", .bfloat16)])
  func halfPrecisionStaysAsItIs(layout: String, type: ElementType) throws {
    let nets = try convert(layout)
    #expect(nets.allSatisfy { $0.header.arrays.allSatisfy { $0.elementType == type } })
    #expect(nets[0].combination["Precision"] == .word(type.rawValue))
    #expect(nets[0].header.provenance.convertedFrom == nil)
  }

  @Test func anUntiedHeadIsAnArrayOfItsOwn() throws {
    let plan = try plan("untied")
    #expect(plan.coverage.tied.isEmpty)
    #expect(plan.nets[2].header.arrays.map(\.name).contains("head.projection.weight"))
  }

  @Test func extraArraysAreLeftOutOnlyWhenAsked() throws {
    var copy = try SafetensorsCopy(of: "\(Self.layouts)/no-buffers/model.safetensors")
    copy["itm_head.weight"] = .init(name: "itm_head.weight", type: "F32", shape: [1], bytes: [0, 0, 0, 0])
    try folder.write(copy.bytes, to: "model.safetensors")
    for name in ["config.json", "vocab.txt"] {
      try folder.write(bytes(of: "\(Self.layouts)/no-buffers/\(name)"), to: name)
    }
    func plan(_ allowsUnused: Bool) throws -> ConversionPlan {
      try ConversionPlan(
        openCheckpoint(folder.path),
        ConversionRequest(parameters: [.init("Release", .word("tiny"))], allowsUnused: allowsUnused))
    }
    #expect(
      failure { _ = try plan(false) }?.reason == "1 arrays belong to no net of blip-vqa, the first \"itm_head.weight\"")
    #expect(try plan(true).coverage.ignored.map(\.name) == ["itm_head.weight"])
    copy["vision_model.post_layernorm.bias"] = nil
    try folder.write(copy.bytes, to: "model.safetensors")
    #expect(failure { _ = try plan(true) }?.reason.hasPrefix("1 arrays of ImageEncoder are missing") == true)
  }

  @Test func visionTransformersOfKerasAreTorchs() throws {
    let comparison = try Comparison(
      packageFile("Tests/FamiliesTests/Fixtures/tiny-vit"), packageFile("Tests/FamiliesTests/Fixtures/vit-keras"))
    let difference = try comparison.run()
    #expect(difference.isIdentical && difference.equal == 32 && difference.onlyInA.isEmpty)
  }

  @Test(arguments: ["sharded", "bin", "bin-sharded", "keras", "no-buffers", "salesforce", "salesforce-legacy"])
  func diffSaysThatLayoutsHoldTheSameNet(layout: String) throws {
    let difference = try Comparison("\(Self.layouts)/huggingface", "\(Self.layouts)/\(layout)").run()
    #expect(difference.isIdentical)
    let how = Set(difference.equivalent.map(\.how))
    #expect(how == (layout == "keras" ? ["transposed"] : layout.hasPrefix("salesforce") ? ["resized"] : []))
  }

  @Test func diffNamesOneChangedValue() throws {
    var copy = try SafetensorsCopy(of: "\(Self.layouts)/no-buffers/model.safetensors")
    let name = "text_encoder.encoder.layer.0.crossattention.self.key.weight"
    let old = try #require(copy[name])
    let value = Floats.array(old.bytes)[7]
    copy[name]?.bytes.replaceSubrange(28..<32, with: (value + 0.5).bitPattern.littleEndianBytes)
    try folder.write(copy.bytes, to: "model.safetensors")
    try folder.write(bytes(of: "\(Self.layouts)/no-buffers/config.json"), to: "config.json")
    for other in ["huggingface", "keras", "bin", "salesforce"] {
      let difference = try Comparison("\(Self.layouts)/\(other)", folder.path).run()
      #expect(!difference.isIdentical && difference.different.count == 1)
      let item = try #require(difference.different.first)
      #expect(item.name == "TextEncoder.blocks.0.crossAttention.key.weight" && item.kind == .values && item.count == 1)
      #expect(abs((item.maxError ?? 0) - 0.5) < 1e-6)
      #expect(abs((item.meanError ?? 0) - 0.5 / Double(old.bytes.count / 4)) < 1e-6)
    }
  }

  @Test func diffTellsTypesAndShapesApart() throws {
    let difference = try Comparison("\(Self.layouts)/huggingface", "\(Self.layouts)/float16").run()
    #expect(difference.equal == 0 && difference.different.allSatisfy { $0.kind == .elementType && $0.count != nil })
    let other = try Comparison("\(Self.layouts)/huggingface", packageFile("weights/demo")).run()
    #expect(other.different.contains { $0.name == "ImageEncoder.classToken" && $0.kind == .shape })
    #expect(other.onlyInB.contains("ImageEncoder.blocks.3.norm1.weight"))
  }
}

@Suite struct ExportTests {
  private let folder = TemporaryFolder()

  /// Converts a checkpoint and opens its nets.
  private func nets(_ path: String, _ settings: [String] = []) throws -> [NetFile] {
    let plan = try ConversionPlan(
      openCheckpoint(path), ConversionRequest(parameters: settings.map { try .init(argument: $0) }))
    return try plan.run(on: Shelf(folder.file("shelf")), replacing: true, compress: true).map { try NetFile($0.path) }
  }

  private static let layouts = packageFile("Tests/FamiliesTests/Fixtures/layouts")

  @Test func exportedArraysAreTheSource() throws {
    let source = "\(Self.layouts)/huggingface"
    try ExportPlan(nets(source, ["Release=tiny"]), layout: "huggingface").writeSafetensors(
      to: folder.file("out"), replacing: false)
    let (old, new) = (try openCheckpoint(source), try openCheckpoint(folder.file("out")))
    let kept = old.arrays.filter { !$0.name.hasSuffix("position_ids") }
    #expect(Set(new.arrays.map(\.name)) == Set(kept.map(\.name)))
    for array in kept {
      let (i, j) = (
        try #require(old.arrays.firstIndex(of: array)), try #require(new.arrays.firstIndex { $0.name == array.name })
      )
      #expect(new.arrays[j].shape == array.shape)
      #expect(try old.data(of: i) == new.data(of: j), "\(array.name)")
    }
    #expect(try bytes(of: folder.file("out/vocab.txt")) == bytes(of: "\(source)/vocab.txt"))
  }

  @Test func exportedNetsConvertToTheSameNets() throws {
    let first = try nets("\(Self.layouts)/huggingface", ["Release=tiny"])
    try ExportPlan(first, layout: "huggingface").writeSafetensors(to: folder.file("out"), replacing: false)
    try ExportPlan(first, layout: "keras").writeHDF5(to: folder.file("keras"), replacing: false)
    for name in ["out", "keras"] {
      let difference = try Comparison("\(Self.layouts)/huggingface", folder.file(name)).run()
      #expect(difference.isIdentical && difference.configuration.isEmpty)
    }
    #expect(
      try openCheckpoint(folder.file("keras")).arrays.map(\.name)
        == openCheckpoint("\(Self.layouts)/keras").arrays.map(\.name))
  }

  @Test func joinedArraysAreDividedAgain() throws {
    let source = packageFile("Tests/FamiliesTests/Fixtures/tiny-vit")
    // No published size: so the plan is made for looking at, and written all the same.
    let plan = try ConversionPlan(openCheckpoint(source), ConversionRequest(), isSketch: true)
    let nets = try plan.run(on: Shelf(folder.file("shelf")), replacing: true, compress: false).map {
      try NetFile($0.path)
    }
    try ExportPlan(nets, layout: "huggingface").writeSafetensors(to: folder.file("out"), replacing: false)
    let difference = try Comparison(source, folder.file("out")).run()
    #expect(difference.isIdentical && difference.equal == 32)
    let config = try JSONValue(parsing: bytes(of: folder.file("out/config.json")))
    #expect(try config.member("id2label").object().count == 5)
  }

  @Test func damagedArraysAreNotExported() throws {
    let nets = try nets("\(Self.layouts)/huggingface", ["Release=tiny"])
    let entry = try #require(nets[0].header.arrays.last)
    var content = try bytes(of: nets[0].path)
    content[entry.offset + entry.storedBytes - 1] ^= 1
    try Data(content).write(to: URL(filePath: nets[0].path))
    let damaged = try nets.map { try NetFile($0.path) }
    let error = failure {
      try ExportPlan(damaged, layout: "huggingface").writeSafetensors(to: folder.file("out"), replacing: false)
    }
    #expect(error?.kind == .badData)
    #expect(try Paths.names(in: folder.file("out")).isEmpty)
  }

  @Test func nothingIsOverwrittenAndNothingHalfExported() throws {
    let nets = try nets(packageFile("weights/demo"))
    try folder.write([1], to: "config.json")
    let error = failure {
      try ExportPlan(nets, layout: "huggingface").writeSafetensors(to: folder.path, replacing: false)
    }
    #expect(error?.kind == .cannotCreate && error?.withoutFile == "is there already")
    #expect(
      failure { _ = try ExportPlan(Array(nets.dropLast()), layout: "huggingface") }?.reason
        == "the net TextDecoder is missing")
    #expect(
      failure { _ = try ExportPlan(nets + [nets[0]], layout: "huggingface") }?.reason
        == "the net ImageEncoder is named 2 times")
    #expect(
      failure { _ = try ExportPlan(nets, layout: "salesforce") }?.reason
        == "blip-vqa can't be exported to layout salesforce")
  }
}

@Suite struct PlainTests {
  private let folder = TemporaryFolder()

  private func difference(_ type: String, _ a: [UInt8], _ b: [UInt8]) throws -> Difference {
    let header = "{\"x\":{\"dtype\":\"\(type)\",\"shape\":[1],\"data_offsets\":[0,\(a.count)]}}"
    try folder.write(safetensors(header) + a, to: "a.safetensors")
    try folder.write(safetensors(header) + b, to: "b.safetensors")
    return try Comparison(folder.file("a.safetensors"), folder.file("b.safetensors")).run()
  }

  /// Bits decide, not values: large integers are rounded as numbers, and a NaN is no other NaN.
  @Test func diffSeesEveryBit() throws {
    let large = 1 << 53
    #expect(try difference("I64", large.littleEndianBytes, (large + 1).littleEndianBytes).different.first?.count == 1)
    #expect(try difference("I64", large.littleEndianBytes, large.littleEndianBytes).isIdentical)
    let nan = try difference("F32", UInt32(0x7f80_0001).littleEndianBytes, UInt32(0x7fc0_0001).littleEndianBytes)
    #expect(nan.different.first?.count == 1 && nan.different.first?.maxError?.isNaN == true)
    #expect(
      try difference("F32", Float(0).bitPattern.littleEndianBytes, Float(-0.0).bitPattern.littleEndianBytes).different
        .count == 1)
  }

  /// Sizes that can't be added up stop the reading, not the program.
  @Test func hugeSumsAreRefused() throws {
    let entries = (0..<3).map { "\"a\($0)\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}" }
    let path = try folder.write(safetensors("{\(entries.joined(separator: ","))}"), to: "x.safetensors")
    #expect(try openCheckpoint(path).arrays.count == 3)
    #expect(
      GridResize.side(ofRows: .max) == nil && GridResize.side(ofRows: 577) == 24 && GridResize.side(ofRows: 0) == nil)
  }

  @Test func keepsEveryArrayAsItIs() throws {
    let source = packageFile("Tests/NetFileTests/Fixtures/every-type.safetensors")
    let plan = try ConversionPlan(openCheckpoint(source), ConversionRequest(family: .plain))
    let net = try #require(try plan.run(on: Shelf(folder.path), replacing: false, compress: true).first)
    #expect(net.combination["Name"] == .word("every-type"))
    let file = try NetFile(net.path)
    let checkpoint = try openCheckpoint(source)
    #expect(file.header.arrays.count == checkpoint.arrays.count)
    for (entry, index) in zip(file.header.arrays, checkpoint.arrays.indices) {
      #expect(try entry.sha256 == SHA256.digest(checkpoint.data(of: index)))
      #expect(entry.elementType == checkpoint.arrays[index].elementType)
    }
    #expect(try Verification(file, source: checkpoint).run().isVerified)
    #expect(try Inspection(file).layerTypes == nil)
    #expect(try Comparison(source, net.path).run().equal == checkpoint.arrays.count)
  }

  @Test func namesThatNoNetFileCanHoldAreRefusedFirst() throws {
    let path = try folder.write(
      safetensors(#"{"a\nb":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: 1), to: "x.safetensors")
    let plan = try ConversionPlan(openCheckpoint(path), ConversionRequest(family: .plain))
    let error = failure { _ = try plan.run(on: Shelf(folder.path), replacing: false, compress: false) }
    #expect(error?.withoutFile == "header: array name \"a\\u{a}b\" has control characters, or not 1 to 4096 bytes")
    #expect(folder.names == ["x.safetensors"])
  }
}
