import Arrays
import Checkpoints
import Foundation
import TestSupport
import Testing

/// Files of further containers, against what their publishers' libraries read: tools/fixtures/fixtures_containers.py makes them,
/// tools/fixtures/malformed_containers.py those that must be refused.
enum ContainerFixtures {
  static let folder = packageFile("Tests/CheckpointsTests/Fixtures")

  static func json(_ name: String) throws -> JSONValue {
    try JSONValue(parsing: bytes(of: Paths.join(folder, name)))
  }

  /// Every file of a container that its library reads, with what it found.
  static func expected(_ container: String) throws -> [JSONMember] { try json("\(container)/expected.json").object() }

  /// Holds all arrays of a checkpoint against names, types, shapes and SHA-256 that a library gave.
  static func check(_ checkpoint: any Checkpoint, _ expected: JSONValue) throws {
    let members = try expected.object()
    #expect(Set(checkpoint.arrays.map(\.name)) == Set(members.map(\.key)))
    for (index, array) in checkpoint.arrays.enumerated() {
      guard let facts = members.first(where: { $0.key == array.name })?.value else { continue }
      #expect(try array.elementType.rawValue == facts.member("type").string(), "\(array.name)")
      #expect(try array.shape.dimensions == facts.member("shape").sizes(), "\(array.name)")
      #expect(
        try SHA256.digest(checkpoint.data(of: index)).description == facts.member("sha256").string(),
        "\(array.name)")
      #expect(try array.packing?.type == facts["packing"]?.member("type").string(), "\(array.name)")
      #expect(try array.packing?.bytes == facts["packing"]?.member("bytes").size(), "\(array.name)")
    }
  }

  /// Parts of arrays, from anywhere to anywhere, are those of the whole.
  static func checkParts(_ checkpoint: any Checkpoint, seed: UInt64, count: Int = 40) throws {
    var random = SeededGenerator(seed)
    for (index, array) in checkpoint.arrays.enumerated() where array.bytes > 0 {
      let whole = try checkpoint.data(of: index)
      var part: [UInt8] = []
      for _ in 0..<count {
        let start = Int.random(in: 0..<array.bytes, using: &random)
        let length = Int.random(in: 0...(array.bytes - start), using: &random)
        try checkpoint.read(index, at: start, count: length, into: &part)
        #expect(part[..<length] == whole[start..<start + length], "\(array.name), \(length) from \(start)")
      }
    }
  }
}

@Suite struct ContainerTests {
  static let containers = ["gguf", "messagepack", "numpy", "onnx", "tensorflow"]

  @Test(arguments: containers)
  func readsWhatTheLibraryReads(container: String) throws {
    for member in try ContainerFixtures.expected(container) {
      let path = Paths.join(Paths.join(ContainerFixtures.folder, container), member.key)
      let checkpoint = try openCheckpoint(path)
      // A file that names others is read with them.
      guard checkpoint.files.count == 1 || ["onnx", "tensorflow"].contains(container) else { continue }
      try ContainerFixtures.check(checkpoint, member.value)
      try ContainerFixtures.checkParts(checkpoint, seed: 1)
    }
  }

  @Test(arguments: containers)
  func refusesMalformedFiles(container: String) throws {
    let folder = TemporaryFolder()
    let cases = try ContainerFixtures.json("\(container)/malformed.json").array()
    #expect(cases.count >= 50)
    for value in cases {
      let digits = try Array(value.member("bytes").string().utf8)
      let content = stride(from: 0, to: digits.count, by: 2).map { position in
        UInt8(String(decoding: digits[position..<position + 2], as: UTF8.self), radix: 16) ?? 0
      }
      let path = try folder.write(content, to: "weights.bin")
      let error = failure { _ = try openCheckpoint(path) }
      #expect(try error?.withoutFile == value.member("error").string())
      #expect(error?.kind == .badData && error?.hint != nil && error?.file?.hasSuffix("weights.bin") == true)
    }
  }
}

@Suite struct GGUFTests {
  private func path(_ name: String) -> String { Paths.join(ContainerFixtures.folder, "gguf/\(name)") }

