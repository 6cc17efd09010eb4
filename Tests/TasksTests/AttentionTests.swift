import Arrays
import Checkpoints
import Families
import NetFile
import TestSupport
import Testing

import Media
import Tasks

/// What words look at, against transformers and NumPy (tools/fixtures/fixtures_attention.py).
@Suite struct AttentionTests {
  private let folder = TemporaryFolder()
  private static let picture = "weights/demo/pictures/red-circle-0004.png"

  private func attention(_ question: String = "what is the color of the circle?") throws -> ImageAttention {
    let plan = try ConversionPlan(openCheckpoint(packageFile("weights/demo")), ConversionRequest())
    let nets = try plan.run(on: Shelf(folder.path), replacing: true, compress: false)
    let vqa = try VisualQuestionAnswering(VQANets(files: nets.map { try NetFile($0.path) }))
    return try vqa.attention(question, about: vqa.look(at: Picture(packageFile(Self.picture))))
  }

  private struct Fixture {
    let checkpoint: any Checkpoint

    init(_ name: String = "attention") throws {
      checkpoint = try openCheckpoint(packageFile("Tests/TasksTests/Fixtures/\(name).safetensors"))
    }

    private func index(_ name: String) throws -> Int {
      try #require(checkpoint.arrays.firstIndex { $0.name == name })
    }

    func floats(_ name: String) throws -> [Float] { Floats.array(try checkpoint.data(of: index(name))) }

    func shape(_ name: String) throws -> [Int] { checkpoint.arrays[try index(name)].shape.dimensions }

    func integers(_ name: String) throws -> [Int] {
      let bytes = try checkpoint.data(of: index(name))
      return stride(from: 0, to: bytes.count, by: 8).map { start in
        (0..<8).reduce(0) { $0 | Int(bytes[start + $1]) << (8 * $1) }
      }
    }
  }

  private func difference(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).map { abs($0 - $1) }.max() ?? .infinity }

  @Test func weightsOfAllBlocksAreThePublishers() throws {
    let (attention, fixture) = (try attention(), try Fixture())
    #expect(try attention.tokens.map(\.id) == fixture.integers("input_ids"))
    #expect(try attention.answer?.tokens.map(\.id) == fixture.integers("answer_ids"))
    #expect(attention.subject == .question("what is the color of the circle?", answer: "red") && attention.grid == 8)
    let answer = try #require(attention.answer).weights
    for (name, weights) in [("question_cross_attention", attention.image), ("answer_cross_attention", answer)] {
      let expected = try fixture.floats(name)
      #expect(try fixture.shape(name) == [weights.blocks, weights.heads, weights.rows, weights.columns])
      #expect(weights.elements.count == expected.count && difference(weights.elements, expected) <= 1e-4)
    }
  }

  private func nets(_ fixture: String) throws -> [NetFile] {
    let request = ConversionRequest(parameters: [try .init(argument: "Release=tiny")])
    let plan = try ConversionPlan(openCheckpoint(packageFile("Tests/FamiliesTests/Fixtures/\(fixture)")), request)
    return try plan.run(on: Shelf(folder.file(fixture)), replacing: true, compress: false).map { try NetFile($0.path) }
  }

  @Test func captionsLookAsThePublishers() throws {
    let captioning = try ImageCaptioning(CaptionNets(files: nets("captions/2")))
    let attention = try captioning.attention(about: captioning.look(at: Picture(packageFile(Self.picture))))
    let fixture = try Fixture("attention-caption")
    #expect(try attention.tokens.map(\.id) == fixture.integers("caption_ids"))
    let weights = attention.image
    #expect(
      try fixture.shape("caption_cross_attention") == [weights.blocks, weights.heads, weights.rows, weights.columns])
    #expect(try difference(weights.elements, fixture.floats("caption_cross_attention")) <= 1e-5)
    #expect(attention.answer == nil && attention.grid == 5 && attention.comparesTokens)
  }

  @Test func theClassTokenLooksAsThePublishers() throws {
    let features = try ImageFeatures(nets("clip/1")[0])
    let picture = try Picture(packageFile("Tests/FamiliesTests/Fixtures/clip/picture.png"))
    let attention = try features.attention(of: picture)
    let (weights, fixture) = (attention.image, try Fixture("attention-class"))
    #expect(try fixture.shape("class_attention") == [weights.blocks, weights.heads, weights.rows, weights.columns])
    #expect(try difference(weights.elements, fixture.floats("class_attention")) <= 1e-5)
    // There is nothing to compare it with.
    let heat = attention.heat(block: 0, head: 0)
    #expect(heat.count == 1 && heat[0].map { Float($0) } == Array(weights.row(block: 0, head: 0, 0).dropFirst()))
    #expect(attention.subject == .classToken && attention.grid == 4)
  }

  @Test func heatIsThatOfNumPy() throws {
    let (attention, fixture) = (try attention(), try Fixture())
    for (name, block, head) in [("heat.mean", attention.usualBlock, nil), ("heat.0.1", 0, 1)] {
      let heat = attention.heat(block: block, head: head)
      #expect(try fixture.shape(name) == [heat.count, heat[0].count])
      #expect(try difference(heat.flatMap(\.self).map { Float($0) }, fixture.floats(name)) <= 1e-4)
      // Some token looks least at each patch.
      #expect(heat[0].indices.allSatisfy { patch in heat.map { $0[patch] }.min() == 0 })
    }
  }

  @Test func sharesHaveTheSumOne() throws {
    let attention = try attention("what shape is present?")
    for weights in [attention.image, try #require(attention.answer).weights] {
      for block in 0..<weights.blocks {
        for head in 0..<weights.heads {
          for row in 0..<weights.rows {
            #expect(abs(weights.row(block: block, head: head, row).reduce(0, +) - 1) < 1e-5)
          }
        }
      }
    }
    #expect(attention.tokens.map(\.text) == ["[CLS]", "what", "shape", "is", "present", "?", "[SEP]"])
  }

  @Test func theFileHasTheWeights() throws {
    let attention = try attention()
    let path = folder.file("attention.safetensors")
    try attention.write(path)
    let written = try openCheckpoint(path)
    #expect(
      written.arrays.map { "\($0.name) \($0.shape.dimensions)" } == [
        "input_ids [10]", "question_cross_attention [2, 4, 10, 65]", "answer_ids [2]",
        "answer_cross_attention [2, 4, 2, 10]",
      ])
    #expect(Floats.array(try written.data(of: 1)) == attention.image.elements)
  }
}
