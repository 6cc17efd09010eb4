import Ingot

/// The members of an object of a request; errors name the member as clients do: `messages[0].content`.
package struct Fields: Sendable {
  package let value: JSONValue
  /// What is before the name of a member.
  private let path: String

  /// Nested deeper than any of the interfaces has it, a request is refused.
  package static let rules = JSONRules(maximumDepth: 24, maximumValues: 2_000_000, isLenient: false)

  package init(_ value: JSONValue, at path: String = "") throws {
    guard case .object = value.content else {
      throw ServiceError.badRequest(
        path.isEmpty
          ? "the body is to be a JSON object, not \(value.kind)" : "\(path) is to be an object, not \(value.kind)",
        path.isEmpty ? nil : path, code: "invalid_type")
    }
    (self.value, self.path) = (value, path)
  }

  package init(parsing bytes: [UInt8]) throws {
    let value: JSONValue
    do throws(Failure) {
      value = try JSONValue(parsing: bytes, rules: Self.rules)
    } catch {
      throw ServiceError.badRequest(
        "the body is no JSON: \(error.place.map { "\($0): " } ?? "")\(error.reason)", code: "invalid_json")
    }
    try self.init(value)
  }

  package func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// nil where it isn't there, or null.
  package subscript(key: String) -> JSONValue? {
    guard let found = value[key], found != .null else { return nil }
    return found
  }

  package func wrong(_ key: String, _ needed: String) -> ServiceError {
    let kind = value[key].map { ", not \($0.kind)" } ?? ""
    return .badRequest("\(name(key)) is to be \(needed)\(kind)", name(key), code: "invalid_type")
  }

  package func required(_ key: String) throws -> JSONValue {
    guard let found = self[key] else {
      throw ServiceError.badRequest("\(name(key)) is missing", name(key), code: "missing_required_parameter")
    }
    return found
  }

  package func string(_ key: String) throws -> String? {
    guard let found = self[key] else { return nil }
    guard case .string(let text) = found.content else { throw wrong(key, "a string") }
    return text
  }

  package func requiredString(_ key: String) throws -> String {
    _ = try required(key)
    return try string(key) ?? ""
  }

  package func boolean(_ key: String) throws -> Bool? {
    guard let found = self[key] else { return nil }
    guard case .boolean(let flag) = found.content else { throw wrong(key, "true or false") }
    return flag
  }

  package func integer(_ key: String) throws -> Int? {
    guard let found = self[key] else { return nil }
    switch found.content {
    case .integer(let number): return number
    // Python's clients write whole numbers so, where they hold them as floats.
    case .number(let number) where number == number.rounded() && abs(number) < 1e15: return Int(number)
    default: throw wrong(key, "a whole number")
    }
  }

  package func integer(_ key: String, _ range: ClosedRange<Int>) throws -> Int? {
    guard let number = try integer(key) else { return nil }
    guard range.contains(number) else {
      throw ServiceError.badRequest(
        "\(name(key)) is \(number); \(range.lowerBound) to \(range.upperBound) are possible", name(key),
        code: "invalid_value")
    }
    return number
  }

  package func number(_ key: String, _ range: ClosedRange<Double>) throws -> Double? {
    guard let found = self[key] else { return nil }
    let number: Double
    switch found.content {
    case .integer(let value): number = Double(value)
    case .number(let value): number = value
    default: throw wrong(key, "a number")
    }
    guard range.contains(number) else {
      throw ServiceError.badRequest(
        "\(name(key)) is \(number); \(range.lowerBound) to \(range.upperBound) are possible", name(key),
        code: "invalid_value")
    }
    return number
  }

  package func array(_ key: String) throws -> [JSONValue]? {
    guard let found = self[key] else { return nil }
    guard case .array(let values) = found.content else { throw wrong(key, "an array") }
    return values
  }

  package func fields(_ key: String) throws -> Fields? {
    guard let found = self[key] else { return nil }
    return try Fields(found, at: name(key))
  }

  /// A string, or an array of strings.
  package func texts(_ key: String) throws -> [String]? {
    guard let found = self[key] else { return nil }
    switch found.content {
    case .string(let text): return [text]
    case .array(let values):
      return try values.enumerated().map { index, value in
        guard case .string(let text) = value.content else {
          throw ServiceError.badRequest(
            "\(name(key))[\(index)] is to be a string, not \(value.kind)", "\(name(key))[\(index)]",
            code: "invalid_type")
        }
        return text
      }
    default: throw wrong(key, "a string or an array of strings")
    }
  }

  /// - Throws: `ServiceError` where a member is there that can't be obeyed, unless it has a value that asks for nothing.
  package func refuse(_ key: String, unless harmless: [JSONValue] = [], _ why: String) throws {
    guard let found = self[key], !harmless.contains(found) else { return }
    throw ServiceError.unsupported(name(key), why)
  }
}