  @Test func tellsMetadata() throws {
    let metadata = try openCheckpoint(path("metadata.gguf")).metadata
    let expected = [
      "a.bool": "true", "a.float32": "1e-05", "a.float64": "0.1", "a.int16": "-30000", "a.int32": "-2000000000",
      "a.int64": "-9223372036854775808", "a.int8": "-100", "a.list": "[1, 2, 3]", "a.long": "a text of 70000 bytes",
      "a.many": "1000 values of type string", "a.numbers": "5000 values of type int32",
      "a.string": "é\n\u{202e}", "a.texts": "[a, , b c]", "a.uint16": "60000", "a.uint32": "4000000000",
      "a.uint64": "18446744073709551615", "a.uint8": "200", "general.alignment": "64", "general.architecture": "bert",
    ]
    #expect(Dictionary(uniqueKeysWithValues: metadata.map { ($0.name, $0.value) }) == expected)
    #expect(metadata.map(\.name) == expected.keys.sorted())
  }

  /// What stands in the file is told of a part of it too.
  @Test func partsKeepTheirPacking() throws {
    let part = try openCheckpoint(path("blocks.gguf"), .at("block.0"))
    #expect(part.arrays.map(\.name) == ["weight"] && part.arrays[0].packing == Packing(type: "Q4_0", bytes: 864))
  }

  /// One tensor that can't be read costs nobody the others.
  @Test func namesWhatItLeavesOut() throws {
    let checkpoint = try openCheckpoint(path("unread.gguf"))
    #expect(checkpoint.arrays.map(\.name) == ["kept", "last"])
    #expect(
      checkpoint.leftovers == [
        Leftover(name: "IQ1_S", what: "1 × 256 of type IQ1_S, whose values aren't read"),
        Leftover(name: "IQ2_XXS", what: "1 × 256 of type IQ2_XXS, whose values aren't read"),
        Leftover(name: "IQ3_S", what: "1 × 256 of type IQ3_S, whose values aren't read"),
      ])
    #expect(checkpoint.notes.isEmpty)
    #expect(
      checkpoint.leftoverNote
        == "left out, beside the arrays: IQ1_S (1 × 256 of type IQ1_S, whose values aren't read), "
        + "IQ2_XXS (1 × 256 of type IQ2_XXS, whose values aren't read), "
        + "IQ3_S (1 × 256 of type IQ3_S, whose values aren't read)")
  }

  /// Its first file stands for all of a split net, as does a folder of them; any other file is itself.
  @Test func readsSplitFiles() throws {
    let names = ["layer.0.weight", "layer.1.weight", "layer.2.weight"]
    let folder = TemporaryFolder()
    for number in 1...3 {
      let name = "split-0000\(number)-of-00003.gguf"
      let content = try bytes(of: path(name))
      try folder.write(content, to: name)
    }
    #expect(try openCheckpoint(folder.path).arrays.map(\.name) == names)
    #expect(try openCheckpoint(folder.path).notes.isEmpty)
    // Other quantizations of the net often lie beside it.
    try folder.write(bytes(of: path("split-00002-of-00003.gguf")), to: "other-00002-of-00003.gguf")
    #expect(try openCheckpoint(folder.file("split-00001-of-00003.gguf")).arrays.map(\.name) == names)
    #expect(try openCheckpoint(folder.file("split-00002-of-00003.gguf")).arrays.map(\.name) == ["layer.1.weight"])
    for member in try ContainerFixtures.expected("gguf") where member.key.hasPrefix("split") {
      for array in try member.value.object() {
        let whole = try openCheckpoint(folder.file("split-00001-of-00003.gguf"))
        let index = try #require(whole.arrays.firstIndex { $0.name == array.key })
        #expect(
          try SHA256.digest(whole.data(of: index)).description == array.value.member("sha256").string())
      }
    }
  }

  @Test func tellsOfWhatIsAppended() throws {
    let folder = TemporaryFolder()
    let content = try bytes(of: path("plain.gguf"))
    let longer = try folder.write(content + [1, 2, 3], to: "w.gguf")
    #expect(try openCheckpoint(longer).notes == ["3 bytes after the last array belong to none"])
    // The padding after the last tensor, here of 24 bytes, may be missing.
    let unpadded = try bytes(of: path("unread.gguf"))
    let tight = try openCheckpoint(folder.write(Array(unpadded[..<(unpadded.count - 24)]), to: "v.gguf"))
    #expect(try tight.notes.isEmpty && tight.data(of: 1).count == 8)
  }

  @Test func readsAnEmptyFile() throws {
    let folder = TemporaryFolder()
    let file = try folder.write(
      Array("GGUF".utf8) + UInt32(3).littleEndianBytes + [UInt8](repeating: 0, count: 16), to: "x.gguf")
    let checkpoint = try openCheckpoint(file)
    #expect(checkpoint.arrays.isEmpty && checkpoint.metadata.isEmpty && checkpoint.format == "GGUF 3")
  }
}

