import Arrays

/// Reads one pickle (protocols 0 to 5, as Python's pickletools documents their opcodes) into an inert tree.
struct PickleParser {
  private let bytes: [UInt8]
  private(set) var position: Int
  private let name: String
  private var stack: [PickleValue] = []
  /// Heights of the stack at open marks.
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  private var containers: [[PickleValue]] = []
  private var persistent: [Int] = []
  private var values = 0
  private let mostValues = Limit.pickleValues.value

  /// - Parameters:
  ///   - start: where the pickle begins in `bytes`.
  ///   - name: what to call the pickle in errors.
  init(_ bytes: [UInt8], at start: Int = 0, name: String) {
    self.bytes = bytes
    position = start
    self.name = name
  }

  private func failure(_ reason: String, at offset: Int? = nil, hint: String? = nil) -> Failure {
    Failure(.badData, place: "\(name), byte \(offset ?? position)", reason, hint: hint)
  }

  /// - Throws: `Failure` of kind `badData` naming the byte: an opcode or a global that is not allowed, or no pickle.
  mutating func parse() throws(Failure) -> PickleTree {
    while true {
      let start = position
      let opcode = try byte()
      if opcode == UInt8(ascii: ".") {
        let root = try pop()
        return PickleTree(containers: containers, root: root, persistent: persistent)
      }
      try run(opcode, at: start)
    }
  }

  // MARK: Reading

  private mutating func take(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.count - position else { throw failure("the pickle ends early") }
    defer { position += count }
    return bytes[position..<position + count]
  }

  private mutating func byte() throws(Failure) -> UInt8 { try take(1).first ?? 0 }

  private mutating func integer(_ count: Int) throws(Failure) -> Int {
    var value: UInt64 = 0
    for (index, byte) in try take(count).enumerated() { value |= UInt64(byte) << UInt64(8 * index) }
    guard let value = Int(exactly: value) else { throw failure("a length does not fit 63 bits") }
    return value
  }

  private mutating func line() throws(Failure) -> String {
    guard let end = bytes[position...].firstIndex(of: 0x0a) else { throw failure("the pickle ends early") }
    let text = try text(end - position)
    position += 1
    return text
  }

  private mutating func text(_ count: Int) throws(Failure) -> String {
    let start = position
    let bytes = try take(count)
    do { return try readText(bytes) } catch { throw failure("a string \(error.reason)", at: start) }
  }

  /// A little-endian two's complement integer of any length.
  private mutating func long(_ count: Int) throws(Failure) -> PickleValue {
    let digits = try take(count)
    guard count <= 8 else { return .largeInteger }
    var value: UInt64 = (digits.last ?? 0) >= 0x80 ? .max : 0
    for (index, byte) in digits.enumerated() {
      value &= ~(0xff << UInt64(8 * index))
      value |= UInt64(byte) << UInt64(8 * index)
    }
    return .integer(Int(Int64(bitPattern: value)))
  }

  // MARK: The stack

  private static let mostArguments = 64

  /// Everything that is kept or gone through counts: values, copies of them, what is remembered, marks.
  private mutating func count(_ more: Int) throws(Failure) {
    values += more
    guard values <= mostValues else {
      throw failure("more than \(mostValues) values", hint: Limit.pickleValues.hint())
    }
  }

  private mutating func push(_ value: PickleValue) throws(Failure) {
    try count(1)
    stack.append(value)
  }

