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

/// Matches against those of transformers' BlipForImageTextRetrieval (Tests/ReferenceFixtures/matches, by
/// tools/fixtures/fixtures_matches.py).
@Suite struct MatchingTests {
  private let folder = TemporaryFolder()
  private static let names = ["1", "2", "3", "salesforce"]
  private static let picture = packageFile("weights/demo/pictures/red-circle-0004.png")

  private func nets(_ name: String) throws -> MatchNets {
    let plan = try ConversionPlan(
      openCheckpoint(packageFile("Tests/FamiliesTests/Fixtures/matches/\(name)")),
      ConversionRequest(parameters: [.init(argument: "Release=test")]))
    let written = try plan.run(on: Shelf(folder.path), replacing: true, compress: false)
    return try MatchNets(files: written.map { try NetFile($0.path) })
  }

  private func outputs(
    _ name: String, reference: String? = nil, level: Engine.Level? = nil
  ) throws -> [OutputComparison] {
    let file = packageFile("Tests/ReferenceFixtures/matches/\(reference ?? name).safetensors")
    return try MatchVerification(ImageTextMatching(nets(name), level: level), ReferenceFile(file)).run()
  }

  @Test(arguments: names)
  func matchesAreThePublishers(name: String) throws {
    let outputs = try outputs(name)
    for output in outputs {
      #expect(output.passed, "\(output.name): \(output.maxError), \(output.reason ?? "")")
    }
    let names = ["pixel_values", "image_embeds", "image_vector", "input_ids", "text_vector", "logits", "cosine"]
    #expect(outputs.map(\.name) == names)
    #expect(outputs.map(\.cases).max() ?? 0 >= 10)
  }

  @Test(arguments: Engine.Level.allCases.filter(\.isAvailable))
  func everyLevelOfInstructionsGivesThem(level: Engine.Level) throws {
    #expect(try outputs("2", level: level).filter { !$0.passed }.map(\.name) == [])
  }

  @Test func theOriginalReadsTextsAsItWasTrained() throws {
    let byName = Dictionary(uniqueKeysWithValues: try outputs("1", reference: "salesforce").map { ($0.name, $0) })
    #expect(byName["input_ids"]?.passed == false && byName["logits"]?.passed == false)
  }

  /// Texts that are matched together give what each gives alone, few looking at the image directly and many at its keys.
  @Test func manyTextsGiveWhatEachGives() throws {
    let matching = try ImageTextMatching(nets("1"))
    let image = try matching.look(at: Picture(Self.picture))
    let words = ["a red circle", "two dogs", "cat", "green square and a tree", "under the tree sits a dog"]
    let texts = (0..<7).flatMap { number in words.map { "\($0) \(words[number % words.count])" } }
    let together = try matching.match(image, matching.read(texts))
    #expect(together.map(\.text) == texts)
    for (text, match) in zip(texts, together) {
      let alone = try matching.match(matching.look(at: Picture(Self.picture)), matching.read([text]))[0]
      #expect(abs(alone.probability - match.probability) < 1e-5 && abs(alone.cosine - match.cosine) < 1e-5)
      #expect(alone.tokens == match.tokens)
    }
  }

  @Test func vectorsHaveTheLengthOne() throws {
    let matching = try ImageTextMatching(nets("2"))
    let image = try matching.vector(of: matching.look(at: Picture(Self.picture)))
    let text = try matching.read(["a red circle"])[0].vector
    for vector in [image, text] {
      #expect(vector.count == 17)
      #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
    }
  }

  @Test func textsThatCannotBeReadAreRefused() throws {
    let later = try ImageTextMatching(nets("2"))
    #expect(failure { _ = try later.read(["a dog", " "]) }?.reason == "the text is empty")
    let long = String(repeating: "dog ", count: 40)
    #expect(failure { _ = try later.read([long]) }?.reason == "the text has 42 tokens; the net takes 26")
    // The original cuts them, at 30 words.
    #expect(try ImageTextMatching(nets("salesforce")).read([long])[0].tokens.count == 32)
  }

  @Test func netsOfTwoSizesDoNotMatchTogether() throws {
    let encoder = try folder.write(bytes(of: nets("1").textEncoder.path), to: "text.ingot")
    let other = try nets("2")
    let error = failure { _ = try ImageTextMatching(MatchNets(files: [NetFile(encoder), other.imageEncoder])) }
    #expect(error?.reason == "attends over vectors of 24 elements; the image encoder makes 30")
    #expect(failure { _ = try MatchNets(files: [other.imageEncoder]) }?.kind == .usage)
  }
}
