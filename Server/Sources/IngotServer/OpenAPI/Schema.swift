import Ingot

/// Short forms of JSON Schema (draft 2020-12), as OpenAPI 3.1 has it.
enum Schema {
  static func object(_ required: KeyValuePairs<String, JSONValue>, _ optional: KeyValuePairs<String, JSONValue> = [:])
    -> JSONValue
  {
    let members =
      required.map { JSONMember($0.key, $0.value) } + optional.map { JSONMember($0.key, orNull($0.value)) }
    return .object([
      "type": "object", "required": required.isEmpty ? nil : .strings(required.map(\.key)),
      "properties": JSONValue(.object(members)),
    ])
  }

  /// What is null counts as what isn't there.
  private static func orNull(_ schema: JSONValue) -> JSONValue {
    .object(["anyOf": .array([schema, .object(["type": "null"])])])
  }

  static let text: JSONValue = .object(["type": "string"])
  static let someText: JSONValue = .object(["type": "string", "minLength": 1])
  static let flag: JSONValue = .object(["type": "boolean"])
  static let whole: JSONValue = .object(["type": "integer"])
  static let count: JSONValue = .object(["type": "integer", "minimum": 0])
  static let number: JSONValue = .object(["type": "number"])
  static let any: JSONValue = .object([:])
  static let anyObject: JSONValue = .object(["type": "object"])

  static func whole(_ range: ClosedRange<Int>) -> JSONValue {
    .object(["type": "integer", "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound)])
  }

  static func number(_ range: ClosedRange<Double>) -> JSONValue {
    .object(["type": "number", "minimum": .number(range.lowerBound), "maximum": .number(range.upperBound)])
  }

  static func list(_ items: JSONValue, least: Int = 0, most: Int? = nil) -> JSONValue {
    .object([
      "type": "array", "items": items, "minItems": .integer(least), "maxItems": most.map { .integer($0) },
    ])
  }

  static func oneOf(_ schemas: JSONValue...) -> JSONValue { .object(["anyOf": .array(schemas)]) }

  static func word(_ words: String...) -> JSONValue { .object(["type": "string", "enum": .strings(words)]) }

  static func only(_ value: JSONValue) -> JSONValue { .object(["const": value]) }

  /// One of the names of nets that are there.
  static func model(_ names: [String]) -> JSONValue {
    names.isEmpty ? text : .object(["type": "string", "enum": .strings(names)])
  }

  static let picture: JSONValue = .object([
    "type": "string", "contentEncoding": "base64", "minLength": 4,
    "description": "A picture's file in base64.",
  ])

  static let pictureAddress: JSONValue = .object([
    "type": "string", "pattern": "^data:[a-zA-Z0-9/+.-]*;base64,[A-Za-z0-9+/]+={0,2}$",
    "description": "A data: address with a picture's file in base64.",
  ])
}
