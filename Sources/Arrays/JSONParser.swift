/// How much a JSON text may hold, and how strictly it is read.
public struct JSONRules: Sendable {
  /// Most nested arrays and objects.
  public var maximumDepth: Int
  /// Most values altogether: bounds the memory that a hostile text can make its reader take.
  public var maximumValues: Int
  /// Config files written by others: a key given twice counts the last time (as Python's reader has it), NaN and
  /// Infinity are numbers, and so are integers of any length.
  public var isLenient: Bool
  /// The limit by which `maximumValues` can be raised; nil: it is part of a format.
  var limit: Limit?

  public static var strict: JSONRules {
    JSONRules(maximumDepth: 32, limit: .jsonValues, isLenient: false)
  }
  public static var lenient: JSONRules {
    JSONRules(maximumDepth: 64, limit: .jsonValues, isLenient: true)
  }

  public init(maximumDepth: Int, maximumValues: Int, isLenient: Bool) {
    self.maximumDepth = maximumDepth
    self.maximumValues = maximumValues
    self.isLenient = isLenient
  }

  private init(maximumDepth: Int, limit: Limit, isLenient: Bool) {
    self.init(maximumDepth: maximumDepth, maximumValues: limit.value, isLenient: isLenient)
    self.limit = limit
  }

  public func depth(_ depth: Int) -> JSONRules {
    var copy = self
    copy.maximumDepth = depth
    return copy
  }
}

extension JSONValue {
  /// Reads one JSON text that fills `bytes`.
  /// - Parameter base: offset of `bytes` in their file, added to every offset reported.
  /// - Throws: `Failure` of kind `badData` naming the byte offset: not JSON, a duplicate key (unless lenient), invalid
  ///   UTF-8, a limit exceeded, or anything but white space after the value.
  public init(parsing bytes: [UInt8], base: Int = 0, rules: JSONRules = .strict) throws(Failure) {
    var parser = JSONParser(bytes: bytes, base: base, rules: rules)
    self = try parser.document()
  }
}

private struct JSONParser {
  let bytes: [UInt8]
  let base: Int
  let rules: JSONRules
  var position = 0
  var values = 0

  init(bytes: [UInt8], base: Int, rules: JSONRules) {
    self.bytes = bytes
    self.base = base
    self.rules = rules
  }

  func failure(_ reason: String, at offset: Int? = nil) -> Failure {
    Failure(.badData, place: "byte \(base + (offset ?? position))", reason)
  }

