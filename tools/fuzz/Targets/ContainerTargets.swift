import Arrays
import Checkpoints

private let file = MemoryFile(905)
private let archive = MemoryFile(906)

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

  /// A tree that Flax wrote.
  static let messagePack = FuzzTarget("messagepack") { bytes in
    let checkpoint = try MessagePackCheckpoint(file.holding(bytes))
    try expect(checkpoint.arrays.reduce(0) { $0 + $1.bytes } <= bytes.count, "more data than the file has")
    try checkCopy(of: checkpoint)
  }
}
