import Arrays
import Foundation
import TestSupport
import Testing

@Suite struct InspectLayersTests {
  private let folder = TemporaryFolder()

  /// Values of a printed line: what stands between two spaces and more.
  private func cells(_ line: Substring) -> [String] {
    line.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }

  /// Of the list of layers.
  private func line(_ run: Run, _ beginning: String) throws -> [String] {
    let lines = run.output.split(separator: "\n").drop { !$0.contains(" as it runs") }
    return cells(try #require(lines.first { $0.hasPrefix(beginning) }, "no line \(beginning)"))
  }

  /// Multiply-adds of the published image encoder by torch; see tools/fixtures/fixtures_layer_counts.py.
  @Test func layersOfAPublishedNetAreListedInOrder() throws {
    let run = try Run(["inspect", "--family", "blip-vqa", "--layers"], shelf: folder.file("shelf"))
    #expect(run.status == 0 && run.errors == "")
    #expect(run.output.contains("\nImageEncoder as it runs\n"))
    #expect(try line(run, "patch  ") == ["patch", "Conv2d", "3×384×384", "576×768", "590,592", "339,738,624", "0.6 %"])
    #expect(
      try line(run, "blocks.0…11.attention.attention")
        == ["blocks.0…11.attention.attention", "12×", "Attention", "577×768", "577×768", "511,378,944", "11.1 %"])
    #expect(try line(run, "positions  ").suffix(2) == ["577×768", "443,136"])
    #expect(try line(run, "total  ") == ["total", "98 layers", "86,090,496", "55,483,582,464", "55.5 G"])
    let all = try Run(["inspect", "--family", "blip-vqa", "--layers", "--arrays"], shelf: folder.file("shelf"))
    #expect(try line(all, "blocks.11.mlp.activation").dropFirst().prefix(3) == ["GELU", "577×3072", "577×3072"])
  }

  @Test func lengthsAreStatedAndCanBeGiven() throws {
    let run = try Run(["inspect", "weights/demo", "--layers"])
    #expect(run.output.contains("\nImageEncoder as it runs\n"))
    // 64 pixels, 8 a patch.
    #expect(run.output.contains("\nTextEncoder as it runs, for T = 64 tokens and C = 65 vectors of ImageEncoder\n"))
    #expect(
      run.output.contains(
        "\nTextDecoder as it runs, for T = 64 tokens and C = 64 vectors of TextEncoder, one a token\n"))
    #expect(run.output.contains("T×128 over C"))
    let given = try Run(["inspect", "weights/demo", "--layers", "--tokens", "9", "--context", "5", "--json"]).json()
    let net = try given.member("nets").array()[1]
    #expect(try net.member("tokens").integer() == 9)
    #expect(try net.member("context").member("vectors").integer() == 5)
    let key = try net.member("layers").array().first { try $0.member("path").string() == "blocks.0.crossAttention.key" }
    #expect(try key?.member("input").compactText == "[\"C\",128]")
    #expect(try key?.member("multiplyAdds").integer() == 5 * 128 * 128)
  }

  /// A net file of a text's net finds the image encoder that stands beside it; where none does, it is the published one's.
  @Test func lengthsAreThoseOfTheNetBeside() throws {
    let shelf = folder.file("shelf")
    #expect(try Run(["convert", "weights/demo"], shelf: shelf).status == 0)
    let nets = folder.file("shelf/blip-vqa/CapFilt=true,Part=TextEncoder,Precision=float32,Release=demo.ingot")
    #expect(try Run(["inspect", nets, "--layers"]).output.contains("C = 65 vectors of ImageEncoder\n"))
    let alone = folder.file("alone.ingot")
    try FileManager.default.copyItem(atPath: nets, toPath: alone)
    #expect(try Run(["inspect", alone, "--layers"]).output.contains("C = 65 vectors of ImageEncoder as published\n"))
  }

  /// An embedder's checkpoint says how its vectors are made.
  @Test func embeddersPoolAsTheirCheckpointsSay() throws {
    let run = try Run(["inspect", "Tests/FamiliesTests/Fixtures/embedders/folder", "--layers"])
    #expect(run.output.contains("Pooling 1"))
    let pooling = try line(run, "pooling  ")
    #expect(pooling[1] == "Pooling" && pooling[2].hasPrefix("T×"))
    let combination = try Run(["inspect", "--family", "text-embedding"], shelf: folder.file("shelf"))
    #expect(!combination.output.contains("Pooling"))
  }

  @Test func unknownFamiliesHaveNoOrder() throws {
    let path = packageFile("Tests/CheckpointsTests/Fixtures/torch-kinds/own-names.pt")
    let run = try Run(["inspect", path, "--layers"])
    #expect(run.status == 0)
    #expect(
      run.output.contains("\nlayers       the order in which layers run is not known, as the family isn't"))
  }

  static let refused: [([String], Int32, String)] = [
    (["--tokens", "4"], 64, "--tokens and --context go with --layers"),
    (["--layers", "--tokens", "0"], 64, "--tokens and --context are at least 1"),
    (["--layers", "--tokens", "65"], 64, "--tokens: TextEncoder takes 1 to 64 tokens, not 65"),
  ]

  @Test(arguments: refused)
  func refusesLengths(options: [String], status: Int32, message: String) throws {
    let run = try Run(["inspect", "weights/demo"] + options)
    #expect(run.status == status && run.errors.contains(message))
  }

  @Test func refusesLengthsThatNoNetHas() throws {
    let tokens = try Run(["inspect", "--family", "vit-imagenet", "--layers", "--tokens", "3"])
    #expect(tokens.status == 64 && tokens.errors.contains("--tokens: no net here reads a text"))
    let context = try Run(["inspect", "--family", "text-embedding", "--layers", "--context", "3"])
    #expect(
      context.status == 64 && context.errors.contains("--context: no net here attends over the vectors of another"))
  }

  @Test func pagesHaveTheLayers() throws {
    let page = folder.file("page.html")
    #expect(try Run(["inspect", "weights/demo", "--layers", "--html", page]).status == 0)
    let html = String(decoding: try bytes(of: page), as: UTF8.self)
    #expect(html.contains("<h2>Layers as they run</h2>") && html.contains("blocks.0…3.attention.qkv"))
    #expect(html.contains(">Attention</button>"))
  }
}
