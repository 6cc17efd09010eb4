import Arrays
import Foundation
import TestSupport
import Testing

/// What a run of the command printed, and its exit status.
struct Run {
  let output: String
  let errors: String
  let status: Int32

  /// The built command, which stands beside the test runner.
  static let binary = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    .appending(path: "ingot")

  /// - Parameter input: for its standard input, which is empty otherwise.
  init(_ arguments: [String], shelf: String? = nil, input: String? = nil) throws {
    let process = Process()
    process.executableURL = Run.binary
    process.arguments = arguments + (shelf.map { ["--shelf", $0] } ?? [])
    process.currentDirectoryURL = URL(filePath: packageFolder)
    var environment = ProcessInfo.processInfo.environment
    environment["INGOT_SHELF"] = nil
    process.environment = environment
    let (given, output, errors) = (Pipe(), Pipe(), Pipe())
    process.standardInput = given
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    // Short enough for a pipe's buffer.
    if let input { try given.fileHandleForWriting.write(contentsOf: Data(input.utf8)) }
    try given.fileHandleForWriting.close()
    // Errors are short and fit a pipe's buffer while the output is read.
    self.output = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    self.errors = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    status = process.terminationStatus
  }

  func json() throws -> JSONValue { try JSONValue(parsing: Array(output.utf8)) }
}

@Suite struct CommandTests {
  private let folder = TemporaryFolder()

  private func run(_ arguments: String...) throws -> Run { try Run(arguments, shelf: folder.file("shelf")) }

  private func net(_ part: String) -> String {
    folder.file("shelf/blip-vqa/CapFilt=true,Part=\(part),Precision=float32,Release=demo.ingot")
  }

  @Test func convertsListsInspectsAndVerifiesTheDemoNet() throws {
    let convert = try run("convert", "weights/demo")
    #expect(convert.status == 0 && convert.errors == "")
    #expect(convert.output.hasPrefix("blip-vqa, layout huggingface: 171 arrays: 171 used\n"))
    #expect(convert.output.contains("ImageEncoder  826,496 parameters"))

    let list = try run("list", "blip-vqa")
    #expect(list.status == 0)
    #expect(list.output.contains("CapFilt=true Part=TextDecoder Precision=float32 Release=demo"))
    #expect(!list.output.contains("vit-imagenet"))

    let inspect = try run("inspect", "--set", "Part=TextDecoder", "--set", "Release=demo")
    #expect(inspect.status == 0)
    #expect(inspect.output.contains("layer types  Linear 22, LayerNorm 8, Embedding 2, GELU 3, Attention 4"))
    #expect(inspect.output.contains("tied         head.projection.weight = embeddings.word.weight"))
    #expect(inspect.output.contains("blocks.0…1.crossAttention.key.weight"))
    let everyArray = try run("inspect", net("TextDecoder"), "--arrays").output
    #expect(everyArray.contains("blocks.1.crossAttention.key.weight"))

    let verify = try run("verify", "--source", "weights/demo")
    #expect(verify.status == 0)
    #expect(verify.output.split(separator: "\n").filter { $0.hasSuffix("all bit-identical") }.count == 3)
  }

