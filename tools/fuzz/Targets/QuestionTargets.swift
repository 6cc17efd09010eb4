import Arrays
import Assurance

private let file = MemoryFile(920)
private let copy = MemoryFile(921)

extension FuzzTarget {
  /// Files of questions: VQA v2's three, CSV, and JSON Lines.
  static let questions = FuzzTarget("questions", kinds: [.badData, .noInput]) { bytes in
    let (form, rest) = bytes.choice(of: 5)
    file.write(rest)
    switch form {
    case 0: try checkQuestions()
    case 1: try checkAnnotations()
    case 2: try checkResults()
    case 3:
      let read = try EvaluationQuestion.read(csv: file.path, images: "/")
      let again = try written(csv(of: read)) { try EvaluationQuestion.read(csv: $0, images: "/") }
      try expect(again == read, "other questions when read again")
    default:
      let read = try EvaluationQuestion.read(jsonLines: file.path, images: "/")
      let lines = read.map { line(of: $0).compactText }
      guard !lines.isEmpty else { return }
      let again = try written(lines.joined(separator: "\n")) {
        try EvaluationQuestion.read(jsonLines: $0, images: "/")
      }
      try expect(again == read, "other questions when read again")
    }
  }

  private static func checkQuestions() throws {
    let read = try VQAQuestions.read(file.path)
    let again = try written(text(of: read)) { try VQAQuestions.read($0) }
    try expect(again.questions == read.questions && again.subset == read.subset, "other questions when read again")
    for question in read.questions.prefix(2) {
      var images = VQAImages(folder: "/", subset: read.subset)
      _ = try? images.path(of: question.image)
    }
  }

  private static func checkAnnotations() throws {
    let read = try VQAAnnotations.read(file.path).annotations
    let again = try written(text(of: read)) { try VQAAnnotations.read($0) }
    try expect(again.annotations == read, "other annotations when read again")
  }

  private static func checkResults() throws {
    let read = try VQAResults.read(file.path).results
    var items: [JSONValue] = []
    for result in read {
      items.append(.object(["question_id": .integer(result.question), "answer": .string(result.answer)]))
    }
    let again = try written(JSONValue.array(items).compactText) { try VQAResults.read($0) }
    try expect(again.results == read, "other answers when read again")
  }

  private static func written<Value>(_ text: String, _ read: (String) throws -> Value) throws -> Value {
    copy.write(Array(text.utf8))
    return try sure("what was written") { try read(copy.path) }
  }

  private static func text(of file: VQAQuestions) -> String {
    JSONValue.object([
      "data_subtype": file.subset.map { .string($0) },
      "questions": .array(
        file.questions.map {
          .object(["question_id": .integer($0.id), "image_id": .integer($0.image), "question": .string($0.text)])
        }),
    ]).compactText
  }

  private static func text(of annotations: [VQAAnnotations.Annotation]) -> String {
    JSONValue.object([
      "annotations": .array(
        annotations.map { item in
          .object([
            "question_id": .integer(item.question), "image_id": .integer(item.image),
            "question_type": .string(item.questionType), "answer_type": .string(item.answerType),
            "multiple_choice_answer": item.commonAnswer.map { .string($0) },
            "answers": .array(item.answers.map { .object(["answer": .string($0)]) }),
          ])
        })
    ]).prettyText
  }

  private static func csv(of questions: [EvaluationQuestion]) -> String {
    // By bytes: to a String, a quote and a combining mark after it are one character, and no quote.
    func quoted(_ text: String) -> String {
      "\"" + String(decoding: Array(text.utf8).replacing("\"".utf8, with: "\"\"".utf8), as: UTF8.self) + "\""
    }
    let rows = questions.map {
      [$0.image, $0.question, $0.answers.first ?? "", $0.id, $0.questionType ?? "", $0.answerType ?? ""]
    }
    return ([["image", "question", "answer", "id", "question_type", "answer_type"]] + rows)
      .map { $0.map(quoted).joined(separator: ",") }.joined(separator: "\r\n")
  }

  private static func line(of question: EvaluationQuestion) -> JSONValue {
    .object([
      "image": .string(question.image), "question": .string(question.question),
      "answers": .strings(question.answers), "id": .string(question.id),
      "question_type": question.questionType.map { .string($0) },
      "answer_type": question.answerType.map { .string($0) },
    ])
  }

  /// The journal of an evaluation, and lines that come in pieces.
  static let journal = FuzzTarget("journal", kinds: [.badData, .cannotCreate]) { bytes in
    let (choice, rest) = bytes.choice(of: 64)
    let size = choice + 4
    try checkLines(of: rest, inPiecesOf: size)
    file.write(rest)
    let (journal, lines) = try JournalFile.open(file.path)
    let whole = rest.lastIndex(of: 0x0a).map { Array(rest[...$0]) } ?? []
    try expect(lines == whole.split(separator: 0x0a).map { Array($0) }, "other lines than the file has")
    try sure("a line that is added") { try journal.add("x") }
    try expect(
      file.content(whole.count + 3) == whole + [0x78, 0x0a], "other bytes than the whole lines and the one added")
    let identity = lines.first.flatMap { try? JSONValue(parsing: $0) } ?? .null
    let done = try EvaluationJournal.answered(lines, of: identity, questions: 100, isComparison: choice & 1 == 0)
    for (index, question) in done {
      try expect(index == question.index && index < 100, "an answer to a question that there is not")
      let again = try sure("the written line") {
        try EvaluatedQuestion(json: JSONValue(parsing: Array(question.json.compactText.utf8)))
      }
      try expect(again == question, "another answer when read again")
    }
  }

  private static func checkLines(of bytes: [UInt8], inPiecesOf size: Int) throws {
    var position = 0
    var input = InputLines { () throws(Failure) in
      defer { position = min(position + size, bytes.count) }
      return Array(bytes[position..<min(position + size, bytes.count)])
    }
    var lines: [[UInt8]] = []
    while let line = try input.next() {
      guard case .bytes(let line) = line else { throw Broken(description: "a line that is too long") }
      lines.append(line)
    }
    var expected = bytes.split(separator: 0x0a, omittingEmptySubsequences: false).map { Array($0) }
    if expected.last == [] { expected.removeLast() }
    try expect(lines == expected, "other lines than the input has")
  }
}
