import Arrays
import Checkpoints
import NetFile
import TestSupport
import Testing

/// `ingot export --to onnx`.
@Suite struct ONNXExportCommandTests {
  private let folder = TemporaryFolder()

  private func run(_ words: String...) throws -> Run { try Run(words) }

  @Test func folderHoldsGraphsAndSmallFiles() throws {
    let shelf = folder.file("shelf")
    #expect(
      try run("convert", packageFile("weights/demo-match"), "--set", "Release=demo-match", "--shelf", shelf).status == 0
    )
    let report = try run(
      "export", "--family", "blip-match", "--shelf", shelf, "--set", "Release=demo-match", "--to", "onnx",
      folder.file("out"),
      "--json"
    ).json()
    #expect(try report.member("layout").string() == "onnx")
    let files = try report.member("files").strings()
    #expect(files.starts(with: ["model.onnx_data", "model.onnx", "config.json"]))
    #expect(files.contains("preprocessor_config.json") && files.contains("vocab.txt"))
    for file in files { #expect(try Paths.exists(folder.file("out/\(file)")), "\(file)") }
  }

  /// int8 weights that meet quantized vectors are turned, as unsigned bytes, with the sums of their rows; scales are as they were.
  @Test func integersAreTheNetsOwn() throws {
    let shelf = folder.file("shelf")
    #expect(
      try run("convert", packageFile("weights/demo-digits"), "--set", "Release=demo-digits", "--shelf", shelf).status
        == 0)
    let quantized = try run(
      "quantize", "--family", "vit-imagenet", "--set", "Release=demo-digits", "--shelf", shelf, "--json")
    let path = try #require(try quantized.json().member("nets").array().first).member("file").string()
    #expect(try run("export", path, "--to", "onnx", folder.file("out")).status == 0)
    let net = try NetFile(path)
    func data(_ entry: ArrayEntry) throws -> [UInt8] {
      var out: [UInt8] = []
      try net.forEachChunk(of: entry) { out.append(contentsOf: $0) }
      return out
    }
    let written = try openCheckpoint(folder.file("out/model.onnx"))
    let indices = Dictionary(written.arrays.enumerated().map { ($1.name, $0) }) { first, _ in first }
    let layers = net.header.arrays.filter { $0.scales != nil }
    #expect(!layers.isEmpty)
    for entry in layers {
      let (rows, columns) = (entry.shape.dimensions[0], entry.shape.dimensions[1])
      let (own, name) = (try data(entry), "\(net.header.net).\(entry.name)")
      let turned = try #require(indices["\(name).transposed"])
      #expect(
        written.arrays[turned].elementType == .uint8 && written.arrays[turned].shape.dimensions == [columns, rows])
      let bytes = try written.data(of: turned)
      for row in 0..<rows {
        for column in 0..<columns {
          let is128More = Int(bytes[column * rows + row]) == Int(Int8(bitPattern: own[row * columns + column])) + 128
          if !is128More { Issue.record("\(name): \(row), \(column)") }
        }
      }
      let sums = try written.data(of: try #require(indices["\(name).sums"]))
      let wanted = (0..<rows).flatMap { row in
        (0..<columns).reduce(Int32(0)) { $0 + Int32(Int8(bitPattern: own[row * columns + $1])) }.littleEndianBytes
      }
      #expect(sums == wanted, "\(name)")
      let scales = try #require(net.header.arrays.first { $0.name == entry.scales })
      let index = try #require(indices["\(net.header.net).\(scales.name)"])
      #expect(try written.data(of: index) == data(scales), "\(name)")
    }
  }

  @Test func plainNetsAreRefused() throws {
    let shelf = folder.file("shelf")
    let source = packageFile("Tests/AssuranceTests/Fixtures/plain-cases.safetensors")
    #expect(try run("convert", source, "--set", "Name=x", "--shelf", shelf).status == 0)
    let refused = try run("export", "--set", "Name=x", "--shelf", shelf, "--to", "onnx", folder.file("out"))
    #expect(refused.status == 65)
    #expect(refused.errors.contains("is a plain net: named arrays, of which nobody knows what is computed with them"))
    #expect(refused.errors.contains("hint: --to onnx is of known families"))
    #expect(try !Paths.exists(folder.file("out")))
  }

  @Test func dequantizingIsRefused() throws {
    let shelf = folder.file("shelf")
    #expect(
      try run("convert", packageFile("weights/demo-digits"), "--set", "Release=demo-digits", "--shelf", shelf).status
        == 0)
    let refused = try run(
      "export", "--family", "vit-imagenet", "--set", "Release=demo-digits", "--shelf", shelf, "--to", "onnx",
      "--dequantize", folder.file("out"))
    #expect(refused.status == 64 && refused.errors.contains("--dequantize is of plain nets"))
  }
}