@Suite struct NumPyTests {
  private func path(_ name: String) -> String { Paths.join(ContainerFixtures.folder, "numpy/\(name)") }

  /// What is no array of numbers costs an archive nothing else.
  @Test(arguments: ["stored.npz", "packed.npz"])
  func namesWhatItLeavesOut(name: String) throws {
    let checkpoint = try openCheckpoint(path(name))
    #expect(checkpoint.format == "NumPy archive")
    #expect(checkpoint.arrays.map(\.name) == ["weight", "folder/bias", "fortran", "big", "step"])
    #expect(
      checkpoint.leftovers == [
        Leftover(name: "names", what: "holds texts ('|S2')"),
        Leftover(name: "objects", what: "holds Python objects as a pickle ('|O'), which is never read"),
        Leftover(name: "fields", what: "holds structured elements, of fields \"x\""),
        Leftover(name: "times", what: "holds dates or times ('<M8[s]')"),
        Leftover(name: "readme.txt", what: "no array of NumPy's"),
        Leftover(name: "raw", what: "no array of NumPy's, though it is named like one"),
      ])
  }

  static let refused = [
    ("objects.npy", "holds Python objects as a pickle ('|O'), which is never read"),
    ("fields.npy", "holds structured elements, of fields \"a\", \"b\""), ("texts.npy", "holds texts ('<U2')"),
  ]

  /// A sound file isn't called damaged.
  @Test(arguments: refused)
  func refusesWhatIsNoArray(name: String, message: String) {
    let error = failure { _ = try openCheckpoint(path(name)) }
    #expect(error?.withoutFile == message)
    #expect(error?.hint?.hasPrefix("the file isn't damaged") == true)
  }

  /// Several arrays may be saved into one file, of which NumPy itself reads the first.
  @Test func tellsOfWhatFollows() throws {
    let folder = TemporaryFolder()
    let content = try bytes(of: path("f4.npy"))
    let checkpoint = try openCheckpoint(folder.write(content + content, to: "w.npy"))
    #expect(checkpoint.arrays.count == 1)
    #expect(
      checkpoint.notes == [
        "\(content.count) bytes after the array belong to none; numpy.load leaves them out too"
      ])
  }

  @Test func boundsHeaders() throws {
    let folder = TemporaryFolder()
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (0,)}"
    for (length, isRead) in [(1 << 20, true), ((1 << 20) + 1, false)] {
      let padded = text + String(repeating: " ", count: length - text.utf8.count)
      let start: [UInt8] = [0x93] + Array("NUMPY".utf8) + [2, 0]
      let path = try folder.write(start + UInt32(length).littleEndianBytes + Array(padded.utf8), to: "w.npy")
      let error = failure { _ = try openCheckpoint(path) }
      #expect((error == nil) == isRead)
      #expect(error == nil || error?.reason == "a header of 1048577 bytes; at most 1048576 are read")
    }
  }

  /// A packed entry that is damaged is found when it is read.
  @Test func checksWhatItUnpacks() throws {
    let folder = TemporaryFolder()
    var content = try bytes(of: path("packed.npz"))
    // Somewhere in the packed data of the first entry, behind its name.
    content[130] ^= 0x10
    let checkpoint = try openCheckpoint(folder.write(content, to: "w.npz"))
    let error = failure { _ = try checkpoint.data(of: 0) }
    #expect(error?.place == "array \"weight\"" && error?.kind == .badData && error?.hint != nil)
    #expect(try !checkpoint.data(of: 1).isEmpty)
  }
}

@Suite struct ONNXTests {
  private func path(_ name: String) -> String { Paths.join(ContainerFixtures.folder, "onnx/\(name)") }

