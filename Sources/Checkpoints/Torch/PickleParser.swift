import Arrays

/// Reads one pickle (protocols 0 to 5, as Python's pickletools documents their opcodes) into an inert tree. Every opcode
/// is known; what would call something becomes an object that says so. Refused is only what is malformed.
struct PickleParser {
  private let bytes: [UInt8]
  private let base: Int
  private(set) var position: Int
  private let name: String
  private var tree: PickleTree
  private var stack: [PickleValue] = []
  /// Heights of the stack at open marks.
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  /// Numbers of globals by name.
  private var globals: [String: Int] = [:]
  private var values = 0
  private let mostValues = Limit.pickleValues.value

  /// - Parameters:
  ///   - base: where `bytes` begin in the file.
  ///   - start: where the pickle begins in `bytes`.
  ///   - name: what to call the pickle in errors.
  ///   - tree: other pickles of the same file, which this one joins.
  init(_ bytes: [UInt8], base: Int = 0, at start: Int = 0, name: String, joining tree: PickleTree = PickleTree()) {
    self.bytes = bytes
    self.base = base
    position = start
    self.name = name
    self.tree = tree
    for (index, global) in tree.globals.enumerated() { globals[global] = index }
  }

  func failure(_ reason: String, at offset: Int? = nil, hint: String? = nil) -> Failure {
    Failure(.badData, place: "\(name), byte \(offset ?? position)", reason, hint: hint)
  }

  /// The tree, whose root is this pickle's.
  /// - Throws: `Failure` of kind `badData` naming the byte: no opcode, or one that can't be obeyed.
  mutating func parse() throws(Failure) -> PickleTree {
    while true {
      let start = position
      let opcode = try byte()
      if opcode == UInt8(ascii: ".") {
        tree.root = try pop()
        tree.pickles += 1
        return tree
      }
      try run(opcode, at: start)
    }
  }

  // MARK: Reading

  private mutating func take(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.count - position else { throw failure(Self.endsEarly) }
    defer { position += count }
    return bytes[position..<position + count]
  }

  /// The reason of a pickle that goes on after the last of the bytes that are there.
  static let endsEarly = "the pickle ends early"

  mutating func byte() throws(Failure) -> UInt8 { try take(1).first ?? 0 }

  mutating func integer(_ count: Int) throws(Failure) -> Int {
    var value: UInt64 = 0
    for (index, byte) in try take(count).enumerated() { value |= UInt64(byte) << UInt64(8 * index) }
    guard let value = Int(exactly: value) else { throw failure("a length does not fit 63 bits") }
    return value
  }

  mutating func skip(_ count: Int) throws(Failure) { _ = try take(count) }

  mutating func line() throws(Failure) -> String {
    guard let end = bytes[position...].firstIndex(of: 0x0a) else { throw failure(Self.endsEarly) }
    let (text, _) = try text(end - position)
    position += 1
    return text
  }

  private mutating func text(_ count: Int) throws(Failure) -> (String, at: Int) {
    let start = position
    let bytes = try take(count)
    do { return (try readText(bytes), base + start) } catch { throw failure("a string \(error.reason)", at: start) }
  }

  mutating func string(_ count: Int) throws(Failure) -> PickleValue {
    let (text, start) = try text(count)
    return .string(text, at: start)
  }

  /// Strings of Python 2, one byte a character.
  mutating func latin(_ count: Int) throws(Failure) -> PickleValue {
    let start = base + position
    var (text, isPlain) = ("", true)
    for byte in try take(count) {
      text.unicodeScalars.append(UnicodeScalar(byte))
      isPlain = isPlain && byte < 0x80
    }
    return isPlain ? .string(text, at: start) : .latin(text, at: start)
  }

  mutating func bytesValue(_ count: Int) throws(Failure) -> PickleValue {
    let start = base + position
    try skip(count)
    return .bytes(at: start, count: count)
  }

  /// A little-endian two's complement integer of any length.
  mutating func long(_ count: Int) throws(Failure) -> PickleValue {
    let digits = try take(count)
    guard count <= 8 else { return .largeInteger }
    var value: UInt64 = (digits.last ?? 0) >= 0x80 ? .max : 0
    for (index, byte) in digits.enumerated() {
      value &= ~(0xff << UInt64(8 * index))
      value |= UInt64(byte) << UInt64(8 * index)
    }
    return .integer(Int(Int64(bitPattern: value)))
  }

  mutating func float() throws(Failure) -> PickleValue {
    var bits: UInt64 = 0
    for byte in try take(8) { bits = bits << 8 | UInt64(byte) }
    return .float(Double(bitPattern: bits))
  }

  // MARK: The stack

  /// Everything that is kept or gone through counts: values, copies of them, what is remembered, marks.
  mutating func count(_ more: Int) throws(Failure) {
    values += more
    guard values <= mostValues else {
      throw failure("more than \(mostValues) values", hint: Limit.pickleValues.hint())
    }
  }

  mutating func push(_ value: PickleValue) throws(Failure) {
    try count(1)
    stack.append(value)
  }

