import Arrays
import Assurance
import Checkpoints
import Families
import Kernels
import NetFile
import Tasks
import TestSupport
import Testing

/// The nets of tools/fixtures/fixtures_embedders.py, and what sentence-transformers made of texts with them.
@Suite struct EmbeddingTests {
  private let folder = TemporaryFolder()
  private let reference: JSONValue
  private let texts: [String]

  init() throws {
    reference = try JSONValue(parsing: bytes(of: packageFile("Tests/ReferenceFixtures/embedders.json")))
    texts = try reference.member("texts").strings()
  }

  private func net(_ name: String) throws -> NetFile {
    let plan = try ConversionPlan(
      openCheckpoint(packageFile("Tests/FamiliesTests/Fixtures/embedders/\(name)")), ConversionRequest())
    return try NetFile(try #require(plan.run(on: Shelf(folder.path), replacing: true, compress: false).first).path)
  }

  @Test(arguments: ["mean", "folder", "joined", "heads", "original", "bare"])
  func vectorsAreThePublishers(name: String) throws {
    let expected = try reference.member("nets").member(name)
    let file = try net(name)
    let embedder = try TextEmbedding(file)
    // In the published file; transformers makes a pooler for a net that has none.
    let (_, _, description) = try file.header.definition()
    #expect(try description.parameters == expected.member("parameters").integer() - (name == "bare" ? 16 * 17 : 0))
    #expect(try embedder.rules.maximumTokens == expected.member("length").integer())
    let cases = try expected.member("cases").array()
    #expect(cases.count >= 3)
    for item in cases {
      let name = try item.member("prompt")
      let prompt = try embedder.rules.prompt(name.content == .null ? nil : name.string())
      for (text, ids) in zip(texts, try item.member("ids").array()) {
        #expect(try embedder.tokens(text, prompt: prompt) == ids.sizes(), "\(text.debugDescription)")
      }
      let vectors = try embedder.vectors(of: texts, prompt: prompt)
      let wanted = try item.member("embeddings").array()
      #expect(vectors.count == wanted.count)
      for (vector, wanted) in zip(vectors, wanted) {
        let numbers = try wanted.array().map { try $0.number() }
        let largest = numbers.map(abs).max() ?? 0
        #expect(vector.count == numbers.count && vector.count == embedder.size)
        for (a, b) in zip(vector, numbers) { #expect(abs(Double(a) - b) < 5e-6 * largest) }
      }
    }
  }

  @Test(arguments: [Engine.Level.best, .portable], [false, true])
  func aTextsVectorDependsOnItAlone(level: Engine.Level, isInteger: Bool) throws {
    var file = try net("mean")
    if isInteger {
      let made = try Quantization.run([Quantization(file)], on: Shelf(folder.path), replacing: true)
      file = try NetFile(try #require(made.first).net.path)
    }
    // Enough for several batches, of which the last is small.
    let many = (0..<30).flatMap { number in texts.map { "\($0)\(number)" } }
    let embedder = try TextEmbedding(file, level: level)
    let together = try embedder.vectors(of: many)
    for (text, vector) in zip(many, together).reversed().prefix(60) {
      #expect(try embedder.vectors(of: [text]) == [vector])
    }
    let alone = try TextEmbedding(file, threads: 1, level: level)
    #expect(try alone.vectors(of: many.reversed()) == together.reversed())
  }

  @Test func outputsAreHeldAgainstAReference() throws {
    let embedder = try TextEmbedding(net("mean"))
    let path = packageFile("Tests/ReferenceFixtures/embedder.safetensors")
    let outputs = try EmbeddingVerification(embedder, path).run()
    #expect(outputs.map(\.name) == ["input_ids", "embedding"] && outputs.allSatisfy { $0.passed && $0.cases == 4 })
    let other = try TextEmbedding(net("heads"))
    #expect(try !EmbeddingVerification(other, path).run().allSatisfy(\.passed))
    #expect(
      failure { _ = try EmbeddingVerification(embedder, packageFile("weights/demo/reference.safetensors")) }?.reason
        == "holds no texts with their vectors")
  }

  @Test func netsThatEmbedNothingAreRefused() throws {
    let plan = try ConversionPlan(openCheckpoint(packageFile("Tests/FamiliesTests/Fixtures/tiny-vit")), .init())
    let nets = try plan.run(on: Shelf(folder.path), replacing: true, compress: false)
    #expect(failure { _ = try TextEmbedding(NetFile(nets[0].path)) }?.reason == "is no net that embeds texts")
    #expect(
      failure { _ = try TextEmbedding(net("mean")).rules.prompt("title") }?.description
        == "the net has no prompt \"title\"")
  }

  @Test func promptsLeaveRoomForTexts() throws {
    let embedder = try TextEmbedding(net("joined"))
    let error = failure { _ = try embedder.vectors(of: ["a"], prompt: String(repeating: "a b ", count: 20)) }
    #expect(error?.reason == "the prompt has 17 tokens, of 18 that a text may have with it")
  }
}

@Suite struct VectorTableTests {
  private let folder = TemporaryFolder()

