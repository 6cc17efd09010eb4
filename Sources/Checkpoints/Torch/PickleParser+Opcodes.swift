import Arrays

extension PickleParser {
  /// Obeys one opcode other than STOP. Their letters are those of Python's pickletools.
  mutating func run(_ opcode: UInt8, at start: Int) throws(Failure) {
    switch opcode {
    case 0x80:
      let version = try byte()
      guard version <= 5 else { throw failure("pickle protocol \(version) is not known", at: start) }
    case 0x95: try skip(8)
    case UInt8(ascii: "("): try mark()
    case UInt8(ascii: "0"): try discard()
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "2"):
      let value = try pop()
      try push(value)
      try push(value)
    case UInt8(ascii: "N"): try push(.none)
    case 0x88: try push(.boolean(true))
    case 0x89: try push(.boolean(false))
    case UInt8(ascii: "K"): try push(.integer(integer(1)))
    case UInt8(ascii: "M"): try push(.integer(integer(2)))
    case UInt8(ascii: "J"): try push(long(4))
    case 0x8a: try push(long(integer(1)))
    case 0x8b: try push(long(integer(4)))
    case UInt8(ascii: "I"), UInt8(ascii: "L"): try push(decimal(line(), at: start))
    case UInt8(ascii: "F"): try push(number(line(), at: start))
    case UInt8(ascii: "G"): try push(float())
    case 0x8c: try push(string(integer(1)))
    case UInt8(ascii: "X"): try push(string(integer(4)))
    case 0x8d: try push(string(integer(8)))
    case UInt8(ascii: "V"): try push(.string(PickleText.unescaped(line(), isUnicode: true), at: nil))
    case UInt8(ascii: "S"): try push(.string(quoted(line(), at: start), at: nil))
    case UInt8(ascii: "U"): try push(latin(integer(1)))
    case UInt8(ascii: "T"): try push(latin(integer(4)))
    case UInt8(ascii: "C"): try push(bytesValue(integer(1)))
    case UInt8(ascii: "B"): try push(bytesValue(integer(4)))
    case 0x8e, 0x96: try push(bytesValue(integer(8)))
    // Out-of-band buffers, and what makes the last one read-only.
    case 0x97: try push(.buffer)
    case 0x98: _ = try top("there is no buffer", at: start)
    default: try runContainer(opcode, at: start)
    }
  }

  private mutating func runContainer(_ opcode: UInt8, at start: Int) throws(Failure) {
    switch opcode {
    case UInt8(ascii: ")"): try push(.tuple(make([])))
    case UInt8(ascii: "t"): try push(.tuple(make(popToMark())))
    case 0x85...0x87:
      var items: [PickleValue] = []
      for _ in 0..<Int(opcode - 0x84) { items.append(try pop()) }
      try push(.tuple(make(items.reversed())))
    case UInt8(ascii: "]"): try push(.list(make([])))
    case UInt8(ascii: "l"): try push(.list(make(popToMark())))
    case UInt8(ascii: "}"): try push(.dictionary(make([])))
    case UInt8(ascii: "d"):
      let items = try popToMark()
      guard items.count.isMultiple(of: 2) else { throw failure("a key has no value", at: start) }
      try push(.dictionary(make(items)))
    case 0x8f: try push(.set(make([])))
    case 0x91: try push(.set(make(popToMark())))
    case UInt8(ascii: "a"):
      let item = try pop()
      try extend([item], arePairs: false)
    case UInt8(ascii: "e"), 0x90:
      let items = try popToMark()
      try extend(items, arePairs: false)
    case UInt8(ascii: "u"):
      let items = try popToMark()
      try extend(items, arePairs: true)
    case UInt8(ascii: "s"):
      let value = try pop()
      let key = try pop()
      try extend([key, value], arePairs: true)
    case UInt8(ascii: "p"): try remember(index(line(), at: start))
    case UInt8(ascii: "q"): try remember(integer(1))
    case UInt8(ascii: "r"): try remember(integer(4))
    case 0x94: try remember(nil)
    case UInt8(ascii: "g"): try recall(index(line(), at: start))
    case UInt8(ascii: "h"): try recall(integer(1))
    case UInt8(ascii: "j"): try recall(integer(4))
    default: try runObject(opcode, at: start)
    }
  }

  private mutating func runObject(_ opcode: UInt8, at start: Int) throws(Failure) {
    switch opcode {
    case UInt8(ascii: "c"):
      let module = try line()
      try global(module, line())
    case 0x93:
      guard case .string(let name, _) = try pop(), case .string(let module, _) = try pop() else {
        throw failure("names a global by what is no string", at: start)
      }
      try global(module, name)
    // Numbers that a program registered for its globals, which only it knows.
    case 0x82: try global("copyreg", "extension_\(integer(1))")
    case 0x83: try global("copyreg", "extension_\(integer(2))")
    case 0x84: try global("copyreg", "extension_\(integer(4))")
    case UInt8(ascii: "R"), 0x81:
      let arguments = try pop()
      try call(pop(), arguments, at: start)
    case 0x92:
      let keywords = try pop()
      let arguments = try pop()
      try call(pop(), arguments, keywords: keywords, at: start)
    case UInt8(ascii: "i"):
      let module = try line()
      let name = try line()
      let arguments = try PickleValue.tuple(make(popToMark()))
      try global(module, name)
      try call(pop(), arguments, at: start)
    case UInt8(ascii: "o"):
      var arguments = try popToMark()
      guard !arguments.isEmpty else { throw failure("makes an object of no class", at: start) }
      let callable = arguments.removeFirst()
      try call(callable, .tuple(make(arguments)), at: start)
    case UInt8(ascii: "b"): try build(at: start)
    case UInt8(ascii: "Q"): try reference(pop())
    case UInt8(ascii: "P"): try reference(.string(line(), at: nil))
    default:
      throw failure(
        "0x\(String(opcode, radix: 16)) is no opcode", at: start,
        hint: "this is no checkpoint that torch.save wrote, or the file is damaged")
    }
  }

  private func index(_ text: String, at start: Int) throws(Failure) -> Int {
    guard let number = Int(text) else { throw failure("is no number", at: start) }
    return number
  }

  private func number(_ text: String, at start: Int) throws(Failure) -> PickleValue {
    guard let value = Double(text) else { throw failure("is no number", at: start) }
    return .float(value)
  }

  private func decimal(_ text: String, at start: Int) throws(Failure) -> PickleValue {
    if text == "00" || text == "01" { return .boolean(text == "01") }
    let digits = text.hasSuffix("L") ? String(text.dropLast()) : text
    if let value = Int(digits) { return .integer(value) }
    let bare = digits.utf8.drop { $0 == UInt8(ascii: "-") }
    guard digits.utf8.count - bare.count <= 1, !bare.isEmpty, bare.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw failure("is no number", at: start)
    }
    return .largeInteger
  }

  /// A string of protocol 0, which stands between quotation marks.
  private func quoted(_ text: String, at start: Int) throws(Failure) -> String {
    guard text.utf8.count >= 2, let first = text.utf8.first, first == text.utf8.last,
      [UInt8(ascii: "'"), UInt8(ascii: "\"")].contains(first)
    else { throw failure("a string has no quotation marks", at: start) }
    return PickleText.unescaped(String(text.dropFirst().dropLast()), isUnicode: false)
  }
}