  mutating func pop() throws(Failure) -> PickleValue {
    guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
      throw failure("takes a value from an empty stack")
    }
    return value
  }

  /// The value on top, which stays there.
  func top(_ missing: String, at start: Int? = nil) throws(Failure) -> PickleValue {
    guard let value = stack.last, stack.count > (marks.last ?? 0) else { throw failure(missing, at: start) }
    return value
  }

  mutating func mark() throws(Failure) {
    try count(1)
    marks.append(stack.count)
  }

  /// Takes a value away, or the mark where there is none above it.
  mutating func discard() throws(Failure) {
    if stack.count == marks.last { marks.removeLast() } else { _ = try pop() }
  }

  /// All values above the last mark.
  mutating func popToMark() throws(Failure) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw failure("there is no mark") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  mutating func remember(_ key: Int?) throws(Failure) {
    let value = try top("there is nothing to remember")
    try count(1)
    memo[key ?? memo.count] = value
  }

  mutating func recall(_ key: Int) throws(Failure) {
    guard let value = memo[key] else { throw failure("recalls value \(key), which was not remembered") }
    try push(value)
  }

  // MARK: Containers and objects

  mutating func make(_ items: [PickleValue]) -> Int {
    tree.containers.append(items)
    return tree.containers.count - 1
  }

  /// Adds to the container or object on top.
  /// - Parameter arePairs: whether the items are keys and values in turn.
  mutating func extend(_ items: [PickleValue], arePairs: Bool) throws(Failure) {
    let target = try top("there is nothing to add to")
    if arePairs, !items.count.isMultiple(of: 2) { throw failure("a key has no value") }
    switch target {
    case .list(let index), .set(let index): tree.containers[index] += items
    case .dictionary(let index):
      guard items.count.isMultiple(of: 2) else { throw failure("a key has no value") }
      tree.containers[index] += items
    // What subclasses of list and dict hold; others are asked to take it by their own methods.
    case .object(let index):
      let place = arePairs ? tree.objects[index].pairs : tree.objects[index].items
      if let place {
        tree.containers[place] += items
      } else if arePairs {
        tree.objects[index].pairs = make(items)
      } else {
        tree.objects[index].items = make(items)
      }
    default: throw failure("adds items to what is no container")
    }
  }

  static let longestGlobal = 1024

  mutating func global(_ module: String, _ name: String) throws(Failure) {
    // Names are looked up for each value that mentions them.
    let length = module.utf8.count + name.utf8.count + 1
    guard length <= Self.longestGlobal else {
      throw failure("names a global of \(length) bytes; at most \(Self.longestGlobal) are read")
    }
    let full = "\(module).\(name)"
    if let index = globals[full] { return try push(.global(index)) }
    globals[full] = tree.globals.count
    tree.globals.append(full)
    try push(.global(tree.globals.count - 1))
  }

  /// The value that a call stands for.
  /// - Parameter arguments: must be a tuple, as Python demands it.
  mutating func call(
    _ callable: PickleValue, _ arguments: PickleValue, keywords: PickleValue? = nil, at start: Int
  ) throws(Failure) {
    switch callable {
    case .global, .object, .persistent: break
    default: throw failure("calls what is no global", at: start)
    }
    guard case .tuple(let index) = arguments else {
      throw failure("calls \(tree.global(callable) ?? "an object") with what is no tuple", at: start)
    }
    if keywords == nil, let name = tree.global(callable), Self.dictionaries.contains(name),
      let members = try pairs(tree.containers[index])
    {
      try count(members.count)
      try push(.dictionary(make(members)))
    } else {
      tree.objects.append(PickleObject(callable: callable, arguments: index, keywords: keywords))
      try push(.object(tree.objects.count - 1))
    }
  }

  private static let dictionaries: Set<String> = ["collections.OrderedDict", "builtins.dict", "__builtin__.dict"]

  /// Keys and values in turn from the arguments of a dictionary: none, another one, or, as Python 2 wrote them, a list of
  /// pairs.
  private mutating func pairs(_ arguments: [PickleValue]) throws(Failure) -> [PickleValue]? {
    if arguments.isEmpty { return [] }
    guard arguments.count == 1 else { return nil }
    if case .dictionary(let index) = arguments[0] { return tree.containers[index] }
    guard case .list(let list) = arguments[0] else { return nil }
    // The same list may be an argument any number of times.
    try count(tree.containers[list].count)
    var members: [PickleValue] = []
    for item in tree.containers[list] {
      switch item {
      case .list(let pair), .tuple(let pair):
        guard tree.containers[pair].count == 2 else { return nil }
        members += tree.containers[pair]
      default: return nil
      }
    }
    return members
  }

  /// Gives a state to the value below it, which stays on the stack.
  mutating func build(at start: Int) throws(Failure) {
    let state = try pop()
    // Of a dictionary, such as a state dict's _metadata, it says nothing about arrays.
    if case .object(let index) = try top("there is nothing to give a state to", at: start) {
      try count(1)
      tree.objects[index].states.append(state)
    }
  }

  mutating func reference(_ identity: PickleValue) throws(Failure) {
    try count(1)
    tree.references.append(.init(identity: identity, pickle: tree.pickles))
    try push(.persistent(tree.references.count - 1))
  }
}
