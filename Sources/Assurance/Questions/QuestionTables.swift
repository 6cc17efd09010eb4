import Arrays

extension EvaluationData {
  /// Questions of a CSV file whose first line names its columns, in any order and case: `image`, `question`, and, if any,
  /// `answer`, `question_id` or `id`, `question_type`, `answer_type`; others are left alone. Its separator is the comma,
  /// semicolon or tab that the first line has.
  /// - Throws: `Failure` of kind `badData` naming the line of a mistake.
  static func read(csv file: DataFile, images folder: String) throws(Failure) -> EvaluationData {
    let (start, header, separator) = try header(of: file)
    var records = CSVRecords(path: file.path, bytes: file.bytes[...], separator: separator)
    if namedSeparator(file.bytes) != nil { _ = try records.next() }
    let columns = try Columns(header) { reason in records.failure(start, reason) }
    _ = try records.next()
    var list = QuestionList(folder: try ImageFinder(folder: folder))
    while let record = try records.next() {
      // Spreadsheets leave such lines where there was something once.
      if record.fields.allSatisfy(\.isEmpty) { continue }
      guard record.fields.count == header.count else {
        let count = record.fields.count
        throw records.failure(
          record.line, "has \(count) \(count == 1 ? "field" : "fields"), the header \(header.count)",
          hint: "a text with commas or quotes stands in quotes: \"yes, it is\"")
      }
      func field(_ name: String) -> String? { columns.index[name].map { record.fields[$0] } }
      do throws(Failure) {
        let id = (field("question_id") ?? field("id")).flatMap { $0.isEmpty ? nil : $0 }
        try list.add(
          number: record.line, id: id.map { ($0, Self.id($0)) }, image: field("image") ?? "",
          text: field("question") ?? "", answers: AnswerTexts(cell: field("answers") ?? field("answer") ?? ""),
          questionType: field("question_type"), answerType: field("answer_type"))
      } catch {
        throw error.kind == .badData
          ? records.failure(record.line, error.reason, hint: error.hint ?? CSVRecords.hint) : error
      }
      list.place(file.path, "line \(record.line)")
    }
    return try EvaluationData(.csv, list.questions, notes: list.notes(unused: columns.unused, "column"))
  }

  /// A table has no types: what is written as JSON writes a whole number is one.
  private static func id(_ text: String) -> JSONValue {
    if let number = Int(text), String(number) == text { return .integer(number) }
    return .string(text)
  }

  /// Of the line that Excel takes before the others: `sep=;`.
  private static func namedSeparator(_ bytes: [UInt8]) -> UInt8? {
    guard bytes.count > 5, bytes.starts(with: "sep=".utf8), [0x0a, 0x0d].contains(bytes[5]) else { return nil }
    return CSVRecords.separators.first { $0 == bytes[4] }
  }

  /// The first line, with the separator by which it names the columns that are needed.
  private static func header(
    of file: DataFile
  ) throws(Failure) -> (line: Int, fields: [String], separator: UInt8) {
    var first: (line: Int, fields: [String])?
    var problem: Failure?
    let named = namedSeparator(file.bytes)
    for separator in named.map({ [$0] }) ?? CSVRecords.separators {
      var records = CSVRecords(path: file.path, bytes: file.bytes[...], separator: separator)
      do throws(Failure) {
        if named != nil { _ = try records.next() }
        guard let record = try records.next() else { break }
        first = first ?? record
        let names = Set(record.fields.map(Columns.name))
        if names.contains("image"), names.contains("question") { return (record.line, record.fields, separator) }
      } catch {
        problem = problem ?? error
      }
    }
    if let first { return (first.line, first.fields, named ?? CSVRecords.separators[0]) }
    throw problem ?? Failure(.badData, file: file.path, "is empty", hint: CSVRecords.hint)
  }

  private struct Columns {
    var index: [String: Int] = [:]
    var unused: Set<String> = []

    static func name(_ field: String) -> String {
      field.lowercased().filter { !$0.isWhitespace || $0 == " " }.split(separator: " ").joined(separator: "_")
    }

    init(_ header: [String], _ failure: (String) -> Failure) throws(Failure) {
      for (place, field) in header.enumerated() {
        let name = Self.name(field)
        guard QuestionList.members.contains(name) else {
          if !name.isEmpty, unused.count < LargeJSON.mostOtherMembers { unused.insert(field) }
          continue
        }
        guard index.updateValue(place, forKey: name) == nil else { throw failure("column \"\(name)\" twice") }
      }
      for needed in ["image", "question"] where index[needed] == nil {
        let names = header.prefix(8).map { "\"\(shortened($0, to: 40))\"" }.joined(separator: ", ")
        throw failure("there is no column \"\(needed)\" among \(names)")
      }
      if index["answer"] != nil, index["answers"] != nil { throw failure("both answer and answers are there") }
    }
  }

  /// Questions of JSON Lines, `{"image", "question"}` each and, if any, `answer` or `answers` (a text, a number, or a list),
  /// `question_id` or `id`, `question_type`, `answer_type`; others are left alone. Empty lines are passed over.
  /// - Throws: `Failure` of kind `badData` naming the line of a mistake.
  static func read(jsonLines file: DataFile, images folder: String) throws(Failure) -> EvaluationData {
    let bytes = file.bytes
    var list = QuestionList(folder: try ImageFinder(folder: folder))
    var unused: Set<String> = []
    var (start, number) = (0, 0)
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0a) ?? bytes.count
      number += 1
      let line = Array(bytes[start..<end])
      start = end + 1
      guard line.contains(where: { $0 > 0x20 }) else { continue }
      do throws(Failure) {
        try list.add(JSONValue(parsing: line), number: number, unused: &unused)
      } catch {
        guard error.kind == .badData else { throw error }
        throw Failure(
          .badData, file: file.path, place: ["line \(number)", error.place].compactMap(\.self).joined(separator: ", "),
          error.reason, hint: error.hint ?? #"a line is {"image": PATH, "question": TEXT, "answer": TEXT}"#)
      }
      list.place(file.path, "line \(number)")
    }
    guard number > 0 else { throw Failure(.badData, file: file.path, "is empty") }
    return try EvaluationData(.jsonLines, list.questions, notes: list.notes(unused: unused, "member"))
  }
}
