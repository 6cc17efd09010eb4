import Arrays
import Families
import NetFile
import Nets
import TestSupport
import Testing

@Suite struct CreationTests {
  private let folder = TemporaryFolder()
  private var shelf: Shelf { Shelf(folder.path) }

  private func create(_ settings: [String], seed: Int?, replacing: Bool = false) throws -> WrittenNet {
    let parameters = try settings.map { try Combination.Parameter(argument: $0) }
    let family = try Family.meant(by: parameters)
    return try Creation(family, family.combination(setting: parameters), seed: seed)
      .run(on: shelf, replacing: replacing, compress: false)
  }

  @Test func uninitializedNetsAreSmallAndInspectable() throws {
    let net = try create(["Part=TextEncoder", "CapFilt=false"], seed: nil)
    #expect(try bytes(of: net.path).count < 4096)
    let inspection = try Inspection(NetFile(net.path))
    #expect(inspection.parameterCount == 137_258_496)
    #expect(inspection.arrays.count == 316)
    #expect(failure { _ = try MappedWeights(NetFile(net.path)) }?.reason == "holds a net without weights")
  }

  @Test func seededNetsAreReproducibleAndRunInPlace() throws {
    let net = try create(["Part=TextDecoder", "Release=demo"], seed: 3)
    let first = try bytes(of: net.path)
    #expect(try bytes(of: create(["Part=TextDecoder", "Release=demo"], seed: 3).path) == first)
    let file = try NetFile(net.path)
    #expect(try file.damage().isEmpty)
    let decoder = try BlipTextDecoder(Configuration(file.header.configuration), WeightSource(MappedWeights(file)))
    #expect(decoder.head.projection.weight.name == "embeddings.word.weight")
    #expect(decoder.trunk.blocks[1].mlp.mlp.fc1.weight.shape.dimensions == [512, 128])
    decoder.trunk.embeddings.norm.weight.withBytes { #expect($0.byteCount == 512) }
  }

  @Test func realWeightsAreNotReplacedByRandomOnes() throws {
    let net = try create(["Part=ImageEncoder", "Release=demo"], seed: nil)
    var header = try NetFile(net.path).header
    header.isInitialized = true
    let writer = try NetFileWriter(net.path, header: header, compress: false)
    try writer.finish()
    try writer.commit()
    let error = failure { _ = try create(["Part=ImageEncoder", "Release=demo"], seed: 1) }
    #expect(error?.kind == .cannotCreate && error?.reason == "holds a net with weights, which would be lost")
    #expect(try create(["Part=ImageEncoder", "Release=demo"], seed: 1, replacing: true).header.isInitialized)
  }

  @Test func int8WeightsAreNotDrawn() {
    let error = failure { _ = try create(["Precision=int8"], seed: 1) }
    #expect(error?.kind == .usage && error?.reason == "seeded weights can't be made as int8")
  }

  @Test func catalogueTellsWhatIsThere() throws {
    _ = try create(["Part=TextEncoder", "Release=mine"], seed: nil)
    try folder.write([1, 2, 3], to: "blip-vqa/broken.ingot")
    let catalogue = try Catalogue(Family.named("blip-vqa"), shelf: shelf)
    #expect(catalogue.items.count == 97)
    #expect(
      catalogue.items.filter { $0.status.word == "on shelf" }.map { $0.combination["Release"] } == [.word("mine")])
    #expect(catalogue.items.filter { $0.status.word == "published" }.count == 4 * 3)
    #expect(catalogue.unreadable.map(\.failure.withoutFile) == ["has 3 bytes, fewer than the 64 that begin a net file"])
  }
}
