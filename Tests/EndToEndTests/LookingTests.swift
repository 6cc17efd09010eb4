import Arrays
import Foundation
import TestSupport
import Testing

/// `ingot attention` and `ingot features`.
@Suite struct LookingTests {
  private static let picture = "weights/demo/pictures/red-circle-0004.png"
  private static let question = "what is the color of the circle?"
  private let folder = TemporaryFolder()

  init() throws { #expect(try Run(["convert", "weights/demo"], shelf: folder.file("shelf")).status == 0) }

  private func run(_ arguments: String...) throws -> Run {
    try Run(arguments + ["--set", "Release=demo"], shelf: folder.file("shelf"))
  }

  private func attention(_ file: String, _ further: String...) throws -> Run {
    try Run(
      ["attention", Self.picture, Self.question, "--set", "Release=demo", "--output", folder.file(file)] + further,
      shelf: folder.file("shelf"))
  }

  private func text(_ name: String) throws -> String {
    String(decoding: try bytes(of: folder.file(name)), as: UTF8.self)
  }

  @Test func attentionIsWrittenInThreeForms() throws {
    for name in ["page.html", "picture.png", "weights.safetensors"] {
      let run = try attention(name)
      #expect(
        run.status == 0 && run.errors == "" && run.output.hasPrefix("red\n10 tokens, 2 blocks, 4 heads, 8 × 8 patches"))
    }
    #expect(try bytes(of: folder.file("picture.png")).starts(with: [0x89, 0x50, 0x4e, 0x47]))
    let page = try text("page.html")
    #expect(page.contains(Self.question) && page.contains("data:image/jpeg;base64,") && page.contains(">circle<"))
    #expect(page.split(separator: "<rect data-i").count - 1 == 64)
    let report = try attention("chosen.png", "--block", "0", "--head", "1", "--tokens", "4,7", "--json").json()
    #expect(report["answer"] == "red" && report["grid"] == 8 && report["blocks"] == 2)
    #expect(try report.member("tokens").array()[4]["text"] == "color")
    #expect(try Picture(path: folder.file("chosen.png")).width < Picture(path: folder.file("picture.png")).width)
  }

  private struct Picture {
    let width: Int
    init(path: String) throws {
      width = try bytes(of: path)[16..<20].reduce(0) { $0 << 8 | Int($1) }
    }
  }

  @Test func whatIsNotThereIsRefused() throws {
    for further in [["--block", "2"], ["--head", "4"], ["--tokens", "10"], ["--tokens", "1,x"]] {
      let run = try Run(
        ["attention", Self.picture, Self.question, "--set", "Release=demo", "--output", folder.file("x.png")] + further,
        shelf: folder.file("shelf"))
      #expect(run.status == 64 && run.output == "" && run.errors.split(separator: "\n").count == 2, "\(run.errors)")
    }
    #expect(try attention("x.txt").status == 64 && attention("x.safetensors", "--block", "0").status == 64)
    #expect(try run("attention", "nowhere.png", "what?", "--output", folder.file("x.png")).status == 66)
    #expect(try !Paths.exists(folder.file("x.png")))
  }

  @Test func featuresAreWrittenInFourForms() throws {
    for name in ["page.html", "map.png", "numbers.safetensors", "numbers.csv"] {
      let run = try run("features", "weights/demo/pictures", "--class-part", "2", "--output", folder.file(name))
      #expect(run.status == 0 && run.errors == "" && run.output.hasPrefix("12 images, 128 elements each"))
      #expect(run.output.contains("of 12") && run.output.contains("triangle"))
    }
    let lines = try text("numbers.csv").split(separator: "\n")
    #expect(lines.count == 13 && lines[0].hasPrefix("image,class,pca1,pca2,tsne1,tsne2,v0,v1"))
    #expect(lines.allSatisfy { $0.split(separator: ",", omittingEmptySubsequences: false).count == 134 })
    #expect(try text("page.html").split(separator: "class=\"point\"").count - 1 == 12)
    let report = try run("features", "weights/demo/pictures", "--output", folder.file("again.csv"), "--json").json()
    // Twelve names, twelve classes: none has a second picture.
    #expect(report["purity"] == nil && report["images"] == 12)
    #expect(try report.member("points").array()[0]["class"] == "black-rectangle")
    #expect(
      try text("again.csv").split(separator: "\n")[1].split(separator: ",")[2] == lines[1].split(separator: ",")[2])
  }

  /// A comma and a combining mark are one character to Swift, and a comma to whoever reads the file (RFC 4180).
  @Test func namesInTablesAreQuotedByTheirBytes() throws {
    for name in ["a\"\u{301}.png", "b,\u{301}.png", "c.png"] {
      try FileManager.default.copyItem(atPath: Self.picture, toPath: folder.file(name))
    }
    let pictures = folder.file("")
    #expect(try run("features", pictures, "--output", folder.file("x.csv")).status == 0)
    for field in [
      "\n\"\(pictures)a\"\"\u{301}.png\",", "\n\"\(pictures)b,\u{301}.png\",", "\n\(pictures)c.png,",
    ] {
      #expect(try Array(text("x.csv").utf8).contains(field.utf8), "\(field)")
    }
  }

  @Test func whatHasNoPicturesIsRefused() throws {
    // Links that lead back, four ways at each step.
    for name in ["a", "b", "c", "d"] {
      try FileManager.default.createSymbolicLink(atPath: folder.file(name), withDestinationPath: ".")
    }
    #expect(try run("features", folder.path, "--output", folder.file("x.csv")).status == 66)
    #expect(try run("features", "schemas", "--output", folder.file("x.csv")).status == 66)
    // A link that leads to itself leads nowhere.
    try FileManager.default.createSymbolicLink(atPath: folder.file("self"), withDestinationPath: "self")
    #expect(try run("features", folder.path, "--output", folder.file("x.csv")).errors.contains("no pictures"))
    // Folders are made when there is something to be put in them.
    #expect(try run("features", "schemas", "--output", folder.file("new/folder/x.csv")).status == 66)
    #expect(try !Paths.exists(folder.file("new")))
    #expect(
      try run("features", "weights/demo/pictures", "--class-part", "9", "--output", folder.file("x.csv")).status == 64)
    #expect(try run("features", "weights/demo/pictures", "--output", folder.file("x.txt")).status == 64)
    #expect(
      try run("features", Self.picture, "--set", "Part=TextEncoder", "--output", folder.file("x.csv")).status == 64)
  }
}
