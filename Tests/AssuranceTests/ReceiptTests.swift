import Arrays
import Assurance
import Checkpoints
import Families
import Foundation
import Kernels
import Media
import NetFile
import Tasks
import TestSupport
import Testing

/// Receipts of results, and computing them again.
@Suite struct ReceiptTests {
  private let folder = TemporaryFolder()
  private let picture = packageFile("weights/demo/pictures/red-circle-0004.png")
  private let questions = ["what shape is present?", "is there a blue triangle?", "what color is it?"]

  private func files() throws -> [NetFile] {
    try ConversionPlan(
      openCheckpoint(packageFile("weights/demo")), ConversionRequest(parameters: [.init(argument: "Release=demo")])
    ).run(on: Shelf(folder.path), replacing: true, compress: false).map { try NetFile($0.path) }
  }

  private func receipt(
    _ files: [NetFile], of picture: String, level: Engine.Level? = nil, threads: Int = 1, together: Bool = true,
    _ settings: ReceiptSettings = ReceiptSettings()
  ) throws -> Receipt {
    let record = ReceiptRecord()
    let list = try settings.answers.map { try AnswerList($0) }
    var run = AskingRun(
      try VisualQuestionAnswering(VQANets(files: files), threads: threads, level: level), options: settings.ofAnswers,
      from: list, receipt: record)
    if together {
      _ = try run.ask(picture, questions)
    } else {
      for one in questions { _ = try run.ask(picture, [one]) }
    }
    return Receipt(.ask, files, settings, record.items)
  }

  /// Whatever computes them, and in whatever company: that is what receipts rest on.
  @Test func receiptsAreTheSameByEveryWayOfComputing() throws {
    let files = try files()
    var settings = [ReceiptSettings(), ReceiptSettings(), ReceiptSettings()]
    settings[1].beams = 3
    settings[2].answers = ["circle", "blue", "yes", "no", "red"]
    for settings in settings {
      let first = try receipt(files, of: picture, level: .portable, settings)
      #expect(first.items.count == 3 && first.items[0].result == "circle")
      for level in Engine.Level.allCases where level.isAvailable && level != .openblas && level != .fast {
        for threads in [1, 3] {
          for together in [true, false] {
            let other = try receipt(files, of: picture, level: level, threads: threads, together: together, settings)
            #expect(other == first, "\(level), \(threads) threads, together \(together)")
          }
        }
      }
    }
  }

  @Test func resultsAreComputedAgain() throws {
    let files = try files()
    let copy = folder.file("copy.png")
    try FileManager.default.copyItem(atPath: picture, toPath: copy)
    let made = try receipt(files, of: copy)
    let path = folder.file("receipt.json")
    try Data(made.json.prettyText.utf8).write(to: URL(fileURLWithPath: path))
    let read = try Receipt(file: path)
    #expect(read == made)
    #expect(try ReceiptVerification(read, files: files).run().allSatisfy { $0.reason == nil })

    // One result of another net, or of other settings, is found.
    var items = read.items
    items[1] = Receipt.Item(
      image: items[1].image, imageDigest: items[1].imageDigest, text: items[1].text, result: "yes",
      scores: items[0].scores)
    let forged = Receipt(.ask, files, ReceiptSettings(), items)
    let reasons = try ReceiptVerification(forged, files: files).run().map(\.reason)
    #expect(reasons[0] == nil && reasons[1]?.contains("was computed") == true && reasons[2] == nil)

    #expect(throws: Failure.self) { try ReceiptVerification(read, files: Array(files.dropLast())) }
    try FileManager.default.removeItem(atPath: copy)
    #expect(throws: Failure.self) { try ReceiptVerification(read, files: files).run() }
    try FileManager.default.copyItem(
      atPath: packageFile("weights/demo/pictures/black-rectangle-0011.png"), toPath: copy)
    #expect(
      try ReceiptVerification(read, files: files).run().allSatisfy { $0.reason?.contains("image is another") == true })
  }

  @Test func kernelsWithBitsOfTheirOwnGiveNone() {
    for level in [Engine.Level.openblas, .fast] {
      let failure = #expect(throws: Failure.self) { try Receipt.check(level) }
      #expect(failure?.kind == .usage && failure?.hint != nil)
    }
  }

  /// Each malformed in one way; the first is sound.
  @Test func malformedReceiptsAreRefused() throws {
    let made = try receipt(files(), of: picture).json.compactText
    #expect(try Receipt(parsing: Array(made.utf8)).items.count == 3)
    for (part, other, reason) in [
      (#""receipt":1"#, #""receipt":2"#, "version 2"), (#""arithmetic":1"#, #""arithmetic":9"#, "arithmetic 9"),
      (#""task":"ask""#, #""task":"sing""#, "unknown a task"),
      (#""settings":{}"#, #""settings":{"x":1}"#, "\"x\" is unknown"),
      (#""settings":{}"#, #""settings":{"seed":"x"}"#, "no seed"), (#""imageSHA256""#, #""imageSHA""#, "go together"),
      (#""result":"circle","#, "", "result"), (#""nets":[{"#, #""nets":[7,{"#, "object"),
    ] {
      #expect(made.contains(part), "\(part)")
      let changed = made.replacing(part, with: other, maxReplacements: 1)
      let failure = #expect(throws: Failure.self, "\(other)") { try Receipt(parsing: Array(changed.utf8)) }
      #expect(failure?.kind == .badData && failure?.hint != nil)
      #expect(failure?.reason.contains(reason) == true, "\(failure?.description ?? "")")
    }
    // A result that is left out, with its scores.
    let parts = made.components(separatedBy: #"{"image":"#)
    let less = (parts.prefix(2) + parts.suffix(1)).joined(separator: #"{"image":"#)
    #expect(throws: Failure.self) { try Receipt(parsing: Array(less.utf8)) }
  }
}
