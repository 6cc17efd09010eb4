import Arrays
import Checkpoints
import TestSupport
import Testing

@Suite struct TorchTests {
  private typealias P = PickleText

  private func open(_ bytes: [UInt8]) throws -> any Checkpoint {
    let folder = TemporaryFolder()
    return try openCheckpoint(folder.write(bytes, to: "weights.bin"))
  }

  private static let floats = [Float](arrayLiteral: 1, 2, 3, 4).flatMap { $0.bitPattern.littleEndianBytes }

  @Test func readsTensors() throws {
    let pickle = P.dictionary([
      ("a", P.tensor()), ("t", P.tensor(shape: [2, 2], strides: [1, 2])),
      ("last", P.tensor(offset: 3, shape: [], strides: [])),
      ("row", P.tensor(offset: 1, shape: [2], strides: [2])), ("none", P.tensor(shape: [0, 9], strides: [9, 1])),
    ])
    let checkpoint = try open(torchArchive(pickle: pickle, storages: [("0", Self.floats)]))
    func values(_ name: String) throws -> [Float] {
      let index = try #require(checkpoint.arrays.firstIndex { $0.name == name })
      return Floats.array(try checkpoint.data(of: index))
    }
    #expect(try values("a") == [1, 2, 3, 4])
    #expect(try values("t") == [1, 3, 2, 4])
    #expect(try values("last") == [4])
    #expect(try values("row") == [2, 4])
    #expect(try values("none") == [])
    #expect(checkpoint.format == "PyTorch")
  }

  /// Sizes that would overflow when multiplied, added or repeated.
  static let impossible: [([UInt8], String)] = [
    (
      P.dictionary([("a", P.tensor(shape: [1 << 20, 1 << 16], strides: [0, 0]))]),
      "archive/data.pkl, array \"a\": repeats the 4 elements of its storage to 274877906944 bytes"
    ),
    (
      P.dictionary([("a", P.tensor(offset: 5, shape: [0], strides: [1]))]),
      "archive/data.pkl, array \"a\": reaches outside its storage of 4 elements"
    ),
  ]

