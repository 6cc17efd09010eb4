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

/// Captions against those of transformers' BlipForConditionalGeneration (Tests/ReferenceFixtures/captions, by
/// tools/fixtures/fixtures_captions.py): without and with a prompt, greedy and by beams, with lengths and penalties.
@Suite struct CaptioningTests {
  private let folder = TemporaryFolder()
  private static let names = ["1", "2", "3", "salesforce"]
  private static let picture = packageFile("weights/demo/pictures/red-circle-0004.png")

  private func nets(_ name: String) throws -> CaptionNets {
    let plan = try ConversionPlan(
      openCheckpoint(packageFile("Tests/FamiliesTests/Fixtures/captions/\(name)")),
      ConversionRequest(parameters: [.init(argument: "Release=test")]))
    let written = try plan.run(on: Shelf(folder.path), replacing: true, compress: false)
    return try CaptionNets(files: written.map { try NetFile($0.path) })
  }

  private func outputs(
    _ name: String, reference: String? = nil, level: Engine.Level? = nil
  ) throws -> [OutputComparison] {
    let file = packageFile("Tests/ReferenceFixtures/captions/\(reference ?? name).safetensors")
    return try CaptionVerification(ImageCaptioning(nets(name), level: level), ReferenceFile(file)).run()
  }

  @Test(arguments: names)
  func captionsAreThePublishers(name: String) throws {
    let outputs = try outputs(name)
    for output in outputs {
      #expect(output.passed, "\(output.name): \(output.maxError), \(output.reason ?? "")")
    }
    let names = ["pixel_values", "image_embeds", "input_ids", "first_step_logits", "caption_ids", "caption"]
    #expect(outputs.map(\.name) == names)
    #expect(outputs.map(\.cases).max() ?? 0 >= 15)
  }

  @Test(arguments: Engine.Level.allCases.filter(\.isAvailable))
  func everyLevelOfInstructionsGivesThem(level: Engine.Level) throws {
    #expect(try outputs("2", level: level).filter { !$0.passed }.map(\.name) == [])
  }

  @Test func anotherNetsCaptionsDiffer() throws {
    let byName = Dictionary(
      uniqueKeysWithValues: try outputs("published", reference: "salesforce").map { ($0.name, $0) })
    #expect(byName["pixel_values"]?.passed == true && byName["input_ids"]?.passed == true)
    // Another epsilon of the image encoder's norms.
    #expect((byName["image_embeds"]?.maxError ?? 0) > 0)
  }

