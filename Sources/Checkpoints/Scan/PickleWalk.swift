import Arrays

/// Walks through one pickle, of protocols 0 to 5, as Python's unpickler would (Lib/pickle.py, Lib/pickletools.py), and notes
/// which functions and classes it names and calls. Nothing is made or called: values stand for what Python would have.
///
/// Unlike the reader of checkpoints it goes on where it can: what runs before an error has run. Where Python would stop (a
/// value taken from an empty stack, a memo that is not there), an unknown value stands in, so that a reader more lenient
/// than this one finds nothing that this one has not.
struct PickleWalk {
  /// What Python would have on its stack.
  enum Value {
    case unknown
    case nothing
    case plain
    case integer(Int)
    case text(String)
    /// A string or bytes too long to be a name: where they stand.
    case longText(Range<Int>)
    case bytes(Range<Int>)
    case tuple(Int)
    case list(Int)
    case dictionary(Int)
    case set
    case global(Int)
    /// What a call gave.
    case made(Int)
    case persistent
  }

  /// A function or class that is named.
  struct Global {
    let module: String
    let name: String
    let standing: PickleNames.Standing
    let offset: Int
    var calledAt: Int?
    var count = 1

    var full: String { "\(module).\(name)" }
  }

  /// What the result of a call can do.
  indirect enum Making {
    /// An instance of a class, and the first argument that it was made with.
    case instance(of: Int, first: Value)
    /// A function with some of its arguments.
    case partial(of: Value)
    /// An attribute, or what picks one: harmless unless it is called.
    case attribute
    /// Bytes that a text was encoded to.
    case encoded(Nested)
    /// Whatever a call gave.
    case result
  }

  /// A file in a pickle.
  enum Nested {
    /// Where it stands: as it is, or each byte as a character of Latin-1, in UTF-8.
    case range(Range<Int>, isLatin: Bool)
    case bytes([UInt8], at: Int)
  }

  enum Ending {
    case stopped
    /// The bytes end, or there is an opcode that Python has not.
    case broken(String, at: Int)
    case tooLarge
  }

  var window: ScanWindow
  var position: Int
  let start: Int
  let mostValues: Int

  var stack: [Value] = []
  var marks: [Int] = []
  var memo: [Int: Value] = [:]
  var items: [[Value]] = []
  var made: [Making] = []
  private(set) var kept = 0

  var globals: [Global] = []
  var globalNumbers: [String: Int] = [:]
  var findings: [ScanFinding] = []
  /// What harmless calls would read as files.
  var nested: [Nested] = []
  /// Where something is done that Python refuses, first.
  var refusal: (reason: String, offset: Int)?
  var hasProtocol = false
  private(set) var opcodes = 0
  /// Items of tuples and dictionaries that calls and states were looked at for: the same one may be met again and again.
  var work = 0
  var mostOpcodes = Int.max
  /// Reads arrays that joblib puts between opcodes.
  let skipsArrays: Bool
  var skippedArrays = 0
  /// NumPy's types with objects among their fields.
  var objectTypes: Set<Int> = []
  /// Bytes of an element of those types whose states say so.
  var typeSizes: [Int: Int] = [:]

  init(_ bytes: ScanBytes, from start: Int, skipsArrays: Bool = false) {
    window = ScanWindow(bytes)
    (position, self.start) = (start, start)
    mostValues = Limit.pickleValues.value
    self.skipsArrays = skipsArrays
  }

  /// Goes to the end of the pickle.
  /// - Throws: `Failure` of kind `io`.
  mutating func run() throws(Failure) -> Ending {
    while true {
      let at = position
      guard let opcode = try window.byte(at: position) else { return .broken("ends early", at: at) }
      position += 1
      if opcode == UInt8(ascii: ".") { return .stopped }
      switch try run(opcode, at: at) {
      case .done: opcodes += 1
      case .ends: return .broken("ends early", at: at)
      case .unknown:
        position = at
        return .broken("has an opcode that Python has not, 0x\(String(opcode, radix: 16))", at: at)
      }
      if held > mostValues || work > 32 * mostValues || opcodes > mostOpcodes { return .tooLarge }
    }
  }

  /// Values, and what is as large as some.
  private var held: Int {
    stack.count + memo.count + marks.count + kept + 8 * (globals.count + findings.count + nested.count)
  }

  enum Step { case done, ends, unknown }

  // MARK: Reading

  /// The range of the next `count` bytes, which are gone past; nil when there are not so many.
  mutating func take(_ count: Int?) -> Range<Int>? {
    guard let count, count <= window.bytes.count - position else { return nil }
    defer { position += count }
    return position..<position + count
  }

  mutating func integer(_ count: Int) throws(Failure) -> Int? {
    guard take(count) != nil else { return nil }
    return try window.integer(count, at: position - count)
  }

  /// The range of a line, without its end.
  mutating func line() throws(Failure) -> Range<Int>? {
    guard let end = try window.firstIndex(of: 0x0a, from: position) else { return nil }
    defer { position = end + 1 }
    return position..<end
  }

  static let longestName = 1024

  /// The bytes of a range that can be a name; nil for a longer one.
  mutating func name(_ range: Range<Int>) throws(Failure) -> [UInt8]? {
    range.count <= Self.longestName ? try window.bytes.bytes(range.count, at: range.lowerBound) : nil
  }

  // MARK: The stack

  mutating func refuse(_ reason: String, at offset: Int) { if refusal == nil { refusal = (reason, offset) } }

  mutating func push(_ value: Value) { stack.append(value) }

  mutating func pop(at offset: Int) -> Value {
    guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
      refuse("takes a value from an empty stack", at: offset)
      return .unknown
    }
    return value
  }

  var top: Value? { stack.count > (marks.last ?? 0) ? stack.last : nil }

  mutating func popToMark(at offset: Int) -> [Value] {
    guard let mark = marks.popLast() else {
      refuse("has no mark where it needs one", at: offset)
      defer { stack.removeAll() }
      return stack
    }
    defer { stack.removeSubrange(mark...) }
    return [Value](stack[mark...])
  }

  /// Most items of a container that are kept: more than calls have arguments and than objects of known classes have members.
  private static let mostItems = 4096

  mutating func make(_ values: [Value]) -> Int {
    items.append([Value](values.prefix(Self.mostItems)))
    kept += min(values.count, Self.mostItems) + 1
    return items.count - 1
  }

  mutating func make(_ making: Making) -> Value {
    made.append(making)
    kept += 1
    return .made(made.count - 1)
  }

  mutating func extend(_ container: Int, _ values: [Value]) {
    let more = values.prefix(max(0, Self.mostItems - items[container].count))
    items[container] += more
    kept += more.count
  }

  /// All values but the first.
  static func rest(_ values: [Value]) -> [Value] { values.isEmpty ? [] : [Value](values[1...]) }

  /// The items of a tuple or list.
  func members(_ value: Value) -> [Value]? {
    switch value {
    case .tuple(let index), .list(let index): items[index]
    default: nil
    }
  }

  /// The value of a dictionary's last item with that key.
  func member(_ key: String, of value: Value) -> Value? {
    guard case .dictionary(let index) = value else { return nil }
    let entries = items[index]
    var found: Value?
    for position in stride(from: 0, to: entries.count - 1, by: 2) {
      if case .text(let text) = entries[position], text == key { found = entries[position + 1] }
    }
    return found
  }
}