  @Test(arguments: impossible)
  func refusesImpossibleViews(pickle: [UInt8], message: String) {
    #expect(
      failure { _ = try open(torchArchive(pickle: pickle, storages: [("0", Self.floats)])) }?.withoutFile == message)
    // Nothing in it, whatever the other lengths and strides.
    let empty = P.dictionary([("a", P.tensor(shape: [0, .max, .max], strides: [.max, .max, 1]))])
    #expect(failure { _ = try open(torchArchive(pickle: empty, storages: [("0", Self.floats)])) } == nil)
  }

  /// Copies of a long tuple, and things remembered, count like values: a small file can't take much memory.
  @Test func boundsCopies() {
    let long: [UInt8] = [0x28] + [UInt8](repeating: 0x4e, count: 100_000) + [0x74, 0x71, 1]
    let call = P.global("torch", "Size") + [0x68, 1, 0x52, 0x30]
    let copies = Self.pickle(long + (0..<3000).flatMap { _ in call })
    #expect(failure { _ = try open(torchArchive(pickle: copies)) }?.reason == "more than 2000000 values")
    let remembered = Self.pickle([0x4e] + [UInt8](repeating: 0x94, count: 3_000_000))
    #expect(failure { _ = try open(torchArchive(pickle: remembered)) }?.reason == "more than 2000000 values")
  }

  /// A container's weights are found beside other tensors, nested ones are kept, and what is left out is said.
  @Test func losesNoArraySilently() throws {
    let storages = [("0", Self.floats)]
    let inner = Array(P.dictionary([("a", P.tensor())]).dropFirst(2).dropLast())
    let example = try open(
      torchArchive(
        pickle: P.dictionary([("epoch", P.integer(3)), ("state_dict", inner), ("best", P.tensor())]), storages: storages
      ))
    #expect(example.arrays.map(\.name) == ["a"])
    #expect(example.notes == ["the arrays are those of \"state_dict\"; those of best are left out"])
    let nested = try open(torchArchive(pickle: P.dictionary([("b", P.tensor()), ("sub", inner)]), storages: storages))
    #expect(nested.arrays.map(\.name) == ["b", "sub.a"])
    let numbered = [0x80, 2, 0x7d, 0x4b, 0] + P.tensor() + [0x73, 0x2e]
    #expect(
      failure { _ = try open(torchArchive(pickle: numbered, storages: storages)) }?.reason
        == "an array's key is no string")
  }

  /// Python 2 wrote an OrderedDict as a call with a list of pairs; published files of that time are still in use.
  @Test func readsPairsOfPython2() throws {
    let pair = [0x5d, 0x28] + P.string("a") + P.tensor() + [0x65]
    let pickle = [0x80, 2] + P.global("collections", "OrderedDict") + [0x5d, 0x28] + pair + [0x65, 0x85, 0x52, 0x2e]
    let checkpoint = try open(torchArchive(pickle: pickle, storages: [("0", Self.floats)]))
    #expect(checkpoint.arrays.map(\.name) == ["a"])
    #expect(try checkpoint.data(of: 0) == Self.floats)
  }

  /// Files that torch wrote, with the digests that torch computed.
  @Test(arguments: ["zip.pt", "legacy.pth", "nested.pt", "lightning.pt", "module.pt", "args.pt"])
  func readsWhatTorchWrote(name: String) throws {
    let folder = packageFile("Tests/CheckpointsTests/Fixtures/torch")
    let expected = try JSONValue(parsing: bytes(of: "\(folder)/expected.json")).member(name).object()
    let checkpoint = try openCheckpoint("\(folder)/\(name)")
    #expect(Set(checkpoint.arrays.map(\.name)) == Set(expected.map(\.key)))
    for member in expected {
      let index = try #require(checkpoint.arrays.firstIndex { $0.name == member.key })
      #expect(try checkpoint.arrays[index].shape.dimensions == member.value.member("shape").sizes())
      #expect(try checkpoint.arrays[index].elementType.rawValue == member.value.member("type").string())
      #expect(
        try SHA256.digest(checkpoint.data(of: index)).description == member.value.member("sha256").string(),
        "\(member.key)")
    }
  }

  /// Pickles that would run code when Python loads them: nothing runs, and what they would call is named.
  @Test func namesWhatHostilePicklesWouldCall() throws {
    let folder = packageFile("Tests/CheckpointsTests/Fixtures/torch")
    let expected = try JSONValue(parsing: bytes(of: "\(folder)/expected.json")).object()
    var count = 0
    for member in expected {
      guard let global = try member.value["refused"]?.string() else { continue }
      count += 1
      let error = failure { _ = try openCheckpoint("\(folder)/\(member.key)") }
      #expect(
        error?.kind == .badData && error?.reason.contains(global) == true,
        "\(member.key): \(error?.description ?? "read")")
    }
    #expect(count >= 6)
    #expect(try !Paths.exists("/tmp/ingot-pwned"))
  }

  private static func pickle(_ body: [UInt8]) -> [UInt8] { [0x80, 2] + body }

  static let pickles: [([UInt8], String)] = [
    ([], "byte 0: the pickle ends early"),
    ([0x80], "byte 1: the pickle ends early"),
    ([0x80, 9], "byte 0: pickle protocol 9 is not known"),
    (pickle([0x2e]), "byte 3: takes a value from an empty stack"),
    (pickle([0x4e]), "byte 3: the pickle ends early"),
    (pickle([0x69]), "byte 2: opcode 0x69 (INST) is not allowed"),
    (pickle([0x6f]), "byte 2: opcode 0x6f (OBJ) is not allowed"),
    (pickle([0x50]), "byte 2: opcode 0x50 (PERSID) is not allowed"),
    (pickle([0x82, 1]), "byte 2: opcode 0x82 (EXT) is not allowed"),
    (pickle([0xff]), "byte 2: opcode 0xff is not allowed"),
    (pickle(P.global("os", "system")), "byte 2: names the global os.system, which is not on the list of harmless ones"),
    (
      pickle(P.global("builtins", "eval")),
      "byte 2: names the global builtins.eval, which is not on the list of harmless ones"
    ),
    (
      pickle(P.string("subprocess") + P.string("Popen") + [0x93]),
      "byte 27: names the global subprocess.Popen, which is not on the list of harmless ones"
    ),
    (
      pickle(P.global("torch\u{1b}[2K", "load")),
      "byte 2: names the global torch\\u{1b}[2K.load, which is not on the list of harmless ones"
    ),
    (pickle([0x4e, 0x4e, 0x93]), "byte 4: names a global by what is no string"),
    (pickle([0x4e, 0x29, 0x52]), "byte 4: calls what is no global"),
    (
      pickle(P.global("collections", "OrderedDict") + [0x4e, 0x52]),
      "byte 28: calls collections.OrderedDict with what is no tuple"
    ),
    (pickle([0x74]), "byte 3: there is no mark"),
    (pickle([0x28, 0x30, 0x74]), "byte 5: there is no mark"),
    (pickle([0x28, 0x4e, 0x28, 0x61]), "byte 6: takes a value from an empty stack"),
    (pickle([0x4e, 0x4e, 0x61]), "byte 5: adds items to what is no container"),
    (pickle([0x7d, 0x28, 0x4e, 0x75]), "byte 6: a key has no value"),
    (pickle([0x28, 0x4e, 0x64]), "byte 4: a key has no value"),
    (pickle([0x71, 0]), "byte 4: there is nothing to remember"),
    (pickle([0x68, 7]), "byte 4: recalls value 7, which was not remembered"),
    (pickle([0x58, 255, 255, 255, 255, 0x61]), "byte 7: the pickle ends early"),
    (pickle([0x8d] + UInt64.max.littleEndianBytes), "byte 11: a length does not fit 63 bits"),
    (pickle([0x58, 2, 0, 0, 0, 0xc3, 0x28]), "byte 7: a string is not UTF-8"),
    (pickle(Array("I12x\n".utf8)), "byte 2: is no number that fits 64 bits"),
    (pickle(Array("F1.x\n".utf8)), "byte 2: is no number"),
    (pickle([0x4e, 0x51]), "byte 3: a persistent id is no tuple"),
    (pickle([0x62]), "byte 3: takes a value from an empty stack"),
  ]

  @Test(arguments: pickles)
  func refusesPickles(bytes: [UInt8], message: String) {
    let error = failure { _ = try open(torchArchive(pickle: bytes)) }
    #expect(error?.withoutFile == "archive/data.pkl, " + message)
    #expect(error?.kind == .badData && error?.hint != nil)
  }

  /// Memory and time stay small whatever a pickle repeats.
  @Test func boundsHostilePickles() {
    let many = Self.pickle([UInt8](repeating: 0x4e, count: 9_000_000))
    #expect(failure { _ = try open(torchArchive(pickle: many)) }?.reason == "more than 2000000 values")
    let nested = Self.pickle(
      [UInt8](repeating: 0x5d, count: 1_000_000) + [UInt8](repeating: 0x61, count: 999_999) + [0x2e])
    #expect(failure { _ = try open(torchArchive(pickle: nested)) }?.reason == "holds no dictionary of arrays")
    // A list that contains itself.
    let cycle = Self.pickle([0x5d, 0x71, 0, 0x68, 0, 0x61, 0x2e])
    #expect(failure { _ = try open(torchArchive(pickle: cycle)) }?.reason == "holds no dictionary of arrays")
  }

  static let states: [([UInt8], String)] = [
    ([0x80, 2, 0x4e, 0x2e], "archive/data.pkl: holds no dictionary of arrays"),
    (
      P.dictionary([("epoch", P.integer(3))]), "archive/data.pkl: holds no dictionary of arrays; its members: \"epoch\""
    ),
    (P.dictionary([("a", P.tensor(storage: "1"))]), "array \"a\": its storage \"1\" is missing"),
    (P.dictionary([("a", P.tensor(count: 5))]), "array \"a\": its storage \"0\" has 16 bytes, not the 20 stated"),
    (
      P.dictionary([("a", P.tensor(offset: 1))]),
      "archive/data.pkl, array \"a\": reaches outside its storage of 4 elements"
    ),
    (
      P.dictionary([("a", P.tensor(offset: -1))]),
      "archive/data.pkl, array \"a\": reaches outside its storage of 4 elements"
    ),
    (
      P.dictionary([("a", P.tensor(shape: [5]))]),
      "archive/data.pkl, array \"a\": reaches outside its storage of 4 elements"
    ),
    (
      P.dictionary([("a", P.tensor(shape: [2, 2], strides: [4, 1]))]),
      "archive/data.pkl, array \"a\": reaches outside its storage of 4 elements"
    ),
    (
      P.dictionary([("a", P.tensor(strides: [-1]))]),
      "archive/data.pkl, array \"a\": reaches outside its storage of 4 elements"
    ),
    (P.dictionary([("a", P.tensor(shape: [2, 2]))]), "archive/data.pkl, array \"a\": has 2 dimensions and 1 strides"),
    (
      P.dictionary([("a", P.tensor(shape: [-4]))]), "archive/data.pkl, array \"a\": shape [-4] has a negative dimension"
    ),
    (
      P.dictionary([("a", P.tensor(shape: [Int32](repeating: .max, count: 3), strides: [0, 0, 0]))]),
      "archive/data.pkl, array \"a\": shape [2147483647, 2147483647, 2147483647] has more elements than 63 bits can count"
    ),
    (P.dictionary([("a", P.tensor(count: -4))]), "archive/data.pkl, array \"a\": has a storage of unknown form"),
    (P.dictionary([("a", P.tensor()), ("a", P.tensor())]), "archive/data.pkl, array \"a\": is there twice"),
    (
      P.dictionary([("a", P.tensor(type: "ComplexFloatStorage"))]),
      "archive/data.pkl, byte 57: names the global torch.ComplexFloatStorage, which is not on the list of harmless ones"
    ),
    (
      P.dictionary([("a", P.global("torch._utils", "_rebuild_tensor_v2") + [0x29, 0x52])]),
      "archive/data.pkl, array \"a\": has no storage, offset, size and stride"
    ),
  ]

  @Test(arguments: states)
  func refusesStates(pickle: [UInt8], message: String) {
    let error = failure { _ = try open(torchArchive(pickle: pickle, storages: [("0", Self.floats)])) }
    #expect(error?.withoutFile == message)
  }

  @Test func refusesOtherLegacyFiles() throws {
    let folder = packageFile("Tests/CheckpointsTests/Fixtures/torch")
    let legacy = try bytes(of: "\(folder)/legacy.pth")
    #expect(
      failure { _ = try open([0x80, 2, 0x7d, 0x2e]) }?.withoutFile
        == "byte 0: is a pickle, but none that torch.save wrote")
    #expect(failure { _ = try open(Array(legacy.dropLast())) }?.reason == "the file ends inside it")
    #expect(failure { _ = try open(legacy + [0]) }?.reason == "1 byte after the last storage")
    for count in stride(from: 0, to: legacy.count - 1, by: 7) {
      if failure({ _ = try open(Array(legacy[..<count])) }) == nil { Issue.record("read though cut at \(count)") }
    }
  }
}

