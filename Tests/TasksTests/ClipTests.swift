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

/// Vectors of images and texts against those of transformers' CLIPModel (Tests/ReferenceFixtures/clip, by
/// tools/fixtures/fixtures_clip.py).
@Suite struct ClipTests {
  private let folder = TemporaryFolder()
  private static let fixtures = packageFile("Tests/FamiliesTests/Fixtures/clip")

  private func nets(_ name: String, _ parameters: [String] = []) throws -> ClipNets {
    var chosen = [try Combination.Parameter(argument: "Release=test")]
    for parameter in parameters { chosen.append(try .init(argument: parameter)) }
    let plan = try ConversionPlan(openCheckpoint("\(Self.fixtures)/\(name)"), ConversionRequest(parameters: chosen))
    let written = try plan.run(on: Shelf(folder.file(name)), replacing: true, compress: false)
    return try ClipNets(files: written.map { try NetFile($0.path) })
  }

  private func outputs(_ name: String, _ reference: String, level: Engine.Level? = nil) throws -> [OutputComparison] {
    let file = packageFile("Tests/ReferenceFixtures/clip/\(reference).safetensors")
    return try ClipVerification(ImageTextEmbedding(nets(name), level: level), ReferenceFile(file)).run()
  }

  /// Pixels and tokens to the bit.
  @Test(arguments: [("1", "1"), ("2", "2"), ("3", "3"), ("published", "1")])
  func vectorsAreThePublishers(name: String, reference: String) throws {
    let outputs = try outputs(name, reference)
    for output in outputs {
      #expect(output.passed, "\(output.name): \(output.maxError), \(output.reason ?? "")")
    }
    #expect(outputs.map(\.name) == ["pixel_values", "image_embeds", "input_ids", "text_embeds", "logits_per_image"])
    #expect(outputs.map(\.cases) == [4, 4, 10, 10, 4])
  }

  @Test(arguments: Engine.Level.allCases.filter(\.isAvailable))
  func everyLevelOfInstructionsGivesThem(level: Engine.Level) throws {
    #expect(try outputs("1", "1", level: level).filter { !$0.passed }.map(\.name) == [])
    #expect(try outputs("2", "2", level: level).filter { !$0.passed }.map(\.name) == [])
  }

  /// Those of transformers' CLIPImageProcessor, which are torchvision's, to the bit; Pillow's, by default, are others.
  @Test(arguments: [ImageBackend.torchvision, .pillow])
  func pixelsAreThoseOfTheChosenProcessor(backend: ImageBackend) throws {
    let request = ConversionRequest(parameters: [try .init(argument: "Release=test")], pixels: backend)
    let plan = try ConversionPlan(openCheckpoint("\(Self.fixtures)/2"), request)
    let written = try plan.run(on: Shelf(folder.path), replacing: true, compress: false)
    let embedding = try ImageTextEmbedding(ClipNets(files: written.map { try NetFile($0.path) }))
    let reference = try ReferenceFile(packageFile("Tests/ReferenceFixtures/clip/torchvision.safetensors"))
    let pixels = try #require(try ClipVerification(embedding, reference).run().first { $0.name == "pixel_values" })
    #expect(pixels.passed == (backend == .torchvision) && (pixels.maxError == 0) == pixels.passed)
  }

  /// The same weights with the other activation are another net.
  @Test func theActivationMatters() throws {
    try folder.write(bytes(of: "\(Self.fixtures)/open_clip/open_clip_model.safetensors"), to: "bare/model.safetensors")
    for name in ["vocab.json", "merges.txt"] {
      try folder.write(bytes(of: "\(Self.fixtures)/open_clip/\(name)"), to: "bare/\(name)")
    }
    let plan = try ConversionPlan(
      openCheckpoint(folder.file("bare")),
      ConversionRequest(
        parameters: [.init(argument: "Release=other"), .init(argument: "Activation=quick_gelu")]))
    let written = try plan.run(on: Shelf(folder.path), replacing: true, compress: false)
    let nets = try ClipNets(files: written.map { try NetFile($0.path) })
    let reference = try ReferenceFile(packageFile("Tests/ReferenceFixtures/clip/2.safetensors"))
    let outputs = try ClipVerification(ImageTextEmbedding(nets), reference).run()
    #expect(outputs.filter { !$0.passed }.map(\.name) == ["image_embeds", "text_embeds", "logits_per_image"])
  }

  /// The original's halves, as float32.
  @Test func archivesComputeNearlyTheSame() throws {
    let file = packageFile("Tests/ReferenceFixtures/clip/1.safetensors")
    let embedding = try ImageTextEmbedding(nets("openai", ["Precision=float32"]))
    let outputs = try ClipVerification(embedding, ReferenceFile(file), tolerance: 5e-3).run()
    #expect(outputs.filter { !$0.passed }.map(\.name) == [])
    #expect(outputs.filter { $0.name == "input_ids" || $0.name == "pixel_values" }.allSatisfy { $0.maxError == 0 })
  }

  private func zeroShot(_ name: String) throws -> JSONValue {
    try JSONValue(parsing: bytes(of: Self.fixtures + "/zero-shot.json")).member(name)
  }

