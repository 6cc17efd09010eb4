import Arrays

/// The right answers to a question, in any of the ways in which files have them: a text, a number, a list of these, or a
/// list of objects with a member `answer`.
struct AnswerTexts {
  let texts: [String]
  /// Whether they are annotators' answers rather than the one that is right.
  let isList: Bool

  /// - Throws: `Failure` of kind `badData` naming what is no answer.
  init(_ value: JSONValue) throws(Failure) {
    switch value.content {
    case .null: (texts, isList) = ([], false)
    case .array(let items):
      var texts: [String] = []
      for item in items {
        if case .object = item.content {
          texts.append(try Self.text(item.member("answer")))
        } else {
          texts.append(try Self.text(item))
        }
      }
      (self.texts, isList) = (texts, true)
    default: (texts, isList) = ([try Self.text(value)], false)
    }
  }

  /// Of a cell of a table: empty, a text, or a list as Python or JSON writes it: `['circle', 'round']`.
  init(cell: String) throws(Failure) {
    let bytes = Array(cell.utf8)
    let isBracketed = bytes.first == UInt8(ascii: "[") && bytes.last(where: { $0 > 0x20 }) == UInt8(ascii: "]")
    try self.init(isBracketed ? PythonLiteral.value(bytes) : cell.isEmpty ? .null : .string(cell))
  }

  /// How they are counted where the data set has no metric of its own.
  var metric: AnswerMetric? { texts.isEmpty ? nil : isList && texts.count > 1 ? .vqa : .single }

  private static func text(_ value: JSONValue) throws(Failure) -> String {
    switch value.content {
    case .string(let text): return text
    case .integer(let number): return String(number)
    case .number(let number): return "\(number)"
    default: throw value.failure("an answer is a text, a number or a list of these, not \(value.kind)")
    }
  }
}
