import Foundation
import Arrays
import Checkpoints
import Families
import NetFile
import Media
import Tasks
import TestSupport
import Testing

/// How answers are made, with the demo net.
@Suite struct AnsweringTests {
  private let folder = TemporaryFolder()
  private let picture = packageFile("weights/demo/pictures/red-circle-0004.png")

  private func files(_ checkpoint: String = "weights/demo", release: String = "demo") throws -> [NetFile] {
    try ConversionPlan(
      openCheckpoint(packageFile(checkpoint)), ConversionRequest(parameters: [.init(argument: "Release=\(release)")])
    ).run(on: Shelf(folder.path), replacing: true, compress: false).map { try NetFile($0.path) }
  }

  private func vqa() throws -> VisualQuestionAnswering { try VisualQuestionAnswering(VQANets(files: files())) }

  @Test func questionsAskedTogetherAreAnsweredAsAlone() throws {
    let vqa = try vqa()
    let image = try vqa.look(at: Picture(picture))
    let questions = (0..<20).map {
      ["what shape is present?", "is there a blue triangle?", "what color is it?"][$0 % 3]
    }
    let together = try vqa.answer(questions, about: image)
    #expect(together.map(\.question) == questions)
    for (question, answer) in zip(questions, together).prefix(3) {
      let alone = try vqa.answer([question], about: image)[0]
      #expect(alone.tokens == answer.tokens && alone.text == answer.text)
      #expect(alone.logProbability == answer.logProbability)
    }
    #expect(together[0].text == "circle")
  }