@Suite struct ZipTests {
  private func open(_ bytes: [UInt8]) throws {
    let folder = TemporaryFolder()
    _ = try openCheckpoint(folder.write(bytes, to: "weights.bin"))
  }

  private static let pickle = ZipPart("a/data.pkl", PickleText.dictionary([]))

  private static func changed(_ change: (inout ZipPart) -> Void) -> [UInt8] {
    var part = ZipPart("a/data/0", [1, 2, 3, 4])
    change(&part)
    return zip([pickle, part])
  }

  static let archives: [([UInt8], String)] = [
    (Array(zip([pickle]).dropLast()), "byte @: the zip archive's directory is missing at the end of the file"),
    (Array(zip([pickle]).prefix(40)), "byte @: the zip archive's directory is missing at the end of the file"),
    (
      changed { $0.method = 8 },
      "zip entry \"a/data/0\": is compressed (method 8); checkpoints store their entries as they are"
    ),
    (changed { $0.flags = 1 }, "zip entry \"a/data/0\": is encrypted"),
    (changed { $0.statedSize = 3 }, "zip entry \"a/data/0\": is stored but states two sizes: 4 and 3"),
    (changed { $0.statedOffset = 0xffff }, "zip entry \"a/data/0\": goes past the zip directory"),
    (changed { $0.statedOffset = 0 }, "zip entry \"a/data/0\": has another name in its local header"),
    (changed { $0.localName = Array("a/data/1".utf8) }, "zip entry \"a/data/0\": has another name in its local header"),
    (changed { $0.localSignature = 0 }, "zip entry \"a/data/0\": has no local header"),
    (changed { $0.name = Array("a/data.pkl".utf8) }, "zip entry \"a/data.pkl\": is there twice"),
    (changed { $0.name = [0xff] }, "zip directory, byte @: an entry's name is not UTF-8"),
    (zip([ZipPart("readme.txt", [])]), "zip archive: has no data.pkl: it is none of PyTorch's archives"),
    (
      zip([pickle, ZipPart("b/data.pkl", [])]), "zip archive: has 2 entries named data.pkl"
    ),
    (zip([pickle, ZipPart("a/constants.pkl", [])]), "zip archive: is a TorchScript program, not a state dict"),
    (
      zip([pickle, ZipPart("a/byteorder", Array("big".utf8))]),
      "zip entry \"a/byteorder\": says that the data are not little-endian"
    ),
    (zip([pickle], entries: 2), "zip directory, byte @: 4 bytes expected, 0 left"),
    (zip([pickle, pickle], entries: 1), "zip directory: has 56 bytes after its last entry"),
  ]