  @Test func jsonIsOneObjectAndNothingElse() throws {
    let convert = try run("convert", "weights/demo", "--json")
    #expect(try convert.json().member("nets").array().count == 3)
    #expect(try convert.json().member("coverage").member("used").integer() == 171)
    #expect(try convert.json().member("coverage").member("missing").array().isEmpty)
    let inspect = try run("inspect", net("ImageEncoder"), "--json").json()
    #expect(try inspect.member("totals").member("parameters").integer() == 826_496)
    #expect(try inspect.member("layerTypes").member("Linear").integer() == 16)
    #expect(try inspect.member("parameters").member("CapFilt").boolean())
    #expect(try inspect.member("arrays").array()[0].member("shape").sizes() == [128])
    let families = try run("list", "--json").json().member("families").array()
    #expect(
      try families.map { try $0.member("family").string() } == [
        "blip-vqa", "blip-caption", "blip-match", "vit-imagenet", "deit", "dinov2", "text-embedding", "clip",
      ])
    let verify = try run("verify", net("ImageEncoder"), "--json").json()
    #expect(try verify.member("verified").boolean())
    #expect(try verify.member("arrays").member("checked").integer() == 54)
  }

  @Test func damageIsNamedAndTheStatusIs1() throws {
    _ = try run("convert", "weights/demo")
    let path = net("TextEncoder")
    let handle = try FileHandle(forUpdating: URL(filePath: path))
    let end = try handle.seekToEnd()
    try handle.seek(toOffset: end - 1)
    try handle.write(contentsOf: [0x55])
    try handle.close()
    let verify = try run("verify")
    #expect(verify.status == 1)
    #expect(verify.output.contains("FAILED  \(path)"))
    #expect(verify.output.contains("blocks.1.mlp.norm.bias: its data does not match its SHA-256"))
    // Parameters without the part are of all parts.
    let named = try run("verify", "--set", "Release=demo")
    #expect(named.status == 1 && named.output.contains("FAILED  \(path)"))
    #expect(try run("verify", "--set", "Release=demo", "--set", "Part=TextDecoder").status == 0)
  }

  @Test func weightsThatAreNotThePublishedOnesAreToldOf() throws {
    #expect(try run("convert", "weights/demo").output.contains("the weights are those of weights/demo"))
    for name in ["config.json", "tokenizer.json", "vocab.txt", "preprocessor_config.json"] {
      try FileManager.default.copyItem(atPath: "weights/demo/\(name)", toPath: folder.file(name))
    }
    var weights = try [UInt8](Data(contentsOf: URL(filePath: "weights/demo/model.safetensors")))
    weights[weights.count - 1] ^= 1
    _ = try folder.write(weights, to: "model.safetensors")
    let convert = try run("convert", folder.file("model.safetensors"), "--force")
    #expect(convert.status == 0, "\(convert.errors)")
    #expect(
      convert.output.contains(
        "note: the file is none of those published as weights/demo, by its SHA-256; "
          + "weights of your own are better named by --set Release=NAME"))
  }

  @Test func createsNetsWithoutWeights() throws {
    #expect(try run("create", "--set", "Part=TextEncoder", "--set", "CapFilt=false", "--uninitialized").status == 0)
    let inspect = try run("inspect", "--set", "Part=TextEncoder", "--set", "CapFilt=false")
    #expect(inspect.output.contains("parameters  137,258,496"))
    #expect(inspect.output.contains("none: the net is uninitialized"))
  }

  @Test func inspectsAnySafetensorsFile() throws {
    let path = packageFile("Tests/NetFileTests/Fixtures/every-type.safetensors")
    let inspect = try run("inspect", path)
    #expect(inspect.status == 0)
    #expect(inspect.output.contains("unknown family"))
    let json = try run("inspect", path, "--json").json()
    #expect(try json.member("family").content == .null)
    #expect(try json.member("layerTypes").content == .null)
    #expect(try json.member("elementTypes").object().count == 15)
  }

  /// Exit status, and the error's text without paths.
  @Test func everyErrorIsALineAHintAndAStatus() throws {
    let pointer = try folder.write(Array("version https://git-lfs.github.com/spec/v1\n".utf8), to: "model.safetensors")
    let readOnly = try folder.write([], to: "file")
    let cases: [([String], Int32, String)] = [
      (["inspect", "/nowhere"], 66, "ingot: error: /nowhere: no such file\n"),
      (
        ["convert", pointer], 65,
        "ingot: error: \(pointer): is a Git LFS pointer, not the file itself, where a checkpoint is needed\nhint: fetch the file itself, for example with `git lfs pull`\n"
      ),
      (["inspect"], 64, "ingot: error: no net is named\n"),
      (["bogus"], 64, "ingot: error: Unexpected argument 'bogus'\n"),
      (["create", "--set", "Part=X", "--seed", "1"], 64, "ingot: error: Part can't be X\n"),
      (["verify", "--set", "Release=none"], 66, "this net is not on the shelf\n"),
      (
        ["verify", "weights/demo"], 66,
        "ingot: error: weights/demo: is a folder where a net file is needed\nhint: name a file that ends in .ingot; `ingot convert` makes them from a checkpoint\n"
      ),
      (
        ["quantize", "weights/demo"], 66,
        "ingot: error: weights/demo: is a folder where a net file is needed\nhint: name a file that ends in .ingot; `ingot convert` makes them from a checkpoint\n"
      ),
      (
        ["export", "--set", "Release=demo", "--set", "Part=TextEncoder", folder.file("out")], 64,
        "Part is given, but exporting takes all parts\n"
      ),
      (["convert", "weights/demo", "--precision", "int4"], 64, "ingot: error: --precision can't be int4\n"),
      (
        ["convert", "weights/demo", "--family", "vit-imagenet"], 64,
        "is a checkpoint of blip-vqa, not of vit-imagenet\n"
      ),
    ]
    for (arguments, status, text) in cases {
      let run = try Run(arguments, shelf: arguments == ["bogus"] ? nil : folder.file("shelf"))
      #expect(run.status == status, "\(arguments)")
      #expect(run.errors.contains(text), "\(run.errors)")
      #expect(run.output == "")
    }
    let blocked = try Run(["convert", "weights/demo", "--shelf", readOnly + "/shelf"])
    #expect(blocked.status == 73)
    let noShelf = try Run(["list", "--shelf", readOnly])
    #expect(
      noShelf.errors
        == "ingot: error: \(readOnly): is a file where a shelf is needed\nhint: name the folder that holds the nets\n")
    #expect(noShelf.status == 66 && noShelf.output == "")
    #expect(folder.names == ["file", "model.safetensors"])
  }

  @Test func helpNamesEveryCommand() throws {
    let help = try Run(["--help"])
    #expect(help.status == 0)
    for command in [
      "convert", "list", "inspect", "create", "verify", "diff", "export", "quantize", "evaluate", "ask", "attention",
      "features", "classify", "tokenize", "limits", "scan", "serve",
    ] {
      #expect(help.output.contains("\n  \(command) "))
    }
    #expect(try Run(["--version"]).output == "0.2.0\n")
  }
}