/// Text of protocol 0.
enum PickleText {
  private static let letters: [Character: UnicodeScalar] = [
    "n": "\n", "r": "\r", "t": "\t", "a": "\u{7}", "b": "\u{8}", "f": "\u{c}", "v": "\u{b}", "\\": "\\", "'": "'",
    "\"": "\"",
  ]

  /// The text without its escapes: those of Python's unicode strings are `\u` and `\U` only, those of others `\x`, and
  /// letters. An escape that is none stays as it is.
  static func unescaped(_ text: String, isUnicode: Bool) -> String {
    guard text.utf8.contains(UInt8(ascii: "\\")) else { return text }
    var out = String.UnicodeScalarView()
    let scalars = Array(text.unicodeScalars)
    var position = 0
    while position < scalars.count {
      let scalar = scalars[position]
      position += 1
      guard scalar == "\\", position < scalars.count else {
        out.append(scalar)
        continue
      }
      let letter = scalars[position]
      let digits = isUnicode ? (letter == "u" ? 4 : letter == "U" ? 8 : 0) : letter == "x" ? 2 : 0
      if digits > 0, position + digits < scalars.count,
        let value = UInt32(String(String.UnicodeScalarView(scalars[position + 1...position + digits])), radix: 16),
        let found = UnicodeScalar(value)
      {
        out.append(found)
        position += 1 + digits
      } else if !isUnicode, let found = letters[Character(letter)] {
        out.append(found)
        position += 1
      } else {
        out.append(scalar)
      }
    }
    return String(out).streamSafe
  }
}
