import Arrays

/// Arrays that flax.serialization wrote in MessagePack: Flax' checkpoints, transformers' flax_model.msgpack. Opening one
/// passes over the arrays' data; what isn't an array is a leftover.
public struct MessagePackCheckpoint: Checkpoint {
  public let path: String
  public let format = "MessagePack"
  public let files: [any Source]
  public let arrays: [CheckpointArray]
  public let metadata: [(name: String, value: String)] = []
  public let leftovers: [Leftover]
  private let parts: [[Range<Int>]]

  /// - Throws: `Failure` of kind `badData` naming the byte.
  public init(_ file: any Source, openedBy path: String? = nil) throws(Failure) {
    do throws(Failure) {
      let tree = try MessagePackTree(file)
      self.path = path ?? file.path
      files = [file]
      arrays = tree.entries.map(\.array)
      parts = tree.entries.map(\.parts)
      leftovers = tree.leftovers
    } catch {
      throw error.inFile(file.path).hinting(
        "the file is damaged, or flax.serialization did not write it: fetch it again, or ask its author")
    }
  }

  public func read(_ array: Int, at offset: Int, count: Int, into buffer: inout [UInt8]) throws(Failure) {
    precondition(offset >= 0 && count >= 0 && offset + count <= arrays[array].bytes, "range outside the array")
    if let part = parts[array].first, parts[array].count == 1 {
      return try files[0].read(count, at: part.lowerBound + offset, into: &buffer)
    }
    if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
    // Of each part what the range has of it.
    var (start, piece): (Int, [UInt8]) = (0, [])
    for part in parts[array] {
      let (from, to) = (max(offset, start), min(offset + count, start + part.count))
      if from < to {
        try files[0].read(to - from, at: part.lowerBound + from - start, into: &piece)
        buffer.replaceSubrange(from - offset..<to - offset, with: piece[..<(to - from)])
      }
      start += part.count
    }
  }
}
