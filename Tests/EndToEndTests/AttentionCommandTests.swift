import Arrays
import Checkpoints
import TestSupport
import Testing

/// `attention` of captions and of a class token; of questions, PageTests and check_pages.py.
@Suite struct AttentionCommandTests {
  private static let picture = "weights/demo/pictures/red-circle-0004.png"

  private let folder = TemporaryFolder()
  private var shelf: String { folder.file("shelf") }

  init() throws {
    for name in ["captions/2", "clip/1"] {
      let convert = ["convert", "Tests/FamiliesTests/Fixtures/\(name)", "--set", "Release=tiny"]
      #expect(try Run(convert, shelf: folder.file("shelf")).status == 0)
    }
  }

  private func attention(_ arguments: String...) throws -> Run {
    try Run(["attention", Self.picture] + arguments, shelf: shelf)
  }

  @Test func captionsAreDrawn() throws {
    let said = try Run(["caption", Self.picture, "--json"], shelf: shelf).json()
    let caption = try said.member("captions").array()[0].member("caption")
    let json = try attention("--family", "blip-caption", "--output", folder.file("a.html"), "--json").json()
    #expect(json["subject"] == "caption" && json["caption"] == caption && json["question"] == nil)
    let page = String(decoding: try bytes(of: folder.file("a.html")), as: UTF8.self)
    #expect(page.contains("text decoder over") && !page.contains("What the answer looks at"))
    let run = try attention("--family", "blip-caption", "--prompt", "a", "--output", folder.file("a.safetensors"))
    let names = try openCheckpoint(folder.file("a.safetensors")).arrays.map(\.name)
    #expect(run.status == 0 && names == ["caption_ids", "caption_cross_attention"])
  }

  @Test(arguments: ["html", "png", "safetensors"])
  func classTokensAreDrawn(form: String) throws {
    let path = folder.file("b.\(form)")
    let json = try attention("--family", "clip", "--output", path, "--json").json()
    #expect(json["subject"] == "class" && json["grid"] == 4 && json["tokens"] == nil && json["blocks"] == 2)
    #expect(try !bytes(of: path).isEmpty)
  }

  @Test func mistakesAreNamed() throws {
    let out = folder.file("x.png")
    let cases: [([String], Int32, String)] = [
      (["--output", out], 64, "there is no question"),
      (["what?", "--prompt", "a", "--output", out], 64, "--prompt is of captions"),
      (["--family", "clip", "--prompt", "a", "--output", out], 64, "takes no prompt"),
      (["--family", "clip", "--block", "2", "--output", out], 64, "there is no block 2"),
      (["--family", "clip", "--set", "Part=TextEncoder", "--output", out], 64, "is no net that looks at images"),
    ]
    for (arguments, status, message) in cases {
      let run = try Run(["attention", Self.picture] + arguments, shelf: shelf)
      #expect(run.status == status && run.errors.contains(message) && run.errors.contains("hint: "), "\(run.errors)")
    }
  }
}