  @Test func namesWhatItLeavesOut() throws {
    let checkpoint = try openCheckpoint(path("leftovers.onnx"))
    #expect(checkpoint.arrays.map(\.name) == ["kept"])
    #expect(
      checkpoint.leftovers == [
        Leftover(name: "texts", what: "of type STRING, which isn't read"),
        Leftover(name: "part", what: "a segment of a tensor, which isn't read"),
        Leftover(name: "new", what: "of type 99, which this version doesn't know"),
      ])
  }

  @Test func tellsMetadata() throws {
    let metadata = try openCheckpoint(path("everywhere.onnx")).metadata
    #expect(
      metadata.map(\.name) == ["doc_string", "ir_version", "metadata_props.author", "opset_import", "producer_name"])
    #expect(metadata.map(\.value) == ["a text of 70000 bytes", "10", "é", "21", "fixtures"])
  }

  /// Data beside a model, and where links lead.
  @Test func readsDataOfItsOwnFolderOnly() throws {
    let folder = TemporaryFolder()
    let model = try bytes(of: path("external.onnx"))
    let data = try bytes(of: path("external.data"))
    func make(_ name: String) throws {
      try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
    }
    func link(_ name: String, to target: String) throws {
      try FileManager.default.createSymbolicLink(atPath: folder.file(name), withDestinationPath: target)
    }
    for name in ["plain", "outside", "blobs", "snapshot", "cache"] { try make(name) }
    try folder.write(model, to: "plain/external.onnx")
    let missing = failure { _ = try openCheckpoint(folder.file("plain/external.onnx")) }
    #expect(missing?.kind == .noInput && missing?.reason == "no such file")
    #expect(missing?.file == folder.file("plain/external.data") && missing?.hint?.contains("fetch it too") == true)
    try folder.write(data, to: "plain/external.data")
    #expect(try openCheckpoint(folder.file("plain/external.onnx")).arrays.count == 3)
    // Cut short.
    try folder.write(Array(data[..<90]), to: "plain/external.data")
    #expect(
      failure { _ = try openCheckpoint(folder.file("plain/external.onnx")) }?.withoutFile
        == "array \"v\": its 36 bytes from 64 on go past the end of external.data, of 90 bytes")
    // A link out of the folder could show anybody's file.
    try folder.write(model, to: "outside/external.onnx")
    try link("outside/external.data", to: folder.file("plain/external.data"))
    #expect(
      failure { _ = try openCheckpoint(folder.file("outside/external.onnx")) }?.withoutFile
        == "array \"w\": its external_data's location \"external.data\" leads out of the file's own folder by a link")
    // The hub client's cache: both are links into one folder.
    try folder.write(model, to: "blobs/1")
    try folder.write(data, to: "blobs/2")
    try link("snapshot/external.onnx", to: "../blobs/1")
    try link("snapshot/external.data", to: "../blobs/2")
    try ContainerFixtures.check(
      openCheckpoint(folder.file("snapshot/external.onnx")),
      ContainerFixtures.json("onnx/expected.json").member("external.onnx"))
  }
}

@Suite struct MessagePackTests {
  private func path(_ name: String) -> String { Paths.join(ContainerFixtures.folder, "messagepack/\(name)") }

  @Test func namesWhatItLeavesOut() throws {
    let leftovers = try openCheckpoint(path("state.msgpack")).leftovers
    let expected = [
      "big": "18446744073709551615", "history": "a list of 3 values", "name": "\"é\"", "none": "nothing", "rate": "0.5",
      "raw": "3 bytes of no stated type", "step": "3", "z": "a complex number",
    ]
    #expect(Dictionary(uniqueKeysWithValues: leftovers.map { ($0.name, $0.what) }) == expected)
  }

  /// An array of a type that isn't read costs nobody the others, and names that dots make the same get numbers.
  @Test func keepsArraysApart() throws {
    func array(_ kind: String) -> [UInt8] {
      let inner: [UInt8] = [0x93, 0x91, 1, 0xa0 | UInt8(kind.utf8.count)] + Array(kind.utf8) + [0xc4, 1, 5]
      return [0xc7, UInt8(inner.count), 1] + inner
    }
    let folder = TemporaryFolder()
    let tree: [UInt8] =
      [0x83, 0xa3] + Array("a.b".utf8) + array("int8") + [0xa1, 0x61, 0x81, 0xa1, 0x62] + array("uint8")
      + [0xa1, 0x63] + array("object")
    let checkpoint = try openCheckpoint(folder.write(tree, to: "w.msgpack"))
    #expect(checkpoint.arrays.map(\.name) == ["a.b", "a.b#2"])
    #expect(try checkpoint.data(of: 0) == [5] && checkpoint.arrays.map(\.elementType) == [.int8, .uint8])
    #expect(checkpoint.leftovers == [Leftover(name: "c", what: "1 of type object, which isn't read")])
  }

