import Arrays
import Checkpoints
import Foundation
import TestSupport
import Testing

/// int8 plain nets as a folder for compressed-tensors. Which integers and scales they ought to be is NumPy's finding
/// (tools/fixtures/fixtures_plain.py); that the package takes the folder is held by tools/checks/check_compressed.py.
@Suite struct CompressedTensorsTests {
  private let folder = TemporaryFolder()

  private struct Expected: Decodable {
    let elements: String
    let scales: String
  }

  private func int8() throws -> String {
    let source = packageFile("Tests/AssuranceTests/Fixtures/plain-cases.safetensors")
    let shelf = folder.file("shelf")
    #expect(try Run(["convert", source, "--set", "Name=x", "--shelf", shelf]).status == 0)
    let run = try Run(["quantize", "--set", "Name=x", "--shelf", shelf, "--json"])
    return try #require(try run.json().member("nets").array().first).member("file").string()
  }

  private func export(_ words: String...) throws -> Run {
    try Run(["export"] + words + ["--to", "compressed-tensors", folder.file("out")])
  }

  @Test func integersAndScalesAreNumPys() throws {
    let report = try export(try int8(), "--dequantize", "--json").json()
    let path = packageFile("Tests/AssuranceTests/Fixtures/plain-cases.json")
    let expected = try JSONDecoder().decode([String: Expected].self, from: Data(bytes(of: path)))
    let written = try openCheckpoint(folder.file("out"))
    let indices = Dictionary(uniqueKeysWithValues: written.arrays.enumerated().map { ($1.name, $0) })
    func digest(_ name: String) throws -> String {
      SHA256.digest(try written.data(of: try #require(indices[name]))).description
    }
    let names = ["dense.weight", "rows.weight", "wide.weight", "half.weight", "outlier.weight", "one.weight"]
    for name in names {
      let array = written.arrays[try #require(indices[name])]
      #expect(array.elementType == .int8, "\(name)")
      #expect(try digest(name) == expected[name]?.elements, "\(name)")
      #expect(try digest("\(name)_scale") == expected[name]?.scales, "\(name)")
      let scales = written.arrays[try #require(indices["\(name)_scale"])]
      #expect(scales.elementType == .float32 && scales.shape.dimensions == [array.shape.dimensions[0], 1], "\(name)")
    }
    #expect(try report.member("quantized").integer() == names.count)
    #expect(written.arrays.filter { $0.elementType == .int8 }.count == names.count)
    let others = try report.member("dequantized").array().map { try $0.member("name").string() }
    #expect(Set(others) == Set(expected.keys).subtracting(names))
    #expect(written.arrays.filter { others.contains($0.name) }.allSatisfy { $0.elementType == .float32 })
    let config = try JSONValue(parsing: bytes(of: folder.file("out/config.json"))).member("quantization_config")
    let targets = try config.member("config_groups").member("group_0").member("targets").strings()
    // Names without a dot would mean classes of layers.
    #expect(Set(targets) == Set(names.map { "re:\($0.dropLast(".weight".count))$" }))
    let inspected = try Run(["inspect", folder.file("out")])
    #expect(inspected.output.contains("compressed-tensors int8, 8 bits"), "\(inspected.output)")
  }

  /// Without --dequantize, what the form hasn't got is refused by name, and nothing is left or lost.
  @Test func whatItHasNotGotIsRefused() throws {
    let net = try int8()
    let run = try export(net)
    #expect(run.status == 65)
    let reason = "array \"conv.weight\": is int8 that compressed-tensors has no form for: it has 4 dimensions"
    #expect(run.errors.contains("\(reason)\nhint: --dequantize writes"), "\(run.errors)")
    #expect(!folder.names.contains("out"))
    let said = #"{"dtype": "bfloat16", "text_config": {"torch_dtype": "float16", "a": 1}}"#
    let config = try folder.write(Array(said.utf8), to: "c.json")
    #expect(try export(net, "--dequantize", "--config", config).status == 0)
    let kept = try JSONValue(parsing: bytes(of: folder.file("out/config.json")))
    #expect(kept["dtype"] == "float32" && kept["torch_dtype"] == nil)
    #expect(kept["text_config"] == ["torch_dtype": "float32", "a": 1])
    let before = try bytes(of: folder.file("out/config.json"))
    let again = try export(net, "--dequantize")
    #expect(again.status == 73 && again.errors.contains("is there already"))
    #expect(try bytes(of: folder.file("out/config.json")) == before)
    #expect(folder.names.sorted() == ["c.json", "out", "shelf"])
  }

  /// Nets of a known family have the names of their published layout; tools/checks/check_compressed_families.py holds the numbers
  /// against transformers.
  @Test func knownFamiliesHaveTheirLayout() throws {
    let source = packageFile("Tests/FamiliesTests/Fixtures/layouts/untied")
    let shelf = folder.file("shelf")
    #expect(try Run(["convert", source, "--set", "Release=x", "--shelf", shelf]).status == 0)
    #expect(try Run(["quantize", "--set", "Release=x", "--shelf", shelf]).status == 0)
    func export(_ precision: String, _ words: String...) throws -> Run {
      try Run(["export", "--set", "Release=x", "--set", "Precision=\(precision)", "--shelf", shelf] + words)
    }
    #expect(try export("float32", "--to", "safetensors", folder.file("float")).status == 0)
    let run = try export("int8", "--to", "compressed-tensors", folder.file("int8"), "--json")
    #expect(run.status == 0, "\(run.errors)")
    let count = try run.json().member("quantized").integer()
    let (floats, int8) = (try openCheckpoint(folder.file("float")), try openCheckpoint(folder.file("int8")))
    let quantized = int8.arrays.filter { $0.elementType == .int8 }.map(\.name)
    #expect(quantized.count == count && count > 20)
    #expect(Set(int8.arrays.map(\.name)) == Set(floats.arrays.map(\.name) + quantized.map { "\($0)_scale" }))
    let shapes = Dictionary(uniqueKeysWithValues: floats.arrays.map { ($0.name, $0.shape) })
    for array in int8.arrays where !array.name.hasSuffix("_scale") { #expect(array.shape == shapes[array.name]) }
    let refused = try export("int8", "--to", "safetensors", folder.file("none"))
    #expect(refused.status == 64 && refused.errors.contains("int8 weights --to compressed-tensors"))
    let nothing = try export("float32", "--to", "compressed-tensors", folder.file("none"))
    #expect(nothing.status == 65 && nothing.errors.contains("holds no int8 weights\nhint: `ingot quantize`"))
    #expect(folder.names.sorted() == ["float", "int8", "shelf"])
  }
}