  /// By one template, and by the mean of several.
  @Test(arguments: ["1", "2"], ["one", "several"])
  func labelsHaveThePublishersProbabilities(name: String, templates: String) throws {
    let labels = try zeroShot("labels").strings()
    let wanted = try zeroShot(name).member(templates)
    let classifier = try ZeroShotClassification(
      ImageTextEmbedding(nets(name)), labels: labels, templates: wanted.member("templates").strings())
    let classes = try classifier.classes(Picture(Self.fixtures + "/picture.png"))
    let probabilities = try wanted.member("probabilities").array().map { try $0.number() }
    #expect(classes.count == labels.count && classes.map(\.value) == classes.map(\.value).sorted(by: >))
    for item in classes {
      #expect(abs(item.value - probabilities[item.index]) < 1e-4, "\(item.label)")
      #expect(item.label == labels[item.index])
    }
    #expect(classifier.cut.isEmpty)
  }

  /// What is seen at the class token is what CLIPModel projects: times the published projection, it is the published vector.
  @Test func featuresAreWhatIsProjected() throws {
    let features = try ImageFeatures(nets("1").imageEncoder, pool: .class)
    let seen = try features.vector(of: Picture(Self.fixtures + "/picture.png"))
    let checkpoint = try openCheckpoint(Self.fixtures + "/1")
    let place = try #require(checkpoint.arrays.firstIndex { $0.name == "visual_projection.weight" })
    let weight = Floats.array(try checkpoint.data(of: place))
    #expect(features.size == 64 && seen.count == 64 && weight.count == 24 * 64)
    let projected = (0..<24).map { row in
      (0..<64).reduce(0) { $0 + Double(weight[64 * row + $1]) * Double(seen[$1]) }
    }
    let length = projected.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let reference = try openCheckpoint(packageFile("Tests/ReferenceFixtures/clip/1.safetensors"))
    let named = try #require(reference.arrays.firstIndex { $0.name == "images.0.image_embeds" })
    let expected = Floats.array(try reference.data(of: named))
    #expect(zip(projected, expected).allSatisfy { abs($0 / length - Double($1)) < 1e-5 })
  }

  /// To the bit, whether there are few rows in a product or many.
  @Test(arguments: [Engine.Level.best, .portable]) func textsInOneBatchAreAsAlone(level: Engine.Level) throws {
    let embedding = try ImageTextEmbedding(nets("2"), level: level)
    let texts = ["a", "cats"] + (0..<148).map { "a photo of \($0) cats" }
    let together = try embedding.vectors(of: texts)
    for index in [0, 1, 63, 64, 149] { #expect(try embedding.vectors(of: [texts[index]]) == [together[index]]) }
    for count in [2, 8, 9, 17] {
      #expect(try embedding.vectors(of: Array(texts[..<count])) == Array(together[..<count]))
    }
    #expect(embedding.isTooLong(String(repeating: "a ", count: 40)) && !embedding.isTooLong("a cat"))
    #expect(embedding.tokens(String(repeating: "a ", count: 40)).count == 20)
  }

  @Test func labelsAndTemplatesAreChecked() throws {
    let embedding = try ImageTextEmbedding(nets("1"))
    func refusal(_ labels: [String], _ templates: [String] = ["{}"]) -> Failure? {
      failure { _ = try ZeroShotClassification(embedding, labels: labels, templates: templates) }
    }
    #expect(refusal([])?.reason == "there are no labels")
    #expect(refusal(["a", "b", "a"])?.reason == "the label \"a\" comes twice")
    #expect(refusal(["a"], ["a photo"])?.reason == "the template \"a photo\" has no {}")
    #expect(refusal(["a"])?.kind == nil)
    #expect(try ZeroShotClassification(embedding, labels: [String(repeating: "x ", count: 30), "b"]).cut.count == 1)
  }

  @Test(arguments: [
    ("cat\n\n  dog \r\ncafé\n", ["cat", "dog", "café"]), ("\u{feff}a", ["a"]),
  ])
  func labelFilesAreRead(text: String, labels: [String]) throws {
    let path = try folder.write(Array(text.utf8), to: "labels.txt")
    #expect(try LabelFile(path).labels == labels)
  }

  @Test func emptyLabelFilesAreRefused() throws {
    let path = try folder.write(Array(" \n\n".utf8), to: "labels.txt")
    let error = failure { _ = try LabelFile(path) }
    #expect(error?.reason == "holds no labels" && error?.file == path)
  }

  @Test func halvesOfDifferentNetsAreRefused() throws {
    let (first, third) = (try nets("1"), try nets("3"))
    let mixed = try ClipNets(files: [third.textEncoder, first.imageEncoder])
    let error = failure { _ = try ImageTextEmbedding(mixed) }
    #expect(error?.reason == "makes vectors of 18 elements, the image encoder of 24" && error?.kind == .badData)
    #expect(failure { _ = try ClipNets(files: [first.imageEncoder, third.imageEncoder]) }?.kind == .usage)
  }
}
