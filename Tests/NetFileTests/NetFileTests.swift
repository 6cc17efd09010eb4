import Arrays
import Foundation
import NetFile
import Synchronization
import TestSupport
import Testing

/// Some arrays with data, and a header for them.
struct SampleNet {
  let header: NetHeader
  let data: [[UInt8]]

  init(float32: Int = 4000) throws {
    let shapes: [(String, ElementType, [Int])] = [
      ("first.weight", .float32, [float32 / 40, 40]), ("first.bias", .float16, [7]), ("empty", .int64, [0, 3]),
      ("second.weight", .int8, [3, 5]), ("second.weight.scales", .float32, [3]), ("scalar", .bool, []),
    ]
    var arrays: [ArrayEntry] = []
    var data: [[UInt8]] = []
    for (name, type, shape) in shapes {
      let scales = name == "second.weight" ? "second.weight.scales" : nil
      arrays.append(try ArrayEntry(name: name, elementType: type, shape: Shape(shape), scales: scales))
      data.append((0..<arrays[arrays.count - 1].bytes).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ arrays.count) })
    }
    self.data = data
    header = NetHeader(
      family: "sample", net: "Sample", parameters: [JSONMember("Part", "Sample")], configuration: [],
      profile: .object([:]),
      tokenizer: TokenizerDescription(
        kind: "wordpiece", lowercase: true, stripAccents: nil, splitCJK: true, vocabulary: ["[PAD]", "\"é\\\n"]),
      provenance: Provenance(tool: "test", layout: "none", part: .at("ema.\"é"), sources: [.init(file: "x", bytes: 3)]),
      isInitialized: true,
      ties: [Tie(name: "head.weight", same: "first.weight")], arrays: arrays)
  }

  func write(to path: String, compress: Bool = false) throws {
    let writer = try NetFileWriter(path, header: header, compress: compress)
    for (index, bytes) in data.enumerated() { try writer.write(index) { try $0(bytes.rawSpan) } }
    try writer.finish(sourceDigests: [SHA256.digest([1, 2, 3])])
    try writer.commit()
  }
}

@Suite struct NetFileTests {
  @Test(arguments: [false, true])
  func readsWhatWasWritten(compress: Bool) throws {
    let folder = TemporaryFolder()
    let sample = try SampleNet(float32: 2_400_000)
    try sample.write(to: folder.file("n.ingot"), compress: compress)
    let net = try NetFile(folder.file("n.ingot"))
    #expect(net.header.arrays.map(\.name) == sample.header.arrays.map(\.name))
    #expect(net.header.tokenizer == sample.header.tokenizer)
    #expect(net.header.ties == sample.header.ties)
    #expect(net.header.provenance.sources[0].sha256 == SHA256.digest([1, 2, 3]))
    #expect(net.header.provenance.part == .at("ema.\"é"))
    for (entry, data) in zip(net.header.arrays, sample.data) {
      var read: [UInt8] = []
      try net.forEachChunk(of: entry) { read.append(contentsOf: $0) }
      #expect(read == data)
      #expect(entry.sha256 == SHA256.digest(data))
      #expect(entry.offset.isMultiple(of: 64))
    }
    #expect(try net.damage().isEmpty)
  }

  @Test(arguments: [false, true])
  func sameNetSameBytes(compress: Bool) throws {
    let folder = TemporaryFolder()
    let sample = try SampleNet()
    for name in ["a", "b"] { try sample.write(to: folder.file(name), compress: compress) }
    #expect(try bytes(of: folder.file("a")) == bytes(of: folder.file("b")))
  }

  @Test func headerWritesWhatItReads() throws {
    let folder = TemporaryFolder()
    try SampleNet().write(to: folder.file("n.ingot"))
    let header = try NetFile(folder.file("n.ingot")).header
    #expect(try NetHeader(json: JSONValue(parsing: Array(header.json.compactText.utf8))) == header)
  }