  private mutating func pop() throws(Failure) -> PickleValue {
    guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
      throw failure("takes a value from an empty stack")
    }
    return value
  }

  /// All values above the last mark.
  private mutating func popToMark() throws(Failure) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw failure("there is no mark") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  private mutating func make(_ items: [PickleValue]) -> Int {
    containers.append(items)
    return containers.count - 1
  }

  private mutating func extend(_ items: [PickleValue]) throws(Failure) {
    guard let target = stack.last, stack.count > (marks.last ?? 0) else { throw failure("there is nothing to add to") }
    switch target {
    case .list(let index), .set(let index): containers[index] += items
    case .dictionary(let index):
      guard items.count.isMultiple(of: 2) else { throw failure("a key has no value") }
      containers[index] += items
    // Items of an object of an allowed class, such as a defaultdict: nothing that arrays are found by.
    case .object: break
    default: throw failure("adds items to what is no container")
    }
  }

  private mutating func remember(_ key: Int) throws(Failure) {
    guard let value = stack.last, stack.count > (marks.last ?? 0) else { throw failure("there is nothing to remember") }
    try count(1)
    memo[key] = value
  }

  private mutating func recall(_ key: Int) throws(Failure) {
    guard let value = memo[key] else { throw failure("recalls value \(key), which was not remembered") }
    try push(value)
  }

  private mutating func global(_ module: String, _ name: String, at start: Int) throws(Failure) {
    let full = "\(module).\(name)"
    guard PickleAllowList.contains(full) else {
      throw failure(
        "names the global \(full), which is not on the list of harmless ones", at: start,
        hint: module.hasPrefix("torch") || module.hasPrefix("numpy")
          ? "tensors of that kind are not supported: ask for a safetensors file"
          : "loading this file in Python could run code of its author's: ask for a safetensors file instead")
    }
    try push(.global(full))
  }

  /// The value that a call of a global stands for.
  private mutating func reduce(_ callable: PickleValue, _ arguments: PickleValue, at start: Int) throws(Failure) {
    guard case .global(let name) = callable else { throw failure("calls what is no global", at: start) }
    guard case .tuple(let index) = arguments else { throw failure("calls \(name) with what is no tuple", at: start) }
    // What calls of allowed functions have is a few; they are read for each value that mentions the call.
    guard containers[index].count <= Self.mostArguments else {
      throw failure("calls \(name) with \(containers[index].count) arguments", at: start)
    }
    if name == "collections.OrderedDict", let members = try pairs(containers[index]) {
      try count(members.count)
      try push(.dictionary(make(members)))
    } else {
      try count(containers[index].count)
      try push(.object(make([callable] + containers[index])))
    }
  }

  /// Keys and values in turn from the arguments of a dictionary: none, or, as Python 2 wrote them, a list of pairs.
  private mutating func pairs(_ arguments: [PickleValue]) throws(Failure) -> [PickleValue]? {
    if arguments.isEmpty { return [] }
    guard arguments.count == 1, case .list(let list) = arguments[0] else { return nil }
    // The same list may be an argument any number of times.
    try count(containers[list].count)
    var members: [PickleValue] = []
    for item in containers[list] {
      switch item {
      case .list(let pair), .tuple(let pair):
        guard containers[pair].count == 2 else { return nil }
        members += containers[pair]
      default: return nil
      }
    }
    return members
  }

  // MARK: Opcodes

  private mutating func run(_ opcode: UInt8, at start: Int) throws(Failure) {
    switch opcode {
    case 0x80:
      let version = try byte()
      guard version <= 5 else { throw failure("pickle protocol \(version) is not known", at: start) }
    case 0x95: _ = try take(8)
    case UInt8(ascii: "("):
      try count(1)
      marks.append(stack.count)
    case UInt8(ascii: "0"): if stack.count == marks.last { marks.removeLast() } else { _ = try pop() }
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
    case UInt8(ascii: "F"):
      guard let value = Double(try line()) else { throw failure("is no number", at: start) }
      try push(.float(value))
    case UInt8(ascii: "G"):
      var bits: UInt64 = 0
      for byte in try take(8) { bits = bits << 8 | UInt64(byte) }
      try push(.float(Double(bitPattern: bits)))
    case 0x8c: try push(.string(text(integer(1))))
    case UInt8(ascii: "X"): try push(.string(text(integer(4))))
    case 0x8d: try push(.string(text(integer(8))))
    case UInt8(ascii: "V"): try push(.string(line()))
    case UInt8(ascii: "U"): try push(latin(integer(1)))
    case UInt8(ascii: "T"): try push(latin(integer(4)))
    case UInt8(ascii: "S"): try push(.string(String(line().dropFirst().dropLast())))
    case UInt8(ascii: "C"): try pushBytes(integer(1))
    case UInt8(ascii: "B"): try pushBytes(integer(4))
    case 0x8e, 0x96: try pushBytes(integer(8))
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
    case UInt8(ascii: "a"):
      let item = try pop()
      try extend([item])
    case UInt8(ascii: "e"), UInt8(ascii: "u"), 0x90:
      let items = try popToMark()
      try extend(items)
    case UInt8(ascii: "s"):
      let value = try pop()
      let key = try pop()
      try extend([key, value])
    case UInt8(ascii: "p"):
      guard let key = Int(try line()) else { throw failure("is no number", at: start) }
      try remember(key)
    case UInt8(ascii: "q"): try remember(integer(1))
    case UInt8(ascii: "r"): try remember(integer(4))
    case 0x94: try remember(memo.count)
    case UInt8(ascii: "g"):
      guard let key = Int(try line()) else { throw failure("is no number", at: start) }
      try recall(key)
    case UInt8(ascii: "h"): try recall(integer(1))
    case UInt8(ascii: "j"): try recall(integer(4))
    default: try runObject(opcode, at: start)
    }
  }

  private mutating func runObject(_ opcode: UInt8, at start: Int) throws(Failure) {
    switch opcode {
    case UInt8(ascii: "c"):
      let module = try line()
      try global(module, line(), at: start)
    case 0x93:
      guard case .string(let name) = try pop(), case .string(let module) = try pop() else {
        throw failure("names a global by what is no string", at: start)
      }
      try global(module, name, at: start)
    case UInt8(ascii: "R"), 0x81:
      let arguments = try pop()
      try reduce(pop(), arguments, at: start)
    case UInt8(ascii: "b"):
      // The state of an object: attributes such as a state dict's _metadata, which say nothing about arrays.
      _ = try pop()
      guard stack.count > (marks.last ?? 0) else { throw failure("there is nothing to give a state to", at: start) }
    case UInt8(ascii: "Q"):
      guard case .tuple(let index) = try pop() else { throw failure("a persistent id is no tuple", at: start) }
      try count(1)
      persistent.append(index)
      try push(.persistent(index))
    default:
      throw failure(
        "opcode 0x\(String(opcode, radix: 16))\(PickleParser.name(of: opcode)) is not allowed", at: start,
        hint: "this is no checkpoint that torch.save wrote, or the file is damaged")
    }
  }

  /// Opcodes that exist but that no state dict needs.
  private static func name(of opcode: UInt8) -> String {
    switch opcode {
    case UInt8(ascii: "i"): " (INST)"
    case UInt8(ascii: "o"): " (OBJ)"
    case UInt8(ascii: "P"): " (PERSID)"
    case 0x82...0x84: " (EXT)"
    case 0x91: " (FROZENSET)"
    case 0x92: " (NEWOBJ_EX)"
    case 0x97: " (NEXT_BUFFER)"
    case 0x98: " (READONLY_BUFFER)"
    default: ""
    }
  }

  private func decimal(_ text: String, at start: Int) throws(Failure) -> PickleValue {
    if text == "00" || text == "01" { return .boolean(text == "01") }
    let digits = text.hasSuffix("L") ? String(text.dropLast()) : text
    guard let value = Int(digits) else { throw failure("is no number that fits 64 bits", at: start) }
    return .integer(value)
  }

  /// Strings of Python 2, one byte a character.
  private mutating func latin(_ count: Int) throws(Failure) -> PickleValue {
    var text = ""
    for byte in try take(count) { text.unicodeScalars.append(UnicodeScalar(byte)) }
    return .string(text)
  }

  private mutating func pushBytes(_ count: Int) throws(Failure) {
    _ = try take(count)
    try push(.bytes)
  }
}
