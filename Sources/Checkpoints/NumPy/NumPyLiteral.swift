import Arrays

/// A literal of Python's as it stands in the header of a NumPy file: read, never evaluated.
enum NumPyLiteral {
  struct Member {
    let key: String
    let value: NumPyLiteral
  }

  case text(String)
  case integer(Int)
  case boolean(Bool)
  case none
  case tuple([NumPyLiteral])
  case list([NumPyLiteral])
  case dictionary([Member])
}

/// Reads one literal and nothing else but white space around it.
struct NumPyLiteralParser {
  private let bytes: [UInt8]
  private var position = 0
  /// Of the first byte in the file.
  private let base: Int

  private static let mostDepth = 16

  /// - Throws: `Failure` of kind `badData` naming the byte.
  static func value(_ bytes: [UInt8], base: Int) throws(Failure) -> NumPyLiteral {
    var parser = NumPyLiteralParser(bytes: bytes, base: base)
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.next == nil else { throw parser.failure("text after the end of the header's dictionary") }
    return value
  }

  private init(bytes: [UInt8], base: Int) { (self.bytes, self.base) = (bytes, base) }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func failure(_ reason: String) -> Failure { Failure(.badData, place: "byte \(base + position)", reason) }

  private mutating func skipSpace() {
    while let byte = next, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { position += 1 }
  }

  private mutating func takes(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func value(depth: Int) throws(Failure) -> NumPyLiteral {
    guard depth < NumPyLiteralParser.mostDepth else { throw failure("the header is nested too deep") }
    skipSpace()
    switch next {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return .text(try text())
    case UInt8(ascii: "("): return try tuple(depth)
    case UInt8(ascii: "["):
      position += 1
      return .list(try items(until: "]", depth))
    case UInt8(ascii: "{"): return try dictionary(depth)
    case let byte? where byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte): return try integer()
    default: return try word()
    }
  }

  private mutating func items(until end: Unicode.Scalar, _ depth: Int) throws(Failure) -> [NumPyLiteral] {
    var items: [NumPyLiteral] = []
    while !takes(end) {
      items.append(try value(depth: depth + 1))
      if takes(",") { continue }
      guard takes(end) else { throw failure("a comma or \"\(end)\" is needed") }
      break
    }
    return items
  }

  /// In parentheses: a tuple, or one value in brackets, which Python takes for the value.
  private mutating func tuple(_ depth: Int) throws(Failure) -> NumPyLiteral {
    position += 1
    let items = try items(until: ")", depth)
    // Which comma stood last is seen behind the value.
    if items.count == 1, !endsWithComma { return items[0] }
    return .tuple(items)
  }

  /// Whether the bracket that was just closed has a comma before it.
  private var endsWithComma: Bool {
    var place = position - 2
    while place > 0, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[place]) { place -= 1 }
    return place >= 0 && bytes[place] == UInt8(ascii: ",")
  }

  private mutating func dictionary(_ depth: Int) throws(Failure) -> NumPyLiteral {
    position += 1
    var members: [NumPyLiteral.Member] = []
    while !takes("}") {
      skipSpace()
      guard next == UInt8(ascii: "'") || next == UInt8(ascii: "\"") else { throw failure("a key in quotes is needed") }
      let place = position
      let key = try text()
      guard takes(":") else { throw failure("a colon is needed after a key") }
      guard !members.contains(where: { $0.key == key }) else {
        position = place
        throw failure("the key '\(shortened(key, to: 40))' is there twice")
      }
      guard members.count < 16 else { throw failure("the header's dictionary has too many keys") }
      members.append(.init(key: key, value: try value(depth: depth + 1)))
      if takes(",") { continue }
      guard takes("}") else { throw failure("a comma or \"}\" is needed") }
      break
    }
    return .dictionary(members)
  }

  /// Names of fields may have escapes; other texts have none.
  private mutating func text() throws(Failure) -> String {
    let (start, quote) = (position, bytes[position])
    position += 1
    var out: [UInt8] = []
    while let byte = next, byte != quote {
      guard byte >= 0x20 else { throw failure("a line ends in a text") }
      if byte == UInt8(ascii: "\\") {
        position += 1
        guard next != nil else { break }
      }
      out.append(bytes[position])
      position += 1
    }
    guard next == quote else {
      position = start
      throw failure("a text without an end")
    }
    position += 1
    do { return try readText(out) } catch {
      position = start
      throw failure("a text \(error.reason)")
    }
  }

  private mutating func integer() throws(Failure) -> NumPyLiteral {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    let digits = String(decoding: bytes[start..<position], as: UTF8.self)
    // Python 2 wrote long integers with an L.
    if next == UInt8(ascii: "L") { position += 1 }
    guard let value = Int(digits) else {
      position = start
      throw failure("the number \(shortened(digits, to: 40)) is none that fits 63 bits")
    }
    return .integer(value)
  }

  private mutating func word() throws(Failure) -> NumPyLiteral {
    let start = position
    while let byte = next, (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) { position += 1 }
    switch String(decoding: bytes[start..<position], as: UTF8.self) {
    case "True": return .boolean(true)
    case "False": return .boolean(false)
    case "None": return .none
    case let word:
      position = start
      throw failure(word.isEmpty ? "a value is needed" : "the word \"\(shortened(word, to: 40))\" is no value")
    }
  }
}
