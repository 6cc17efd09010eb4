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
