import Arrays
import Assurance
import Checkpoints
import Families
import NetFile
import QuestionAnswering
import TestSupport
import Testing

@Suite struct QuantizationTests {
  private let folder = TemporaryFolder()
  private var shelf: Shelf { Shelf(folder.path) }

  private func floats(_ checkpoint: String = "weights/demo", _ release: String = "demo") throws -> [NetFile] {
    try ConversionPlan(
      openCheckpoint(packageFile(checkpoint)), ConversionRequest(parameters: [.init(argument: "Release=\(release)")])
    ).run(on: shelf, replacing: true, compress: false).map { try NetFile($0.path) }
  }

  private func quantized(_ nets: [NetFile], _ options: QuantizationOptions = .init()) throws -> [NetFile] {
    try nets.map { try NetFile(Quantization($0, options).run(on: shelf, replacing: true).path) }
  }

  @Test func int8NetsAnswerAsFloatNetsDo() throws {
    let float = try floats()
    let int8 = try quantized(float)
    let (a, b) = (
      try VisualQuestionAnswering(VQANets(files: float)), try VisualQuestionAnswering(VQANets(files: int8))
    )
    let questions = ["what shape is present?", "what color is the shape?", "is there a circle?"]
    for name in ["red-circle-0004", "blue-triangle-0002", "teal-rectangle-0048"] {
      let picture = try Picture(packageFile("weights/demo/pictures/\(name).png"))
      let (one, other) = (
        try a.answer(questions, about: a.look(at: picture)), try b.answer(questions, about: b.look(at: picture))
      )
      #expect(one.map(\.text) == other.map(\.text))
      for (x, y) in zip(one, other) { #expect(abs(x.logProbability - y.logProbability) < 0.1) }
    }
    let bytes = { (nets: [NetFile]) in nets.reduce(0) { $0 + $1.header.arrays.reduce(0) { $0 + $1.bytes } } }
    #expect(Double(bytes(int8)) < 0.3 * Double(bytes(float)))
    #expect(int8.map { $0.header.provenance.sources[0].bytes } == float.map(\.file.size))
    for net in int8 { #expect(try net.damage().isEmpty) }
  }

  @Test func aNetIsQuantizedToTheSameBytes() throws {
    let float = try floats()
    let first = try quantized(float).map { try bytes(of: $0.path) }
    #expect(try quantized(float).map { try bytes(of: $0.path) } == first)
  }

  @Test func whatIsKeptStaysAsItWas() throws {
    let decoder = try floats()[2]
    let name = "blocks.0.mlp.fc1.weight"
    let net = try quantized([decoder], .init(keepsEmbeddings: true, kept: [name: nil]))[0]
    let (old, new) = (
      Dictionary(uniqueKeysWithValues: decoder.header.arrays.map { ($0.name, $0) }),
      Dictionary(uniqueKeysWithValues: net.header.arrays.map { ($0.name, $0) })
    )
    for kept in [name, "embeddings.word.weight", "embeddings.position.weight", "head.norm.weight"] {
      #expect(new[kept]?.elementType == .float32 && new[kept]?.sha256 == old[kept]?.sha256)
    }
    #expect(new["blocks.1.mlp.fc1.weight"]?.elementType == .int8)
    #expect(new["blocks.1.mlp.fc1.weight"]?.scales == "blocks.1.mlp.fc1.weight.scales")
    #expect(failure { _ = try Quantization(decoder, .init(kept: ["head.norm.weight": nil])) }?.kind == .usage)
  }

  @Test func halfPrecisionNetsAreQuantizedToo() throws {
    let float = try floats("Tests/FamiliesTests/Fixtures/layouts/float16", "half")
    let vqa = try VisualQuestionAnswering(VQANets(files: quantized(float)))
    let picture = try Picture(packageFile("weights/demo/pictures/red-circle-0004.png"))
    #expect(try vqa.answer(["what is the color"], about: vqa.look(at: picture))[0].tokens.isEmpty == false)
  }

  @Test func verificationDoesItAgain() throws {
    let float = try floats()
    let int8 = try quantized(float)
    for (net, source) in zip(int8, float) {
      let findings = try Verification(net, quantizedFrom: source).run()
      #expect(findings.isVerified && findings.source?.arrays == net.header.arrays.count)
    }
    let other = try floats("Tests/FamiliesTests/Fixtures/layouts/huggingface", "tiny")
    #expect(try Verification(int8[0], quantizedFrom: other[0]).run().isVerified == false)
    #expect(failure { _ = try Verification(int8[0], quantizedFrom: float[1]) }?.kind == .badData)
  }

  @Test func whatCannotBeQuantizedIsRefused() throws {
    let float = try floats()
    let int8 = try quantized(float)
    #expect(failure { _ = try Quantization(int8[0]) }?.kind == .badData)
    let other = try floats("Tests/FamiliesTests/Fixtures/layouts/huggingface", "tiny")
    _ = try quantized(other)
    // A second net of the same name, from other weights, is not written over the first.
    var changed = try bytes(of: float[0].path)
    changed[changed.count - 1] ^= 1
    let path = try folder.write(changed, to: "changed.ingot")
    let failure = failure { _ = try Quantization(NetFile(path)).run(on: shelf, replacing: false) }
    #expect(failure?.kind == .badData && failure?.reason == "does not match its SHA-256")
  }
}
