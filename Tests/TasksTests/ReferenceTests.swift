import Arrays
import Assurance
import Checkpoints
import Families
import Kernels
import NetFile
import Tasks
import TestSupport
import Testing

/// Nets against what the publisher's own code computed (Tests/ReferenceFixtures, by tools/reference/outputs.py).
@Suite struct ReferenceTests {
  private let folder = TemporaryFolder()

  private static let layouts = "Tests/FamiliesTests/Fixtures/layouts"
  private static let references = "Tests/ReferenceFixtures"
  private static let cases: [(checkpoint: String, reference: String)] = [
    ("\(layouts)/huggingface", "\(references)/huggingface"), ("\(layouts)/sharded", "\(references)/huggingface"),
    ("\(layouts)/bin", "\(references)/huggingface"), ("\(layouts)/keras", "\(references)/huggingface"),
    ("\(layouts)/float16", "\(references)/float16"), ("\(layouts)/bfloat16", "\(references)/bfloat16"),
    ("\(layouts)/untied", "\(references)/untied"), ("\(layouts)/salesforce", "\(references)/salesforce"),
    ("\(layouts)/salesforce-legacy", "\(references)/salesforce"),
    ("\(references)/nets/odd-huggingface", "\(references)/odd-huggingface"),
    ("\(references)/nets/odd-salesforce", "\(references)/odd-salesforce"),
    ("weights/demo", "weights/demo/reference"),
  ]

  /// Names that are other bytes and the same text.
  @Test func namesThatAreTheSameTextAreNoTrap() throws {
    func entry(_ name: String) -> String { "\"\(name)\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}" }
    let names = ["pixel_values", "\u{e9}", "e\u{301}"].map(entry).joined(separator: ",")
    let path = try folder.write(safetensors("{\(names)}"), to: "reference.safetensors")
    #expect(try ReferenceFile(path).checkpoint.arrays.count == 3)
  }

  /// The nets of a checkpoint, converted.
  private func nets(_ checkpoint: String, compress: Bool = false) throws -> VQANets {
    let plan = try ConversionPlan(
      openCheckpoint(packageFile(checkpoint)), ConversionRequest(parameters: [.init(argument: "Release=test")]))
    let written = try plan.run(on: Shelf(folder.path), replacing: true, compress: compress)
    return try VQANets(files: written.map { try NetFile($0.path) })
  }

  private func outputs(_ nets: VQANets, _ reference: String, level: Engine.Level? = nil) throws -> [OutputComparison] {
    try ReferenceVerification(
      VisualQuestionAnswering(nets, level: level), ReferenceFile(packageFile(reference + ".safetensors"))
    ).run()
  }

