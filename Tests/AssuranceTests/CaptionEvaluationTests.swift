import Arrays
import Assurance
import Checkpoints
import Families
import NetFile
import Tasks
import TestSupport
import Testing

/// Captioning nets are evaluated and quantized as nets that answer questions are, by CIDEr-D as pycocoevalcap computes it
/// (tools/fixtures/fixtures_cider.py).
@Suite struct CaptionEvaluationTests {
  private let folder = TemporaryFolder()
  private var shelf: Shelf { Shelf(folder.file("shelf")) }

  private var official: JSONValue {
    get throws { try JSONValue(parsing: bytes(of: packageFile("Tests/AssuranceTests/Fixtures/cider.json"))) }
  }

  @Test func wordsAreThoseOfTheOfficialTokenizer() throws {
    let cases = try official.member("words").array()
    #expect(cases.count == 400)
    for item in cases {
      let pair = try item.array()
      let (caption, words) = (try pair[0].string(), try pair[1].strings())
      #expect(CaptionWords.words(caption) == words, "\(caption)")
    }
  }

  @Test func scoresAreThoseOfTheOfficialCode() throws {
    let images = try official.member("images").array()
    let references = try images.map { try $0.member("references").strings().map(CaptionWords.words) }
    let cider = CIDErD(references: references)
    var sum = 0.0
    for (image, references) in zip(images, references) {
      let score = cider.score(CaptionWords.words(try image.member("caption").string()), references: references)
      #expect(abs(try score - image.member("score").number()) < 1e-9)
      sum += score
    }
    #expect(abs(try sum / Double(images.count) - official.member("mean").number()) < 1e-9)
  }

  private func nets() throws -> [NetFile] {
    let plan = try ConversionPlan(
      openCheckpoint(packageFile("Tests/FamiliesTests/Fixtures/captions/2")),
      ConversionRequest(parameters: [.init(argument: "Release=tiny")]))
    return try plan.run(on: shelf, replacing: true, compress: false).map { try NetFile($0.path) }
  }

  private static let pictures = ["red-circle-0004", "blue-circle-0014", "teal-rectangle-0048", "green-triangle-0044"]
  private static let options = CaptionOptions(prompt: "a", maximumTokens: 6)

  /// The pictures of the demo net, with captions of which one of each is what the net says.
  private func items() throws -> [EvaluationItem] {
    let captioning = try ImageCaptioning(CaptionNets(files: nets()))
    var lines: [String] = []
    for (number, name) in Self.pictures.enumerated() {
      let path = packageFile("weights/demo/pictures/\(name).png")
      var run = CaptioningRun(captioning, options: Self.options)
      let said = number == 3 ? "nothing of the kind" : try run.caption(path).text
      let line: JSONValue = .object(["image": .string(path), "caption": .strings([said, "two dogs under the tree"])])
      lines.append(line.compactText)
    }
    let path = try folder.write(Array(lines.joined(separator: "\n").utf8), to: "captions.jsonl")
    return try CaptionedImages.read(path)
  }

  @Test func captionsAreCounted() throws {
    let items = try items()
    let task = try Captioning(ImageCaptioning(CaptionNets(files: nets())), Self.options, items: items)
    let result = try Evaluation(task, on: items).run()
    #expect(result.evaluated.count == 4)
    let cider = CIDErD(references: items.map { $0.answers.map(CaptionWords.words) })
    for item in result.evaluated {
      let score = cider.score(
        CaptionWords.words(item.a.answer), references: items[item.index].answers.map(CaptionWords.words))
      #expect(abs((item.a.accuracy ?? -1) - score / 10) < 1e-12)
    }
    // What the net says itself is half of the captions of three.
    let right = result.evaluated.prefix(3).compactMap(\.a.accuracy)
    #expect(right.count == 3 && right.allSatisfy { $0 > 0.05 })
    #expect(result.accuracy?.overall.questions == 4)
  }

