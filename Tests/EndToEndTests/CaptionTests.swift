import Arrays
import TestSupport
import Testing

@Suite struct CaptionTests {
  private static let picture = "weights/demo/pictures/red-circle-0004.png"
  private static let other = "weights/demo/pictures/blue-circle-0014.png"

  private let folder = TemporaryFolder()
  private var shelf: String { folder.file("shelf") }

  init() throws {
    let convert = ["convert", "Tests/FamiliesTests/Fixtures/captions/2", "--set", "Release=tiny"]
    #expect(try Run(convert, shelf: folder.file("shelf")).status == 0)
  }

  private func caption(_ arguments: String..., input: String? = nil) throws -> Run {
    try Run(["caption"] + arguments, shelf: shelf, input: input)
  }

  @Test func oneCaptionIsAllThatIsPrinted() throws {
    let run = try caption(Self.picture, "--prompt", "a red dog", "--max-tokens", "3")
    #expect(run.status == 0 && run.errors == "")
    #expect(run.output.hasPrefix("a red dog") && run.output.filter { $0 == "\n" }.count == 1)
  }

  @Test func severalStandBesideTheirImages() throws {
    let run = try caption(Self.picture, Self.other, "nowhere.png", "--max-tokens", "4")
    #expect(run.status == 1)
    let lines = run.output.split(separator: "\n")
    #expect(lines.count == 2 && lines[0].hasPrefix(Self.picture) && lines[1].hasPrefix(Self.other))
    #expect(run.errors.hasPrefix("ingot: error: nowhere.png: no such file\nhint: images are "))
    #expect(run.errors.hasSuffix("ingot: 3 images, 1 could not be read\n"))
  }

  @Test func jsonHasTokensProbabilityAndSeconds() throws {
    let json = try caption(Self.picture, "--prompt", "two", "--beams", "3", "--max-tokens", "5", "--json").json()
    let captions = try json.member("captions").array()
    #expect(captions.count == 1 && captions[0]["image"] == .string(Self.picture) && captions[0]["prompt"] == "two")
    #expect(captions[0]["promptTokens"] == [34, 20])
    #expect(try (1...5).contains(captions[0].member("tokens").array().count))
    #expect(try captions[0].member("logProbability").number() < 0)
    for stage in ["image", "caption"] {
      #expect(try captions[0].member("seconds").member(stage).number() > 0)
    }
  }

  @Test func linesAreCaptionedLineByLine() throws {
    let lines = """
      {"image": "\(Self.picture)", "id": 7}
      {"image": "\(Self.picture)", "prompt": "two"}

      {"image": "nowhere.png"}
      {"prompt": "two"}
      {"image": "-"}
      not JSON
      """
    let run = try caption("--max-tokens", "3", input: lines)
    #expect(run.status == 1 && run.errors == "")
    let out = try run.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    #expect(out.count == 6)
    #expect(out[0]["id"] == 7 && out[0]["caption"] != nil)
    #expect(out[1]["promptTokens"] == [34, 20])
    #expect(try out[1].member("seconds").member("image").number() == 0)
    #expect(out[2]["line"] == 4 && out[2][path: "error.message"] == "nowhere.png: no such file")
    #expect(out[3][path: "error.message"] == "line 5: byte 0: has no member \"image\"")
    #expect(out[4][path: "error.message"] == "the image can't be standard input")
    #expect(out[5]["line"] == 7)
  }

  @Test func aTraceVerifies() throws {
    let trace = folder.file("trace.safetensors")
    #expect(try caption(Self.picture, Self.other, "--trace", trace).status == 0)
    let verify = try Run(["verify", "--family", "blip-caption", "--reference", trace], shelf: shelf)
    #expect(verify.status == 0 && verify.output.contains("caption_ids            2"))
    let again = try caption(Self.picture, "--trace", trace)
    #expect(again.status == 73 && again.errors.contains("exists already"))
  }

  @Test func theReferenceIsHeld() throws {
    func verify(_ reference: String) throws -> Run {
      try Run(
        [
          "verify", "--set", "Release=tiny", "--reference", "Tests/ReferenceFixtures/captions/\(reference).safetensors",
        ],
        shelf: shelf)
    }
    #expect(try verify("2").status == 0)
    let wrong = try verify("1")
    #expect(wrong.status == 65 && wrong.errors.contains("has shape [3, 32, 32]; the nets take [3, 40, 40]"))
  }

  static let wrong: [([String], Int32, String)] = [
    (["caption", picture, "--set", "Release=other"], 66, "this net is not on the shelf\n"),
    (["caption", picture, "--set", "Part=TextDecoder"], 64, "Part is given, but captioning takes all parts\n"),
    (["caption", picture, "--family", "blip-vqa"], 64, "nets of the family blip-vqa don't make captions\n"),
    (["caption", picture, "--frames", "0"], 64, "--frames is a number from 1 to 1024\n"),
    (
      ["ask", picture, "what?", "--family", "blip-caption"], 64,
      "nets of the family blip-caption don't answer questions\n"
    ),
  ]

  @Test(arguments: wrong)
  func wrongUsageIsToldInALine(arguments: [String], status: Int32, message: String) throws {
    let run = try Run(arguments, shelf: shelf)
    #expect(run.status == status && run.output == "")
    #expect(run.errors.contains(message), "\(run.errors)")
  }

  @Test func int8NetsCaption() throws {
    #expect(try Run(["quantize", "--family", "blip-caption", "--set", "Release=tiny"], shelf: shelf).status == 0)
    let run = try caption(Self.picture, "--set", "Precision=int8", "--max-tokens", "4", "--json")
    #expect(try run.json().member("captions").array().count == 1)
  }
}
