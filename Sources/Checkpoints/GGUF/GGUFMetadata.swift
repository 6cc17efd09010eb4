import Arrays

/// What the writer of a GGUF file noted of the net: names and values of the format's thirteen types. Values are kept as
/// text for people: numbers and strings as they are, lists whole where they are short.
struct GGUFMetadata {
  /// In the order of the file.
  private(set) var entries: [(name: String, value: String)] = []
  /// A power of two that every tensor's data begin at a multiple of.
  private(set) var alignment = 32

  /// Values of a list that are told.
  private static let mostListed = 8
  /// Bytes of a text that is told; longer ones are programs and vocabularies.
  private static let mostText = 1 << 16
  /// Lists in lists.
  private static let mostDepth = 8
  /// Bytes of a name; as in the format's specification.
  private static let mostName = 1 << 16

  /// - Parameter cursor: at the first of `count` entries.
  /// - Throws: `Failure` of kind `badData` naming the byte or the entry.
  init(_ cursor: inout FileCursor, count: UInt64) throws(Failure) {
    try Limit.metadata.check(Int(clamping: count), "entries of metadata")
    var names: Set<[UInt8]> = []
    for _ in 0..<count {
      let start = cursor.position
      let bytes = try GGUFMetadata.text(&cursor, "a name", most: GGUFMetadata.mostName)
      let name: String
      do { name = try readText(bytes) } catch {
        throw Failure(.badData, place: "byte \(start)", "a name of metadata \(error.reason)")
      }
      do throws(Failure) {
        guard names.insert(bytes).inserted else {
          throw Failure(.badData, "is there twice")
        }
        let type = try GGUFValueType(&cursor)
        if name == "general.alignment" {
          alignment = try GGUFMetadata.alignment(&cursor, type)
          entries.append((name, "\(alignment)"))
        } else {
          entries.append((name, try GGUFMetadata.value(&cursor, type)))
        }
      } catch {
        throw Failure(
          error.kind, place: error.place ?? "byte \(start)", "metadata \"\(shortened(name, to: 80))\": \(error.reason)",
          hint: error.hint)
      }
      try GGUFHeader.checkLength(cursor.position)
    }
  }

  private static func alignment(_ cursor: inout FileCursor, _ type: GGUFValueType) throws(Failure) -> Int {
    guard type == .uint32 else { throw Failure(.badData, "is of type \(type), not uint32") }
    let value = try cursor.integer(UInt32.self)
    guard value.nonzeroBitCount == 1 else { throw Failure(.badData, "\(value) is no power of two") }
    return Int(value)
  }

  /// The length of a string, whose bytes are there.
  private static func length(_ cursor: inout FileCursor, _ what: String) throws(Failure) -> Int {
    let start = cursor.position
    let length = try cursor.integer(UInt64.self)
    guard length <= UInt64(cursor.remaining) else {
      throw Failure(
        .badData, place: "byte \(start)", "\(what) of \(counted(length)) goes past the end of the file",
        hint: Failure.truncationHint)
    }
    return Int(length)
  }

  /// The length and bytes of a string.
  static func text(_ cursor: inout FileCursor, _ what: String, most: Int) throws(Failure) -> [UInt8] {
    let start = cursor.position
    let length = try length(&cursor, what)
    guard length <= most else {
      throw Failure(.badData, place: "byte \(start)", "\(what) of \(length) bytes; at most \(most) are read")
    }
    return try cursor.bytes(length)
  }

  private static func value(_ cursor: inout FileCursor, _ type: GGUFValueType) throws(Failure) -> String {
    switch type {
    case .string:
      let start = cursor.position
      let length = try length(&cursor, "a text")
      guard length <= mostText else {
        try cursor.skip(length)
        return "a text of \(length) bytes"
      }
      do throws(Failure) { return try readText(cursor.bytes(length)) } catch {
        throw error.place != nil
          ? error : Failure(.badData, place: "byte \(start)", "the text \(error.reason)")
      }
    case .array: return try list(&cursor, depth: 1)
    default: return try type.number(&cursor)
    }
  }

  private static func list(_ cursor: inout FileCursor, depth: Int) throws(Failure) -> String {
    guard depth <= mostDepth else {
      throw Failure(.badData, place: "byte \(cursor.position)", "lists in lists, more than \(mostDepth) deep")
    }
    let start = cursor.position
    let type = try GGUFValueType(&cursor)
    let count = try cursor.integer(UInt64.self)
    // Each value takes a byte at least, so that no more are gone through than the file has bytes.
    let least = UInt64(type.size ?? (type == .string ? 8 : 12))
    guard count <= UInt64(cursor.remaining) / least else {
      throw Failure(
        .badData, place: "byte \(start)", "a list of \(count) \(type) values goes past the end of the file",
        hint: Failure.truncationHint)
    }
    guard count <= UInt64(mostListed) else {
      for _ in 0..<(type.size == nil ? count : 0) {
        if type == .string {
          try cursor.skip(length(&cursor, "a text"))
        } else {
          _ = try list(&cursor, depth: depth + 1)
        }
      }
      if let size = type.size { try cursor.skip(size * Int(count)) }
      return "\(count) values of type \(type)"
    }
    var parts: [String] = []
    for _ in 0..<count {
      parts.append(type == .array ? try list(&cursor, depth: depth + 1) : try value(&cursor, type))
    }
    return "[" + parts.joined(separator: ", ") + "]"
  }
}

/// `1 byte`, `2 bytes`, of a length that no memory may have.
private func counted(_ length: UInt64) -> String { length == 1 ? "1 byte" : "\(length) bytes" }

/// The types of metadata, by their numbers.
private enum GGUFValueType: UInt32 {
  case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

  init(_ cursor: inout FileCursor) throws(Failure) {
    let start = cursor.position
    let number = try cursor.integer(UInt32.self)
    guard let type = GGUFValueType(rawValue: number) else {
      throw Failure(.badData, place: "byte \(start)", "\(number) stands for no type of metadata")
    }
    self = type
  }

  /// Bytes of a value; nil where they differ.
  var size: Int? {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string, .array: nil
    }
  }

  /// A number or truth value as text.
  func number(_ cursor: inout FileCursor) throws(Failure) -> String {
    switch self {
    case .uint8: return "\(try cursor.byte())"
    case .int8: return "\(Int8(bitPattern: try cursor.byte()))"
    case .uint16: return "\(try cursor.integer(UInt16.self))"
    case .int16: return "\(Int16(bitPattern: try cursor.integer()))"
    case .uint32: return "\(try cursor.integer(UInt32.self))"
    case .int32: return "\(Int32(bitPattern: try cursor.integer()))"
    case .uint64: return "\(try cursor.integer(UInt64.self))"
    case .int64: return "\(Int64(bitPattern: try cursor.integer()))"
    case .float32: return "\(Float(bitPattern: try cursor.integer()))"
    case .float64: return "\(Double(bitPattern: try cursor.integer()))"
    case .bool:
      let value = try cursor.byte()
      guard value <= 1 else {
        throw Failure(.badData, place: "byte \(cursor.position - 1)", "\(value) is neither true nor false")
      }
      return value == 1 ? "true" : "false"
    case .string, .array: return ""
    }
  }
}
