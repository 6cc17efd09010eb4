import Arrays

/// A file of answers to choose from, as data sets' tools write them: one answer per line; a JSON array of texts (BLIP's
/// answer_list.json) or of objects with `answer`; a JSON object of answers and their numbers or counts, or of numbers and
/// their answers; lines of an answer and its count, `circle,120`. UTF-8 or UTF-16, with a mark before it or without.
package struct AnswerListFile {
  package let answers: [String]
  /// What its user should know.
  package let note: String?

  /// - Throws: `Failure` of kind `badData` when it begins as JSON and is none, or of another form.
  package init(_ bytes: [UInt8]) throws(Failure) {
    let bytes = try utf8Bytes(bytes)
    switch bytes.first(where: { $0 > 0x20 }) {
    case UInt8(ascii: "["), UInt8(ascii: "{"):
      let hint = "an answer list has one answer per line, or is a JSON array of texts"
      do throws(Failure) {
        answers = try Self.answers(in: JSONValue(parsing: bytes, rules: .lenient))
        note = nil
      } catch {
        throw error.hinting(hint)
      }
    default:
      let lines = try readText(bytes).unicodeScalars.split { $0 == "\n" || $0 == "\r" }
        .map { String(String.UnicodeScalarView($0)) }
        .filter { $0.unicodeScalars.contains { !$0.properties.isWhitespace } }
      if let counted = Self.withoutCounts(lines) {
        (answers, note) = (counted, "the answers of the list have counts behind them, which are left out")
      } else {
        (answers, note) = (lines, nil)
      }
    }
  }

  private static func answers(in value: JSONValue) throws(Failure) -> [String] {
    var out: [String] = []
    switch value.content {
    case .array(let items):
      for item in items {
        // An answer and its count, as Python's Counter lists them.
        if case .array(let pair) = item.content, pair.count == 2, (try? pair[1].number()) != nil {
          out.append(try text(pair[0]))
        } else {
          out.append(try text(item["answer"] ?? item))
        }
      }
      return out
    case .object(let members):
      if members.count == 1, case .array = members[0].value.content { return try answers(in: members[0].value) }
      // Numbers and their answers: {"0": "yes"}.
      let numbers = members.compactMap { Int($0.key) }
      if numbers.count == members.count,
        members.allSatisfy({ if case .string = $0.value.content { true } else { false } })
      {
        for place in numbers.indices.sorted(by: { numbers[$0] < numbers[$1] }) {
          out.append(try text(members[place].value))
        }
        return out
      }
      // Answers and their numbers, or counts: {"yes": 0}.
      var places: [Double] = []
      for member in members { places.append(try member.value.number()) }
      let isNumbered = Set(places) == Set((0..<members.count).map(Double.init))
      let order = isNumbered ? places.indices.sorted { places[$0] < places[$1] } : Array(places.indices)
      return order.map { members[$0].key }
    default: throw value.failure("a list of answers is needed, not \(value.kind)")
    }
  }

  private static func text(_ value: JSONValue) throws(Failure) -> String {
    switch value.content {
    case .string(let text): return text
    case .integer(let number): return String(number)
    default: throw value.failure("an answer is a text, not \(value.kind)")
    }
  }

  /// Answers of lines that all end in a count, but perhaps for the first, which names the columns; nil where they don't.
  /// One line alone, or numbers with commas in them (`1,000`), are answers as they stand.
  private static func withoutCounts(_ lines: [String]) -> [String]? {
    func parts(_ line: String) -> (answer: [UInt8], count: ArraySlice<UInt8>)? {
      let bytes = Array(line.utf8)
      guard let place = bytes.lastIndex(where: { $0 == 0x2c || $0 == 0x3b || $0 == 0x09 }), place > 0 else {
        return nil
      }
      var answer = Array(bytes[..<place])
      let quote = UInt8(ascii: "\"")
      if answer.count >= 2, answer.first == quote, answer.last == quote {
        answer = Array(
          String(decoding: answer.dropFirst().dropLast(), as: UTF8.self).replacing("\"\"", with: "\"").utf8)
      }
      return (answer, bytes[(place + 1)...].drop { $0 == 0x20 })
    }
    func isNumber(_ bytes: some Sequence<UInt8>) -> Bool { bytes.allSatisfy { (0x30...0x39).contains($0) } }
    let split = lines.map(parts)
    let hasHeader = split.first.flatMap { $0 }.map { !isNumber($0.count) } ?? false
    let rows = split.dropFirst(hasHeader ? 1 : 0)
    guard rows.count >= 2, rows.allSatisfy({ $0.map { !$0.count.isEmpty && isNumber($0.count) } ?? false }),
      !rows.allSatisfy({ $0.map { isNumber($0.answer) && $0.count.count == 3 } ?? false })
    else { return nil }
    return rows.compactMap { $0.map { String(decoding: $0.answer, as: UTF8.self) } }
  }
}
