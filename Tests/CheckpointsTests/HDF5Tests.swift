import Arrays
import Checkpoints
import Foundation
import TestSupport
import Testing

/// Files made by h5py, among them malformed and refused ones; see tools/fixtures/fixtures_hdf5.py.
@Suite struct HDF5Tests {
  private static let folder = packageFile("Tests/CheckpointsTests/Fixtures/hdf5")

  static let expected: [JSONMember] =
    (try? JSONValue(parsing: bytes(of: "\(folder)/expected.json")).object()) ?? []

  /// nil where a newer libhdf5 refuses by itself what older ones open: a float whose parts lie outside it.
  private func opened(_ name: String) throws -> (any Checkpoint)? {
    do throws(Failure) {
      return try openCheckpoint("\(Self.folder)/\(name)", .all)
    } catch {
      guard name == "partly/type-fields.h5", error.reason.contains("libhdf5: ") else { throw error }
      return nil
    }
  }

  /// Arrays that the installed libhdf5 is too old for, and that a newer one reads.
  private func tooNew(_ name: String, _ checkpoint: any Checkpoint) throws -> Set<String> {
    let newer = try Self.expected.first { $0.key == name }?.value["newer"]?.array() ?? []
    let names = try Set(newer.map { value in try value.string() })
    let told = checkpoint.leftovers.filter { $0.what.hasPrefix("may need a newer libhdf5 than 1.") }
    return names.intersection(told.map(\.name))
  }