  var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  mutating func document() throws(Failure) -> JSONValue {
    skipSpace()
    let value = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw failure("text after the end of the JSON value") }
    return value
  }

  mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
  }

  mutating func value(depth: Int) throws(Failure) -> JSONValue {
    values += 1
    guard values <= rules.maximumValues else {
      var error = failure("more than \(rules.maximumValues) JSON values")
      error.hint = rules.limit?.hint()
      throw error
    }
    let start = base + position
    guard let byte = next else { throw failure("the JSON text ends where a value is needed") }
    switch byte {
    case UInt8(ascii: "{"): return JSONValue(.object(try object(depth: depth + 1)), offset: start)
    case UInt8(ascii: "["): return JSONValue(.array(try array(depth: depth + 1)), offset: start)
    case UInt8(ascii: "\""): return JSONValue(.string(try string()), offset: start)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return JSONValue(try number(), offset: start)
    case UInt8(ascii: "t"): return JSONValue(try word("true", .boolean(true)), offset: start)
    case UInt8(ascii: "f"): return JSONValue(try word("false", .boolean(false)), offset: start)
    case UInt8(ascii: "n"): return JSONValue(try word("null", .null), offset: start)
    case UInt8(ascii: "N") where rules.isLenient: return JSONValue(try word("NaN", .number(.nan)), offset: start)
    case UInt8(ascii: "I") where rules.isLenient:
      return JSONValue(try word("Infinity", .number(.infinity)), offset: start)
    default: throw failure("\(described(byte)) where a JSON value is needed")
    }
  }

  func described(_ byte: UInt8) -> String {
    byte > 0x20 && byte < 0x7f ? "'\(Character(UnicodeScalar(byte)))'" : "byte 0x\(String(byte, radix: 16))"
  }

  mutating func word(_ word: String, _ content: JSONValue.Content) throws(Failure) -> JSONValue.Content {
    let end = position + word.utf8.count
    guard end <= bytes.count, bytes[position..<end].elementsEqual(word.utf8) else {
      throw failure("'\(word)' is misspelt")
    }
    position = end
    return content
  }

  func checkDepth(_ depth: Int) throws(Failure) {
    guard depth <= rules.maximumDepth else { throw failure("nested more than \(rules.maximumDepth) deep") }
  }

  mutating func array(depth: Int) throws(Failure) -> [JSONValue] {
    try checkDepth(depth)
    position += 1
    var out: [JSONValue] = []
    skipSpace()
    if next == UInt8(ascii: "]") {
      position += 1
      return out
    }
    while true {
      skipSpace()
      out.append(try value(depth: depth))
      skipSpace()
      switch next {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "]"):
        position += 1
        return out
      case nil: throw failure("the JSON text ends inside an array")
      default: throw failure("',' or ']' expected in an array")
      }
    }
  }

  mutating func object(depth: Int) throws(Failure) -> [JSONMember] {
    try checkDepth(depth)
    position += 1
    var out: [JSONMember] = []
    // Keys are compared as bytes: Swift's String equality would take differently composed accents for the same.
    var places: [[UInt8]: Int] = [:]
    skipSpace()
    if next == UInt8(ascii: "}") {
      position += 1
      return out
    }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else {
        throw failure(next == nil ? "the JSON text ends inside an object" : "a key in quotes expected in an object")
      }
      let keyStart = position
      let key = try string()
      skipSpace()
      guard next == UInt8(ascii: ":") else { throw failure("':' expected after a key") }
      position += 1
      skipSpace()
      let earlier = places.updateValue(out.count, forKey: Array(key.utf8))
      if earlier != nil, !rules.isLenient { throw failure("duplicate key \"\(key)\"", at: keyStart) }
      let member = JSONMember(key, try value(depth: depth))
      if let earlier {
        out[earlier] = member
        places[Array(key.utf8)] = earlier
      } else {
        out.append(member)
      }
      skipSpace()
      switch next {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "}"):
        position += 1
        return out
      case nil: throw failure("the JSON text ends inside an object")
      default: throw failure("',' or '}' expected in an object")
      }
    }
  }

  mutating func digits() -> Int {
    let start = position
    while let byte = next, byte >= 0x30, byte <= 0x39 { position += 1 }
    return position - start
  }

  mutating func number() throws(Failure) -> JSONValue.Content {
    let start = position
    if next == UInt8(ascii: "-") {
      position += 1
      if rules.isLenient, next == UInt8(ascii: "I") { return try word("Infinity", .number(-.infinity)) }
    }
    let leading = next
    let count = digits()
    guard count > 0 else { throw failure("a digit expected in a number") }
    guard count == 1 || leading != UInt8(ascii: "0") else { throw failure("a number starts with 0", at: start) }
    var isInteger = true
    if next == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      guard digits() > 0 else { throw failure("a digit expected after the decimal point") }
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      isInteger = false
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      guard digits() > 0 else { throw failure("a digit expected in the exponent") }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger {
      guard let value = Int(text) else {
        // Python's integers have any size: transformers writes 10^30 where a length has no bound.
        if rules.isLenient, let number = Double(text), number.isFinite { return .number(number) }
        throw failure("the integer \(text.prefix(24))… does not fit 64 bits", at: start)
      }
      return .integer(value)
    }
    guard let value = Double(text), value.isFinite else {
      throw failure("the number \(text.prefix(24)) is too large", at: start)
    }
    return .number(value)
  }

  mutating func string() throws(Failure) -> String {
    let start = position
    position += 1
    var end = position
    // Most strings have no escape and are taken as they stand.
    while end < bytes.count, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\\"), bytes[end] >= 0x20 {
      end += 1
    }
    if end < bytes.count, bytes[end] == UInt8(ascii: "\"") {
      let text = try text(bytes[position..<end])
      position = end + 1
      return text
    }
    var out = Array(bytes[position..<end])
    position = end
    while true {
      guard let byte = next else { throw failure("the string that starts here has no end", at: start) }
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return try text(out[...], at: start)
      case UInt8(ascii: "\\"):
        out += try escape()
      case 0..<0x20:
        throw failure("\(described(byte)) inside a string")
      default:
        out.append(byte)
        position += 1
      }
    }
  }

  func text(_ slice: ArraySlice<UInt8>, at offset: Int? = nil) throws(Failure) -> String {
    do { return try readText(slice) } catch { throw failure("a string \(error.reason)", at: offset) }
  }

  mutating func escape() throws(Failure) -> [UInt8] {
    position += 1
    guard let byte = next else { throw failure("the JSON text ends inside a string") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0c]
    case UInt8(ascii: "n"): return [0x0a]
    case UInt8(ascii: "r"): return [0x0d]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw failure("\(described(byte)) is no escape", at: position - 2)
    }
  }

  mutating func unicodeEscape() throws(Failure) -> [UInt8] {
    let start = position - 2
    var code = try hexadecimal()
    if (0xd800..<0xdc00).contains(code), next == UInt8(ascii: "\\"), position + 1 < bytes.count,
      bytes[position + 1] == UInt8(ascii: "u")
    {
      position += 2
      let low = try hexadecimal()
      guard (0xdc00..<0xe000).contains(low) else { throw failure("half of a surrogate pair", at: start) }
      code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
    }
    guard let scalar = UnicodeScalar(code) else { throw failure("half of a surrogate pair", at: start) }
    return Array(String(Character(scalar)).utf8)
  }

  mutating func hexadecimal() throws(Failure) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(UnicodeScalar(byte)).hexDigitValue else {
        throw failure("four hexadecimal digits expected after \\u")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }
}
