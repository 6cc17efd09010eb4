import Arrays
import Checkpoints
import Families
import Media
import NetFile
import Tasks
import TestSupport
import Testing

/// What the trained nets in weights say of the pictures that come with them. The true captions, texts and digits are of easy-VQA
/// and scikit-learn (tools/training/demo_items.py); that the nets compute what transformers computes, on all that they are tested
/// on, is held by tools/checks/check_demos.py.
@Suite struct DemoNetTests {
  private let folder = TemporaryFolder()

  private func files(_ name: String) throws -> [NetFile] {
    let plan = try ConversionPlan(
      openCheckpoint(packageFile("weights/\(name)")),
      ConversionRequest(parameters: [.init(argument: "Release=\(name)")]))
    let written = try plan.run(on: Shelf(folder.path), replacing: true, compress: false)
    return try written.map { try NetFile($0.path) }
  }

  private func lines(_ path: String) throws -> [JSONValue] {
    try bytes(of: packageFile(path)).split(separator: 10).map { try JSONValue(parsing: Array($0)) }
  }

  private func picture(_ line: JSONValue) throws -> Picture {
    try Picture(packageFile("weights/demo-caption/\(line.member("image").string())"))
  }

  @Test func captionsAreTrue() throws {
    let captioning = try ImageCaptioning(CaptionNets(files: files("demo-caption")))
    let lines = try lines("weights/demo-caption/captions.jsonl")
    #expect(lines.count == 12)
    var right = 0
    for line in lines {
      let image = try captioning.look(at: picture(line))
      let wanted = try line.member("caption").array().map { try $0.string() }
      // Sizes and places are mistaken now and then (weights/demo-caption/README.md).
      right += try captioning.caption(image).text == wanted[0] ? 1 : 0
      let prompted = CaptionOptions(prompt: "the picture shows")
      #expect(try captioning.caption(image, options: prompted).text == wanted[2])
    }
    #expect(right == 8)
  }

  @Test func textsThatAreTrueMatch() throws {
    let matching = try ImageTextMatching(MatchNets(files: files("demo-match")))
    let lines = try lines("weights/demo-match/pairs.jsonl")
    #expect(lines.count == 24)
    var told = 0
    for (right, wrong) in stride(from: 0, to: lines.count, by: 2).map({ (lines[$0], lines[$0 + 1]) }) {
      let image = try matching.look(at: picture(right))
      let matches = try matching.match(
        image, matching.read([right.member("text").string(), wrong.member("text").string()]))
      told += (matches[0].probability > 0.5 ? 1 : 0) + (matches[1].probability < 0.5 ? 1 : 0)
      #expect(matches[0].cosine > matches[1].cosine)
    }
    // As many as in transformers 5.24.
    #expect(told == 21)
  }

  @Test func digitsAreRead() throws {
    let classification = try ImageClassification(#require(files("demo-digits").first))
    let pictures = packageFile("weights/demo-digits/pictures")
    var count = 0
    for label in try Paths.names(in: pictures) {
      for name in try Paths.names(in: "\(pictures)/\(label)") {
        #expect(try classification.classes(Picture("\(pictures)/\(label)/\(name)")).first?.label == label)
        count += 1
      }
    }
    #expect(count == 20)
  }
}