  @Test func int8NetsAreCompared() throws {
    let (float, items) = (try nets(), try items())
    let b = try Captioning(ImageCaptioning(CaptionNets(files: float)), Self.options, items: items)
    let inputs = try LayerInputs(b, on: items)
    let int8 = try float.map { net in
      try NetFile(Quantization(net, .init(inputs: inputs.of(net))).run(on: shelf, replacing: true).path)
    }
    #expect(int8.allSatisfy { net in net.header.arrays.contains { $0.inputMeans != nil } })
    let a = try Captioning(ImageCaptioning(CaptionNets(files: int8)), Self.options, items: items)
    let result = try Evaluation(a, against: b, on: items, .init(layerItems: 3)).run()
    #expect((result.divergence ?? 0) > 0)
    let layers = try #require(result.layers)
    // 3 blocks of 4 layers and the patches' convolution; 2 blocks of 10 and the head's two.
    #expect(Set(layers.errors.map { $0.name.split(separator: ".")[0] }) == ["ImageEncoder", "TextDecoder"])
    #expect(layers.errors.contains { $0.name == "TextDecoder.blocks.1.crossAttention.key" })
    #expect(layers.errors.allSatisfy { ($0.alone.sqnr ?? 0) > 15 })
    let same = try Evaluation(b, against: b, on: items).run()
    #expect(same.agreement == 1 && same.divergence == 0 && same.difference?.mean == 0)
  }

  @Test func aBudgetIsKept() throws {
    let (float, items) = (try nets(), try items())
    let task = try Captioning(ImageCaptioning(CaptionNets(files: float)), Self.options, items: items)
    let search = try BudgetSearch(task, on: items, .init(maximumDrop: 0, minimumAgreement: 100), base: [:])
    let result = try search.run(folder: folder.path)
    #expect(result.items == 4 && result.best.agreement == 1)
    let made = try float.map { net in
      try NetFile(Quantization(net, result.options[net.header.net] ?? .init()).run(on: shelf, replacing: true).path)
    }
    let again = try Captioning(ImageCaptioning(CaptionNets(files: made)), Self.options, items: items)
    #expect(try Evaluation(again, against: task, on: items).run().agreement == 1)
  }

  // MARK: Data

  private func read(_ text: String, _ name: String) throws -> [EvaluationItem] {
    for image in ["a.png", "val2014/COCO_val2014_000000000007.jpg"] {
      try folder.write(bytes(of: packageFile("weights/demo/pictures/red-circle-0004.png")), to: image)
    }
    return try CaptionedImages.read(folder.write(Array(text.utf8), to: name))
  }

  static let forms: [(String, String)] = [
    (
      "lines.jsonl",
      "{\"image\":\"a.png\",\"caption\":\"a dog\"}\n\n{\"image\":\"a.png\",\"caption\":[\"two\",\"three\"]}\n"
    ),
    (
      "array.json",
      "[{\"image\":\"a.png\",\"caption\":[\"a dog\",\"two\"]},{\"image\":\"a.png\",\"captions\":[\"three\"]}]"
    ),
    ("table.csv", "image,caption\na.png,a dog\na.png,\"two\"\na.png,three\n"),
    (
      "coco.json",
      "{\"images\":[{\"id\":7,\"file_name\":\"a.png\"},{\"id\":8,\"file_name\":\"b.png\"}],\"annotations\":[{\"image_id\":7,\"caption\":\"a dog\"},{\"image_id\":7,\"caption\":\"two\"},{\"image_id\":7,\"caption\":\"three\"}]}"
    ),
  ]

  @Test(arguments: forms)
  func formsAreRead(name: String, text: String) throws {
    let items = try read(text, name)
    #expect(items.count == 1 && items[0].answers == ["a dog", "two", "three"])
    #expect(items[0].image == folder.file("a.png") && items[0].imageProblem == nil)
  }

  @Test func imagesOfCOCOAreFoundInTheirFolder() throws {
    let items = try read(
      "{\"images\":[{\"id\":7,\"file_name\":\"COCO_val2014_000000000007.jpg\"}],\"annotations\":[{\"image_id\":7,\"caption\":\"x\"}]}",
      "captions_val2014.json")
    #expect(items[0].image == folder.file("val2014/COCO_val2014_000000000007.jpg") && items[0].id == "7")
  }

  @Test(arguments: [
    ("x.jsonl", "{\"image\":\"a.png\"}\n", "line 1, byte 0: has no member \"caption\""),
    ("x.jsonl", "{\"image\":\"a.png\",\"caption\":\" \"}\n", "line 1, byte 27: is empty"),
    ("x.json", "[]", "holds no captions"),
    ("x.json", "{\"a\":1}", "is no file of captions of a known form"),
    ("x.csv", "image,text,x\na.png,b\n", "line 2: has 2 fields, the header 3"),
    ("x.csv", "a,b\n", "line 1: there are no columns \"image\" and \"caption\""),
  ])
  func malformedFilesAreRefused(name: String, text: String, message: String) throws {
    let error = failure { _ = try read(text, name) }
    #expect(error?.kind == .badData && error?.withoutFile == message, "\(error?.description ?? "nothing")")
  }
}
