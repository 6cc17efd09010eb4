import Arrays
import Assurance
import Tasks

private let file = MemoryFile(920)
private let copy = MemoryFile(921)

extension FuzzTarget {
  /// Files of questions: VQA v2's three; and any form, as it is downloaded, packed or not.
  static let questions = FuzzTarget("questions", kinds: [.badData, .noInput, .usage]) { bytes in
    let (form, rest) = bytes.choice(of: 8)
    file.write(rest)
    switch form {
    case 0: try checkQuestions()
    case 1: try checkAnnotations()
    case 2: try checkResults()
    default: try checkData(named: ["q.csv", "q.jsonl", "q.json", "q.tsv", "q"][form - 3])
    }
  }

  /// What was read is written as JSON Lines, and read again.
  private static func checkData(named name: String) throws {
    let read = try EvaluationData.read(file.path, named: name, images: "/").questions
    for question in read {
      for answer in question.answers.prefix(2) + ["The 1,000."] {
        let accuracy = question.accuracy(of: answer)
        try expect(accuracy.map { (0...1).contains($0) } ?? true, "an accuracy of \(accuracy ?? 0)")
      }
    }
    guard !read.isEmpty else { return }
    let lines = read.map { line(of: $0).compactText }.joined(separator: "\n")
    copy.write(Array(lines.utf8))
    let again = try sure("what was written") {
      try EvaluationData.read(copy.path, named: "q.jsonl", images: "/").questions
    }
    try expect(again.count == read.count, "another number of questions when read again")
    for (one, other) in zip(read, again) {
      try expect(
        one.id == other.id && one.image == other.image && one.question == other.question
          && one.answers == other.answers && one.questionType == other.questionType
          && one.answerType == other.answerType && (one.imageProblem == nil) == (other.imageProblem == nil),
        "another question when read again")
    }
  }

  /// Closed lists of answers.
  static let answers = FuzzTarget("answers") { bytes in
    let list = try AnswerListFile(bytes)
    let text = JSONValue.strings(list.answers).compactText
    let again = try sure("what was written") { try AnswerListFile(Array(text.utf8)) }
    try expect(again.answers == list.answers && again.note == nil, "other answers when read again")
  }

  private static func checkQuestions() throws {
    let read = try VQAQuestions.read(file.path)
    let again = try written(text(of: read)) { try VQAQuestions.read($0) }
    try expect(again.questions == read.questions && again.subset == read.subset, "other questions when read again")
    for question in read.questions.prefix(2) {
      var images = try ImageFinder(folder: "/")
      _ = try images.find([question.image.description], "x")
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
          .object(["question_id": .integer($0.id), "image_id": json($0.image), "question": .string($0.text)])
        }),
    ]).compactText
  }

  private static func text(of annotations: [VQAAnnotations.Annotation]) -> String {
    JSONValue.object([
      "annotations": .array(
        annotations.map { item in
          .object([
            "question_id": .integer(item.question), "image_id": json(item.image),
            "question_type": item.questionType.map { .string($0) },
            "answer_type": item.answerType.map { .string($0) },
            "multiple_choice_answer": item.commonAnswer.map { .string($0) },
            "answers": .array(item.answers.map { .object(["answer": .string($0)]) }),
          ])
        })
    ]).prettyText
  }

  private static func json(_ image: ImageReference) -> JSONValue {
    switch image {
    case .number(let number): .integer(number)
    case .name(let name): .string(name)
    }
  }

  private static func line(of question: EvaluationItem) -> JSONValue {
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
        try EvaluatedItem(json: JSONValue(parsing: Array(question.json.compactText.utf8)))
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
