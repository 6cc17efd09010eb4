import Arrays
import Checkpoints
import Families
import NetFile
import Media
import Tasks
import TestSupport
import Testing

@Suite struct ClassificationTests {
  private let folder = TemporaryFolder()

  private func net() throws -> NetFile {
    let plan = try ConversionPlan(
      openCheckpoint(packageFile("Tests/FamiliesTests/Fixtures/tiny-vit")),
      ConversionRequest())
    return try NetFile(try #require(plan.run(on: Shelf(folder.path), replacing: true, compress: false).first).path)
  }

  /// By tools/reference/classifier.py.
  @Test func scoresAreThePublishers() throws {
    let classifier = try ImageClassification(net())
    let reference = try JSONValue(parsing: bytes(of: packageFile("Tests/ReferenceFixtures/tiny-vit.json")))
    let cases = try reference.member("cases").array()
    #expect(cases.count == 4)
    for item in cases {
      let picture = try Picture(packageFile(item.member("image").string()))
      let expected = try item.member("logits").array().map { try $0.number() }
      let scores = try classifier.scores(picture)
      let largest = expected.map(abs).max() ?? 0
      #expect(scores.count == expected.count)
      for (score, expected) in zip(scores, expected) { #expect(abs(Double(score) - expected) < 1e-5 * largest) }
      let classes = try classifier.classes(picture)
      #expect(classes[0].index == expected.firstIndex(of: expected.max() ?? 0))
      #expect(classes[0].label == "LABEL_\(classes[0].index)")
      #expect(abs(classes.reduce(0) { $0 + $1.value } - 1) < 1e-9)
    }
  }

  @Test func otherNetsAreRefused() throws {
    let plan = try ConversionPlan(openCheckpoint(packageFile("weights/demo")), ConversionRequest())
    let nets = try plan.run(on: Shelf(folder.path), replacing: true, compress: false)
    #expect(failure { _ = try ImageClassification(NetFile(nets[0].path)) }?.kind == .usage)
  }
}
