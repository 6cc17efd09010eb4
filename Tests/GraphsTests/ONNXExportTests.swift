import Arrays
import Checkpoints
import Families
import Foundation
import Graphs
import NetFile
import TestSupport
import Testing

/// Files of graphs, as the reader of ONNX files finds them. That what other runtimes compute of them is right, is held by
/// tools/checks/check_onnx.py.
@Suite struct ONNXExportTests {
  private let folder = TemporaryFolder()

  private func nets(_ source: String, precision: ElementType? = nil) throws -> [NetFile] {
    let plan = try ConversionPlan(
      openCheckpoint(packageFile(source)), ConversionRequest(parameters: [], precision: precision))
    return try plan.run(on: Shelf(folder.file("shelf")), replacing: true, compress: false).map { try NetFile($0.path) }
  }

  private func data(_ net: NetFile, _ entry: ArrayEntry) throws -> [UInt8] {
    var out: [UInt8] = []
    try net.forEachChunk(of: entry) { out.append(contentsOf: $0) }
    return out
  }

  /// Each graph's weights are those of the nets, bit for bit, of which each stands in the folder once.
  @Test func weightsAreTheNetsOwn() throws {
    let nets = try nets("weights/demo")
    let plan = try ONNXExport(nets)
    #expect(plan.graphNames == ["image.onnx", "question.onnx", "decoder.onnx"])
    try plan.write(to: folder.file("out"), replacing: false)
    var found: Set<String> = []
    for name in plan.graphNames {
      let written = try openCheckpoint(folder.file("out/\(name)"))
      for (index, array) in written.arrays.enumerated() where !array.name.contains("/") {
        let net = try #require(nets.first { array.name.hasPrefix("\($0.header.net).") })
        let own = array.name.dropFirst(net.header.net.utf8.count + 1)
        let entry = try #require(net.header.arrays.first { $0.name == own })
        #expect(array.shape == entry.shape && array.elementType == entry.elementType, "\(array.name)")
        #expect(try SHA256.digest(written.data(of: index)) == entry.sha256, "\(array.name)")
        found.insert(array.name)
      }
    }
    #expect(found.count == nets.reduce(0) { $0 + $1.header.arrays.count })
    let bytes = nets.flatMap(\.header.arrays).reduce(0) { $0 + $1.bytes }
    #expect(plan.totalBytes == bytes)
    let size = try InputFile(folder.file("out/\(ONNXExport.weightsName)")).size
    #expect(size >= bytes && size < bytes + found.count * 4096)
  }

  @Test func metadataSayTheCombination() throws {
    try ONNXExport(nets("weights/demo")).write(to: folder.file("out"), replacing: false)
    let written = try openCheckpoint(folder.file("out/decoder.onnx"))
    let metadata = Dictionary(written.metadata.map { ($0.name, $0.value) }) { first, _ in first }
    #expect(metadata["opset_import"] == "17" && metadata["ir_version"] == "8")
    #expect(metadata["producer_name"] == "ingot" && metadata["producer_version"] == Ingot.version)
    #expect(metadata["metadata_props.ingot.family"] == "blip-vqa")
    let parameters = try JSONValue(parsing: Array(try #require(metadata["metadata_props.ingot.parameters"]).utf8))
    #expect(parameters["CapFilt"] == true && parameters["Release"] == "demo" && parameters["Part"] == nil)
    let profiles = try JSONValue(parsing: Array(try #require(metadata["metadata_props.ingot.profiles"]).utf8))
    #expect(profiles[path: "ImageEncoder.image.side"] != nil && profiles[path: "TextDecoder.answer.startToken"] != nil)
    let sources = try JSONValue(parsing: Array(try #require(metadata["metadata_props.ingot.sources"]).utf8))
    let file = try #require(try sources.member("TextEncoder").array().first)
    let digest = SHA256.digest(try bytes(of: packageFile("weights/demo/model.safetensors"))).description
    #expect(try file.member("sha256").string() == digest)
  }

  /// bfloat16, in which few runtimes compute, becomes the same numbers in float32; float16 stays.
  @Test(arguments: [ElementType.bfloat16, .float16])
  func shortFloatsKeepTheirNumbers(type: ElementType) throws {
    let net = try #require(try nets("Tests/FamiliesTests/Fixtures/tiny-vit", precision: type).first)
    try ONNXExport([net]).write(to: folder.file("out"), replacing: false)
    let written = try openCheckpoint(folder.file("out/model.onnx"))
    let arrays = written.arrays.enumerated().filter { !$1.name.contains("/") }
    #expect(arrays.count == net.header.arrays.count)
    for (index, array) in arrays {
      let entry = try #require(net.header.arrays.first { "\(net.header.net).\($0.name)" == array.name })
      let stored = try data(net, entry)
      let wanted = type == .bfloat16 ? FloatConversion.convert(stored.rawSpan, from: type, to: .float32) : stored
      #expect(try written.data(of: index) == wanted, "\(array.name)")
      #expect(array.elementType == (type == .bfloat16 ? .float32 : .float16))
    }
  }

  @Test func nothingIsLost() throws {
    let plan = try ONNXExport(nets("Tests/FamiliesTests/Fixtures/tiny-vit"))
    try plan.write(to: folder.file("out"), replacing: false)
    let first = try bytes(of: folder.file("out/model.onnx"))
    let found = failure { try plan.write(to: folder.file("out"), replacing: false) }
    #expect(
      found?.kind == .cannotCreate && found?.reason == "is there already",
      "\(found.map(String.init(describing:)) ?? "")")
    try plan.write(to: folder.file("out"), replacing: true)
    #expect(try bytes(of: folder.file("out/model.onnx")) == first)
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.file("out")).filter { $0.hasPrefix(".") }
    #expect(left.isEmpty, "\(left)")
  }

  @Test func netsMustMakeAWhole() throws {
    let nets = try nets("weights/demo")
    let found = failure { _ = try ONNXExport([nets[0], nets[2]]) }
    #expect(found?.kind == .usage && found?.reason == "the net TextEncoder is missing")
    #expect(found?.hint?.contains("ImageEncoder, TextEncoder, TextDecoder") == true)
  }

  /// A net whose data were damaged leaves no folder behind that looks whole.
  @Test func damageIsFound() throws {
    let net = try #require(try nets("Tests/FamiliesTests/Fixtures/tiny-vit").first)
    let entry = try #require(net.header.arrays.last)
    var copy = try bytes(of: net.path)
    copy[entry.offset] ^= 1
    let path = try folder.write(copy, to: "damaged.ingot")
    let found = failure { try ONNXExport([NetFile(path)]).write(to: folder.file("out"), replacing: false) }
    #expect(found?.kind == .badData && found?.place == "array \"\(entry.name)\"", "\(String(describing: found))")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("out")).isEmpty)
  }
}
