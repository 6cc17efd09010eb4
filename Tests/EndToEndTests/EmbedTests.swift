import Arrays
import Foundation
import TestSupport
import Testing

@Suite struct EmbedTests {
  private let folder = TemporaryFolder()
  private var shelf: String { folder.file("shelf") }
  private static let nets = "Tests/FamiliesTests/Fixtures/embedders"

  /// What sentence-transformers made of the texts, for mean/ without a prompt.
  private let texts: [String]
  private let expected: [[Double]]

  init() throws {
    #expect(try Run(["convert", "\(Self.nets)/mean"], shelf: folder.file("shelf")).status == 0)
    let reference = try JSONValue(parsing: bytes(of: packageFile("Tests/ReferenceFixtures/embedders.json")))
    texts = try reference.member("texts").strings()
    let cases = try reference.member("nets").member("mean").member("cases").array()
    expected = try cases[0].member("embeddings").array().map { try $0.array().map { try $0.number() } }
  }

  private func embed(_ arguments: String..., input: String? = nil) throws -> Run {
    try Run(["embed"] + arguments, shelf: shelf, input: input)
  }

  private func isNear(_ vector: JSONValue?, _ expected: [Double]) throws -> Bool {
    let numbers = try #require(vector).array().map { try $0.number() }
    return numbers.count == expected.count && zip(numbers, expected).allSatisfy { abs($0 - $1) < 1e-5 }
  }

  @Test func vectorsAreToldAndCompared() throws {
    let run = try embed(texts[2], texts[3])
    #expect(run.status == 0 && run.errors == "")
    let lines = run.output.split(separator: "\n")
    #expect(lines.count == 6 && lines[0].hasPrefix("The red circle.") && lines[2] == "cosine")
    let json = try embed(texts[2], texts[3], "--json").json()
    #expect(json["elements"] == 16 && json["count"] == 2 && json["full"] == 0)
    let told = try json.member("texts").array()
    #expect(try isNear(told[0]["embedding"], expected[2]))
    #expect(try isNear(told[1]["embedding"], expected[3]))
  }

  @Test func linesAreAnsweredLineByLine() throws {
    let lines = """
      {"text": "The red circle.", "id": 7}
      {"text": 1}

      no JSON
      {"text": ""}
      """
    let run = try embed(input: lines)
    #expect(run.status == 1 && run.errors == "")
    let answers = try run.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    #expect(answers.map { $0["line"] } == [nil, 2, 4, nil] && answers[0]["id"] == 7)
    #expect(answers.map { $0["error"]?["status"] } == [nil, 65, 65, nil])
    #expect(try isNear(answers[0]["embedding"], expected[2]))
    #expect(try isNear(answers[3]["embedding"], expected[0]))
  }

  @Test(arguments: ["npy", "safetensors"])
  func filesOfVectorsAreSearched(ending: String) throws {
    let lines = try folder.write(Array(texts[1...5].joined(separator: "\n").utf8), to: "texts.txt")
    let vectors = folder.file("vectors.\(ending)")
    let written = try embed("--lines", lines, "--output", vectors)
    // One of the texts has a line feed at its end, which makes an empty line.
    #expect(written.status == 0 && written.output.hasPrefix("6 texts, 16 elements each: "))
    let from = ending == "npy" ? ["--lines", lines] : []
    let found = try Run(
      ["embed", "--search", texts[3], "--vectors", vectors, "--top", "2"] + from, shelf: shelf)
    let told = found.output.split(separator: "\n")
    #expect(found.status == 0 && told.count == 3 && told[0] == texts[3])
    let json = try Run(
      ["embed", "--search", texts[3], texts[1], "--query-prompt", "document", "--vectors", vectors, "--json"],
      shelf: shelf
    ).json()
    let searches = try json.member("searches").array()
    #expect(try searches.map { try $0.member("results").array()[0]["line"] } == [3, 1])
    #expect(try abs(searches[0].member("results").array()[0].member("similarity").number() - 1) < 1e-6)
  }

  @Test func csvIsWritten() throws {
    let path = folder.file("out.csv")
    #expect(try embed(texts[1], texts[2], "--output", path).status == 0)
    let lines = String(decoding: try bytes(of: path), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 3 && lines[1].hasPrefix("a,") && lines[1].split(separator: ",").count == 17)
  }

  @Test func referencesAreVerified() throws {
    let run = try Run(
      ["verify", "--set", "Release=mean", "--reference", "Tests/ReferenceFixtures/embedder.safetensors"], shelf: shelf)
    #expect(run.status == 0 && run.output.contains("embedding      4") && run.output.contains("within tolerance"))
  }

  @Test func embeddersAreEvaluated() throws {
    #expect(try Run(["quantize", "--set", "Release=mean"], shelf: shelf).status == 0)
    let table =
      "sentence1,sentence2,score\n" + texts[1...5].map { "a,\($0.split(separator: "\n")[0]),\($0.count)\n" }.joined()
    let pairs = try folder.write(Array(table.utf8), to: "pairs.csv")
    let chosen = ["evaluate", "--set", "Release=mean", "--set", "Precision=int8"]
    let run = try Run(chosen + ["--pairs", pairs, "--against", "Precision=float32"], shelf: shelf)
    #expect(run.status == 0 && run.output.hasPrefix("5 pairs of 5 texts\nA  Precision=int8 Release=mean\n"))
    for line in ["Spearman of A with the scores", "A less B", "least", "neighbours kept"] {
      #expect(run.output.contains(line), "\(run.output)")
    }
    let alone = try Run(chosen + ["--texts", pairs], shelf: shelf)
    #expect(alone.status == 64 && alone.errors.contains("texts without scores can only be compared"))
    let json = try Run(
      chosen + ["--texts", pairs, "--against", "Precision=float32", "--json"], shelf: shelf
    ).json()
    #expect(json["task"] == "embedding" && json["texts"] == 6 && json["comparison"]?["neighbours"] == 5)
    let wrong = try Run(chosen + ["--pairs", pairs, "--labelled", "x"], shelf: shelf)
    #expect(wrong.status == 64 && wrong.errors.contains("take no questions and no images"))
  }

  @Test func mistakesAreNamed() throws {
    let cases: [([String], Int32, String)] = [
      (["a", "--prompt", "title"], 64, "the net has no prompt \"title\""),
      (["a", "--output", "x.txt"], 64, "--output ends in .npy, .safetensors or .csv"),
      (["--lines", "x"], 64, "--lines and --image-lines go with --output, --search or --json"),
      (["a.png", "--family", "text-embedding"], 64, "the net takes texts, and no pictures"),
      (["--search", "a", "--vectors", "x.npy", "b"], 64, "texts or images are given, and --vectors too"),
      (["--search", "a"], 64, "there is nothing to search in"),
      (["--lines", "nowhere.txt", "--json"], 66, "nowhere.txt: no such file"),
      (["--search", "a", "--vectors", "weights/demo/reference.safetensors"], 65, "holds "),
      (["a", "--set", "Release=other"], 66, "this net is not on the shelf"),
    ]
    for (arguments, status, message) in cases {
      let run = try Run(["embed"] + arguments, shelf: shelf)
      #expect(run.status == status && run.errors.contains(message) && run.errors.contains("hint: "), "\(run.errors)")
    }
  }

  @Test func severalEmbeddersHaveToBeToldApart() throws {
    #expect(try Run(["convert", "\(Self.nets)/heads"], shelf: shelf).status == 0)
    let run = try embed("a")
    #expect(run.status == 64 && run.errors.contains("--set Release=heads; or --set Release=mean"))
  }
}