  @Test(arguments: archives)
  func refusesArchives(bytes: [UInt8], message: String) {
    let error = failure { try open(bytes) }
    // The place is the end of what could be read; which byte exactly is of no importance.
    let found = error?.withoutFile.replacing(/byte \d+/, with: "byte @")
    #expect(found == message)
  }

  @Test func refusesOverlaps() {
    // Two names for one local header, which names the first: the second is told apart before any overlap could matter.
    var second = ZipPart("a/data/0", [1, 2, 3, 4])
    second.statedOffset = 0
    #expect(failure { try open(zip([Self.pickle, second])) } != nil)
  }
}

@Suite struct ShardTests {
  private let folder = TemporaryFolder()

  private func shard(_ name: String, _ arrays: [String]) throws {
    let entries = arrays.enumerated().map {
      "\"\($1)\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[\($0),\($0 + 1)]}"
    }
    try folder.write(safetensors("{\(entries.joined(separator: ","))}", data: arrays.count), to: name)
  }

  private func open(_ index: String) throws -> any Checkpoint {
    try openCheckpoint(folder.write(Array(index.utf8), to: "model.safetensors.index.json"))
  }

  @Test func joinsShards() throws {
    try shard("one.safetensors", ["a", "b"])
    try shard("two.safetensors", ["c"])
    let map =
      #"{"metadata":{"total_size":3},"weight_map":{"c":"two.safetensors","a":"one.safetensors","b":"one.safetensors"}}"#
    let checkpoint = try open(map)
    #expect(checkpoint.arrays.map(\.name) == ["a", "b", "c"])
    #expect(checkpoint.files.count == 2)
    #expect(try checkpoint.data(of: 2) == [7])
    #expect(try openCheckpoint(folder.path).arrays.count == 3)
  }

