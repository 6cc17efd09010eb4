import Arrays
import Checkpoints

private let file = MemoryFile(908)

extension FuzzTarget {
  /// What loading a file would run. A file that nothing is told of is no failure of the scanner's; one that can't be told is
  /// what a failure is to other readers.
  static let scan = FuzzTarget("scan") { bytes in
    let found = try scanned(bytes)
    try check(found, bytes)
    // What is called stays called, whatever stands behind it; but an archive's directory is found from the end, and what
    // stands behind that is looked through from there.
    let called = calls(found)
    let directory: [UInt8] = [0x50, 0x4b, 5, 6]
    if !called.isEmpty, found.pickles > 0, found.kind == "a Python pickle", !bytes.contains(directory) {
      let more = try scanned(bytes + [UInt8](repeating: 0, count: 64))
      try expect(calls(more).isSuperset(of: called), "\(called.subtracting(calls(more))) not found with zeros behind")
    }
    // In front of another pickle neither hides the other.
    let evil: [UInt8] = [0x80, 2] + Array("cos\nsystem\n)R.".utf8)
    let first = try scanned(evil + bytes)
    try expect(
      first.findings.contains { $0.subject == "os.system" && $0.severity == .harmful }, "hidden by what follows")
    // As an entry of an archive, it comes to no less.
    let archived = try scanned(stored(bytes))
    try expect(archived.verdict >= (found.verdict == .something ? .something : .nothing), "hidden by an archive")
    guard found.verdict != .cannotTell else { throw Failure(.badData, "can't tell") }
  }

  private static func scanned(_ bytes: [UInt8]) throws -> ScannedFile {
    let path = try file.holding(bytes).path
    return try sure("scanning") { try Scan([path]).files[0] }
  }

  private static func calls(_ file: ScannedFile) -> Set<String> {
    Set(file.findings.filter { $0.rule == .pickleCall }.map(\.subject))
  }

  private static func check(_ file: ScannedFile, _ bytes: [UInt8]) throws {
    for finding in file.findings {
      try expect(finding.offset >= 0 && finding.count > 0, "a finding that is nowhere")
      if finding.place.isEmpty { try expect(finding.offset <= bytes.count, "a finding outside of the file") }
      try expect(!finding.message.isEmpty, "a finding that says nothing")
    }
    try expect(file.verdict == .nothing || file.findings.contains { $0.severity > .note }, "a verdict without a reason")
  }

  /// A zip archive with these bytes as its one entry.
  private static func stored(_ bytes: [UInt8]) -> [UInt8] {
    let sizes: [UInt8] = UInt32(bytes.count).littleEndianBytes + UInt32(bytes.count).littleEndianBytes
    let common: [UInt8] = [UInt8](repeating: 0, count: 14) + sizes + [1, 0, 0, 0]
    let local: [UInt8] = [0x50, 0x4b, 3, 4] + common + [0x61]
    var out = local + bytes
    let start = out.count
    out += [0x50, 0x4b, 1, 2, 0, 0] + common + [UInt8](repeating: 0, count: 14) + [0x61]
    let length: [UInt8] = UInt32(out.count - start).littleEndianBytes
    out += [0x50, 0x4b, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0] + length + UInt32(start).littleEndianBytes + [0, 0]
    return out
  }
}
