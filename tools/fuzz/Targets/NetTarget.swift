import Arrays
import NetFile

private let file = MemoryFile(910)

extension FuzzTarget {
  /// A net file: as it is; or a header and data, around which the rest is made so that lengths and digests are right; or
  /// the stored bytes of one compressed array.
  static let net = FuzzTarget("net") { bytes in
    let (form, rest) = bytes.choice(of: 3)
    switch form {
    case 0: try check(NetFile(file.holding(rest)))
    case 1:
      let parts = rest.parts(2)
      try check(NetFile(file.holding(netFile(header: parts[0], room: max(headerRoom, parts[0].count), data: parts[1]))))
    default: try checkCompressed(rest)
    }
  }

  /// Bytes to which a header is filled up, so that arrays keep their places when it becomes longer.
  private static let headerRoom = 1024

  /// A file with that header, filled up with spaces, and those data behind it.
  private static func netFile(header: [UInt8], room: Int, data: [UInt8]) -> [UInt8] {
    let text = header + [UInt8](repeating: 0x20, count: room - header.count)
    let start =
      NetFileMagic.bytes + [1, 0, 0, 0, 0, 0, 0, 0] + UInt64(text.count).littleEndianBytes
      + UInt64(NetFormat.prologueLength + text.count + data.count).littleEndianBytes
    return start + SHA256.digest(start + text).bytes + text + data
  }

  /// Largest arrays that are unpacked.
  private static let mostUnpacked = 1 << 16

  private static func check(_ net: NetFile) throws {
    let header = net.header
    let text = header.json.compactText
    let again = try sure("the written header") { try NetHeader(json: JSONValue(parsing: Array(text.utf8))) }
    try expect(again == header, "another header when read again")
    try expect(again.json.compactText == text, "another text when written again")
    guard header.arrays.allSatisfy({ $0.bytes <= mostUnpacked }) else { return }
    // With the digests that the data have, nothing may be damaged but what can't be unpacked, and padding.
    var repaired = header
    var isWhole = true
    var end = NetFormat.prologueLength + net.headerLength
    for (index, array) in header.arrays.enumerated() {
      let between = try sure("the padding") { try net.file.bytes(array.offset - end, at: end) }
      end = array.offset + array.storedBytes
      let stored = try sure("an array's bytes") { try net.file.bytes(array.storedBytes, at: array.offset) }
      var data: [UInt8] = []
      do {
        try net.forEachChunk(of: array) { data.append(contentsOf: $0) }
        try expect(data.count == array.bytes, "other than the array's bytes")
      } catch let failure as Failure {
        try expect(failure.kind == .badData && array.encoding != .plain, "stored as it is, but: \(failure)")
        isWhole = false
      }
      isWhole = isWhole && between.allSatisfy { $0 == 0 }
      repaired.arrays[index].sha256 = SHA256.digest(data)
      if array.encoding != .plain {
        repaired.arrays[index].encoding = .zstdPlanes(bytes: stored.count, sha256: SHA256.digest(stored))
      }
    }
    let newText = Array(repaired.json.compactText.utf8)
    guard net.headerLength >= newText.count else { return }
    let start = NetFormat.prologueLength + net.headerLength
    let rest = try sure("the rest") { try net.file.bytes(net.file.size - start, at: start) }
    let copy = try sure("the repaired file") {
      try NetFile(file.holding(netFile(header: newText, room: net.headerLength, data: rest)))
    }
    let damage = try copy.damage()
    try expect(damage.isEmpty == isWhole, "\(isWhole ? "sound" : "damaged"), but the verdict is \(damage)")
  }

  /// - Parameter input: bytes of an element, half the elements, and the stored bytes.
  private static func checkCompressed(_ input: [UInt8]) throws {
    let (type, more) = input.choice(of: ElementType.allCases.count)
    let (half, stored) = more.choice(of: 256)
    let elementSize = ElementType.allCases[type].size
    let count = 2 * half * elementSize
    var data: [UInt8] = []
    try BytePlanes.forEachBlock(of: stored, count: count, elementSize: elementSize) { data.append(contentsOf: $0) }
    try expect(data.count == count, "other than the array's bytes")
    guard count > 0 else { return }
    let frame = BytePlanes.compress(data.rawSpan, elementSize: elementSize)
    var again: [UInt8] = []
    try sure("the frame made of it") {
      try BytePlanes.forEachBlock(of: frame, count: count, elementSize: elementSize) {
        again.append(contentsOf: $0)
      }
    }
    try expect(again == data, "other data when compressed and unpacked again")
  }
}