  private let table = VectorTable(
    [[1, 0, 0], [0, 2, 0], [0.6, 0.8, 0], [-1, 0, 0.5], [0, 0, 0]], size: 3,
    items: ["east", "north, far", "\"both\"", "west\u{e9}", ""].map { .text($0) })

  @Test(arguments: ["npy", "safetensors"])
  func filesAreReadAsTheyWereWritten(ending: String) throws {
    let path = folder.file("vectors.\(ending)")
    try table.write(to: path, as: #require(VectorTable.Form(file: path)))
    let read = try VectorTable(path)
    #expect(read.elements == table.elements && read.size == 3 && read.count == 5)
    #expect(read.items == (ending == "npy" ? nil : table.items))
    let images = ["a", "b", "c", "d", "e"].map { VectorItem.image($0) }
    #expect(try read.with(items: images, of: "x").items?.last == .image("e"))
    #expect(
      failure { _ = try read.with(items: [.text("a")], of: "x") }?.description
        == "x: has 1 texts, but there are 5 vectors")
  }

  /// Of images alone as `ingot features` names them, so that both read each other's files.
  @Test(arguments: [
    (
      [VectorItem.image("a.png"), .image("b,c.png")], "image,v0\na.png,1.0\n\"b,c.png\",2.0\n", FeatureMap.Kind.image,
      nil
    ),
    ([.image("a.png"), .text("b")], "image,text,v0\na.png,,1.0\n,b,2.0\n", .text, ["image", "text"]),
  ])
  func imagesAreToldFromTexts(items: [VectorItem], csv: String, kind: FeatureMap.Kind, classes: [String]?) throws {
    let table = VectorTable([[1], [2]], size: 1, items: items)
    let path = folder.file("vectors.safetensors")
    try table.write(to: path, as: .safetensors)
    #expect(try VectorTable(path).items == items)
    let mapped = try FeatureFile(path)
    #expect(mapped.kind == kind && mapped.classes == classes && mapped.paths == items.map(\.name))
    let text = folder.file("vectors.csv")
    try table.write(to: text, as: .csv)
    #expect(String(decoding: try bytes(of: text), as: UTF8.self) == csv)
  }

  @Test func csvHasALineForAText() throws {
    let path = folder.file("vectors.csv")
    try table.write(to: path, as: .csv)
    let lines = String(decoding: try bytes(of: path), as: UTF8.self).split(separator: "\n")
    #expect(lines[0] == "text,v0,v1,v2" && lines[2] == "\"north, far\",0.0,2.0,0.0")
    #expect(lines[3] == "\"\"\"both\"\"\",0.6,0.8,0.0")
  }

  /// By hand.
  @Test(arguments: [
    (TextVectorRules.Similarity.cosine, [0, 2, 1], [1, 0.6, 0]), (.dot, [0, 2, 1], [1, 0.6, 0]),
    (.euclidean, [0, 2, 4], [0, -0.894427, -1]), (.manhattan, [0, 4, 2], [0, -1, -1.2]),
  ])
  func theMostAlikeComeFirst(
    similarity: TextVectorRules.Similarity, indices: [Int], values: [Double]
  ) throws {
    let found = try table.nearest(to: [1, 0, 0], by: similarity, top: 3)
    #expect(found.map(\.index) == indices)
    for (match, value) in zip(found, values) { #expect(abs(match.similarity - value) < 1e-6) }
    #expect(failure { _ = try table.nearest(to: [1], by: similarity, top: 3) }?.kind == .badData)
  }

  @Test func linesAreTexts() throws {
    let path = try folder.write(Array("\u{feff}a\r\n\nb c\nlast".utf8), to: "lines.txt")
    #expect(try TextLines.read(path) == ["a", "", "b c", "last"])
    #expect(try TextLines.read(folder.write(Array("a\n".utf8), to: "one.txt")) == ["a"])
    #expect(
      failure { _ = try TextLines.read(folder.write([0x61, 0x0a, 0xff], to: "bad.txt")) }?.withoutFile
        == "line 2: is not UTF-8")
  }
}
