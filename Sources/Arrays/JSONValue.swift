/// A JSON value (RFC 8259). Objects keep the order of their members; integers are apart from other numbers.
public struct JSONValue: Sendable {
  public indirect enum Content: Sendable, Equatable {
    case null
    case boolean(Bool)
    /// Written without fraction and exponent, and fitting 64 bits.
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])
  }

  public var content: Content
  /// Where the value began in the text it was read from; 0 for values made here.
  public var offset: Int

  public init(_ content: Content, offset: Int = 0) {
    self.content = content
    self.offset = offset
  }
}

/// One `"key": value` of an object.
public struct JSONMember: Sendable, Equatable {
  public let key: String
  public let value: JSONValue

  public init(_ key: String, _ value: JSONValue) {
    self.key = key
    self.value = value
  }
}

extension JSONValue: Equatable {
  /// The same content, wherever it was read.
  public static func == (left: JSONValue, right: JSONValue) -> Bool { left.content == right.content }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self.init(.string(value)) }
  public init(booleanLiteral value: Bool) { self.init(.boolean(value)) }
  public init(integerLiteral value: Int) { self.init(.integer(value)) }
  public init(arrayLiteral elements: JSONValue...) { self.init(.array(elements)) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self.init(.object(elements.map { JSONMember($0, $1) }))
  }

  public static let null = JSONValue(.null)
  public static func string(_ text: String) -> JSONValue { JSONValue(.string(text)) }
  public static func integer(_ value: Int) -> JSONValue { JSONValue(.integer(value)) }
  public static func number(_ value: Double) -> JSONValue { JSONValue(.number(value)) }
  public static func boolean(_ value: Bool) -> JSONValue { JSONValue(.boolean(value)) }
  public static func array(_ values: some Sequence<JSONValue>) -> JSONValue { JSONValue(.array(Array(values))) }
  public static func strings(_ values: some Sequence<String>) -> JSONValue { .array(values.map { .string($0) }) }
  public static func integers(_ values: some Sequence<Int>) -> JSONValue { .array(values.map { .integer($0) }) }
  /// Members whose value is nil are left out.
  public static func object(_ members: KeyValuePairs<String, JSONValue?>) -> JSONValue {
    JSONValue(.object(members.compactMap { key, value in value.map { JSONMember(key, $0) } }))
  }
}

// What a reader expects of a value; each throws a `Failure` of kind `badData` that names the place.
extension JSONValue {
  /// The member of an object; nil when it isn't there or this is no object.
  public subscript(key: String) -> JSONValue? {
    guard case .object(let members) = content else { return nil }
    return members.first { $0.key.isSameBytes(as: key) }?.value
  }

  public func member(_ key: String) throws(Failure) -> JSONValue {
    _ = try object()
    guard let value = self[key] else { throw failure("has no member \"\(key)\"") }
    return value
  }

  public func object() throws(Failure) -> [JSONMember] {
    guard case .object(let members) = content else { throw failure("an object is needed, not \(kind)") }
    return members
  }

  public func array() throws(Failure) -> [JSONValue] {
    guard case .array(let values) = content else { throw failure("an array is needed, not \(kind)") }
    return values
  }

  public func string() throws(Failure) -> String {
    guard case .string(let text) = content else { throw failure("a string is needed, not \(kind)") }
    return text
  }

  public func boolean() throws(Failure) -> Bool {
    guard case .boolean(let value) = content else { throw failure("true or false is needed, not \(kind)") }
    return value
  }

  public func integer() throws(Failure) -> Int {
    guard case .integer(let value) = content else { throw failure("an integer is needed, not \(kind)") }
    return value
  }

  /// An integer of at least 0: a size, a count, an offset.
  public func size() throws(Failure) -> Int {
    let value = try integer()
    guard value >= 0 else { throw failure("\(value) is negative") }
    return value
  }

  public func number() throws(Failure) -> Double {
    switch content {
    case .integer(let value): return Double(value)
    case .number(let value): return value
    default: throw failure("a number is needed, not \(kind)")
    }
  }

  public func strings() throws(Failure) -> [String] {
    var out: [String] = []
    for value in try array() { out.append(try value.string()) }
    return out
  }

  public func sizes() throws(Failure) -> [Int] {
    var out: [Int] = []
    for value in try array() { out.append(try value.size()) }
    return out
  }

  /// A SHA-256 in hexadecimal.
  public func digest() throws(Failure) -> Digest {
    guard let digest = Digest(hex: try string()) else {
      throw failure("64 lower-case hexadecimal digits of a SHA-256 are needed")
    }
    return digest
  }

  /// A string that is one of an enumeration's.
  public func choice<Choice: RawRepresentable<String>>(
    _ what: String, of type: Choice.Type = Choice.self
  ) throws(Failure) -> Choice {
    let text = try string()
    guard let choice = Choice(rawValue: text) else { throw failure("unknown \(what) \"\(text)\"") }
    return choice
  }

  /// An error about this value.
  public func failure(_ reason: String) -> Failure { Failure(.badData, place: "byte \(offset)", reason) }

  /// What sort of value this is, for error messages.
  public var kind: String {
    switch content {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "the number \(value)"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}
