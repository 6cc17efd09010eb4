import Arrays
import Checkpoints

private let file = MemoryFile(905)

extension FuzzTarget {
  /// A GGUF file.
  static let gguf = FuzzTarget("gguf") { bytes in
    let checkpoint = try GGUFCheckpoint(file.holding(bytes))
    let packed = checkpoint.arrays.reduce(0) { $0 + ($1.packing?.bytes ?? $1.bytes) }
    try expect(packed <= bytes.count, "more data than the file has")
    try checkCopy(of: checkpoint)
  }
}
