import Arrays
import Checkpoints

private let file = MemoryFile(905)
private let archive = MemoryFile(906)
private let data = MemoryFile(907)

extension FuzzTarget {
  /// A GGUF file.
  static let gguf = FuzzTarget("gguf") { bytes in
    let checkpoint = try GGUFCheckpoint(file.holding(bytes))
    let packed = checkpoint.arrays.reduce(0) { $0 + ($1.packing?.bytes ?? $1.bytes) }
    try expect(packed <= bytes.count, "more data than the file has")
    try checkCopy(of: checkpoint)
  }

  /// A .npy file, or an .npz archive, whose packed entries show only when they are read whether they are sound.
  static let numpy = FuzzTarget("numpy") { bytes in
    guard bytes.starts(with: Array("PK".utf8)) else { return try checkCopy(of: NumPyCheckpoint(file.holding(bytes))) }
    let checkpoint = try NumPyCheckpoint(ZipArchive(archive.holding(bytes), takesDeflated: true))
    for (index, array) in checkpoint.arrays.enumerated() where array.bytes <= mostRead {
      _ = try checkpoint.data(of: index)
    }
    try checkCopy(of: checkpoint)
  }

  /// An ONNX model, whose folder has nothing that it could name.
  static let onnx = FuzzTarget("onnx", kinds: [.badData, .noInput]) { bytes in
    try checkCopy(of: ONNXCheckpoint(file.holding(bytes)))
  }

  /// The index of a TensorFlow checkpoint, whose files of data have 64 bytes. The checksums of two blocks, the second one
  /// that of the table's index, are made right, if the bytes say where these are.
  static let tensorFlow = FuzzTarget("tensorflow") { bytes in
    let (choice, rest) = bytes.choice(of: 256)
    data.write((0..<64).map { UInt8($0) })
    let content = choice == 0 ? rest : table(rest, first: choice)
    let checkpoint = try TensorFlowCheckpoint(IndexOfData(index: file.holding(content)))
    try checkCopy(of: checkpoint)
  }

  /// A table of one block of `first` bytes, and one that says where it is, of the rest.
  private static func table(_ bytes: [UInt8], first: Int) -> [UInt8] {
    func block(_ content: [UInt8]) -> [UInt8] {
      var sum: UInt32 = 0xffff_ffff
      for byte in content + [0] {
        sum ^= UInt32(byte)
        for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0x82f6_3b78 : sum >> 1 }
      }
      sum = ~sum
      return content + [0] + ((sum >> 15 | sum << 17) &+ 0xa282_ead8).littleEndianBytes
    }
    func varint(_ value: Int) -> [UInt8] { [UInt8(value & 0x7f | 0x80), UInt8(value >> 7)] }
    let (data, index) = (Array(bytes.prefix(first)), Array(bytes.dropFirst(first)))
    let blocks = block(data) + block(index)
    let footer = [0, 0] + varint(data.count + 5) + varint(index.count)
    return blocks + footer + [UInt8](repeating: 0, count: 40 - footer.count) + [
      0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb,
    ]
  }

  /// A tree that Flax wrote.
  static let messagePack = FuzzTarget("messagepack") { bytes in
    let checkpoint = try MessagePackCheckpoint(file.holding(bytes))
    try expect(checkpoint.arrays.reduce(0) { $0 + $1.bytes } <= bytes.count, "more data than the file has")
    try checkCopy(of: checkpoint)
  }
}

/// An index beside which stands whatever it names: always the same file.
private struct IndexOfData: Source {
  let index: InputFile
  var path: String { index.path }
  var size: Int { index.size }

  func read(_ count: Int, at offset: Int, into buffer: inout [UInt8]) throws(Failure) {
    try index.read(count, at: offset, into: &buffer)
  }

  func neighbour(_ name: String, followsLinks: Bool) throws(Failure) -> any Source { try InputFile(data.path) }
}
