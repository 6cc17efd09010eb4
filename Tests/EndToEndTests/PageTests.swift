import Arrays
import Foundation
import TestSupport
import Testing

@Suite struct PageTests {
  private let folder = TemporaryFolder()
  private var shelf: String { folder.file("shelf") }

  init() throws { #expect(try Run(["convert", "weights/demo"], shelf: folder.file("shelf")).status == 0) }

  private func page(_ name: String) throws -> String {
    String(decoding: try bytes(of: folder.file(name)), as: UTF8.self)
  }

  private func evaluate(_ arguments: String...) throws -> Run {
    try Run(
      ["evaluate", "--set", "Release=demo", "--questions", "weights/demo/questions.jsonl", "--layers", "3"] + arguments,
      shelf: shelf)
  }

  @Test func anEvaluationHasAPage() throws {
    let alone = try evaluate("--html", folder.file("alone.html"))
    #expect(alone.status == 0 && alone.errors == "" && alone.output.contains("accuracy"))
    #expect(try page("alone.html").contains("<h1>45 questions about 12 images</h1>"))
    #expect(try Run(["quantize", "--set", "Release=demo"], shelf: shelf).status == 0)
    let both = try evaluate(
      "--set", "Precision=int8", "--against", "Precision=float32", "--html", folder.file("both.html"), "--json")
    #expect(both.status == 0)
    let text = try page("both.html")
    let report = try both.json()
    for layer in try report.member("layers").array() {
      #expect(text.contains("<code>\(try layer.member("name").string())</code>"))
    }
    #expect(try text.split(separator: "data:image/jpeg").count - 1 <= report.member("flipped").array().count)
  }

  @Test func anInspectionHasAPage() throws {
    let net = ["--set", "Release=demo", "--set", "Part=TextDecoder"]
    let run = try Run(["inspect"] + net + ["--html", folder.file("net.html")], shelf: shelf)
    #expect(run.status == 0 && run.errors == "")
    #expect(try run.output == Run(["inspect"] + net, shelf: shelf).output)
    let text = try page("net.html")
    for part in ["569,848", "embeddings.word.weight", "class=\"spark\"", "833a23a301ecaa15", "Linear"] {
      #expect(text.contains(part), "\(part)")
    }
    let checkpoint = try Run(["inspect", "weights/demo", "--html", folder.file("checkpoint.html")])
    #expect(try checkpoint.status == 0 && page("checkpoint.html").contains("171 arrays: 171 used"))
    let absent = ["--set", "Part=TextEncoder", "--set", "Release=blip-vqa-base"]
    let nothing = try Run(["inspect"] + absent + ["--html", folder.file("none.html")], shelf: shelf)
    #expect(try nothing.status == 0 && !page("none.html").contains("class=\"spark\""))
  }

  @Test func statisticsArePrinted() throws {
    let path = "Tests/NetFileTests/Fixtures/every-type.safetensors"
    let run = try Run(["inspect", path, "--statistics"])
    #expect(run.status == 0 && run.output.contains("zero rows"))
    let arrays = try Run(["inspect", path, "--statistics", "--json"]).json().member("arrays").array()
    for array in arrays {
      let counts = try array.member("statistics").member("histogram").sizes()
      #expect(try counts.count == 41 || array.member("elements").size() == 0)
    }
  }

  @Test func aPageThatCanNotBeWrittenIsStatus73() throws {
    for arguments in [
      ["inspect", "weights/demo"],
      ["evaluate", "--set", "Release=demo", "--questions", "weights/demo/questions.jsonl"],
    ] {
      for place in ["Package.swift/page.html", "Tests"] {
        let run = try Run(arguments + ["--html", place], shelf: shelf)
        #expect(run.status == 73 && run.output == "" && run.errors.split(separator: "\n").count == 2, "\(run.errors)")
      }
    }
  }
}
