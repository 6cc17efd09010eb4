import Arrays
import Checkpoints
import TestSupport
import Testing

/// Plain nets as files of other containers. What the arrays ought to be is h5py's reading (tools/fixtures/fixtures_hdf5.py).
@Suite struct PlainExportTests {
  private let folder = TemporaryFolder()
  private let source = packageFile("Tests/CheckpointsTests/Fixtures/hdf5/good/complex.h5")

  private func converted(_ words: String...) throws -> String {
    let run = try Run(["convert", source, "--shelf", folder.file("shelf"), "--set", "Name=x", "--json"] + words)
    let nets = try run.json().member("nets").array()
    return try #require(nets.first).member("file").string()
  }

  /// As h5py and NumPy keep complex numbers: every bit comes back.
  @Test(arguments: ["x.h5", "x.npz"])
  func complexNumbersAreExported(name: String) throws {
    let net = try converted("--at", "packed")
    #expect(try Run(["export", net, folder.file(name)]).status == 0)
    let (copy, original) = (try openCheckpoint(folder.file(name)), try openCheckpoint(source, .at("packed")))
    #expect(copy.arrays.count == 4 && copy.arrays.map(\.name) == original.arrays.map(\.name))
    for index in copy.arrays.indices {
      #expect(copy.arrays[index].elementType == original.arrays[index].elementType)
      #expect(try copy.data(of: index) == original.data(of: index))
    }
  }

  /// gguf-py wrote the file that is converted; what is made of its arrays has the same bytes.
  @Test func ggufIsWhatGGUFPyWrites() throws {
    let original = packageFile("Tests/CheckpointsTests/Fixtures/gguf/exported.gguf")
    #expect(try Run(["convert", original, "--shelf", folder.file("shelf")]).status == 0)
    let run = try Run(["export", "--set", "Name=exported", "--shelf", folder.file("shelf"), folder.file("x.gguf")])
    #expect(run.status == 0, "\(run.errors)")
    #expect(try bytes(of: folder.file("x.gguf")) == bytes(of: original))
  }

  /// What ggml wouldn't load, and what the format has no type for, is refused by name.
  @Test(arguments: [
    (
      String(repeating: "é", count: 32), "F32", "[2]", 8,
      "has a name of 64 bytes; GGUF files are loaded with at most 63"
    ),
    ("five", "F32", "[1,1,1,1,2]", 8, "has 5 dimensions; GGUF files are loaded with at most 4"),
    ("none", "F32", "[3,0]", 0, "has no elements; GGUF files with such arrays aren't loaded"),
    ("truth", "BOOL", "[3]", 3, "is bool, which gguf can't hold"),
  ])
  func ggufRefuses(name: String, type: String, shape: String, bytes: Int, reason: String) throws {
    let header = "{\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[0,\(bytes)]}}"
    let data = [UInt8](repeating: 1, count: bytes)
    let path = try folder.write(safetensors(header) + data, to: "a.safetensors")
    #expect(try Run(["convert", path, "--shelf", folder.file("shelf")]).status == 0)
    let run = try Run(["export", "--set", "Name=a", "--shelf", folder.file("shelf"), folder.file("x.gguf")])
    #expect(run.status == 65)
    #expect(run.errors.contains("array \"\(name)\": \(reason)\nhint: "), "\(run.errors)")
    #expect(folder.names.sorted() == ["a.safetensors", "shelf"])
  }

  /// h5py and NumPy have none of two float16.
  @Test(arguments: [("x.h5", "hdf5"), ("x.npz", "numpy")])
  func complexHalvesAreRefused(name: String, container: String) throws {
    let net = try converted("--at", "half")
    let run = try Run(["export", net, folder.file(name)])
    #expect(run.status == 65)
    #expect(run.errors.contains("array \"half\": is complex32, which \(container) can't hold\nhint: "))
    #expect(try Run(["export", net, folder.file("x.safetensors")]).status == 65)
  }
}
