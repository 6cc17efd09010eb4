import Arrays

/// The value of one axis: a word, a truth value or a whole number.
public enum ParameterValue: Hashable, Sendable, CustomStringConvertible {
  case word(String)
  case boolean(Bool)
  case integer(Int)

  /// As given on a command line.
  public init(text: String) {
    if text == "true" || text == "false" {
      self = .boolean(text == "true")
    } else if let number = Int(text), String(number) == text {
      self = .integer(number)
    } else {
      self = .word(text)
    }
  }

  public init(json: JSONValue) throws(Failure) {
    switch json.content {
    case .string(let text): self = .word(text)
    case .boolean(let value): self = .boolean(value)
    case .integer(let value): self = .integer(value)
    default: throw json.failure("a parameter is a string, true, false or an integer, not \(json.kind)")
    }
  }

  public var json: JSONValue {
    switch self {
    case .word(let text): .string(text)
    case .boolean(let value): .boolean(value)
    case .integer(let value): .integer(value)
    }
  }

  public var description: String {
    switch self {
    case .word(let text): text
    case .boolean(let value): "\(value)"
    case .integer(let value): "\(value)"
    }
  }
}

/// What picks one net of a family: a value for each of its axes, in the family's order.
public struct Combination: Hashable, Sendable, CustomStringConvertible {
  public struct Parameter: Hashable, Sendable {
    public let name: String
    public var value: ParameterValue

    public init(_ name: String, _ value: ParameterValue) {
      self.name = name
      self.value = value
    }
  }

  public var parameters: [Parameter]

  public init(_ parameters: [Parameter]) {
    self.parameters = parameters
  }

  public init(json members: [JSONMember]) throws(Failure) {
    parameters = []
    for member in members { parameters.append(Parameter(member.key, try ParameterValue(json: member.value))) }
  }

  public var json: [JSONMember] { parameters.map { JSONMember($0.name, $0.value.json) } }

  public subscript(_ name: String) -> ParameterValue? {
    get { parameters.first { $0.name == name }?.value }
    set {
      guard let newValue, let index = parameters.firstIndex(where: { $0.name == name }) else { return }
      parameters[index].value = newValue
    }
  }

  /// Whether every one of the given values is this combination's.
  public func matches(_ values: [Parameter]) -> Bool { values.allSatisfy { self[$0.name] == $0.value } }

  /// `CapFilt=true,Part=ImageEncoder,…`
  public var description: String { parameters.map { "\($0.name)=\($0.value)" }.joined(separator: ",") }
}