  @Test func thereAreCases() { #expect(Self.expected.count >= 100) }

  @Test(arguments: expected.filter { $0.value["arrays"] != nil }.map(\.key))
  func readsWhatH5pyReads(name: String) throws {
    let all = try #require(Self.expected.first { $0.key == name }).value.member("arrays").array()
    guard let checkpoint = try opened(name) else { return }
    let tooNew = try tooNew(name, checkpoint)
    let arrays = try all.filter { try !tooNew.contains($0.member("name").string()) }
    #expect(try checkpoint.arrays.map(\.name) == arrays.map { try $0.member("name").string() })
    for (index, array) in arrays.enumerated() {
      #expect(try checkpoint.arrays[index].elementType.rawValue == array.member("type").string())
      #expect(try checkpoint.arrays[index].shape.dimensions == array.member("shape").sizes())
      if let message = try array["error"]?.string() {
        let error = failure { _ = try checkpoint.data(of: index) }
        #expect(error?.withoutFile.contains(message) == true, "\(error?.description ?? "read")")
      } else {
        #expect(try SHA256.digest(checkpoint.data(of: index)).description == array.member("sha256").string())
      }
    }
  }

  /// Bytes that the reading child has to ask for make no difference, whether the file is sound or not.
  @Test(arguments: expected.map(\.key))
  func readsThroughAnySource(name: String) throws {
    let content = try bytes(of: "\(Self.folder)/\(name)")
    let source = MemorySource(name, content)
    func told(_ open: () throws -> any Checkpoint) throws -> [String] {
      var lines: [String] = []
      let refusal = failure {
        let checkpoint = try open()
        lines = checkpoint.leftovers.map { "\($0.name): \($0.what)" }
        for (index, array) in checkpoint.arrays.enumerated() {
          var line = "\(array.name) \(array.elementType) \(array.shape.dimensions)"
          if let error = failure({ line += try " \(SHA256.digest(checkpoint.data(of: index)))" }) {
            line += " " + error.withoutFile
          }
          lines.append(line)
        }
      }
      return lines + (refusal.map { [$0.withoutFile] } ?? [])
    }
    let here = try told { try openCheckpoint("\(Self.folder)/\(name)", .all) }
    let elsewhere = try told { try openWeights(source, openedBy: source.path, takesAll: true) }
    #expect(here == elsewhere)
    #expect(!here.isEmpty || name == "good/empty.h5" || name == "good/no-arrays.h5")
  }

  /// What isn't read is told, each object by its path, and costs nobody the rest.
  @Test(arguments: expected.filter { $0.value["leftovers"] != nil }.map(\.key))
  func tellsWhatItLeavesOut(name: String) throws {
    let value = try #require(Self.expected.first { $0.key == name }).value
    let expected = try value.member("leftovers").object()
    guard let checkpoint = try opened(name) else { return }
    let tooNew = try tooNew(name, checkpoint)
    let leftovers = checkpoint.leftovers.filter { !tooNew.contains($0.name) }
    #expect(Set(leftovers.map(\.name)) == Set(expected.map(\.key)) && leftovers.count == expected.count)
    for leftover in leftovers {
      let reason = try expected.first { $0.key == leftover.name }?.value.string()
      #expect(leftover.what.hasPrefix(reason ?? "nothing"), "\(leftover)")
    }
  }

  static let optimizers: [(String, [Leftover])] = [
    ("keras-2-full.h5", [Leftover(name: "optimizer_weights", what: "optimizer state: 5 arrays, 128 bytes")]),
    ("keras-3.weights.h5", [Leftover(name: "optimizer", what: "optimizer state: 1 array, 8 bytes")]),
    (
      "keras-3-trained.weights.h5",
      [
        Leftover(name: "critic_optimizer", what: "optimizer state: 2 arrays, 24 bytes"),
        Leftover(name: "optimizer", what: "optimizer state: 2 arrays, 56 bytes"),
      ]
    ),
  ]

  /// Keras saves the state of its optimizers beside the weights of a model: it is told, and taken on demand only.
  @Test(arguments: optimizers)
  func tellsOptimizersApart(name: String, leftovers: [Leftover]) throws {
    let weights = try openCheckpoint("\(Self.folder)/good/\(name)")
    let all = try openCheckpoint("\(Self.folder)/good/\(name)", .all)
    #expect(weights.leftovers == leftovers && all.leftovers.isEmpty)
    let others = all.arrays.indices.filter { index in
      !leftovers.contains { all.arrays[index].name.hasPrefix("\($0.name)/") }
        || all.arrays[index].name == "optimizer/kernel"
    }
    #expect(weights.arrays == others.map { all.arrays[$0] })
    for (index, other) in others.enumerated() { #expect(try weights.data(of: index) == all.data(of: other)) }
    let state = try openCheckpoint("\(Self.folder)/good/\(name)", .at(leftovers[0].name))
    #expect(!state.arrays.isEmpty)
  }

  /// A file that a newer libhdf5 may read is not called damaged.
  @Test func asksForANewerLibrary() {
    let error = failure { _ = try openCheckpoint("\(Self.folder)/refused/superblock-version.h5") }
    #expect(error?.hint?.hasPrefix("a newer libhdf5 may read it") == true)
  }

  /// An old release of libhdf5 crashes on one of them, which is an ordinary error too.
  @Test(arguments: expected.filter { $0.value["error"] != nil }.map(\.key))
  func refuses(name: String) throws {
    let value = try #require(Self.expected.first { $0.key == name }).value
    let message = try value.member("error").string()
    let error = failure { _ = try openCheckpoint("\(Self.folder)/\(name)") }
    let text = error?.withoutFile ?? "read"
    let isCrash = value["crash"] != nil && text.contains("libhdf5 crashes")
    // Files that aren't HDF5 at all never come as far as libhdf5.
    let isOther = text.hasSuffix("where a checkpoint is needed")
    // Newer releases of libhdf5 refuse by themselves what we refuse with others.
    let isLibrarys = text.contains("can't be opened (libhdf5: ") || text.contains("can't be read (libhdf5: ")
    #expect(text.contains(message) || isCrash || isOther || isLibrarys, "\(text)")
    #expect(error?.kind == .badData && error?.hint != nil)
  }

  /// However a file is damaged, there is one clear error or a correct result, and this process goes on.
  @Test func survivesDamage() throws {
    let folder = TemporaryFolder()
    var generator = SeededGenerator(11)
    for name in ["good/keras-2.h5", "good/chunked.h5"] {
      let content = try bytes(of: "\(Self.folder)/\(name)")
      for _ in 0..<40 {
        var damaged = content
        for _ in 0..<4 {
          damaged[Int.random(in: 0..<damaged.count, using: &generator)] = .random(in: 0...255, using: &generator)
        }
        let path = try folder.write(damaged, to: "damaged.h5")
        do {
          let checkpoint = try openCheckpoint(path)
          for index in checkpoint.arrays.indices { _ = try checkpoint.data(of: index) }
        } catch {
          #expect(error.kind == .badData || error.kind == .io)
        }
      }
    }
  }

  @Test func readsKerasArchives() throws {
    let folder = TemporaryFolder()
    let weights = try bytes(of: "\(Self.folder)/good/keras-2.h5")
    let path = try folder.write(
      zip([ZipPart("metadata.json", Array("{}".utf8)), ZipPart("model.weights.h5", weights)]), to: "net.keras")
    let inside = try openCheckpoint(path)
    let alone = try openCheckpoint("\(Self.folder)/good/keras-2.h5")
    #expect(!alone.arrays.isEmpty && inside.arrays == alone.arrays)
    for index in inside.arrays.indices { #expect(try inside.data(of: index) == alone.data(of: index)) }
  }

  @Test(arguments: ["keras-2.h5", "complex.h5", "types.h5", "bool.h5"])
  func writesWhatItReads(name: String) throws {
    let folder = TemporaryFolder()
    let source = try openCheckpoint("\(Self.folder)/good/\(name)")
    let writer = try HDF5Writer(folder.file("copy.h5"))
    try writer.attribute("", "backend", "tensorflow")
    for index in source.arrays.indices {
      let bytes = try source.data(of: index)
      try writer.write(source.arrays[index]) { try $0(bytes.rawSpan) }
    }
    try writer.finish()
    try writer.file.commit()
    let copy = try openCheckpoint(folder.file("copy.h5"))
    #expect(copy.arrays == source.arrays)
    #expect(copy.metadata.map(\.value) == ["tensorflow"])
    for index in copy.arrays.indices { #expect(try copy.data(of: index) == source.data(of: index)) }
    #expect(folder.names == ["copy.h5"])
  }
}
