import Arrays

extension FuzzTarget {
  /// JSON, strictly and leniently.
  static let json = FuzzTarget("json") { bytes in
    let lenient = Result { try JSONValue(parsing: bytes, rules: .lenient) }
    if case .success(let value) = lenient {
      // Written, it is strict JSON: a key is there once, and what is no number is null.
      try checkWriting(value)
    }
    let value = try JSONValue(parsing: bytes, base: 8)
    guard case .success(let same) = lenient else { throw Broken(description: "read strictly but not leniently") }
    try expect(same == value, "another value when read leniently")
    try expect(value.offset >= 8, "an offset before the beginning")
    let pretty = try sure("the text for people") { try JSONValue(parsing: Array(value.prettyText.utf8)) }
    try expect(pretty == value, "another value in the text for people")
  }

  private static func checkWriting(_ value: JSONValue) throws {
    let text = value.compactText
    let again = try sure("the written text") {
      try JSONValue(parsing: Array(text.utf8), rules: .strict.depth(JSONRules.lenient.maximumDepth))
    }
    try expect(again.compactText == text, "another text when written again")
    if !holdsNoNumber(value) { try expect(again == value, "another value when read again") }
  }

  private static func holdsNoNumber(_ value: JSONValue) -> Bool {
    switch value.content {
    case .number(let number): !number.isFinite
    case .array(let values): values.contains(where: holdsNoNumber)
    case .object(let members): members.contains { holdsNoNumber($0.value) }
    default: false
    }
  }
}
