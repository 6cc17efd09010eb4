import Arrays

/// Writes a safetensors file: arrays in any order and from any thread. The file appears on `commit`.
public final class SafetensorsWriter: PlacedArraysWriter {
  public let file: OutputFile
  public let ranges: [Range<Int>]

  /// - Parameter arrays: in the order of their data.
  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  public init(
    _ path: String, arrays: [CheckpointArray], metadata: [(name: String, value: String)] = []
  ) throws(Failure) {
    let header: [UInt8]
    do { header = try Self.header(of: arrays, metadata) } catch { throw error.inFile(path) }
    file = try OutputFile(path)
    var end = header.count
    ranges = arrays.map { array in
      defer { end += array.bytes }
      return end..<end + array.bytes
    }
    try file.setSize(end)
    try file.write(header.rawSpan, at: 0)
  }

  /// Whether the format has a type, and packed elements of it fill whole bytes.
  public static func holds(_ type: ElementType, _ shape: Shape) -> Bool {
    safetensorsTypes.values.contains(type) && shape.fillsBytes(type)
  }

  /// All that stands before the data of arrays which follow each other in this order.
  /// - Throws: `Failure` of kind `badData` for a name that the format has taken, and for a type that it hasn't got.
  package static func header(
    of arrays: [CheckpointArray], _ metadata: [(name: String, value: String)]
  ) throws(Failure) -> [UInt8] {
    let names = Dictionary(safetensorsTypes.map { ($1, $0) }) { first, _ in first }
    var members: [JSONMember] = []
    if !metadata.isEmpty {
      members.append(
        JSONMember("__metadata__", JSONValue(.object(metadata.map { JSONMember($0.name, .string($0.value)) }))))
    }
    var end = 0
    for array in arrays {
      guard array.name != "__metadata__" else {
        throw Failure(
          .badData, place: "array \"\(array.name)\"", "has a name that stands for something else in safetensors",
          hint: "give the array another name")
      }
      guard let dtype = names[array.elementType] else {
        throw Failure(
          .badData, place: "array \"\(array.name)\"",
          "is \(array.elementType.rawValue), which safetensors files can't hold",
          hint: "leave it out, or write another container")
      }
      guard array.shape.fillsBytes(array.elementType) else {
        throw Failure(
          .badData, place: "array \"\(array.name)\"",
          "is \(array.elementType.rawValue) that does not fill whole bytes, which safetensors files can't hold",
          hint: "leave it out, or write another container")
      }
      let next = end + array.bytes
      members.append(
        JSONMember(
          array.name,
          .object([
            "dtype": .string(dtype), "shape": .integers(array.shape.dimensions),
            "data_offsets": .integers([end, next]),
          ])))
      end = next
    }
    var header = Array(JSONValue(.object(members)).compactText.utf8)
    // The data begin at a multiple of 8, as the format's own writers have it.
    while !header.count.isMultiple(of: 8) { header.append(UInt8(ascii: " ")) }
    return UInt64(header.count).littleEndianBytes + header
  }
}
