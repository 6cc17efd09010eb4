import Arrays

/// Reads what Python prints of a list, as tables of pandas have it in their cells: `['a', "b's", 3]`, `[{'answer': 'a'}]`,
/// and NumPy's `['a' 'b']`, which has spaces for commas. JSON's lists are nearly the same, and read too.
enum PythonLiteral {
  private static let mostDepth = 8

  /// - Throws: `Failure` of kind `badData` naming the byte when the text is no such list.
  static func value(_ bytes: [UInt8]) throws(Failure) -> JSONValue {
    var reader = Reader(bytes: bytes)
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.next == nil else { throw reader.failure("text after the end of the list") }
    return value
  }

  private struct Reader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    func failure(_ reason: String) -> Failure {
      Failure(
        .badData, place: "byte \(position)", "\(reason) in a list of answers",
        hint: "a list is written as Python or JSON writes it: ['circle', 'round']")
    }

    mutating func skipSpace() { while let byte = next, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { position += 1 } }

    mutating func value(depth: Int) throws(Failure) -> JSONValue {
      guard depth < mostDepth else { throw failure("lists nested too deep") }
      skipSpace()
      let start = position
      switch next {
      case UInt8(ascii: "["): return JSONValue(.array(try list(close: "]", depth)), offset: start)
      case UInt8(ascii: "("): return JSONValue(.array(try list(close: ")", depth)), offset: start)
      case UInt8(ascii: "{"): return JSONValue(.object(try members(depth)), offset: start)
      case UInt8(ascii: "'"), UInt8(ascii: "\""): return JSONValue(.string(try string()), offset: start)
      default: return JSONValue(try word(), offset: start)
      }
    }

    private mutating func list(close: Unicode.Scalar, _ depth: Int) throws(Failure) -> [JSONValue] {
      position += 1
      var out: [JSONValue] = []
      while true {
        skipSpace()
        if next == UInt8(ascii: close) {
          position += 1
          return out
        }
        out.append(try value(depth: depth + 1))
        let end = position
        skipSpace()
        if next == UInt8(ascii: ",") {
          position += 1
        } else if next != UInt8(ascii: close), position == end {
          throw failure("',' or '\(close)' expected")
        }
      }
    }

    private mutating func members(_ depth: Int) throws(Failure) -> [JSONMember] {
      position += 1
      var out: [JSONMember] = []
      while true {
        skipSpace()
        if next == UInt8(ascii: "}") {
          position += 1
          return out
        }
        guard next == UInt8(ascii: "'") || next == UInt8(ascii: "\"") else { throw failure("a key in quotes expected") }
        guard out.count < LargeJSON.mostOtherMembers else { throw failure("too many members") }
        let key = try string()
        skipSpace()
        guard next == UInt8(ascii: ":") else { throw failure("':' expected") }
        position += 1
        out.append(JSONMember(key, try value(depth: depth + 1)))
        skipSpace()
        if next == UInt8(ascii: ",") {
          position += 1
        } else if next != UInt8(ascii: "}") {
          throw failure("'}' expected")
        }
      }
    }

    /// A number, or one of Python's and JSON's names.
    private mutating func word() throws(Failure) -> JSONValue.Content {
      let start = position
      while let byte = next, byte > 0x20, byte < 0x7f, !",[](){}:'\"".utf8.contains(byte) { position += 1 }
      let text = String(decoding: bytes[start..<position], as: UTF8.self)
      switch text {
      case "None", "null", "nan", "NaN": return .null
      case "True", "true": return .boolean(true)
      case "False", "false": return .boolean(false)
      default:
        if let number = Int(text) { return .integer(number) }
        if let number = Double(text), number.isFinite { return .number(number) }
        position = start
        throw failure(text.isEmpty ? "an answer expected" : "\"\(shortened(text, to: 40))\" without quotes")
      }
    }

    private mutating func string() throws(Failure) -> String {
      let start = position
      guard let quote = next else { throw failure("an answer expected") }
      position += 1
      var out: [UInt8] = []
      while let byte = next, byte != quote {
        position += 1
        if byte == UInt8(ascii: "\\") { out += try escape() } else { out.append(byte) }
      }
      guard next == quote else {
        position = start
        throw failure("a quote that is not closed")
      }
      position += 1
      do { return try readText(out) } catch { throw failure("a text that \(error.reason)") }
    }

    /// Behind a stroke. What is no escape stands for itself, stroke and all, as in Python.
    private mutating func escape() throws(Failure) -> [UInt8] {
      guard let byte = next else { throw failure("a quote that is not closed") }
      position += 1
      switch byte {
      case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
      case UInt8(ascii: "n"): return [0x0a]
      case UInt8(ascii: "t"): return [0x09]
      case UInt8(ascii: "r"): return [0x0d]
      case UInt8(ascii: "x"): return try character(digits: 2)
      case UInt8(ascii: "u"): return try character(digits: 4)
      case UInt8(ascii: "U"): return try character(digits: 8)
      default: return [UInt8(ascii: "\\"), byte]
      }
    }

    private mutating func character(digits: Int) throws(Failure) -> [UInt8] {
      var code = try hexadecimal(digits)
      // JSON writes two halves where Python writes one character.
      if digits == 4, (0xd800..<0xdc00).contains(code), bytes[position...].starts(with: Array("\\u".utf8)) {
        position += 2
        let low = try hexadecimal(4)
        guard (0xdc00..<0xe000).contains(low) else { throw failure("half of a surrogate pair") }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw failure("an escape that is no character") }
      return Array(String(Character(scalar)).utf8)
    }

    private mutating func hexadecimal(_ digits: Int) throws(Failure) -> UInt32 {
      var code: UInt32 = 0
      for _ in 0..<digits {
        guard let byte = next, let digit = Character(UnicodeScalar(byte)).hexDigitValue else {
          throw failure("\(digits) hexadecimal digits expected")
        }
        code = code << 4 | UInt32(digit)
        position += 1
      }
      return code
    }
  }
}
