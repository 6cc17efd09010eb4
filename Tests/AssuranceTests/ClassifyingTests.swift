import Arrays
import Assurance
import Checkpoints
import Families
import NetFile
import Media
import Tasks
import TestSupport
import Testing

/// Classifiers are evaluated and quantized as nets that answer questions are.
@Suite struct ClassifyingTests {
  private let folder = TemporaryFolder()
  private var shelf: Shelf { Shelf(folder.file("shelf")) }

  private func net() throws -> NetFile {
    let plan = try ConversionPlan(
      openCheckpoint(packageFile("Tests/FamiliesTests/Fixtures/tiny-vit")), ConversionRequest())
    return try NetFile(try #require(plan.run(on: shelf, replacing: true, compress: false).first).path)
  }

  /// Pictures, and the class that transformers finds the likeliest in each (tools/reference/classifier.py).
  private func reference() throws -> [(image: String, best: Int)] {
    let file = try JSONValue(parsing: bytes(of: packageFile("Tests/ReferenceFixtures/tiny-vit.json")))
    return try file.member("cases").array().map { item in
      let logits = try item.member("logits").array().map { try $0.number() }
      return (packageFile(try item.member("image").string()), try #require(logits.firstIndex(of: logits.max() ?? 0)))
    }
  }

  /// A folder for each class; the first `wrong` pictures stand in the next class's.
  private func classFolders(wrong: Int) throws -> String {
    for (number, (image, best)) in try reference().enumerated() {
      let right = number < wrong ? (best + 1) % 5 : best
      try folder.write(bytes(of: image), to: "images/LABEL_\(right)/\(number)-\(Paths.name(image))")
    }
    return folder.file("images")
  }

  private static let labels = (0..<5).map { "LABEL_\($0)" }

  @Test func accuracyIsThatOfThePublishersScores() throws {
    let task = try Classifying(ImageClassification(net()))
    let items = try LabelledImages.read(classFolders(wrong: 1), labels: task.classifier.labels)
    let result = try Evaluation(task, on: items).run()
    #expect(items.count == 4 && result.evaluated.count == 4)
    #expect(result.accuracy?.overall.mean == 0.75)
    // There are five classes.
    #expect(result.further.map(\.name) == ["top-5"] && result.further[0].a == 1 && result.further[0].b == nil)
    #expect(result.b == nil && result.agreement == nil && result.layers == nil)
    let best = try Set(reference().map(\.best))
    #expect(Set(result.evaluated.map(\.a.tokens[0])) == best)
  }

  @Test func int8NetsAreCompared() throws {
    let float = try net()
    let items = try LabelledImages.read(classFolders(wrong: 0), labels: Self.labels)
    let b = try Classifying(ImageClassification(float))
    let int8 = try NetFile(
      Quantization(float, .init(inputs: LayerInputs(b, on: items).of(float))).run(on: shelf, replacing: true).path)
    #expect(try Verification(int8, quantizedFrom: float).run().isVerified)
    #expect(int8.header.arrays.contains { $0.inputMeans != nil })
    let a = try Classifying(ImageClassification(int8))
    let result = try Evaluation(a, against: b, on: items, .init(layerItems: 2)).run()
    for item in result.evaluated {
      let picture = try Picture(items[item.index].image)
      #expect(try a.classifier.classes(picture)[0].label == item.a.answer)
      #expect(try b.classifier.classes(picture)[0].label == item.b?.answer)
    }
    #expect(result.accuracyB?.overall.mean == 1)
    #expect((result.divergence ?? 0) > 0 && (result.divergence ?? 1) < 0.01)
    let layers = try #require(result.layers)
    #expect(layers.errors.count == 2 * 4 + 1 && layers.items == 2)
    #expect(layers.errors.last?.name.hasSuffix("classifier") == true)
    #expect(layers.errors.allSatisfy { ($0.alone.sqnr ?? 0) > 20 && ($0.alone.sqnr ?? .infinity) < 80 })
    // Nothing differs of a net from itself.
    let same = try Evaluation(b, against: b, on: items).run()
    #expect(same.agreement == 1 && same.divergence == 0 && same.difference?.mean == 0)
  }

  @Test func aBudgetIsKept() throws {
    let float = try net()
    let items = try LabelledImages.read(classFolders(wrong: 1), labels: Self.labels)
    let task = try Classifying(ImageClassification(float))
    let result = try BudgetSearch(task, on: items, .init(maximumDrop: 0, minimumAgreement: 100), base: [:])
      .run(folder: folder.path)
    #expect(result.floatAccuracy == 0.75 && result.items == 4)
    #expect(result.best.agreement == 1 && result.best.accuracy == 0.75)
    let made = try NetFile(
      Quantization(float, result.options[float.header.net] ?? .init()).run(on: shelf, replacing: true).path)
    let check = try Evaluation(Classifying(ImageClassification(made)), against: task, on: items).run()
    #expect(check.agreement == 1)
  }

  // MARK: Labels

  private func table(_ text: String, images: String? = nil) throws -> [EvaluationItem] {
    let path = try folder.write(Array(text.utf8), to: "labels.csv")
    try folder.write(bytes(of: packageFile("weights/demo/pictures/red-circle-0004.png")), to: "a.png")
    return try LabelledImages.read(
      path, images: images, labels: ["tench, Tinca tinca", "crane", "crane", "Great_Dane"])
  }

  @Test func tablesAreRead() throws {
    let items = try table("file_name;label;note\na.png;TENCH;x\na.png;tinca tinca;\n\na.png;great dane;\na.png;1;\n")
    #expect(items.map(\.classIndex) == [0, 0, 3, 1])
    #expect(items.map(\.answers[0]) == ["tench, Tinca tinca", "tench, Tinca tinca", "Great_Dane", "crane"])
    #expect(items.allSatisfy { $0.image == folder.file("a.png") && $0.imageProblem == nil })
    let missing = try table("image,label\na.png,tench\nb.png,tench\n")
    #expect(missing[0].imageProblem == nil && missing[1].imageProblem?.place == "line 3")
  }

  @Test(arguments: [
    ("image,label\na.png,shark\n", "line 2: the net has no class \"shark\""),
    ("image,label\na.png,4\n", "line 2: the net has no class \"4\""),
    ("image,label\na.png,crane\n", "line 2: several classes are called \"crane\": 1, 2"),
    ("image,label\na.png\n", "line 2: has 1 field, the header 2"),
    ("image,label\n,tench\n", "line 2: the image is no path"),
    ("image,label\n", "has a header only"),
    ("", "is empty"),
    ("a,b\n1,2\n", "line 1: there are no columns \"image\" and \"label\" among \"a\", \"b\""),
    ("image,path,label\n1,2,3\n", "line 1: has several columns of images or of labels"),
  ])
  func malformedTablesAreRefused(text: String, reason: String) {
    let error = failure { _ = try table(text) }
    #expect([error?.place, error?.reason].compactMap(\.self).joined(separator: ": ") == reason)
    #expect(error?.file == folder.file("labels.csv") && error?.hint != nil)
  }

  @Test func numbersThatAreLabelsAreNoIndices() throws {
    let path = try folder.write(Array("image,label\na.png,1\n".utf8), to: "digits.csv")
    try folder.write(bytes(of: packageFile("weights/demo/pictures/red-circle-0004.png")), to: "a.png")
    #expect(try LabelledImages.read(path, labels: ["2", "1", "0"])[0].classIndex == 1)
    #expect(failure { _ = try LabelledImages.read(path, labels: ["7", "8"]) }?.reason == "the net has no class \"1\"")
  }

  @Test func foldersInTheirOrderAreClasses() throws {
    let picture = try bytes(of: packageFile("weights/demo/pictures/red-circle-0004.png"))
    for name in ["n01", "n02", "n10"] { try folder.write(picture, to: "val/\(name)/a.png") }
    try folder.write(picture, to: "val/.cache/a.png")
    let path = folder.file("val")
    let labels = ["tench", "goldfish", "shark"]
    #expect(try LabelledImages.read(path, labels: labels, isByOrder: true).map(\.classIndex) == [0, 1, 2])
    let named = failure { _ = try LabelledImages.read(path, labels: labels) }
    #expect(named?.file == folder.file("val/n01") && named?.hint?.contains("--by-order") == true)
    let fewer = failure { _ = try LabelledImages.read(path, labels: ["tench"], isByOrder: true) }
    #expect(fewer?.reason == "has 3 folders, but the net has 1 classes")
    #expect(failure { _ = try LabelledImages.read(folder.file("val/n01"), labels: labels) }?.kind == .noInput)
  }

  /// How many of a regression's numbers are right can't be counted.
  @Test func whatChoosesNoClassIsRefused() throws {
    let source = packageFile("Tests/FamiliesTests/Fixtures/tiny-vit")
    let text = String(decoding: try bytes(of: source + "/config.json"), as: UTF8.self)
    try folder.write(
      Array(text.replacing("{", with: #"{"problem_type": "multi_label_classification","#, maxReplacements: 1).utf8),
      to: "multi/config.json")
    try folder.write(bytes(of: source + "/model.safetensors"), to: "multi/model.safetensors")
    let plan = try ConversionPlan(openCheckpoint(folder.file("multi")), ConversionRequest())
    let net = try NetFile(try #require(plan.run(on: shelf, replacing: true, compress: false).first).path)
    #expect(failure { _ = try Classifying(ImageClassification(net)) }?.kind == .usage)
  }
}
