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

  /// Copies of a tuple, and things remembered, count like values: a small file can't take much memory.
  @Test func boundsCopies() {
    let long: [UInt8] = [0x28] + [UInt8](repeating: 0x4e, count: 64) + [0x74, 0x71, 1]
    let call = P.global("torch", "Size") + [0x68, 1, 0x52, 0x30]
    // Calls share their arguments: they cost nothing more each.
    let copies = Self.pickle(long + (0..<32_000).flatMap { _ in call } + [0x4e, 0x2e])
    #expect(failure { _ = try open(torchArchive(pickle: copies)) }?.reason == "holds no arrays")
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
    // Whatever the weights are called, they stand beside the optimizer's state; averages come last.
    let trained = try open(
      torchArchive(
        pickle: P.dictionary([("model_ema", inner), ("params", inner), ("optimizer", inner)]), storages: storages))
    #expect(trained.arrays.map(\.name) == ["a"])
    #expect(trained.notes == ["the arrays are those of \"params\"; those of model_ema, optimizer are left out"])
    let nested = try open(torchArchive(pickle: P.dictionary([("b", P.tensor()), ("sub", inner)]), storages: storages))
    #expect(nested.arrays.map(\.name) == ["b", "sub.a"])
    let numbered = try open(
      torchArchive(pickle: [0x80, 2, 0x7d, 0x4b, 0] + P.tensor() + [0x73, 0x2e], storages: storages))
    #expect(numbered.arrays.map(\.name) == ["0"])
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
    (pickle([0x69]), "byte 3: the pickle ends early"),
    (pickle(Array("ios\nsystem\n".utf8)), "byte 13: there is no mark"),
    (pickle([0x6f]), "byte 3: there is no mark"),
    (pickle([0x28, 0x6f]), "byte 3: makes an object of no class"),
    (pickle([0x28, 0x4e, 0x6f]), "byte 4: calls what is no global"),
    (pickle([0x50]), "byte 3: the pickle ends early"),
    (pickle([0x82]), "byte 3: the pickle ends early"),
    (pickle([0x84, 1, 0, 0]), "byte 3: the pickle ends early"),
    (pickle([0x91]), "byte 3: there is no mark"),
    (pickle([0x92]), "byte 3: takes a value from an empty stack"),
    (pickle(P.global("a", "b") + [0x29, 0x4e]), "byte 9: the pickle ends early"),
    (pickle(P.global("a", "b") + [0x4e, 0x7d, 0x92]), "byte 9: calls a.b with what is no tuple"),
    (pickle([0x98]), "byte 2: there is no buffer"),
    (pickle([0x28, 0x98]), "byte 3: there is no buffer"),
    (pickle([0x97]), "byte 3: the pickle ends early"),
    (pickle([0xff]), "byte 2: 0xff is no opcode"),
    (
      pickle(P.global("a", String(repeating: "b", count: 1023))),
      "byte 1029: names a global of 1025 bytes; at most 1024 are read"
    ),
    (pickle([0x00]), "byte 2: 0x0 is no opcode"),
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
    (pickle(Array("I12x\n".utf8)), "byte 2: is no number"),
    (pickle(Array("L-L\n".utf8)), "byte 2: is no number"),
    (pickle(Array("L--1L\n".utf8)), "byte 2: is no number"),
    (pickle(Array("Sabc\n".utf8)), "byte 2: a string has no quotation marks"),
    (pickle(Array("S'abc\n".utf8)), "byte 2: a string has no quotation marks"),
    (pickle(Array("S'\n".utf8)), "byte 2: a string has no quotation marks"),
    (pickle(Array("px\n".utf8)), "byte 2: is no number"),
    (pickle(Array("gx\n".utf8)), "byte 2: is no number"),
    (pickle(Array("F1.x\n".utf8)), "byte 2: is no number"),
    (pickle([0x51]), "byte 3: takes a value from an empty stack"),
    (pickle(P.global("a", "b") + [0x29, 0x52, 0x28, 0x4e, 0x75]), "byte 12: a key has no value"),
    (pickle(P.global("a", "b") + [0x4e, 0x61]), "byte 9: adds items to what is no container"),
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
    #expect(failure { _ = try open(torchArchive(pickle: nested)) }?.reason == "holds no arrays")
    // A list that contains itself.
    let cycle = Self.pickle([0x5d, 0x71, 0, 0x68, 0, 0x61, 0x2e])
    #expect(failure { _ = try open(torchArchive(pickle: cycle)) }?.reason == "holds no arrays")
  }

  /// Dictionaries that are shared, which followed one by one would take for ever, or memory without end.
  @Test func boundsSharedDictionaries() {
    let floats = [("0", Self.floats)]
    /// A dictionary, remembered by `number`, of so many members that are all what stands remembered.
    func dictionary(_ number: UInt8, of members: Int, _ value: [UInt8], key: (Int) -> String = { "\($0)" }) -> [UInt8] {
      let items: [UInt8] = (0..<members).flatMap { P.string(key($0)) + value }
      return [0x7d, 0x71, number, 0x28] + items + [0x75]
    }
    let three: [[UInt8]] = [
      dictionary(1, of: 20_000, [0x4e]), dictionary(2, of: 20_000, [0x68, 1]), dictionary(3, of: 20_000, [0x68, 2]),
    ]
    let empty = Self.pickle(Array(three.joined(separator: [0x30])) + [0x2e])
    #expect(
      failure { _ = try open(torchArchive(pickle: empty)) }?.withoutFile.prefix(52)
        == "archive/data.pkl: holds no arrays; its members: \"0\",")
    let items: [UInt8] = (0..<3000).flatMap { P.string("\($0)") + [0x4e] }
    let wide: [UInt8] = [0x7d, 0x71, 1, 0x28] + P.string("a") + P.tensor() + items + [0x75]
    let members = Self.pickle(wide + [0x30] + dictionary(2, of: 3000, [0x68, 1]) + [0x2e])
    #expect(
      failure { _ = try open(torchArchive(pickle: members, storages: floats)) }?.withoutFile
        == "archive/data.pkl: has dictionaries of more than 2000000 members together")
    let long = [0x7d, 0x71, 1] + P.string(String(repeating: "x", count: 1 << 16)) + P.tensor() + [0x73]
    let names = Self.pickle(long + [0x30] + dictionary(2, of: 1025, [0x68, 1]) + [0x2e])
    #expect(
      failure { _ = try open(torchArchive(pickle: names, storages: floats)) }?.withoutFile
        == "archive/data.pkl: has names of more than 67108864 bytes together")
  }

  /// Calls that are shared, or have the same list as their argument, as often as a byte can say.
  @Test func boundsSharedCalls() {
    let call = P.global("collections", "OrderedDict")
    let wide = Self.pickle(call + [0x28] + [UInt8](repeating: 0x4e, count: 65) + [0x74, 0x52, 0x2e])
    #expect(failure { _ = try open(torchArchive(pickle: wide)) }?.reason == "holds no arrays")
    // A list whose last item makes it no list of pairs is gone through to its end each time.
    let pairs = (0..<2000).flatMap { _ in [UInt8]([0x4e, 0x4e, 0x86]) }
    let list = [0x5d, 0x28] + pairs + [0x4e, 0x65, 0x85, 0x71, 1, 0x30]
    let again = call + [0x68, 1, 0x52, 0x30]
    let many = Self.pickle(list + (0..<1100).flatMap { _ in again } + [0x4e, 0x2e])
    #expect(failure { _ = try open(torchArchive(pickle: many)) }?.reason == "more than 2000000 values")
  }

  /// Five times 256 MiB of one float, each of which is allowed.
  @Test func boundsRepeatedElementsTogether() throws {
    let folder = TemporaryFolder()
    let side: Int32 = 1 << 13
    func tensors(_ count: Int) throws -> String {
      let tensor = P.tensor(count: 1, shape: [side, side], strides: [0, 0])
      let pickle = P.dictionary((0..<count).map { ("\($0)", tensor) })
      return try folder.write(torchArchive(pickle: pickle, storages: [("0", [1, 2, 3, 4])]), to: "\(count).pt")
    }
    #expect(try openCheckpoint(tensors(4)).arrays.count == 4)
    let error = failure { _ = try openCheckpoint(tensors(5)) }
    #expect(error?.kind == .badData && error?.reason.hasPrefix("states arrays of 1342177280 bytes but has ") == true)
    #expect(error?.hint == "if you trust the file, raise the limit: --allow expansion=81")
  }

  /// One name a million times, which is none of those that weights usually stand under.
  @Test func sharedNamesAreLookedThrough() {
    let name = P.string("weights" + String(repeating: "\u{345}\u{334}", count: 15)) + [0x71, 1, 0x30]
    let members = (0..<500_000).flatMap { _ in [UInt8]([0x68, 1, 0x4e]) }
    let pickle = Self.pickle(name + [0x7d, 0x28] + members + [0x75, 0x2e])
    #expect(
      failure { _ = try open(torchArchive(pickle: pickle)) }?.reason.hasPrefix("holds no arrays") == true)
  }

  /// Torch numbers its storages.
  @Test func refusesLongKeys() {
    for key in [String(repeating: "0", count: 65), "é"] {
      let pickle = Self.pickle([0x7d] + P.string("w") + P.tensor(storage: key) + [0x73, 0x2e])
      #expect(
        failure { _ = try open(torchArchive(pickle: pickle)) }?.reason == "has a storage whose key is no short name")
    }
  }

  /// Torch notes at most two flags of a tensor.
  @Test func refusesManyFlags() {
    func pickle(_ flags: Int, _ value: UInt8) -> [UInt8] {
      let members = (0..<flags).flatMap { P.string("\($0)") + [value] }
      let tensor = Array(P.tensor().dropLast(2)) + [0x7d, 0x28] + members + [0x75, 0x74, 0x52]
      return P.dictionary([("a", tensor)])
    }
    func message(_ pickle: [UInt8]) -> String? {
      failure { _ = try open(torchArchive(pickle: pickle, storages: [("0", Self.floats)])) }?.reason
    }
    #expect(message(pickle(2, 0x89)) == nil)
    #expect(message(pickle(1, 0x88)) == "is marked as negated or conjugated, which is not supported")
    #expect(message(pickle(9, 0x89)) == "is marked as negated or conjugated, which is not supported")
  }

  /// One name in two ways of writing it, which no pickle can mean.
  @Test func passesOverStoragesOfOneName() throws {
    let storages: [(String, [UInt8])] = [("\u{e9}", []), ("0", Self.floats), ("e\u{301}", [])]
    let archive = torchArchive(pickle: P.dictionary([("a", P.tensor())]), storages: storages)
    #expect(try open(archive).data(of: 0) == Self.floats)
    let meant = torchArchive(pickle: P.dictionary([("a", P.tensor(storage: "\u{e9}"))]), storages: storages)
    #expect(failure { _ = try open(meant) }?.reason == "has a storage whose key is no short name")
  }

  static let states: [([UInt8], String)] = [
    ([0x80, 2, 0x4e, 0x2e], "archive/data.pkl: holds no arrays"),
    (
      P.dictionary([("epoch", P.integer(3))]), "archive/data.pkl: holds no arrays; its members: \"epoch\""
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
      P.dictionary([("a", P.tensor(type: "QUInt4x2Storage"))]),
      "archive/data.pkl, array \"a\": has a storage of torch.QUInt4x2Storage, a type that is not read"
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
    #expect(failure { _ = try open([0x80, 2, 0x4e, 0x2e]) }?.withoutFile == "pickle: holds no arrays")
    #expect(failure { _ = try open([0x80, 2, 0x7d, 0x2e, 0]) }?.withoutFile == "byte 4: 1 byte after the pickle")
    #expect(failure { _ = try open([0x80, 2, 0x7d]) }?.withoutFile == "pickle, byte 3: the pickle ends early")
    #expect(failure { _ = try open(Array(legacy.dropLast())) }?.reason == "the file ends inside it")
    #expect(failure { _ = try open(legacy + [0]) }?.reason == "1 byte after the last storage")
    for count in stride(from: 0, to: legacy.count - 1, by: 7) {
      if failure({ _ = try open(Array(legacy[..<count])) }) == nil { Issue.record("read though cut at \(count)") }
    }
  }

  /// A file of the older form: facts about the writer's machine, the list of storages, and what follows it.
  private static func legacy(
    system: [UInt8] = [0x7d], keys: [UInt8] = [0x5d] + P.string("0") + [0x61], counts: [UInt64] = [4],
    version: [UInt8] = [0x4d, 0xe9, 3]
  ) -> [UInt8] {
    let magic: [UInt8] = [0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]
    let head: [UInt8] = [version, system].flatMap { pickle($0) + [0x2e] }
    let pickles: [UInt8] = head + P.dictionary([("a", P.tensor())]) + pickle(keys)
    let storages: [UInt8] = counts.flatMap { $0.littleEndianBytes + floats }
    return magic + pickles + [0x2e] + storages
  }

  static let legacyFiles: [([UInt8], String)] = [
    (legacy(version: [0x4d, 0xea, 3]), "byte 15: is of an unknown version of PyTorch's format"),
    (
      legacy(system: [0x7d] + P.string("little_endian") + [0x89, 0x73]),
      "system information: says that the data are not little-endian"
    ),
    (legacy(keys: [0x4e]), "list of storages: is no list"),
    (legacy(keys: [0x5d, 0x4e, 0x61]), "list of storages: has a key that is no string"),
    (legacy(keys: [0x5d] + P.string("1") + [0x61]), "storage \"1\": is not mentioned before"),
    (legacy(counts: [5]), "storage \"0\": has another count of elements than the state dict says"),
    (legacy(counts: [0]), "storage \"0\": has another count of elements than the state dict says"),
    (legacy(counts: [.max]), "storage \"0\": has another count of elements than the state dict says"),
    (legacy(counts: []), "storage \"0\": the file ends before it"),
    (
      legacy(keys: [0x5d, 0x28] + P.string("0") + P.string("0") + [0x65], counts: [4, 4]),
      "storage \"0\": is there twice"
    ),
    (legacy(keys: [0x5d], counts: []), "array \"a\": its storage \"0\" is missing"),
  ]

  @Test(arguments: legacyFiles)
  func refusesLegacyFiles(bytes: [UInt8], message: String) throws {
    #expect(failure { _ = try open(bytes) }?.withoutFile == message)
    let right = Self.legacy(system: [0x7d] + P.string("little_endian") + [0x88, 0x73])
    #expect(try open(right).data(of: 0) == Self.floats)
  }

  /// Every opcode that a state dict may have; what they leave is thrown away, but for the dictionary.
  @Test func readsEveryAllowedOpcode() throws {
    let texts = [
      "I01\n", "I7\n", "L8L\n", "F1.5\n", "Va\n", "S'e'\n", "U\u{1}c", "T\u{1}\0\0\0d", "C\u{1}f", "B\u{1}\0\0\0g",
    ].flatMap { Array($0.utf8) }
    let binary: [[UInt8]] = [
      [0x95], [UInt8](repeating: 0, count: 8), [0x4e, 0x88, 0x89, 0x4b, 1, 0x4d, 1, 0, 0x4a, 1, 0, 0, 0],
      [0x8a, 1, 0xff, 0x8a, 9], [UInt8](repeating: 1, count: 9), [0x8b, 2, 0, 0, 0, 0xff, 0xff],
      [0x47, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0x8c, 1, 0x61],
      [0x8d, 1, 0, 0, 0, 0, 0, 0, 0, 0x61, 0x8e, 1, 0, 0, 0, 0, 0, 0, 0, 0x68, 0x96, 1, 0, 0, 0, 0, 0, 0, 0, 0x69],
    ]
    let containers: [[UInt8]] = [
      [0x29, 0x85, 0x86, 0x87, 0x5d, 0x28, 0x6c, 0x28, 0x4e, 0x4e, 0x64, 0x8f, 0x28, 0x4e, 0x90, 0x32, 0x30],
      [0x71, 6, 0x72, 7, 0, 0, 0, 0x94, 0x68, 6, 0x6a, 7, 0, 0, 0], Array("p5\ng5\n".utf8), [0x28, 0x31, 0x28, 0x30],
    ]
    let dictionary: [UInt8] = P.dictionary([("a", P.tensor())])
    let left: [UInt8] = Self.pickle(texts + Array(binary.joined()) + Array(containers.joined()))
    let pickle: [UInt8] = left + dictionary[..<(dictionary.count - 1)] + [0x4e, 0x62, 0x2e]
    let checkpoint = try open(torchArchive(pickle: pickle, storages: [("0", Self.floats)]))
    #expect(checkpoint.arrays.map(\.name) == ["a"])
  }
}
