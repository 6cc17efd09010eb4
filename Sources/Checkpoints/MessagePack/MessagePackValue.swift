import Arrays

/// What begins at a place of a MessagePack file (https://github.com/msgpack/msgpack/blob/master/spec.md): a value, or a
/// container whose values follow.
enum MessagePackValue {
  case none
  case boolean(Bool)
  case integer(Int64)
  /// Beyond what 63 bits hold.
  case large(UInt64)
  case float(Double)
  /// Where the bytes are in the file.
  case text(Range<Int>)
  case bytes(Range<Int>)
  case list(Int)
  case map(Int)
  case `extension`(type: Int8, Range<Int>)

  /// Reads what is next; the cursor is left before the bytes of what has some, or the first value of a container.
  /// - Throws: `Failure` of kind `badData` naming the byte.
  init(_ cursor: inout FileCursor, end: Int) throws(Failure) {
    let start = cursor.position
    func short(_ needed: UInt64, _ what: String) -> Failure {
      Failure(
        .badData, place: "byte \(start)", "\(what) of \(needed == 1 ? "1 byte" : "\(needed) bytes") goes past the end",
        hint: Failure.truncationHint)
    }
    func number(_ size: Int) throws(Failure) -> UInt64 {
      guard cursor.position <= end - size else { throw short(UInt64(size), "a number") }
      return switch size {
      case 1: UInt64(try cursor.byte())
      case 2: UInt64(try cursor.integer(UInt16.self, isBigEndian: true))
      case 4: UInt64(try cursor.integer(UInt32.self, isBigEndian: true))
      default: try cursor.integer(UInt64.self, isBigEndian: true)
      }
    }
    func range(_ length: UInt64, _ what: String) throws(Failure) -> Range<Int> {
      guard length <= UInt64(end - cursor.position) else { throw short(length, what) }
      return cursor.position..<cursor.position + Int(length)
    }
    func extended(_ length: UInt64) throws(Failure) -> MessagePackValue {
      let type = Int8(truncatingIfNeeded: try number(1))
      return .extension(type: type, try range(length, "an extension"))
    }
    /// Every value takes a byte at least.
    func count(_ number: UInt64, _ each: UInt64, _ what: String) throws(Failure) -> Int {
      guard number <= UInt64(end - cursor.position) / each else {
        throw Failure(
          .badData, place: "byte \(start)", "\(what) of \(number) values goes past the end",
          hint: Failure.truncationHint)
      }
      return Int(number)
    }
    guard start < end else {
      throw Failure(
        .badData, place: "byte \(start)", "the file ends where a value is needed", hint: Failure.truncationHint)
    }
    let byte = try cursor.byte()
    switch byte {
    case 0x00...0x7f: self = .integer(Int64(byte))
    case 0x80...0x8f: self = .map(try count(UInt64(byte & 15), 2, "a map"))
    case 0x90...0x9f: self = .list(try count(UInt64(byte & 15), 1, "a list"))
    case 0xa0...0xbf: self = .text(try range(UInt64(byte & 31), "a text"))
    case 0xc0: self = .none
    case 0xc2, 0xc3: self = .boolean(byte == 0xc3)
    case 0xc4, 0xc5, 0xc6: self = .bytes(try range(number(1 << Int(byte - 0xc4)), "a run of bytes"))
    case 0xc7, 0xc8, 0xc9: self = try extended(number(1 << Int(byte - 0xc7)))
    case 0xca: self = .float(Double(Float(bitPattern: UInt32(try number(4)))))
    case 0xcb: self = .float(Double(bitPattern: try number(8)))
    case 0xcc, 0xcd, 0xce, 0xcf:
      let value = try number(1 << Int(byte - 0xcc))
      self = Int64(exactly: value).map(MessagePackValue.integer) ?? .large(value)
    case 0xd0: self = .integer(Int64(Int8(truncatingIfNeeded: try number(1))))
    case 0xd1: self = .integer(Int64(Int16(truncatingIfNeeded: try number(2))))
    case 0xd2: self = .integer(Int64(Int32(truncatingIfNeeded: try number(4))))
    case 0xd3: self = .integer(Int64(bitPattern: try number(8)))
    case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8: self = try extended(1 << UInt64(byte - 0xd4))
    case 0xd9, 0xda, 0xdb: self = .text(try range(number(1 << Int(byte - 0xd9)), "a text"))
    case 0xdc, 0xdd: self = .list(try count(number(byte == 0xdc ? 2 : 4), 1, "a list"))
    case 0xde, 0xdf: self = .map(try count(number(byte == 0xde ? 2 : 4), 2, "a map"))
    case 0xe0...0xff: self = .integer(Int64(Int8(bitPattern: byte)))
    default:
      throw Failure(.badData, place: "byte \(start)", "0x\(String(byte, radix: 16)) begins no value of MessagePack")
    }
  }
}