  /// Long texts look at an image in another way than short ones do, and with `fast` kernels many at once.
  @Test func bothWaysOfLookingSeeTheSame() throws {
    let vqa = try VisualQuestionAnswering(VQANets(files: files()), level: .fast)
    let image = try vqa.look(at: Picture(picture))
    let question = "what shape is present?"
    let (few, many) = (AnswerTrace.Record(), AnswerTrace.Record())
    _ = try vqa.answer([question], about: image, observer: few)
    _ = try vqa.answer([String](repeating: question, count: 10), about: image, observer: many)
    let (one, other) = (try #require(few.questions[0]), try #require(many.questions[3]))
    #expect(one.tokens == other.tokens && one.attention.count == other.attention.count)
    for (a, b) in zip(one.attention + [one.vectors], other.attention + [other.vectors]) {
      #expect(zip(a.elements, b.elements).allSatisfy { abs($0 - $1) < 1e-5 })
    }
  }

  @Test func tokensAreAtLeastAndAtMostSoMany() throws {
    let vqa = try vqa()
    let image = try vqa.look(at: Picture(picture))
    let end = vqa.profile.answer.endToken
    for beams in [1, 3] {
      let short = try vqa.answer(
        ["what shape is present?"], about: image, options: .init(maximumTokens: 1, beams: beams))
      #expect(short[0].tokens.count == 1)
      let long = try vqa.answer(
        ["what shape is present?"], about: image, options: .init(maximumTokens: 6, minimumTokens: 4, beams: beams))
      #expect(!long[0].tokens.prefix(4).contains(end) && (5...6).contains(long[0].tokens.count))
    }
  }

  @Test func aSeedDrawsTheSameAnswersAlways() throws {
    let vqa = try vqa()
    let image = try vqa.look(at: Picture(picture))
    func drawn(_ seed: UInt64, _ temperature: Double, _ questions: Int = 1) throws -> [[Int]] {
      try vqa.answer(
        [String](repeating: "what shape is present?", count: questions), about: image,
        options: .init(maximumTokens: 8, temperature: temperature, seed: seed)
      ).map(\.tokens)
    }
    #expect(try drawn(1, 50) == drawn(1, 50))
    #expect(try drawn(1, 50, 3) == [drawn(1, 50)[0], drawn(1, 50)[0], drawn(1, 50)[0]])
    #expect(Set(try (0..<10).map { try drawn($0, 50)[0] }).count > 5)
    // Hardly any heat: the likeliest.
    #expect(try drawn(3, 0.01) == vqa.answer(["what shape is present?"], about: image).map(\.tokens))
  }

  @Test func oddsOfDrawnTokensAreTheNets() throws {
    let vqa = try vqa()
    let image = try vqa.look(at: Picture(picture))
    let count = 400
    var hits = 0
    for seed in 0..<count {
      let answer = try vqa.answer(
        ["what shape is present?"], about: image,
        options: .init(maximumTokens: 1, temperature: 4, seed: UInt64(seed)))[0]
      if answer.text == "circle" { hits += 1 }
    }
    // What softmax(scores / 4) says, from the scores themselves.
    let record = AnswerTrace.Record()
    _ = try vqa.answer(["what shape is present?"], about: image, observer: record)
    let scores = try #require(record.scores[0]).elements
    let best = try #require(scores.max())
    let share = 1 / Double(scores.reduce(Float(0)) { $0 + exp(($1 - best) / 4) })
    let deviation = (share * (1 - share) / Double(count)).squareRoot()
    #expect(abs(Double(hits) / Double(count) - share) < 5 * deviation + 1e-9)
  }

  private static let impossible: [AnswerOptions] = [
    .init(maximumTokens: 0), .init(maximumTokens: 65), .init(minimumTokens: -1),
    .init(maximumTokens: 2, minimumTokens: 3),
    .init(beams: 0), .init(beams: 1000), .init(temperature: -1), .init(temperature: .nan),
    .init(beams: 2, temperature: 1),
  ]

  @Test func impossibleOptionsAreRefused() throws {
    let vqa = try vqa()
    let image = try vqa.look(at: Picture(picture))
    for options in Self.impossible {
      #expect(failure { _ = try vqa.answer(["what?"], about: image, options: options) }?.kind == .usage)
    }
  }

  @Test func emptyAndEndlessQuestionsAreRefused() throws {
    let vqa = try vqa()
    let image = try vqa.look(at: Picture(picture))
    for question in ["", "  \n", "\u{a0}"] {
      #expect(failure { _ = try vqa.answer([question], about: image) }?.reason == "the question is empty")
    }
    let long = String(repeating: "what ", count: 10_000)
    #expect(
      failure { _ = try vqa.answer([long], about: image) }?.reason == "the question has 10002 tokens; the net takes 64")
  }

  @Test func aListIsRankedAndOneOfItIsTheAnswer() throws {
    let vqa = try vqa()
    let image = try vqa.look(at: Picture(picture))
    let list = try AnswerList(["yes", "circle", "triangle", "red", "a red circle", "rectangle"])
    let answer = try vqa.answer(["what shape is present?"], about: image, from: list)[0]
    #expect(answer.text == "circle")
    let ranking = try #require(answer.ranking)
    #expect(ranking.map(\.index).sorted() == Array(0..<6) && ranking[0].index == 1)
    #expect(ranking.map(\.loss) == ranking.map(\.loss).sorted())
    #expect(failure { _ = try AnswerList([]) }?.kind == .badData)
  }

  @Test func netsOfTwoCheckpointsDoNotFit() throws {
    let demo = try files()
    let tiny = try files("Tests/FamiliesTests/Fixtures/layouts/huggingface", release: "tiny")
    #expect(failure { _ = try VQANets(files: [demo[0], demo[1]]) }?.kind == .usage)
    #expect(failure { _ = try VQANets(files: [demo[0], demo[1], demo[1]]) }?.kind == .usage)
    for mixture in [[tiny[0], demo[1], demo[2]], [demo[0], tiny[1], demo[2]], [demo[0], demo[1], tiny[2]]] {
      let failure = failure { _ = try VisualQuestionAnswering(VQANets(files: mixture)) }
      #expect(failure?.kind == .badData && failure?.file?.hasSuffix(".ingot") == true)
    }
  }
}
