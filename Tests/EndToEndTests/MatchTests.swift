import Arrays
import TestSupport
import Testing

@Suite struct MatchTests {
  private static let picture = "weights/demo/pictures/red-circle-0004.png"
  private static let other = "weights/demo/pictures/blue-circle-0014.png"

  private let folder = TemporaryFolder()
  private var shelf: String { folder.file("shelf") }

  init() throws {
    let convert = ["convert", "Tests/FamiliesTests/Fixtures/matches/2", "--set", "Release=tiny"]
    #expect(try Run(convert, shelf: folder.file("shelf")).status == 0)
  }

  private func match(_ arguments: String..., input: String? = nil) throws -> Run {
    try Run(["match"] + arguments, shelf: shelf, input: input)
  }

  @Test func scoresAreATable() throws {
    let run = try match(Self.picture, Self.other, "a red circle", "two dogs")
    #expect(run.status == 0 && run.errors == "")
    let lines = run.output.split(separator: "\n")
    #expect(lines.count == 5 && lines[0].hasPrefix("image ") && lines[0].hasSuffix("match   cosine"))
    #expect(lines[1].hasPrefix(Self.picture) && lines[1].contains("  a red circle  "))
    #expect(lines[2].hasPrefix("    ") && lines[3].hasPrefix(Self.other))
  }

  @Test func jsonHasWhatTheTableHas() throws {
    let json = try match("a red circle", Self.picture, "--text", "x.mp4", "--json").json()
    let matches = try json.member("matches").array()
    #expect(matches.count == 2 && matches[0]["text"] == "a red circle" && matches[1]["text"] == "x.mp4")
    let logits = try matches[0].member("logits").array().map { try $0.number() }
    #expect(logits.count == 2)
    #expect(try (0...1).contains(matches[0].member("probability").number()))
    #expect(try abs(matches[0].member("cosine").number()) <= 1)
  }

  @Test func linesAreMatchedLineByLine() throws {
    let lines = """
      {"image": "\(Self.picture)", "text": "two dogs", "id": 7}
      {"image": "\(Self.picture)"}
      {"image": "nowhere.png", "text": "two"}
      {"image": "\(Self.picture)", "texts": ["two dogs", "a red circle"]}
      {"image": "\(Self.picture)", "texts": []}
      """
    let run = try match(input: lines)
    #expect(run.status == 1 && run.errors == "")
    let out = try run.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    #expect(out.count == 5 && out[0]["id"] == 7 && out[0]["cosine"] != nil)
    let several = try out[3].member("matches").array()
    #expect(several.count == 2 && several[0]["cosine"] == out[0]["cosine"] && several[1]["text"] == "a red circle")
    #expect(out[4][path: "error.message"] == "line 5: there is no text")
    #expect(out[1][path: "error.message"] == "line 2: byte 0: has no member \"text\"")
    #expect(out[2][path: "error.message"] == "nowhere.png: no such file")
  }

  @Test func theReferenceIsHeld() throws {
    let reference = "Tests/ReferenceFixtures/matches/2.safetensors"
    #expect(try Run(["verify", "--set", "Release=tiny", "--reference", reference], shelf: shelf).status == 0)
  }

  static let wrong: [([String], Int32, String)] = [
    (["match", picture], 64, "there is no text\n"),
    (["match", "a dog"], 64, "there is no image among the arguments\n"),
    (
      ["match", "film.mp4", picture, "a dog"], 64,
      "film.mp4 is called like a file, and there is no image or video of that name\n"
    ),
    (["match", "nowhere.png", "a dog"], 66, "nowhere.png: no such file\n"),
    (["match", picture, ""], 64, "the text is empty\n"),
    (
      ["match", picture, "a dog", "--family", "blip-vqa"], 64,
      "nets of the family blip-vqa don't match images and texts\n"
    ),
    (["match", picture, "a dog", "--set", "Part=TextEncoder"], 64, "Part is given, but matching takes all parts\n"),
  ]

  @Test(arguments: wrong)
  func wrongUsageIsToldInALine(arguments: [String], status: Int32, message: String) throws {
    let run = try Run(arguments, shelf: shelf)
    #expect(run.status == status && run.output == "", "\(run.status)")
    #expect(run.errors.contains(message), "\(run.errors)")
  }

  @Test func defaultPrecisionIsMeantWhereSeveralFit() throws {
    #expect(try Run(["quantize", "--family", "blip-match", "--set", "Release=tiny"], shelf: shelf).status == 0)
    let run = try match(Self.picture, "a dog", "--json")
    let small = try match(Self.picture, "a dog", "--json", "--set", "Precision=int8")
    #expect(run.status == 0 && small.status == 0)
    let cosines = try [run, small].map { try $0.json().member("matches").array()[0].member("cosine").number() }
    #expect(cosines[0] != cosines[1] && abs(cosines[0] - cosines[1]) < 0.1)
  }
}
