import Arrays
import Checkpoints
import Families
import Media
import NetFile
import Tasks
import TestSupport
import Testing

/// What nets see in videos, against the publisher's code on the frames that it should see (tools/fixtures/fixtures_video.py).
@Suite struct VideoFeaturesTests {
  @Test func featuresAreTheMeanOfThePublishers() throws {
    let folder = TemporaryFolder()
    let fixtures = "Tests/MediaTests/Fixtures/videos"
    let expected = try JSONValue(parsing: bytes(of: packageFile("\(fixtures)/expected.json")))
    let plan = try ConversionPlan(
      openCheckpoint(packageFile("weights/demo")), ConversionRequest(parameters: [.init(argument: "Release=test")]))
    let written = try plan.run(on: Shelf(folder.path), replacing: true, compress: false)
    let vqa = try VisualQuestionAnswering(VQANets(files: written.map { try NetFile($0.path) }))
    for member in try expected.member("demo").object() {
      var told: [Int] = []
      let seen = try vqa.look(at: Video(packageFile("\(fixtures)/\(member.key)"), frames: 8)) { done, _ in
        told.append(done)
      }
      let largest = try member.value.member("largest").number()
      let wanted = try member.value.member("embeds").array()
      let ours = seen.vectors.elements
      #expect(wanted.count == (ours.count + 130) / 131)
      for (index, value) in wanted.enumerated() {
        let error = try abs(Double(ours[131 * index]) - value.number()) / largest
        #expect(error < 1e-3, "\(member.key), element \(131 * index): \(error)")
      }
      #expect(seen.frames?.reduce(0) { $0 + $1.picks } == 8 && told == Array(0...(seen.frames?.count ?? 0)))
    }
  }
}
