import Arrays
import Checkpoints
import Families
import Kernels
import Media
import NetFile
import Synchronization
import Tasks
import TestSupport
import Testing

/// The nets of a shelf by what they do, run by tensors, and answers that are told as they are made.
@Suite struct RunnableNetsTests {
  private let folder = TemporaryFolder()
  private var shelf: Shelf { Shelf(folder.path) }

  private func convert(_ path: String, release: String) throws {
    let plan = try ConversionPlan(
      openCheckpoint(packageFile(path)), ConversionRequest(parameters: [.init(argument: "Release=\(release)")]))
    _ = try plan.run(on: shelf, replacing: true, compress: false)
  }

  private func nets(_ task: RunnableNets.Task) throws -> RunnableNets {
    try #require(RunnableNets.all(on: shelf).first { $0.task == task })
  }

  @Test func aShelfIsListedByTasks() throws {
    #expect(try RunnableNets.all(on: shelf).isEmpty)
    try convert("weights/demo", release: "demo")
    try convert("weights/demo-caption", release: "demo-caption")
    try convert("weights/demo-match", release: "demo-match")
    try convert("weights/demo-digits", release: "demo-digits")
    try convert("Tests/FamiliesTests/Fixtures/embedders/mean", release: "tiny")
    try convert("Tests/FamiliesTests/Fixtures/clip/1", release: "tiny-clip")
    let all = try RunnableNets.all(on: shelf)
    #expect(Set(all.map(\.task)) == Set(RunnableNets.Task.allCases) && all.count == 6)
    let answering = try nets(.answer)
    #expect(answering.files.count == 3 && answering.takesPictures && answering.takesTexts)
    #expect(answering.unusual.map { "\($0.name)=\($0.value)" } == ["Release=demo"])
    #expect(answering.elements == 1_949_304)
    // Without one of its parts it is no net; a file that is none is passed over.
    let digest = answering.digest
    let part = answering.files[1].path
    try OutputFile(part).commit()
    #expect(try RunnableNets.all(on: shelf).allSatisfy { $0.task != .answer })
    try convert("weights/demo", release: "demo")
    #expect(try nets(.answer).digest == digest)
  }

  /// What goes in as tensors gives what goes in as pictures and texts.
  @Test func tensorsGiveWhatTextsGive() throws {
    try convert("Tests/FamiliesTests/Fixtures/embedders/mean", release: "tiny")
    let open = try nets(.embed).open()
    guard case .embed(let embedder) = open, let texts = embedder.texts else { throw Failure(.usage, "no texts") }
    let wanted = try embedder.vectors(of: ["a red circle", "one"])
    let ids = ["a red circle", "one"].map { texts.tokens($0, prompt: "") }
    let length = ids.map(\.count).max() ?? 0
    let padded = ids.flatMap { $0 + [Int](repeating: 0, count: length - $0.count) }
    let mask = ids.flatMap { [Int](repeating: 1, count: $0.count) + [Int](repeating: 0, count: length - $0.count) }
    let made = try open.run(
      [
        RawTensor("input_ids", shape: [2, length], .integers(padded)),
        RawTensor("attention_mask", shape: [2, length], .integers(mask)),
      ], most: 2)
    guard case .floats(let found)? = made.first?.values else { throw Failure(.usage, "no floats") }
    #expect(found == wanted.flatMap { $0 } && made.first?.shape == [2, embedder.size])
    for (tensors, reason) in [
      ([], "is missing"), ([try RawTensor("x", shape: [1], .integers([1]))], "there is no input x"),
      ([try RawTensor("input_ids", shape: [1, 1], .floats([1]))], "whole numbers"),
      ([try RawTensor("input_ids", shape: [3, 1], .integers([1, 1, 1]))], "up to 2 items"),
      ([try RawTensor("input_ids", shape: [1, 1], .integers([99_999]))], "token 99999"),
    ] {
      let found = failure { _ = try open.run(tensors, most: 2) }
      #expect(found?.reason.contains(reason) == true, "\(reason): \(String(describing: found))")
    }
    #expect(failure { _ = try RawTensor("x", shape: [2, 2], .integers([1])) }?.kind == .usage)
    #expect(failure { _ = try RawTensor("x", shape: [1 << 62, 4], .integers([])) }?.kind == .usage)
    #expect(failure { _ = try RawTensor("x", shape: [-1], .integers([])) }?.kind == .usage)
  }

  /// The texts that are told each begin with the one before, the last one is the caption's; false ends it.
  @Test func captionsAreToldTokenByToken() throws {
    try convert("weights/demo-caption", release: "demo-caption")
    guard case .caption(let net) = try nets(.caption).open() else { throw Failure(.usage, "no net that captions") }
    let image = try net.look(at: Picture(packageFile("weights/demo/pictures/red-circle-0004.png")))
    let whole = try net.caption(image)
    let told = Mutex<[String]>([])
    let again = try net.caption(image) { text in
      told.withLock { $0.append(text) }
      return true
    }
    #expect(again.tokens == whole.tokens && again.logProbability == whole.logProbability)
    let texts = told.withLock { $0 }
    // All tokens but the end.
    #expect(texts.count == whole.tokens.count - 1 && texts.last == whole.text)
    for (before, after) in zip(texts, texts.dropFirst()) { #expect(after.hasPrefix(before)) }
    let cut = try net.caption(image) { $0.split(separator: " ").count < 2 }
    #expect(cut.tokens.count < whole.tokens.count && whole.text.hasPrefix(cut.text))
  }
}
