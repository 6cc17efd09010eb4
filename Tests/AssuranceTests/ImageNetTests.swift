import Arrays
import Assurance
import Checkpoints
import Families
import Kernels
import Media
import NetFile
import Tasks
import TestSupport
import Testing

/// What nets that look at images compute, against transformers (Tests/ReferenceFixtures/vision, by
/// tools/fixtures/fixtures_vision.py).
@Suite struct ImageNetTests {
  private let folder = TemporaryFolder()

  private func net(_ name: String) throws -> NetFile {
    let path = packageFile("Tests/FamiliesTests/Fixtures/vision/\(name)")
    let written = try ConversionPlan(openCheckpoint(path), ConversionRequest())
      .run(on: Shelf(folder.file(name)), replacing: true, compress: false)
    return try NetFile(try #require(written.first).path)
  }

  private func reference(_ name: String) throws -> ReferenceFile {
    try ReferenceFile(packageFile("Tests/ReferenceFixtures/vision/\(name).safetensors"))
  }

  private func outputs(
    _ net: String, _ reference: String, level: Engine.Level? = nil
  ) throws -> [OutputComparison] {
    let file = try self.reference(reference)
    return try ImageNetVerification(ImageNet(self.net(net), side: file.side, level: level), file).run()
  }

  /// Pixels to the bit.
  @Test(arguments: [
    ("pooler", "pooler"), ("backbone", "backbone"), ("deit", "deit"), ("deit-one", "deit-one"),
    ("deit-pooler", "deit-pooler"), ("dino", "dino"), ("registers", "registers"), ("gated", "gated"),
    ("registers-classes", "registers-classes"),
  ])
  func outputsAreThePublishers(net: String, reference: String) throws {
    let outputs = try outputs(net, reference)
    for output in outputs {
      #expect(output.passed, "\(output.name): \(output.maxError), \(output.reason ?? "")")
    }
    let hasClasses = ["deit", "deit-one", "gated", "registers-classes"].contains(net)
    #expect(outputs.map(\.name) == ["pixel_values", "image_embeds", "pooled"] + (hasClasses ? ["logits"] : []))
    #expect(outputs.allSatisfy { $0.cases == 2 })
  }

  /// Larger, smaller, and the side that the positions are of.
  @Test(arguments: [
    ("pooler", 40), ("pooler", 16), ("deit", 32), ("dino", 40), ("dino", 36), ("registers", 40), ("registers", 52),
  ])
  func positionsAreInterpolatedAsThePublisher(name: String, side: Int) throws {
    let outputs = try outputs(name, "\(name)-\(side)")
    for output in outputs { #expect(output.passed, "\(output.name): \(output.maxError), \(output.reason ?? "")") }
    #expect(outputs.count >= 3)
    // It matters: of another side nothing is the same.
    let error = failure {
      _ = try ImageNetVerification(ImageNet(net(name)), reference("\(name)-\(side)")).run()
    }
    #expect(error?.reason.contains("has shape [3, \(side), \(side)]; the net takes [3, 24, 24]") == true)
  }

  /// With the class token's position in its vector, as timm has it, it is the same net.
  @Test func timmsNetsComputeTheSame() throws {
    for side in ["", "-40", "-52"] {
      let outputs = try outputs("registers-timm", "registers\(side)")
      for output in outputs { #expect(output.passed, "\(output.name): \(output.maxError), \(output.reason ?? "")") }
    }
  }

  @Test(arguments: Engine.Level.allCases.filter(\.isAvailable))
  func everyLevelOfInstructionsGivesThem(level: Engine.Level) throws {
    for name in ["deit", "gated", "registers"] {
      #expect(try outputs(name, name, level: level).filter { !$0.passed }.map(\.name) == [])
    }
  }

  @Test func sidesThatPatchesDoNotCoverAreRefused() throws {
    let error = failure { _ = try ImageNet(net("deit"), side: 30) }
    #expect(error?.reason == "images of side 30 can't be cut into patches of side 8" && error?.kind == .usage)
    #expect(error?.hint == "a side is a multiple of 8, such as 24 or 32")
    #expect(failure { _ = try ImageNet(net("deit"), side: 5000) }?.reason == "images have sides from 1 to 4096 pixels")
  }

  @Test func backbonesGiveVectorsAndNoClasses() throws {
    let backbone = try net("pooler")
    let error = failure { _ = try ImageClassification(backbone) }
    #expect(error?.reason == "is a backbone without a classifier" && error?.hint?.contains("ingot features") == true)
    let picture = Picture(width: 30, height: 20, rgb: (0..<1800).map { UInt8($0 % 251) })
    let pooled = try ImageFeatures(backbone, pool: .pooled)
    let whole = try ImageNet(backbone).vector(of: picture)
    #expect(pooled.size == 16)
    #expect(try pooled.vector(of: picture) == whole)
    #expect(whole.allSatisfy { abs($0) <= 1 })
    let first = try ImageFeatures(backbone, pool: .class).vector(of: picture)
    #expect(first != whole)
    let plain = try net("backbone")
    #expect(
      try ImageFeatures(plain, pool: .pooled).vector(of: picture)
        == ImageFeatures(plain, pool: .class).vector(of: picture))
  }

  /// With no net named, those that the shelf has.
  @Test func imagesAreEmbeddedByTheShelfsNets() throws {
    let shelf = Shelf(folder.file("dino"))
    let file = try net("dino")
    let picture = Picture(width: 30, height: 20, rgb: (0..<1800).map { UInt8($0 % 251) })
    let embedder = try Embedder(path: nil, family: nil, parameters: [], on: shelf, looks: true)
    #expect(embedder.size == 64 && embedder.texts == nil)
    let vector = try embedder.vector(of: picture)
    #expect(try vector == ImageNet(file).vector(of: picture))
    let larger = try Embedder(path: file.path, family: nil, parameters: [], on: shelf, looks: true, side: 40)
    #expect(try larger.vector(of: picture) == ImageNet(file, side: 40).vector(of: picture))
    #expect(failure { _ = try embedder.vectors(of: ["a"]) }?.reason == "the net takes pictures, and no texts")
  }

  /// Neither the registers nor the class token are patches.
  @Test func meansAreOfPatches() throws {
    let file = try net("registers")
    let reference = try reference("registers")
    let looking = try ImageNet(file)
    #expect(looking.side == 24 && reference.side == nil)
    let picture = Picture(width: 24, height: 24, rgb: (0..<1728).map { UInt8($0 % 250) })
    let mean = try ImageFeatures(file).vector(of: picture)
    let first = try ImageFeatures(file, pool: .class).vector(of: picture)
    #expect(mean.count == 16 && mean != first)
  }

  /// Every linear layer becomes int8, and what that costs is small.
  @Test(arguments: ["deit", "dino", "gated", "registers", "pooler"])
  func int8NetsAreNearTheFloatOnes(name: String) throws {
    let file = try net(name)
    let small = try NetFile(Quantization(file).run(on: Shelf(folder.file("int8")), replacing: true).path)
    let found = try ImageNetVerification(ImageNet(small), reference(name), tolerance: 0.1).run()
    for output in found { #expect(output.passed, "\(output.name): \(output.maxError)") }
    let int8 = small.header.arrays.filter { $0.elementType == .int8 }.map(\.name)
    #expect(int8.contains("blocks.0.attention.qkv.weight") && !int8.contains("positions"))
  }
}
