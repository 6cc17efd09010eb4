import Arrays

/// A GGUF file of version 2 or 3, as llama.cpp and its kin read: metadata, a list of tensors and their data; see
/// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
///
/// Tensors of quantized types are arrays of float32: the values that gguf-py gives, made of the blocks when they are read.
/// `CheckpointArray.packing` tells what stands in the file. Tensors of types that aren't read are `leftovers`.
public struct GGUFCheckpoint: Checkpoint {
  public let path: String
  public let format: String
  public let files: [any Source]
  public let arrays: [CheckpointArray]
  public let metadata: [(name: String, value: String)]
  public let notes: [String]
  public let leftovers: [Leftover]

  private struct Placement {
    let start: Int
    /// nil: the elements stand there as they are.
    let blocks: GGMLBlocks?
  }

  private let placements: [Placement]

  /// Reads and validates the header.
  /// - Throws: `Failure` of kind `badData` naming the byte, entry or array.
  public init(_ file: any Source, openedBy path: String? = nil) throws(Failure) {
    do throws(Failure) {
      let header = try GGUFHeader(file)
      var (arrays, placements): ([CheckpointArray], [Placement]) = ([], [])
      var leftovers: [Leftover] = []
      for tensor in header.tensors {
        let (type, shape) = (tensor.type, tensor.shape)
        switch type.form {
        case .plain(let elementType):
          arrays.append(
            CheckpointArray(name: tensor.name, shape: shape, elementType: elementType, bytes: tensor.bytes))
          placements.append(Placement(start: tensor.start, blocks: nil))
        case .blocks(let blocks):
          arrays.append(
            CheckpointArray(
              name: tensor.name, shape: shape, elementType: .float32, bytes: try shape.bytes(of: .float32),
              packing: Packing(type: type.name, bytes: tensor.bytes)))
          placements.append(Placement(start: tensor.start, blocks: blocks))
        case .unread:
          leftovers.append(
            Leftover(name: tensor.name, what: "\(shape) of type \(type.name), whose values aren't read"))
        }
      }
      self.path = path ?? file.path
      format = "GGUF \(header.version)"
      files = [file]
      self.arrays = arrays
      self.placements = placements
      self.leftovers = leftovers
      metadata = header.metadata.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
      notes = header.trailing > 0 ? ["\(byteCount(header.trailing)) after the last array belong to none"] : []
    } catch {
      throw error.inFile(file.path).hinting("the file is no sound GGUF file: fetch it again, or ask its author")
    }
  }

  public func read(_ array: Int, at offset: Int, count: Int, into buffer: inout [UInt8]) throws(Failure) {
    precondition(offset >= 0 && count >= 0 && offset + count <= arrays[array].bytes, "range outside the array")
    let placement = placements[array]
    guard let blocks = placement.blocks else {
      return try files[0].read(count, at: placement.start + offset, into: &buffer)
    }
    if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
    // Piece by piece, of the blocks that the range touches.
    let stride = 4 * blocks.elements
    var (done, packed): (Int, [UInt8]) = (0, [])
    while done < count {
      let (first, skipped) = (offset + done).quotientAndRemainder(dividingBy: stride)
      let wanted = min(count - done, chunkSize)
      let number = (skipped + wanted + stride - 1) / stride
      try files[0].read(number * blocks.bytes, at: placement.start + first * blocks.bytes, into: &packed)
      if packed.count > number * blocks.bytes { packed.removeLast(packed.count - number * blocks.bytes) }
      let values = blocks.values(packed)
      buffer.replaceSubrange(done..<done + wanted, with: values[skipped..<skipped + wanted])
      done += wanted
    }
  }
}
