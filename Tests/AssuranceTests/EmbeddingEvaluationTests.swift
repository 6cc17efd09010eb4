import Arrays
import Assurance
import Checkpoints
import Families
import NetFile
import Tasks
import TestSupport
import Testing

@Suite struct RankCorrelationTests {
  /// By scipy.stats.spearmanr 1.17; the interval by hand.
  @Test func isSpearmans() throws {
    let a: [Double] = [1, 2, 2, 5, 3, 9, 0.5, 4]
    let b: [Double] = [2, 2, 3, 4, 8, 9, 1, 1]
    let found = RankCorrelation(a, b)
    #expect(abs(try #require(found.value) - 0.6363753238047306) < 1e-12)
    let interval = try #require(found.interval)
    #expect(abs(interval.lowerBound + 0.206_122) < 1e-6 && abs(interval.upperBound - 0.937_043) < 1e-6)
    #expect(RankCorrelation(a, a).value == 1)
    #expect(RankCorrelation(a, a.map { -$0 }).value == -1)
    #expect(RankCorrelation(a, a.map { _ in 1 }).value == nil)
  }
}

@Suite struct TextPairsTests {
  private let folder = TemporaryFolder()

  private func pairs(_ text: String, _ name: String = "pairs.csv") throws -> [TextPairs.Pair] {
    try TextPairs(folder.write(Array(text.utf8), to: name)).pairs
  }

  @Test func tablesAreRead() throws {
    let csv = try pairs("id,sentence1,sentence2,score\n1,\"a, b\",\"say \"\"x\"\"\",4.5\n\n2,c,d,0\n")
    #expect(
      csv.map(\.first) == ["a, b", "c"] && csv.map(\.second) == ["say \"x\"", "d"] && csv.map(\.score) == [4.5, 0])
    // GLUE's and SICK's: quotes are part of texts.
    let tsv = try pairs("sentence_A\tsentence_B\trelatedness_score\r\n\"a\tb \"c\"\t3\r\n", "sick.txt")
    #expect(tsv[0].first == "\"a" && tsv[0].second == "b \"c\"" && tsv[0].score == 3)
  }

  @Test(arguments: [
    ("", "is empty"), ("sentence1,sentence2,score\n", "has a header only"),
    ("a,b\n1,2\n", "line 1: there are no columns \"sentence1\", \"sentence2\" and \"score\" among \"a\", \"b\""),
    ("sentence1,sentence2,score\na,b,x\n", "line 2: the score is \"x\", no number"),
    ("sentence1,sentence2,score\na,b\n", "line 2: has 2 fields, the header 3"),
  ])
  func mistakesAreNamed(text: String, message: String) {
    let error = failure { _ = try pairs(text) }
    #expect(error?.withoutFile == message && error?.hint != nil && error?.kind == .badData)
  }
}

@Suite struct EmbeddingEvaluationTests {
  private let folder = TemporaryFolder()
  private let float: TextEmbedding
  private let int8: TextEmbedding
  private let reference: JSONValue
  private let texts: [String]

  init() throws {
    let shelf = Shelf(folder.path)
    let plan = try ConversionPlan(
      openCheckpoint(packageFile("Tests/FamiliesTests/Fixtures/embedders/mean")), ConversionRequest())
    let net = try NetFile(try #require(plan.run(on: shelf, replacing: false, compress: false).first).path)
    let made = try Quantization.run([Quantization(net)], on: shelf, replacing: false)
    (float, int8) = (
      try TextEmbedding(net), try TextEmbedding(NetFile(try #require(made.first).net.path))
    )
    let nets = try JSONValue(parsing: bytes(of: packageFile("Tests/ReferenceFixtures/embedders.json")))
    texts = try nets.member("texts").strings()
    reference = try nets.member("nets").member("mean").member("cases").array()[0].member("embeddings")
  }

  /// The publisher's vectors give the scores, so that the order is the same.
  @Test func similaritiesAreHeldAgainstScores() throws {
    let vectors = try reference.array().map { try $0.array().map { try $0.number() } }
    var table = "sentence1\tsentence2\tscore\n"
    // Texts that a line can hold.
    let some = texts.indices.filter { !texts[$0].isEmpty && !texts[$0].contains { "\n\t\0".contains($0) } }
    for first in some {
      for second in some where second > first {
        let product = zip(vectors[first], vectors[second]).reduce(0) { $0 + $1.0 * $1.1 }
        table += "\(texts[first])\t\(texts[second])\t\(product)\n"
      }
    }
    let path = try folder.write(Array(table.utf8), to: "pairs.tsv")
    let result = try EmbeddingEvaluation(float, against: int8, on: .pairs(TextPairs(path))).run()
    #expect(result.texts == some.count && result.pairs == some.count * (some.count - 1) / 2)
    #expect(try #require(result.correlation?.value) > 0.9999)
    let other = try #require(result.correlationB?.value)
    #expect(other > 0.9 && other < 1)
    let difference = try #require(result.difference)
    #expect(abs(difference.value - (try #require(result.correlation?.value) - other)) < 1e-12)
    #expect(difference.interval.lowerBound <= difference.value && difference.interval.upperBound >= 0)
  }

  @Test func netsAreComparedByTheirVectors() throws {
    let itself = try #require(
      try EmbeddingEvaluation(float, against: float, on: .alone(texts + texts)).run().comparison)
    #expect(abs(itself.leastCosine - 1) < 1e-12 && itself.neighboursKept == 1 && itself.similarities.value == 1)
    let found = try EmbeddingEvaluation(int8, against: float, on: .alone(texts)).run()
    let comparison = try #require(found.comparison)
    #expect(found.texts == texts.count && found.correlation == nil)
    #expect(comparison.leastCosine > 0.98 && comparison.leastCosine < 1 && comparison.meanCosine < 1)
    #expect(comparison.neighboursKept > 0.8 && comparison.neighbours == 10)
    // By hand, of the publisher's vectors and these.
    let vectors = try int8.vectors(of: texts)
    let wanted = try reference.array().map { try $0.array().map { try $0.number() } }
    let cosines = zip(vectors, wanted).map { pair in zip(pair.0, pair.1).reduce(0) { $0 + Double($1.0) * $1.1 } }
    #expect(abs(comparison.leastCosine - (cosines.min() ?? 0)) < 1e-5)
    #expect(texts[cosines.firstIndex(of: cosines.min() ?? 0) ?? 0] == comparison.leastText)
  }

  @Test func nothingToMeasureIsNamed() throws {
    #expect(failure { _ = try EmbeddingEvaluation(float, against: nil, on: .alone(texts)) }?.kind == .usage)
    let plan = try ConversionPlan(
      openCheckpoint(packageFile("Tests/FamiliesTests/Fixtures/embedders/joined")), ConversionRequest())
    let net = try NetFile(try #require(plan.run(on: Shelf(folder.path), replacing: false, compress: false).first).path)
    let other = try TextEmbedding(net)
    #expect(failure { _ = try EmbeddingEvaluation(float, against: other, on: .alone(texts)) }?.kind == .badData)
  }
}
