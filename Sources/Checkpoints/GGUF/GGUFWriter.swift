import Arrays

/// Writes a GGUF file of version 3, as gguf-py does (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): arrays in any order
/// and from any thread. The file appears on `commit`.
public final class GGUFWriter: PlacedArraysWriter {
  /// What every array's data begin at a multiple of, and the file ends at.
  private static let alignment = 32
  /// Bytes of a name, GGML_MAX_NAME less the zero behind it, and dimensions, GGML_MAX_DIMS (ggml.h): no file with more is loaded.
  private static let (mostName, mostDimensions) = (63, 4)

  public let file: OutputFile
  public let ranges: [Range<Int>]

  /// - Parameters:
  ///   - arrays: in the order of their data, each without an `obstacle`.
  ///   - metadata: texts by their keys, `general.architecture` first.
  /// - Throws: `Failure` of kind `badData` naming an array that the format can't hold, `cannotCreate` or `io`.
  public init(
    _ path: String, arrays: [CheckpointArray], metadata: [(key: String, value: String)]
  ) throws(Failure) {
    var header = Array("GGUF".utf8) + UInt32(3).littleEndianBytes
    header += UInt64(arrays.count).littleEndianBytes + UInt64(metadata.count).littleEndianBytes
    for (key, value) in metadata {
      header += Self.text(key) + Self.textType.littleEndianBytes + Self.text(value)
    }
    var (starts, end): ([Int], Int) = ([], 0)
    for array in arrays {
      guard Self.obstacle(to: array) == nil, let type = GGMLType.number(of: array.elementType) else {
        throw Failure(
          .badData, file: path, place: "array \"\(array.name)\"",
          Self.obstacle(to: array) ?? "is \(array.elementType.rawValue), which GGUF files can't hold",
          hint: "leave it out, or write another container")
      }
      let dimensions = array.shape.dimensions
      header += Self.text(array.name) + UInt32(dimensions.count).littleEndianBytes
      for size in dimensions.reversed() { header += UInt64(size).littleEndianBytes }
      header += type.littleEndianBytes + UInt64(end).littleEndianBytes
      starts.append(end)
      end += Self.padded(array.bytes)
    }
    header += [UInt8](repeating: 0, count: Self.padded(header.count) - header.count)
    ranges = zip(starts, arrays).map { start, array in header.count + start..<header.count + start + array.bytes }
    file = try OutputFile(path)
    // What isn't written are zeros: the padding.
    try file.setSize(header.count + end)
    try file.write(header.rawSpan, at: 0)
  }

  /// The number that stands for a text among the types of metadata.
  private static let textType: UInt32 = 8

  private static func text(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    return UInt64(bytes.count).littleEndianBytes + bytes
  }

  private static func padded(_ count: Int) -> Int { (count + alignment - 1) & ~(alignment - 1) }

  /// Whether the format has a type for elements as they are.
  public static func holds(_ type: ElementType) -> Bool { GGMLType.number(of: type) != nil }

  /// What keeps ggml from loading an array of a type that the format has; what follows its name in a sentence. nil: nothing does.
  public static func obstacle(to array: CheckpointArray) -> String? {
    let name = array.name.utf8.count
    if name > mostName { return "has a name of \(name) bytes; GGUF files are loaded with at most \(mostName)" }
    let rank = array.shape.rank
    if rank > mostDimensions { return "has \(rank) dimensions; GGUF files are loaded with at most \(mostDimensions)" }
    return array.shape.elements == 0 ? "has no elements; GGUF files with such arrays aren't loaded" : nil
  }
}
