import Arrays

/// One field of a protobuf message as it stands on the wire (https://protobuf.dev/programming-guides/encoding).
struct ProtobufField {
  enum Wire: UInt8 {
    case varint = 0
    case fixed64 = 1
    case bytes = 2
    case fixed32 = 5
  }

  let number: Int
  let wire: Wire
  /// Of the tag, from the start of the file.
  let place: Int
  /// Where its value is in the file, the bytes themselves of what has a length.
  let range: Range<Int>
  /// Of a number without a length.
  let value: UInt64

  /// Reads the next field of a message that ends at `end`; nil there. The cursor is left before its value where that has a
  /// length; `move(to: range.upperBound)` goes on.
  /// - Throws: `Failure` of kind `badData` naming the byte.
  init?(_ cursor: inout FileCursor, end: Int) throws(Failure) {
    guard cursor.position < end else { return nil }
    place = cursor.position
    let tag = try ProtobufField.varint(&cursor, end: end)
    guard tag >> 3 != 0, tag <= UInt64(UInt32.max), let wire = Wire(rawValue: UInt8(tag & 7)) else {
      throw Failure(.badData, place: "byte \(place)", "\(tag) is no tag of a protobuf field")
    }
    (number, self.wire) = (Int(tag >> 3), wire)
    let start = cursor.position
    let left = end - start
    func short(_ needed: UInt64) -> Failure {
      Failure(
        .badData, place: "byte \(start)", "field \(tag >> 3) needs \(needed) bytes where \(left) are left",
        hint: end == cursor.end ? Failure.truncationHint : nil)
    }
    switch wire {
    case .varint:
      value = try ProtobufField.varint(&cursor, end: end)
      range = start..<cursor.position
    case .fixed32:
      guard left >= 4 else { throw short(4) }
      value = UInt64(try cursor.integer(UInt32.self))
      range = start..<cursor.position
    case .fixed64:
      guard left >= 8 else { throw short(8) }
      value = try cursor.integer(UInt64.self)
      range = start..<cursor.position
    case .bytes:
      let length = try ProtobufField.varint(&cursor, end: end)
      let first = cursor.position
      guard length <= UInt64(end - first) else {
        throw Failure(
          .badData, place: "byte \(place)",
          "field \(tag >> 3) of \(length) bytes goes past the end of its message, \(end - first) bytes on",
          hint: end == cursor.end ? Failure.truncationHint : nil)
      }
      value = length
      range = first..<first + Int(length)
    }
  }

  /// A number of up to ten bytes, seven bits in each, the lowest first.
  static func varint(_ cursor: inout FileCursor, end: Int) throws(Failure) -> UInt64 {
    let start = cursor.position
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 70, by: 7) {
      guard cursor.position < end else {
        throw Failure(
          .badData, place: "byte \(start)", "a number goes past the end of its message",
          hint: end == cursor.end ? Failure.truncationHint : nil)
      }
      let byte = try cursor.byte()
      // Of the tenth byte, one bit is left.
      guard shift < 63 || byte <= 1 else { break }
      value |= UInt64(byte & 0x7f) << UInt64(shift)
      if byte < 0x80 { return value }
    }
    throw Failure(.badData, place: "byte \(start)", "a number of more than 64 bits")
  }

  /// - Throws: `Failure` of kind `badData` when the value stands in another form.
  func expect(_ wanted: Wire, _ what: String) throws(Failure) {
    guard wire == wanted else {
      throw Failure(
        .badData, place: "byte \(place)",
        "\(what) (field \(number)) has wire type \(wire.rawValue), not \(wanted.rawValue)")
    }
  }

  /// A text of at most so many bytes. The cursor is before it.
  func text(_ cursor: inout FileCursor, _ what: String, most: Int) throws(Failure) -> String {
    try expect(.bytes, what)
    guard range.count <= most else {
      throw Failure(.badData, place: "byte \(place)", "\(what) of \(range.count) bytes; at most \(most) are read")
    }
    do throws(Failure) { return try readText(cursor.bytes(range.count)) } catch {
      throw error.place != nil ? error : Failure(.badData, place: "byte \(place)", "\(what) \(error.reason)")
    }
  }

  /// A text for people, or what to say of one that is long or none.
  func note(_ cursor: inout FileCursor, _ what: String) throws(Failure) -> String {
    try expect(.bytes, what)
    guard range.count <= 1 << 16 else { return "a text of \(range.count) bytes" }
    let bytes = try cursor.bytes(range.count)
    do { return try readText(bytes) } catch { return "a text that \(error.reason)" }
  }
}