  /// transformers' folders of Flax weights.
  @Test func isFoundInFolders() throws {
    let folder = TemporaryFolder()
    try folder.write(bytes(of: path("state.msgpack")), to: "flax_model.msgpack")
    try folder.write(Array("{}".utf8), to: "config.json")
    #expect(try openCheckpoint(folder.path).format == "MessagePack")
    // In several files, whose index has slashes in its names.
    func file(_ key: String) -> [UInt8] {
      let inner: [UInt8] = [0x93, 0x91, 1, 0xa4] + Array("int8".utf8) + [0xc4, 1, 5]
      return [0x81, 0xa1, 0x61, 0x81, 0xa1] + Array(key.utf8) + [0xc7, UInt8(inner.count), 1] + inner
    }
    let shards = TemporaryFolder()
    try shards.write(file("b"), to: "flax_model-00001-of-00002.msgpack")
    try shards.write(file("c"), to: "flax_model-00002-of-00002.msgpack")
    let index =
      #"{"metadata":{},"weight_map":{"a/b":"flax_model-00001-of-00002.msgpack","a/c":"flax_model-00002-of-00002.msgpack"}}"#
    try shards.write(Array(index.utf8), to: "flax_model.msgpack.index.json")
    #expect(try openCheckpoint(shards.path).arrays.map(\.name) == ["a.b", "a.c"])
    #expect(try openCheckpoint(shards.path).notes.isEmpty)
  }
}

@Suite struct TensorFlowTests {
  private func path(_ name: String) -> String { Paths.join(ContainerFixtures.folder, "tensorflow/\(name)") }

  /// By its index, by what the names of its files begin with, by a file of data, by a folder with TensorFlow's own note, and
  /// as part of a SavedModel.
  @Test func isFoundByAllItsNames() throws {
    for name in ["two.index", "two", "two.data-00001-of-00002"] {
      let checkpoint = try openCheckpoint(path(name))
      #expect(checkpoint.arrays.map(\.name) == ["x", "y"] && checkpoint.files.count == 3)
    }
    let folder = TemporaryFolder()
    for ending in ["index", "data-00000-of-00001"] {
      try folder.write(bytes(of: path("types.\(ending)")), to: "model-1.\(ending)")
      try folder.write(bytes(of: path("many.\(ending)")), to: "model-2.\(ending)")
    }
    try folder.write(
      Array("model_checkpoint_path: \"model-2\"\nall_model_checkpoint_paths: \"model-1\"\n".utf8), to: "checkpoint")
    #expect(try openCheckpoint(folder.path).arrays.count == 152)
    try FileManager.default.createDirectory(atPath: folder.file("saved/variables"), withIntermediateDirectories: true)
    try folder.write([], to: "saved/saved_model.pb")
    for ending in ["index", "data-00000-of-00001"] {
      try folder.write(bytes(of: path("types.\(ending)")), to: "saved/variables/variables.\(ending)")
    }
    #expect(try openCheckpoint(folder.file("saved")).arrays.count == 13)
  }

  @Test func namesWhatItLeavesOut() throws {
    #expect(
      try openCheckpoint(path("many.index")).leftovers == [
        Leftover(name: "names", what: "2 of texts, which isn't read"),
        Leftover(name: "sliced", what: "4 × 2 in slices, which aren't read"),
      ])
  }

  @Test func needsItsData() throws {
    let folder = TemporaryFolder()
    try folder.write(bytes(of: path("types.index")), to: "w.index")
    let missing = failure { _ = try openCheckpoint(folder.file("w.index")) }
    #expect(missing?.kind == .noInput && missing?.file == folder.file("w.data-00000-of-00001"))
    #expect(missing?.hint == "\(folder.file("w.index")) is an index of this file: fetch it too")
    try folder.write(Array(bytes(of: path("types.data-00000-of-00001"))[..<200]), to: "w.data-00000-of-00001")
    let short = failure { _ = try openCheckpoint(folder.file("w.index")) }
    #expect(short?.file == folder.file("w.data-00000-of-00001"))
    #expect(short?.withoutFile == "array \"types/bfloat16\": its 12 bytes from 270 on go past the end of the file")
  }
}
