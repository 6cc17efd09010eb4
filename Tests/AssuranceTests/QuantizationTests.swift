import Arrays
import Assurance
import Checkpoints
import Families
import Kernels
import NetFile
import Media
import Tasks
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

  @Test func whatInputsHaveInCommonIsKeptAndDoneAgain() throws {
    let float = try floats()
    let questions = try EvaluationItem.read(packageFile("weights/demo/questions.jsonl"))
    let inputs = try LayerInputs(Answering(VisualQuestionAnswering(VQANets(files: float))), on: questions)
    let int8 = try float.map {
      try NetFile(Quantization($0, .init(inputs: inputs.of($0))).run(on: shelf, replacing: true).path)
    }
    for (net, source) in zip(int8, float) {
      let (entries, content) = (net.header.arrays, try bytes(of: net.path))
      #expect(content[10] == 2, "minor version")
      let name = try #require(entries.compactMap(\.inputDirections).first)
      let directions = try #require(entries.first { $0.name == name })
      #expect(net.header.hiddenArrays.contains(name))
      #expect(try Verification(net, quantizedFrom: source).run().isVerified)
      // Other directions give other integers: the arrays of the layer, but not the directions, are not what they should be.
      var changed = content
      for place in directions.offset..<directions.offset + directions.bytes { changed[place] = UInt8(place % 59) }
      let path = try folder.write(changed, to: "changed.ingot")
      let damaged = try Quantization(of: NetFile(path), from: source).differences(from: NetFile(path)).map(\.array)
      #expect(damaged.contains { $0 + ".inputDirections" == name } && damaged.contains { $0.hasSuffix(".bias") })
    }
  }

  @Test func aSketchFindsTheDirectionsInWhichVectorsVary() throws {
    // Around (1, 2, 3, …): two directions at right angles, and a little in all others.
    let (size, rows) = (64, 900)
    var generator = SeededGenerator(3)
    func next() -> Float { Float(Int64(bitPattern: generator.next()) >> 40) / Float(1 << 23) }
    let one = (0..<size).map { Float($0 % 2 == 0 ? 1 : 0) }
    let other = (0..<size).map { Float($0 % 4 == 1 ? 1 : $0 % 4 == 3 ? -1 : 0) }
    let engine = try Engine(threads: 1)
    let samples = InputSketch.samples(inputs: size)
    var sketch: InputSketch?
    for _ in 0..<3 {
      let x = Matrix(
        rows: rows / 3, columns: size,
        (0..<rows / 3).flatMap { _ in
          let (a, b) = (next() * 4, next() * 2)
          return (0..<size).map { Float($0 + 1) + a * one[$0] + b * other[$0] + next() * 0.1 }
        })
      let piece = try InputSketch(x, outputs: 96, samples, engine)
      if sketch?.add(piece) == nil { sketch = piece }
    }
    let found = try #require(sketch)
    for (index, mean) in found.means.enumerated() { #expect(abs(mean - Float(index + 1)) < 0.3, "\(index)") }
    let directions = try #require(found.directions)
    #expect(directions.columns == size && directions.count == 2)
    for (place, wanted) in [one, other].enumerated() {
      let direction = (0..<size).map { directions.elements[$0 * directions.count + place] }
      func dot(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
      let cosine = abs(dot(direction, wanted)) / (dot(direction, direction) * dot(wanted, wanted)).squareRoot()
      #expect(cosine > 0.99, "\(place)")
    }
    // By them, a matrix is rounded so that the vectors' products with it are nearer.
    let matrix = (0..<20 * size).map { _ in next() }
    let along = try #require(QuantizedRows(matrix, columns: size, along: directions))
    let nearest = try #require(QuantizedRows(matrix, columns: size))
    func error(_ rows: QuantizedRows) -> Float {
      (0..<20).reduce(0) { sum, row in
        let errors = (0..<size).map {
          Float(Int8(bitPattern: rows.elements[row * size + $0])) * rows.scales[row] - matrix[row * size + $0]
        }
        return sum
          + [one, other].reduce(0) { sum, direction in
            let product = zip(errors, direction).reduce(0) { $0 + $1.0 * $1.1 }
            return sum + product * product
          }
      }
    }
    #expect(error(along) < 0.2 * error(nearest))
    // Vectors that are all the same have no directions.
    let same = Matrix(rows: 5, columns: size, (0..<5 * size).map { Float($0 % size) })
    #expect(try InputSketch(same, outputs: 96, samples, engine).directions == nil)
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