  @Test func aTraceIsAReference() throws {
    let captioning = try ImageCaptioning(nets("2"))
    let trace = CaptionTrace()
    var options = CaptionOptions()
    for way in 0..<3 {
      options.beams = way == 1 ? 3 : 1
      options.temperature = way == 2 ? 1.5 : 0
      options.seed = 7
      var run = CaptioningRun(captioning, options: options, trace: trace)
      _ = try run.caption(Self.picture)
      _ = try run.caption(Self.picture, prompt: "a red dog")
    }
    let path = folder.file("trace.safetensors")
    try trace.write(path)
    let outputs = try CaptionVerification(captioning, ReferenceFile(path), tolerance: 0).run()
    #expect(
      outputs.map(\.name) == ["image_embeds", "input_ids", "first_step_logits", "caption_ids", "caption"])
    #expect(outputs.allSatisfy { $0.passed && $0.cases == 6 })
  }

  @Test func promptsAreToldUnlessTheProfileHasOne() throws {
    let picture = try Picture(Self.picture)
    let later = try ImageCaptioning(nets("1"))
    let caption = try later.caption(later.look(at: picture), options: CaptionOptions(prompt: "A red dog"))
    #expect(caption.text.hasPrefix("a red dog") && caption.prompt == "A red dog")
    #expect(caption.promptTokens == [34, 5, 12, 24])
    #expect(try later.caption(later.look(at: picture)).promptTokens == [34])
    let original = try ImageCaptioning(nets("salesforce"))
    let seen = try original.look(at: picture)
    let usual = try original.caption(seen)
    #expect(usual.promptTokens == [34, 5, 6, 7] && !usual.text.hasPrefix("a picture of"))
    // 3 beams, 5 to 20 tokens with the 4 of the prompt.
    let same = try original.caption(
      seen, options: CaptionOptions(prompt: "a picture of ", maximumTokens: 16, minimumTokens: 1, beams: 3))
    #expect(same.tokens == usual.tokens)
    #expect(try original.caption(seen, options: CaptionOptions(prompt: "")).promptTokens == [34])
  }

  /// More tokens than look at the image's vectors directly give what those with keys and values give.
  @Test func bothWaysOfLookingGiveTheSame() throws {
    let captioning = try ImageCaptioning(nets("1"))
    let seen = try captioning.look(at: Picture(Self.picture))
    let few = try captioning.caption(seen, options: CaptionOptions(maximumTokens: 12))
    var rules = CaptionOptions(maximumTokens: 12, beams: 4)
    let many = try captioning.caption(seen, options: rules)
    rules.maximumTokens = 9
    let fewer = try captioning.caption(seen, options: rules)
    #expect(few.tokens.count == 12 && many.tokens.count == 12 && fewer.tokens.count == 9)
    // Nothing is likelier than what beams find here; greedy search finds a beginning.
    #expect(many.logProbability >= few.logProbability - 1e-4)
  }

  static let wrong: [(CaptionOptions, String)] = [
    (
      .init(prompt: String(repeating: "dog ", count: 39)),
      "the prompt has 39 tokens; at most 38 leave room for a caption"
    ),
    (.init(maximumTokens: 0), "captions of 0 tokens: 1 to 40 are possible with this net"),
    (.init(prompt: "a dog", maximumTokens: 39), "captions of 39 tokens: 1 to 38 are possible with this net"),
    (.init(maximumTokens: 3, minimumTokens: 4), "at least 4 tokens are wanted, but at most 3"),
    (.init(beams: 0), "0 beams: 1 to 64 are possible"),
    (.init(repetitionPenalty: 0), "the repetition penalty 0.0 is not a number above 0"),
    (.init(repetitionPenalty: .infinity), "the repetition penalty inf is not a number above 0"),
    (.init(beams: 2, temperature: 1), "beams and a temperature are both given"),
  ]

  @Test(arguments: wrong)
  func optionsOutOfRangeAreRefused(options: CaptionOptions, message: String) throws {
    let captioning = try ImageCaptioning(nets("1"))
    let error = failure { try captioning.check(options) }
    #expect(error?.kind == .usage && error?.reason == message)
    let seen = try captioning.look(at: Picture(Self.picture))
    #expect(failure { _ = try captioning.caption(seen, options: options) }?.reason == message)
  }

  /// The longest sequences that the net has positions for.
  @Test func captionsMayTakeAllPositions() throws {
    let captioning = try ImageCaptioning(nets("1"))
    let seen = try captioning.look(at: Picture(Self.picture))
    let prompt = String(repeating: "dog ", count: 38)
    let caption = try captioning.caption(
      seen, options: CaptionOptions(prompt: prompt, maximumTokens: 2, minimumTokens: 2))
    #expect(caption.promptTokens.count == 39 && caption.tokens.count == 2)
    #expect(
      try captioning.caption(seen, options: CaptionOptions(maximumTokens: 40, minimumTokens: 39)).tokens.count == 40)
  }

  @Test func netsOfTwoSizesDoNotCaptionTogether() throws {
    let one = try nets("1").files
    let decoder = try bytes(of: one[1].path)
    let path = try folder.write(decoder, to: "decoder.ingot")
    let other = try nets("2").files
    let error = failure { _ = try ImageCaptioning(CaptionNets(files: [NetFile(path), other[0]])) }
    #expect(error?.kind == .badData)
    #expect(error?.reason == "attends over vectors of 24 elements; the image encoder makes 30")
    let missing = failure { _ = try CaptionNets(files: [other[0], other[0]]) }
    #expect(missing?.kind == .usage)
  }
}
