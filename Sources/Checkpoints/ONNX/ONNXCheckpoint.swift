import Arrays

/// The arrays of an ONNX model: its initializers, those of graphs within its nodes and of its functions, and its constants;
/// see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Opening a model passes over the data of its tensors, in the
/// file or in others beside it.
public struct ONNXCheckpoint: Checkpoint {
  public let path: String
  public let format: String
  public let files: [any Source]
  public let arrays: [CheckpointArray]
  public let metadata: [(name: String, value: String)]
  public let leftovers: [Leftover]

  private enum Placement {
    case bytes(file: Int, start: Int)
    /// Numbers that have to be made elements of.
    case numbers(ONNXElements)

    /// For the order of reading.
    var place: (file: Int, start: Int) {
      switch self {
      case .bytes(let file, let start): (file, start)
      case .numbers(let elements): (0, elements.range.lowerBound)
      }
    }
  }

  private let placements: [Placement]
  private let unpacked = UnpackedArrays()

  /// - Throws: `Failure` of kind `badData` naming the byte or the array; `noInput` when a file of its data isn't there.
  public init(_ file: any Source, openedBy path: String? = nil) throws(Failure) {
    do throws(Failure) {
      let model = try ONNXModel(file)
      var external = ONNXExternalFiles(file)
      var found: [(array: CheckpointArray, placement: Placement)] = []
      var leftovers: [Leftover] = []
      for entry in model.entries {
        do throws(Failure) {
          switch entry.content {
          case .tensor(let tensor):
            if let what = ONNXCheckpoint.obstacle(tensor) {
              leftovers.append(Leftover(name: entry.name, what: what))
            } else {
              found.append(try ONNXCheckpoint.placed(tensor, entry.name, file, &external))
            }
          case .numbers(let elements, let isList):
            let count = try elements.count(file)
            guard isList || count == 1 else { throw Failure(.badData, "has \(count) values, not 1") }
            let shape = try Shape(isList ? [count] : [])
            found.append(
              (
                CheckpointArray(
                  name: entry.name, shape: shape, elementType: elements.type, bytes: try shape.bytes(of: elements.type)),
                .numbers(elements)
              ))
          }
        } catch {
          let place = [error.place, "array \"\(entry.name)\""].compactMap(\.self).joined(separator: ", ")
          throw Failure(error.kind, file: error.file, place: place, error.reason, hint: error.hint)
        }
      }
      let places = found.map { $0.placement.place }
      let order = found.indices.sorted {
        (places[$0].file, places[$0].start, $0) < (places[$1].file, places[$1].start, $1)
      }
      arrays = order.map { found[$0].array }
      placements = order.map { found[$0].placement }
      self.leftovers = leftovers
      files = external.files
      self.path = path ?? file.path
      format = files.count > 1 ? "ONNX, \(files.count) files" : "ONNX"
      metadata = model.metadata.map { ($0.key, $0.value) }.sorted {
        $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
      }
    } catch {
      throw error.inFile(file.path).hinting("the file is no sound ONNX model: fetch it again, or ask its author")
    }
  }

  /// Why a tensor isn't read; nil when it is.
  private static func obstacle(_ tensor: ONNXTensor) -> String? {
    if tensor.isSegment { return "a segment of a tensor, which isn't read" }
    guard tensor.number != 0 else { return nil }
    guard let type = ONNXType(number: tensor.number) else {
      return "of type \(tensor.number), which this version doesn't know"
    }
    return type.elementType == nil ? "of type \(type.name), which isn't read" : nil
  }

  private static func placed(
    _ tensor: ONNXTensor, _ name: String, _ file: any Source, _ external: inout ONNXExternalFiles
  ) throws(Failure) -> (CheckpointArray, Placement) {
    let shape = try Shape(tensor.dimensions)
    guard let type = ONNXType(number: tensor.number), let elementType = type.elementType else {
      throw Failure(.badData, "has no data_type")
    }
    let bytes = try shape.bytes(of: elementType)
    let array = CheckpointArray(name: name, shape: shape, elementType: elementType, bytes: bytes)
    switch tensor.data {
    case .raw(let range):
      guard range.count == bytes else {
        throw Failure(.badData, "has \(byteCount(range.count)) of raw_data; its shape and type take \(bytes)")
      }
      return (array, .bytes(file: 0, start: range.lowerBound))
    case .external(let entries):
      let (index, start) = try external.place(entries, bytes: bytes)
      return (array, .bytes(file: index, start: start))
    case .none:
      guard bytes == 0 else { throw Failure(.badData, "has no data") }
      return (array, .bytes(file: 0, start: tensor.range.lowerBound))
    case .numbers:
      guard tensor.numberFields == [type.field] else {
        throw Failure(.badData, "has its elements in a field that isn't one of type \(type.name)")
      }
      let elements = ONNXElements(range: tensor.range, field: type.field, type: elementType)
      let count = try elements.count(file)
      let wanted = try elements.numbers(of: shape)
      guard count == wanted else {
        throw Failure(
          .badData,
          "has \(count) \(elementType.isPacked ? "numbers" : "elements"), not the \(wanted) of its shape")
      }
      if let start = try elements.place(file) { return (array, .bytes(file: 0, start: start)) }
      return (array, .numbers(elements))
    }
  }

  public func read(_ array: Int, at offset: Int, count: Int, into buffer: inout [UInt8]) throws(Failure) {
    precondition(offset >= 0 && count >= 0 && offset + count <= arrays[array].bytes, "range outside the array")
    switch placements[array] {
    case .bytes(let file, let start): try files[file].read(count, at: start + offset, into: &buffer)
    case .numbers(let elements):
      let (size, name) = (arrays[array].bytes, arrays[array].name)
      let bytes = try unpacked.bytes(of: array) { () throws(Failure) in
        try Limit.checkArrayMemory(size, file: path, place: "array \"\(name)\"")
        return try elements.bytes(files[0], count: size)
      }
      if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
      buffer.replaceSubrange(0..<count, with: bytes[offset..<offset + count])
    }
  }
}