  /// Every bit of the prologue, the header and the padding, and one in 13 of the data; each must be noticed, and in the
  /// data the array named.
  @Test(arguments: [false, true])
  func noticesEveryFlippedBit(compress: Bool) throws {
    let folder = TemporaryFolder()
    let path = folder.file("n.ingot")
    try SampleNet(float32: 14_000).write(to: path, compress: compress)
    let content = try bytes(of: path)
    #expect(content.count <= 65_536)
    let header = try NetFile(path).header
    let dataStart = header.arrays[0].offset
    let bits = Array(0..<dataStart * 8) + Array(stride(from: dataStart * 8, to: content.count * 8, by: 13))
    let missed = Mutex<[Int]>([])
    try inParallel(jobs: 8) { part in
      let path = folder.file("flipped-\(part)")
      try Data(content).write(to: URL(filePath: path))
      let handle = try FileHandle(forUpdating: URL(filePath: path))
      func put(_ byte: UInt8, _ position: Int) throws {
        try handle.seek(toOffset: UInt64(position))
        try handle.write(contentsOf: [byte])
      }
      for bit in stride(from: part, to: bits.count, by: 8).map({ bits[$0] }) {
        try put(content[bit / 8] ^ 1 << (bit % 8), bit / 8)
        if !Self.isNoticed(path, bit / 8, header) { missed.withLock { $0.append(bit) } }
        try put(content[bit / 8], bit / 8)
      }
      try handle.close()
    }
    #expect(missed.withLock(\.self) == [])
  }

  private static func isNoticed(_ path: String, _ byte: Int, _ header: NetHeader) -> Bool {
    guard let damage = try? NetFile(path).damage() else { return true }
    // The array whose data or preceding padding the byte is in.
    let array = header.arrays.first { byte < $0.offset + $0.storedBytes }
    return damage.map(\.array) == [array?.name]
  }

  @Test func noticesTruncationAnywhereAndAppendedBytes() throws {
    let folder = TemporaryFolder()
    try SampleNet(float32: 400).write(to: folder.file("n.ingot"))
    let content = try bytes(of: folder.file("n.ingot"))
    for count in 0..<content.count {
      let path = try folder.write(Array(content[..<count]), to: "cut")
      let error = failure { _ = try NetFile(path) }
      let expected =
        count < 64
        ? "has \(byteCount(count)), fewer than the 64 that begin a net file"
        : "byte 24: states a length of \(content.count) bytes but has \(count)"
      if error?.withoutFile != expected { Issue.record("\(count): \(error?.description ?? "nothing")") }
    }
    let longer = try folder.write(content + [0], to: "longer")
    #expect(
      failure { _ = try NetFile(longer) }?.withoutFile
        == "byte 24: states a length of \(content.count) bytes but has \(content.count + 1)")
  }

  @Test func refusesANewerMajorVersionAndReadsNewerMinorOnes() throws {
    let folder = TemporaryFolder()
    func file(major: UInt8, minor: UInt8) throws -> String {
      try folder.write(netFile(header: emptyHeader, major: major, minor: minor), to: "v\(major).\(minor)")
    }
    #expect(try NetFile(file(major: 1, minor: 9)).header.family == "f")
    let newer = failure { _ = try NetFile(file(major: 3, minor: 0)) }
    #expect(newer?.withoutFile == "byte 8: is of format version 3; this program reads versions 1 to 2")
    #expect(newer?.hint?.hasPrefix("use a newer version of ingot") == true)
  }
}

/// A net file with a right prologue and digest around any header text.
func netFile(header: String, major: UInt8 = 1, minor: UInt8 = 0, data: [UInt8] = []) -> [UInt8] {
  let text = Array(header.utf8)
  let start: [UInt8] = NetFileMagic.bytes + [major, 0, minor, 0, 0, 0, 0, 0]
  let prologue = start + UInt64(text.count).littleEndianBytes + UInt64(64 + text.count + data.count).littleEndianBytes
  return prologue + SHA256.digest(prologue + text).bytes + text + data
}

let emptyHeader = header()

/// A header text in which some members are replaced.
func header(_ changes: [String: String] = [:]) -> String {
  let members: [(String, String)] = [
    ("format", "\"ingot\""), ("family", "\"f\""), ("net", "\"n\""), ("parameters", "{}"), ("initialized", "true"),
    ("configuration", "{}"), ("profile", "{}"), ("provenance", "{\"tool\":\"t\",\"sources\":[]}"), ("ties", "[]"),
    ("arrays", "[]"),
  ]
  let texts = members.compactMap { name, value in
    changes[name] == "" ? nil : "\"\(name)\":\(changes[name] ?? value)"
  }
  return "{" + texts.joined(separator: ",") + "}"
}