  @Test(arguments: cases)
  func everyLayoutGivesThePublishersOutputs(checkpoint: String, reference: String) throws {
    let nets = try nets(checkpoint)
    let outputs = try outputs(nets, reference)
    for output in outputs {
      #expect(output.passed, "\(output.name): \(output.maxError), \(output.reason ?? "")")
      #expect((output.cosine ?? 1) > 0.99999999)
    }
    let names = Set(outputs.map(\.name))
    #expect(
      names.isSuperset(of: [
        "pixel_values", "image_embeds", "input_ids", "question_embeds", "first_step_logits", "answer_ids",
      ]))
  }

  @Test(arguments: Engine.Level.allCases.filter(\.isAvailable))
  func everyLevelOfInstructionsDoes(level: Engine.Level) throws {
    let outputs = try outputs(nets("weights/demo"), "weights/demo/reference", level: level)
    #expect(outputs.filter { !$0.passed }.map(\.name) == [])
  }

  @Test func compressedNetsDo() throws {
    let nets = try nets("\(Self.layouts)/huggingface", compress: true)
    #expect(try outputs(nets, "\(Self.references)/huggingface").filter { !$0.passed }.map(\.name) == [])
  }

  @Test func anotherNetsOutputsDiffer() throws {
    let outputs = try outputs(nets("\(Self.layouts)/untied"), "\(Self.references)/huggingface")
    let byName = Dictionary(uniqueKeysWithValues: outputs.map { ($0.name, $0) })
    #expect(byName["pixel_values"]?.passed == true)
    #expect(byName["first_step_logits"]?.passed == false)
  }

  @Test func aTraceIsAReference() throws {
    let vqa = try VisualQuestionAnswering(nets("weights/demo"))
    let trace = AnswerTrace()
    var run = AskingRun(vqa, trace: trace)
    for picture in ["red-circle-0004", "blue-circle-0014"] {
      // An image that is asked about again is noted once.
      for question in ["what shape is present?", "is there a circle?"] {
        _ = try run.ask(packageFile("weights/demo/pictures/\(picture).png"), [question])
      }
    }
    let path = folder.file("trace.safetensors")
    try trace.write(path)
    let outputs = try ReferenceVerification(vqa, ReferenceFile(path), tolerance: 0).run()
    #expect(
      outputs.map(\.name) == [
        "image_embeds", "input_ids", "question_embeds", "question_cross_attention", "first_step_logits", "answer_ids",
      ])
    let names = try openCheckpoint(path).arrays.map(\.name)
    #expect(names.filter { $0.hasSuffix("pixel_values") } == ["images.0.pixel_values", "images.1.pixel_values"])
    #expect(outputs.allSatisfy { $0.passed && $0.cases == ($0.name == "image_embeds" ? 2 : 4) })
  }

  @Test func aTraceOfOneQuestionHasPlainNames() throws {
    let trace = AnswerTrace()
    var run = AskingRun(try VisualQuestionAnswering(nets("weights/demo")), trace: trace)
    _ = try run.ask(packageFile("weights/demo/pictures/red-circle-0004.png"), ["what shape is present?"])
    let path = folder.file("trace.safetensors")
    try trace.write(path)
    let arrays = try openCheckpoint(path).arrays
    #expect(
      arrays.map { "\($0.name) \($0.shape.dimensions)" } == [
        "pixel_values [3, 64, 64]", "image_embeds [65, 128]", "input_ids [7]", "question_embeds [7, 128]",
        "question_cross_attention [2, 4, 7, 65]", "first_step_logits [120]", "answer_ids [3]",
      ])
  }

  private static let malformed: [(header: String, data: Int, reason: String)] = [
    (#"{}"#, 0, "holds no images and questions with their outputs"),
    (#"{"__metadata__":{"decoding":"{"}}"#, 0, "metadata"),
    (#"{"__metadata__":{"answers":"[]"}}"#, 0, "holds no answers"),
    (
      #"{"images.0.pixel_values":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4, "holds no images and questions"
    ),
    (
      #"{"__metadata__":{"questions.0.image":"7"},"images.0.pixel_values":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"questions.0.input_ids":{"dtype":"I64","shape":[1],"data_offsets":[4,12]}}"#,
      12, "none of the images"
    ),
    (
      #"{"pixel_values":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"input_ids":{"dtype":"I64","shape":[1],"data_offsets":[4,12]}}"#,
      12, "has shape [1]; the nets take [3, 64, 64]"
    ),
    (
      #"{"__metadata__":{"decoding":"{\"seed\":\"x\"}"}}"#, 0, "is no seed"
    ),
    (
      #"{"pixel_values":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#, 8, "is of type int64, not float32"
    ),
  ]

  @Test func inputsAloneAreNoReference() throws {
    let vqa = try VisualQuestionAnswering(nets("weights/demo"))
    let header =
      #"{"pixel_values":{"dtype":"F32","shape":[3,64,64],"data_offsets":[0,49152]},"#
      + #""input_ids":{"dtype":"I64","shape":[1],"data_offsets":[49152,49160]}}"#
    let bytes = UInt64(header.utf8.count).littleEndianBytes + header.utf8 + [UInt8](repeating: 0, count: 49160)
    let path = try folder.write(bytes, to: "inputs.safetensors")
    let failure = failure { _ = try ReferenceVerification(vqa, ReferenceFile(path)).run() }
    #expect(failure?.reason == "holds inputs, but no outputs to compare with", "\(failure?.description ?? "none")")
  }

  @Test(arguments: malformed)
  func malformedReferencesAreRefused(header: String, data: Int, reason: String) throws {
    let path = try folder.write(safetensors(header, data: data), to: "reference.safetensors")
    let vqa = try VisualQuestionAnswering(nets("weights/demo"))
    let failure = failure { _ = try ReferenceVerification(vqa, ReferenceFile(path)).run() }
    #expect(failure?.kind == .badData && failure?.file == path)
    #expect(failure?.description.contains(reason) == true, "\(failure?.description ?? "none")")
  }
}
