import Arrays
import Checkpoints

/// Reads a file for compressed-tensors that was just written, before it takes its place.
struct CompressedTensorsCheck: Sendable {
  /// That it ought to have.
  let arrays: [CheckpointArray]
  /// How many of them are int8 with scales.
  let quantized: Int
  let config: JSONValue
  /// SHA-256 of an array's data as it ought to be.
  let digest: @Sendable (Int) throws -> Digest

  /// - Throws: `Failure` of kind `io` when something is other than it ought to be.
  func run(_ file: OutputFile) throws {
    let written = try SafetensorsCheckpoint(InputFile(file.temporary))
    guard written.arrays == arrays else { throw Self.wrong(file, "it has other arrays") }
    try inParallel(jobs: arrays.count) { index in
      guard try Self.digest(of: index, in: written) == digest(index) else {
        throw Self.wrong(file, "array \"\(arrays[index].name)\" is another")
      }
    }
    let found = try PublishedQuantization(arrays, metadata: [], leftovers: [], config: config) { _ in nil }
    guard found?.schemes.reduce(0, { $0 + $1.arrays }) == quantized else {
      throw Self.wrong(file, "not all int8 weights are known as such")
    }
  }

  private static func wrong(_ file: OutputFile, _ what: String) -> Failure {
    Failure(.io, file: file.path, "was written, and read again \(what)", hint: "try again; the disk may be faulty")
  }

  private static func digest(of index: Int, in checkpoint: SafetensorsCheckpoint) throws(Failure) -> Digest {
    var hash = SHA256()
    var buffer: [UInt8] = []
    let bytes = checkpoint.arrays[index].bytes
    var offset = 0
    while offset < bytes {
      let count = min(1 << 20, bytes - offset)
      try checkpoint.read(index, at: offset, count: count, into: &buffer)
      hash.update(buffer.rawSpan.extracting(0..<count))
      offset += count
    }
    return hash.finish()
  }
}
