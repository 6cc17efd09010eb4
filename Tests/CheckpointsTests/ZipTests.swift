import Arrays
import Checkpoints
import TestSupport
import Testing

@Suite struct ZipTests {
  private func open(_ bytes: [UInt8]) throws {
    let folder = TemporaryFolder()
    _ = try openCheckpoint(folder.write(bytes, to: "weights.bin"))
  }

  private static let pickle = ZipPart("a/data.pkl", PickleText.dictionary([]))

  private static func changed(_ change: (inout ZipPart) -> Void) -> [UInt8] {
    var part = ZipPart("a/data/0", [1, 2, 3, 4])
    change(&part)
    let tensor = PickleText.dictionary([("w", PickleText.tensor(count: 1, shape: [1]))])
    return zip([ZipPart("a/data.pkl", tensor), part])
  }

  /// What nobody reads may be packed in any way, as the code of TorchScript programs is.
  @Test func passesOverPackedEntries() throws {
    var code = ZipPart("a/code/x.py", [1, 2, 3])
    code.method = 8
    try open(zip([Self.pickle, code]))
    code.method = 93
    code.flags = 1
    try open(zip([Self.pickle, code]))
    var packed = ZipPart("a/data.pkl", [1, 2, 3])
    packed.method = 8
    #expect(failure { try open(zip([packed])) }?.reason.hasPrefix("is compressed (method 8)") == true)
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
      zip([ZipPart("data", []), ZipPart("policy.pth", []), ZipPart("policy.optimizer.pth", [])]),
      "zip archive: is no checkpoint itself, but holds policy.pth, policy.optimizer.pth"
    ),
    (
      zip([pickle, ZipPart("b/data.pkl", [])]), "zip archive: has 2 entries named data.pkl"
    ),
    (zip([pickle, ZipPart("a/constants.pkl", [])]), "a/constants.pkl, byte @: the pickle ends early"),
    (
      zip([pickle, ZipPart("a/byteorder", Array("middle".utf8))]), "zip entry \"a/byteorder\": names no byte order"
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

  /// Archives that state their sizes in 64 bits, as PyTorch does for large ones.
  @Test func readsZip64() throws {
    let part = ZipPart("a/data.pkl", PickleText.dictionary([]))
    let archive = zip([part])
    let (length, start) = (46 + 10, archive.count - 22 - 56)
    func zip64(entries: UInt64 = 1, length: UInt64, offset: UInt64, locator: UInt64? = nil, sign: UInt8 = 6) -> [UInt8]
    {
      var out = Array(archive[..<(archive.count - 22)])
      out += [0x50, 0x4b, sign, sign, 44, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 20)
      for number in [entries, length, offset] { out += number.littleEndianBytes }
      out += [0x50, 0x4b, 6, 7, 0, 0, 0, 0]
      out += (locator ?? UInt64(archive.count - 22)).littleEndianBytes
      out += [1, 0, 0, 0, 0x50, 0x4b, 5, 6] + [UInt8](repeating: 0xff, count: 16) + [0, 0]
      return out
    }
    let (size, place) = (UInt64(length), UInt64(start))
    // An empty state dict, found by the 64-bit record.
    #expect(failure { try open(zip64(length: size, offset: place)) } == nil)
    func message(_ bytes: [UInt8]) -> String? { failure { try open(bytes) }?.withoutFile }
    let missing = "zip directory: the 64-bit end record is missing"
    #expect(message(zip64(length: size, offset: place, sign: 7)) == missing)
    #expect(message(zip64(length: size, offset: place, locator: .max)) == missing)
    #expect(
      message(Array(archive.dropLast(22)) + [0x50, 0x4b, 5, 6] + [UInt8](repeating: 0xff, count: 16) + [0, 0])
        == missing)
    #expect(message(zip64(length: size, offset: .max)) == "zip directory: goes past the end of the file")
    #expect(message(zip64(length: .max, offset: place)) == "zip directory: goes past the end of the file")
    #expect(
      message(zip64(entries: .max, length: size, offset: place)) == "zip directory: goes past the end of the file")
    #expect(
      message(zip64(entries: 1 << 30, length: size, offset: place))
        == "zip directory: has 1073741824 entries; at most 1000000 are read")
  }

  @Test func refusesOverlaps() {
    // Two names for one local header, which names the first: the second is told apart before any overlap could matter.
    var second = ZipPart("a/data/0", [1, 2, 3, 4])
    second.statedOffset = 0
    #expect(failure { try open(zip([Self.pickle, second])) } != nil)
  }
}
