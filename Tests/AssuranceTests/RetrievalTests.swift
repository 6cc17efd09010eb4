import Arrays
import Assurance
import Checkpoints
import Families
import NetFile
import Tasks
import TestSupport
import Testing

/// Recall against transformers and torch (tools/fixtures/fixtures_retrieval.py).
@Suite struct RetrievalTests {
  private let folder = TemporaryFolder()
  private static let pictures = "weights/demo/pictures"

  private let fixture: JSONValue
  private let captions: String

  init() throws {
    fixture = try JSONValue(parsing: bytes(of: packageFile("Tests/AssuranceTests/Fixtures/retrieval.json")))
    captions = try folder.write(Array(fixture.member("captions").compactText.utf8), to: "captions.json")
  }

  private func nets(_ fixture: String) throws -> [NetFile] {
    let request = ConversionRequest(parameters: [try .init(argument: "Release=tiny")])
    let plan = try ConversionPlan(openCheckpoint(packageFile("Tests/FamiliesTests/Fixtures/\(fixture)")), request)
    return try plan.run(on: Shelf(folder.path), replacing: true, compress: false).map { try NetFile($0.path) }
  }

  private var items: [EvaluationItem] {
    get throws { try CaptionedImages.read(captions, images: packageFile(Self.pictures)) }
  }

  @Test func recallIsThatOfTorch() throws {
    let clip = RetrievalNets(try ImageTextEmbedding(ClipNets(files: nets("clip/2"))))
    let result = try RetrievalEvaluation(clip, against: clip, on: items).run()
    #expect(result.images == 12 && result.captions == 24 && result.failed.isEmpty)
    let wanted = try fixture.member("clip")
    for (way, name) in [(result.captionsFound, "captions"), (result.imagesFound, "images")] {
      let expected = try wanted.member(name).array().map { try $0.number() }
      for (depth, recall) in zip(RetrievalEvaluation.depths, expected) {
        #expect(abs(way.recall(depth) - recall) < 1e-12, "\(name) at \(depth)")
        #expect(way.recallB(depth) == way.recall(depth) && way.difference(depth)?.mean == 0)
        #expect(way.interval(depth).contains(recall))
      }
    }
  }

  /// Its net has room for the words, if not for their order.
  @Test func matchingNetsAreEvaluatedByTheirVectors() throws {
    let matching = try ImageTextMatching(MatchNets(files: nets("matches/2")))
    let some = Array(try items.prefix(3))
    let result = try RetrievalEvaluation(RetrievalNets(matching), on: some).run()
    #expect(result.captions == 6 && result.captionsFound.ranks.count == 3 && result.imagesFound.recall(5) == 1)
    #expect(result.captionsFound.ranksB == nil)
  }

  /// One of twelve: by hand.
  @Test func intervalsAreWilsons() throws {
    let clip = RetrievalNets(try ImageTextEmbedding(ClipNets(files: nets("clip/2"))))
    let interval = try RetrievalEvaluation(clip, on: items).run().captionsFound.interval(1)
    #expect(abs(interval.lowerBound - 0.014_866) < 1e-6 && abs(interval.upperBound - 0.353_880) < 1e-6)
  }

  @Test func karpathysTestSplitIsRead() throws {
    let text = """
      {"dataset": "coco", "images": [
        {"filename": "red-circle-0004.png", "imgid": 7, "split": "test", "sentences": [{"raw": "a b"}, {"raw": "c"}]},
        {"filename": "blue-circle-0014.png", "imgid": 8, "split": "train", "sentences": [{"raw": "d"}]}]}
      """
    let path = try folder.write(Array(text.utf8), to: "dataset.json")
    let items = try CaptionedImages.read(path, images: packageFile(Self.pictures))
    #expect(items.map(\.answers) == [["a b", "c"]] && items[0].id == "7")
  }

  @Test func missingImagesAreLeftOut() throws {
    let table = "image,caption\nred-circle-0004.png,a red circle\nnowhere.png,nothing\n"
    let path = try folder.write(Array(table.utf8), to: "captions.csv")
    let clip = RetrievalNets(try ImageTextEmbedding(ClipNets(files: nets("clip/2"))))
    let items = try CaptionedImages.read(path, images: packageFile(Self.pictures))
    let result = try RetrievalEvaluation(clip, on: items).run()
    #expect(result.images == 1 && result.captions == 1 && result.failed.count == 1 && result.imagesFound.ranks == [0])
  }
}