  static let indices: [(String, String)] = [
    ("", "byte 0: the JSON text ends where a value is needed"),
    ("{}", "byte 0: has no member \"weight_map\""),
    ("{\"weight_map\":[]}", "byte 14: an object is needed, not an array"),
    ("{\"weight_map\":{\"a\":1}}", "byte 19: a string is needed, not 1"),
    ("{\"weight_map\":{\"a\":\"\"}}", "byte 19: \"\" is not the bare name of a file"),
    ("{\"weight_map\":{\"a\":\"..\"}}", "byte 19: \"..\" is not the bare name of a file"),
    ("{\"weight_map\":{\"a\":\"../x\"}}", "byte 19: \"../x\" is not the bare name of a file"),
    ("{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "byte 19: \"/etc/passwd\" is not the bare name of a file"),
    ("{\"weight_map\":{\"a\":\"sub/x\"}}", "byte 19: \"sub/x\" is not the bare name of a file"),
    ("{\"weight_map\":{\"a\":\"..\\\\x\"}}", "byte 19: \"..\\x\" is not the bare name of a file"),
    ("{\"weight_map\":{\"a\":\"x\\u0000y\"}}", "byte 19: \"x\\u{0}y\" is not the bare name of a file"),
    ("{\"weight_map\":{\"a\":\"one\",\"a\":\"one\"}}", "byte 25: duplicate key \"a\""),
    ("{\"weight_map\":{\"a\":\"gone\"}}", "no such file"),
    ("{\"weight_map\":{\"a\":\"one\"}}", "array \"b\": is not in the index"),
    (
      "{\"weight_map\":{\"a\":\"one\",\"b\":\"one\",\"z\":\"one\"}}", "array \"z\": is in the index but not in the file"
    ),
    ("{\"weight_map\":{\"a\":\"one\",\"b\":\"two\",\"c\":\"two\"}}", "array \"b\": should be in two by the index"),
    (
      "{\"weight_map\":{\"a\":\"one\",\"b\":\"one\",\"c\":\"twice\"}}",
      "array \"b\": is in another file of the checkpoint too"
    ),
    ("{\"weight_map\":{\"a\":\"text\"}}", "is a text file, where a checkpoint is needed"),
  ]

  @Test(arguments: indices)
  func refusesIndices(index: String, message: String) throws {
    try shard("one", ["a", "b"])
    try shard("two", ["c"])
    try shard("twice", ["b", "c"])
    try folder.write(Array("nothing".utf8), to: "text")
    let error = failure { _ = try open(index) }
    #expect(error?.withoutFile == message)
    #expect(error?.hint != nil)
  }
}
