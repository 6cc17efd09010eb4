import Arrays

/// One question to evaluate on, wherever it was read.
public struct EvaluationQuestion: Sendable, Equatable {
  /// Of VQA v2 the question's id; else what the file says, or the number of the line it is in.
  public var id: String
  /// The image's path.
  public var image: String
  public var question: String
  /// Ten annotators' answers, or the one right answer, or none.
  public var answers: [String]
  /// `what color is the`.
  public var questionType: String?
  /// `yes/no`, `number` or `other`.
  public var answerType: String?

  public init(
    id: String, image: String, question: String, answers: [String] = [], questionType: String? = nil,
    answerType: String? = nil
  ) {
    self.id = id
    self.image = image
    self.question = question
    self.answers = answers
    self.questionType = questionType
    self.answerType = answerType
  }

  /// Annotators of a question: the metric is made for as many.
  public static let annotators = 10
}

// MARK: - The files of VQA v2

/// `v2_OpenEnded_mscoco_val2014_questions.json`: `{"questions": [{"question_id", "image_id", "question"}], …}`.
public struct VQAQuestions: Sendable {
  public struct Question: Sendable, Equatable {
    public let id: Int
    public let image: Int
    public let text: String
  }

  public let path: String
  /// Of COCO, which images' names hold: `val2014`.
  public let subset: String?
  public let questions: [Question]

  /// - Throws: `Failure` of kind `noInput`, or `badData` when the file is none such.
  public static func read(_ path: String) throws(Failure) -> VQAQuestions {
    let file = try LargeJSON(path)
    var seen: Set<Int> = []
    var questions: [Question] = []
    let members = try file.forEach("questions") { item throws(Failure) in
      let id = try item.member("question_id")
      let question = Question(
        id: try id.size(), image: try item.member("image_id").size(), text: try item.member("question").string())
      guard !question.text.allSatisfy(\.isWhitespace) else { throw try item.member("question").failure("is empty") }
      guard seen.insert(question.id).inserted else { throw id.failure("question \(question.id) is there twice") }
      questions.append(question)
    }
    let subset = members.first { $0.key == "data_subtype" }?.value
    let name = try file.locating { () throws(Failure) in try subset?.string() }
    if let subset, let name, !VQAImages.isName(name) {
      throw file.located(subset.failure("data_subtype \"\(shortened(name, to: 40))\" is no part of a file's name"))
    }
    return VQAQuestions(path: path, subset: name, questions: questions)
  }
}

/// `v2_mscoco_val2014_annotations.json`: `{"annotations": [{"question_id", "image_id", "question_type", "answer_type",
/// "multiple_choice_answer", "answers": [{"answer", "answer_confidence", "answer_id"}]}], …}`.
public struct VQAAnnotations: Sendable {
  /// Most members beside the list in a file of these or of questions.
  package static let mostOtherMembers = 100

  public struct Annotation: Sendable, Equatable {
    public let question: Int
    public let image: Int
    public let questionType: String
    public let answerType: String
    /// The answer that most gave.
    public let commonAnswer: String?
    public let answers: [String]
  }

  public let path: String
  public let annotations: [Annotation]

  /// - Throws: `Failure` of kind `noInput`, or `badData` when the file is none such or a question has other than ten
  ///   answers.
  public static func read(_ path: String) throws(Failure) -> VQAAnnotations {
    var seen: Set<Int> = []
    var annotations: [Annotation] = []
    _ = try LargeJSON(path).forEach("annotations") { item throws(Failure) in
      let id = try item.member("question_id")
      let question = try id.size()
      let answers = try item.member("answers")
      let annotation = Annotation(
        question: question, image: try item.member("image_id").size(),
        questionType: try item.member("question_type").string(), answerType: try item.member("answer_type").string(),
        commonAnswer: try item["multiple_choice_answer"]?.string(), answers: try Self.texts(answers))
      guard annotation.answers.count == EvaluationQuestion.annotators else {
        throw answers.failure(
          "question \(question) has \(annotation.answers.count) answers, not \(EvaluationQuestion.annotators)")
      }
      guard seen.insert(question).inserted else { throw id.failure("question \(question) is there twice") }
      annotations.append(annotation)
    }
    return VQAAnnotations(path: path, annotations: annotations)
  }

  /// The answers of annotators, who are told apart by their ids: the metric compares each with the others.
  private static func texts(_ answers: JSONValue) throws(Failure) -> [String] {
    var ids: Set<Int> = []
    var out: [String] = []
    for answer in try answers.array() {
      out.append(try answer.member("answer").string())
      _ = try answer["answer_confidence"]?.string()
      guard let id = answer["answer_id"] else { continue }
      guard ids.insert(try id.integer()).inserted else { throw id.failure("an answer_id is there twice") }
    }
    return out
  }
}

/// `[{"question_id", "answer"}]`: what the evaluation's servers take.
public struct VQAResults: Sendable {
  public struct Result: Sendable, Equatable {
    public let question: Int
    public let answer: String
  }

  public let path: String
  public let results: [Result]

  /// - Throws: `Failure` of kind `noInput`, or `badData` when the file is none such.
  public static func read(_ path: String) throws(Failure) -> VQAResults {
    var seen: Set<Int> = []
    var results: [Result] = []
    _ = try LargeJSON(path).forEach(nil) { item throws(Failure) in
      let id = try item.member("question_id")
      let result = Result(question: try id.size(), answer: try item.member("answer").string())
      guard seen.insert(result.question).inserted else {
        throw id.failure("question \(result.question) is answered twice")
      }
      results.append(result)
    }
    return VQAResults(path: path, results: results)
  }
}

/// A folder of images that are named by their ids.
public struct VQAImages: Sendable {
  public let folder: String
  public let subset: String?
  private var found: [Int: String] = [:]

  public init(folder: String, subset: String?) {
    self.folder = folder
    self.subset = subset
  }

  /// The names that an image may have, in the order in which they are tried: as COCO's, with leading zeros, without.
  func names(of image: Int) -> [String] {
    let digits = String(image)
    let padded = String(repeating: "0", count: max(0, 12 - digits.utf8.count)) + digits
    var out: [String] = []
    if let subset {
      out.append("COCO_\(subset)_\(padded).jpg")
      // The questions of test-dev2015 are about images of test2015.
      if subset.hasPrefix("test-dev") { out.append("COCO_test\(subset.dropFirst(8))_\(padded).jpg") }
    }
    return out + ["\(padded).jpg", "\(digits).jpg", "\(digits).png"]
  }

  /// - Throws: `Failure` of kind `noInput` when there is no such image.
  public mutating func path(of image: Int) throws(Failure) -> String {
    if let path = found[image] { return path }
    let names = names(of: image)
    for name in names {
      let path = Paths.join(folder, name)
      if try Paths.exists(path) {
        found[image] = path
        return path
      }
    }
    guard try Paths.isFolder(folder) else {
      throw Failure(.noInput, file: folder, "there is no such folder", hint: "the images' folder is needed")
    }
    throw Failure(
      .noInput, file: folder, "has no image \(image): none of \(names.joined(separator: ", "))",
      hint: "the folder must hold the images of \(subset ?? "these questions"), under COCO's names")
  }

  static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 64
      && text.utf8.allSatisfy { $0 != UInt8(ascii: "/") && $0 > 0x20 && $0 < 0x7f }
  }
}

extension EvaluationQuestion {
  /// Questions of VQA v2, in the file's order, with their annotations where these are given.
  /// - Throws: `Failure` of kind `noInput` when a file or an image is missing, `badData` when a file is malformed or a
  ///   question has no annotation.
  public static func read(
    questions path: String, annotations: String?, images folder: String
  ) throws(Failure) -> [EvaluationQuestion] {
    let file = try VQAQuestions.read(path)
    var annotated: [Int: VQAAnnotations.Annotation] = [:]
    if let annotations {
      for annotation in try VQAAnnotations.read(annotations).annotations {
        annotated[annotation.question] = annotation
      }
    }
    var images = VQAImages(folder: folder, subset: file.subset)
    var out: [EvaluationQuestion] = []
    out.reserveCapacity(file.questions.count)
    for question in file.questions {
      let annotation = annotated[question.id]
      if let annotations {
        let hint = "\(path) and \(annotations) must be of the same part of the data set"
        guard let annotation else {
          throw Failure(.badData, file: annotations, "question \(question.id) has no annotation", hint: hint)
        }
        guard annotation.image == question.image else {
          throw Failure(
            .badData, file: annotations,
            "question \(question.id) is about image \(annotation.image), by \(Paths.name(path)) about \(question.image)",
            hint: hint)
        }
      }
      out.append(
        EvaluationQuestion(
          id: String(question.id), image: try images.path(of: question.image), question: question.text,
          answers: annotation?.answers ?? [], questionType: annotation?.questionType,
          answerType: annotation?.answerType))
    }
    return out
  }

  /// Questions of a file of any of these sorts, told by the name's ending: `.csv`, `.jsonl` or `.ndjson`, else VQA v2.
  /// - Parameter folder: of the images; nil is the folder of the file.
  public static func read(
    _ path: String, annotations: String? = nil, images folder: String? = nil
  ) throws(Failure) -> [EvaluationQuestion] {
    let ending = path.split(separator: ".").last?.lowercased()
    guard ending == "csv" || ending == "jsonl" || ending == "ndjson" else {
      return try read(questions: path, annotations: annotations, images: folder ?? Paths.folder(of: path))
    }
    if let annotations {
      throw Failure(
        .usage, file: annotations, "annotations go with questions of VQA v2 only; \(path) has its own answers")
    }
    return try ending == "csv" ? read(csv: path, images: folder) : read(jsonLines: path, images: folder)
  }
}

// MARK: - Simple files

extension EvaluationQuestion {
  /// Questions of a CSV file (RFC 4180) whose first line names its columns, in any order: `image`, `question`, and, if
  /// any, `answer`, `id`, `question_type`, `answer_type`.
  /// - Parameter folder: of images whose paths are relative; nil is the folder of the file.
  /// - Throws: `Failure` of kind `noInput` when the file or an image is missing, `badData` naming the line of a mistake.
  public static func read(csv path: String, images folder: String? = nil) throws(Failure) -> [EvaluationQuestion] {
    var records = CSVRecords(path: path, bytes: try contents(of: path, limit: .questionsBytes)[...])
    var list = QuestionList(path: path, folder: folder)
    guard let header = try records.next() else {
      throw Failure(.badData, file: path, "is empty", hint: CSVRecords.hint)
    }
    let columns = header.fields
    for (index, column) in columns.enumerated() {
      guard QuestionList.columns.contains(column) else {
        throw records.failure(1, "unknown column \"\(shortened(column, to: 40))\"")
      }
      guard columns.firstIndex(of: column) == index else { throw records.failure(1, "column \"\(column)\" twice") }
    }
    for needed in ["image", "question"] where !columns.contains(needed) {
      throw records.failure(1, "there is no column \"\(needed)\"")
    }
    while let record = try records.next() {
      guard record.fields.count == columns.count else {
        let count = record.fields.count
        throw records.failure(
          record.line, "has \(count) \(count == 1 ? "field" : "fields"), the header \(columns.count)",
          hint: "a text with commas or quotes stands in quotes: \"yes, it is\"")
      }
      let fields = Dictionary(uniqueKeysWithValues: zip(columns, record.fields))
      let answer = fields["answer"] ?? ""
      try list.add(
        line: record.line, id: fields["id"], image: fields["image"] ?? "", question: fields["question"] ?? "",
        answers: answer.isEmpty ? [] : [answer], questionType: fields["question_type"],
        answerType: fields["answer_type"])
    }
    return list.questions
  }

  /// Questions of JSON Lines, `{"image", "question"}` each and, if any, `answer` or `answers` (one or ten), `id`,
  /// `question_type`, `answer_type`. Empty lines are passed over.
  /// - Parameter folder: of images whose paths are relative; nil is the folder of the file.
  /// - Throws: `Failure` of kind `noInput` when the file or an image is missing, `badData` naming the line of a mistake.
  public static func read(jsonLines path: String, images folder: String? = nil) throws(Failure) -> [EvaluationQuestion]
  {
    let bytes = try contents(of: path, limit: .questionsBytes)
    var list = QuestionList(path: path, folder: folder)
    var (start, number) = (0, 0)
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0a) ?? bytes.count
      number += 1
      let line = Array(bytes[start..<end])
      start = end + 1
      guard line.contains(where: { $0 > 0x20 }) else { continue }
      do throws(Failure) {
        try list.add(line: number, JSONValue(parsing: line))
      } catch {
        // Places in the file are told already, those in the line aren't.
        guard error.file == nil else { throw error }
        throw Failure(
          .badData, file: path, place: ["line \(number)", error.place].compactMap(\.self).joined(separator: ", "),
          error.reason, hint: error.hint ?? #"a line is {"image": PATH, "question": TEXT, "answer": TEXT}"#)
      }
    }
    guard number > 0 else { throw Failure(.badData, file: path, "is empty") }
    return list.questions
  }
}

/// The questions of a simple file, checked as they come.
private struct QuestionList {
  static let columns: Set<String> = ["image", "question", "answer", "id", "question_type", "answer_type"]

  let path: String
  let folder: String
  private(set) var questions: [EvaluationQuestion] = []
  private var ids: Set<String> = []
  private var found: Set<String> = []

  init(path: String, folder: String?) {
    self.path = path
    self.folder = folder ?? Paths.folder(of: path)
  }

  mutating func add(line: Int, _ value: JSONValue) throws(Failure) {
    for member in try value.object() where !Self.columns.contains(member.key) && member.key != "answers" {
      throw member.value.failure("unknown member \"\(shortened(member.key, to: 40))\"")
    }
    if let both = value["answers"], value["answer"] != nil { throw both.failure("both answer and answers are there") }
    var answers = try value["answers"]?.strings() ?? []
    if let answer = try value["answer"]?.string() { answers = [answer] }
    if let list = value["answers"], ![0, 1, EvaluationQuestion.annotators].contains(answers.count) {
      throw list.failure("\(answers.count) answers; one or \(EvaluationQuestion.annotators) are taken")
    }
    var id: String?
    switch value["id"]?.content {
    case nil: break
    case .integer(let number): id = String(number)
    default: id = try value["id"]?.string()
    }
    try add(
      line: line, id: id, image: value.member("image").string(), question: value.member("question").string(),
      answers: answers, questionType: value["question_type"]?.string(), answerType: value["answer_type"]?.string())
  }

  mutating func add(
    line: Int, id: String?, image: String, question: String, answers: [String], questionType: String?,
    answerType: String?
  ) throws(Failure) {
    guard !image.isEmpty else { throw failure(line, "the image is empty") }
    guard !image.utf8.contains(0) else { throw failure(line, "the image's path holds a zero byte") }
    guard !question.allSatisfy(\.isWhitespace) else { throw failure(line, "the question is empty") }
    let id = id.flatMap { $0.isEmpty ? nil : $0 } ?? String(line)
    guard ids.insert(id).inserted else {
      throw failure(line, "id \"\(shortened(id, to: 40))\" is there twice", hint: "without ids, lines count as such")
    }
    let imagePath = image.hasPrefix("/") ? image : Paths.join(folder, image)
    if found.insert(imagePath).inserted, try !Paths.exists(imagePath) {
      throw Failure(
        .noInput, file: path, place: "line \(line)", "there is no image \(imagePath)",
        hint: "relative paths start at the images' folder or, without one, at this file's")
    }
    questions.append(
      EvaluationQuestion(
        id: id, image: imagePath, question: question, answers: answers,
        questionType: questionType.flatMap { $0.isEmpty ? nil : $0 },
        answerType: answerType.flatMap { $0.isEmpty ? nil : $0 }))
  }

  private func failure(
    _ line: Int, _ reason: String, hint: String = "each question has an image and a text"
  ) -> Failure {
    Failure(.badData, file: path, place: "line \(line)", reason, hint: hint)
  }
}

/// The records of a CSV file: fields may stand in quotes and hold commas, line breaks and doubled quotes then. Lines end
/// with a line feed or with a carriage return and one; empty lines are passed over.
private struct CSVRecords {
  static let hint = "the first line names the columns: image,question,answer"

  private static let (quote, comma) = (UInt8(ascii: "\""), UInt8(ascii: ","))

  let path: String
  private var bytes: ArraySlice<UInt8>
  private var line = 1

  init(path: String, bytes: ArraySlice<UInt8>) {
    self.path = path
    // Spreadsheets begin with a byte order mark.
    self.bytes = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes
  }

  func failure(_ line: Int, _ reason: String, hint: String = Self.hint) -> Failure {
    Failure(.badData, file: path, place: "line \(line)", reason, hint: hint)
  }

  /// The next record and the line where it begins; nil at the end.
  mutating func next() throws(Failure) -> (line: Int, fields: [String])? {
    while takeLineEnd() {}
    guard !bytes.isEmpty else { return nil }
    let start = line
    var fields: [String] = []
    while true {
      fields.append(try field())
      if bytes.isEmpty || takeLineEnd() { return (start, fields) }
      guard bytes.first == Self.comma else {
        throw failure(line, "text after a closing quote", hint: "a quote inside a quoted text is doubled: \"\"")
      }
      bytes = bytes.dropFirst()
    }
  }

  private mutating func takeLineEnd() -> Bool {
    let count = bytes.first == 0x0a ? 1 : bytes.starts(with: [0x0d, 0x0a]) ? 2 : 0
    bytes = bytes.dropFirst(count)
    line += count > 0 ? 1 : 0
    return count > 0
  }

  private mutating func field() throws(Failure) -> String {
    let start = line
    guard bytes.first == Self.quote else {
      let end: Int = bytes.firstIndex { $0 == Self.comma || $0 == 0x0a } ?? bytes.endIndex
      var field = bytes[..<end]
      if end < bytes.endIndex, bytes[end] == 0x0a, field.last == 0x0d { field = field.dropLast() }
      bytes = bytes[field.endIndex...]
      guard !field.contains(Self.quote) else {
        throw failure(
          start, "a quote inside a text without quotes", hint: "such a text stands in quotes, and doubles its own")
      }
      guard !field.contains(0x0d) else {
        throw failure(start, "a carriage return without a line feed", hint: "lines end with a line feed")
      }
      return try text(field, start)
    }
    var out: [UInt8] = []
    bytes = bytes.dropFirst()
    while true {
      guard let end = bytes.firstIndex(of: Self.quote) else {
        throw failure(start, "the quote that is opened here is not closed", hint: "every text in quotes ends with one")
      }
      out += bytes[..<end]
      line += bytes[..<end].count { $0 == 0x0a }
      bytes = bytes[(end + 1)...]
      guard bytes.first == Self.quote else { return try text(out[...], start) }
      out.append(Self.quote)
      bytes = bytes.dropFirst()
    }
  }

  private func text(_ field: ArraySlice<UInt8>, _ line: Int) throws(Failure) -> String {
    do { return try readText(field) } catch { throw failure(line, error.reason, hint: error.hint ?? Self.hint) }
  }
}

// MARK: - Large JSON files

/// A JSON file that is one long array, or an object with one among its members, read item by item: all of VQA v2's
/// annotations as JSON values would take gigabytes.
private struct LargeJSON {
  let path: String
  private let bytes: [UInt8]

  init(_ path: String) throws(Failure) {
    self.path = path
    bytes = try contents(of: path, limit: .questionsBytes)
  }

  func located(_ failure: Failure) -> Failure {
    failure.inFile(path).hinting("the files of VQA v2 are those of https://visualqa.org/download.html")
  }

  func locating<Value>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
    do throws(Failure) { return try body() } catch { throw located(error) }
  }

  /// Calls `body` with each item of the array called `name`, or of that which is the whole file.
  /// - Returns: the other members.
  func forEach(
    _ name: String?, _ body: (JSONValue) throws(Failure) -> Void
  ) throws(Failure) -> [JSONMember] {
    try locating { () throws(Failure) in
      var position = skippingSpace(0)
      var members: [JSONMember] = []
      if let name {
        var isFound = false
        try forEachElement(at: &position, of: ("{", "}"), "an object with \"\(name)\"") { position throws(Failure) in
          let key = try value(at: &position)
          let text = try key.string()
          guard !members.contains(where: { $0.key == text }), !(isFound && text == name) else {
            throw key.failure("duplicate key \"\(shortened(text, to: 40))\"")
          }
          position = skippingSpace(position)
          guard take(":", at: &position) else { throw failure("':' expected after a key", position) }
          position = skippingSpace(position)
          if text == name {
            isFound = true
            try items(at: &position, body)
          } else {
            guard members.count < VQAAnnotations.mostOtherMembers else {
              throw key.failure("more than \(VQAAnnotations.mostOtherMembers) members")
            }
            members.append(JSONMember(text, try value(at: &position)))
          }
        }
        guard isFound else { throw failure("has no member \"\(name)\"", 0) }
      } else {
        try items(at: &position, body)
      }
      guard skippingSpace(position) == bytes.count else {
        throw failure("text after the end of the JSON value", skippingSpace(position))
      }
      return members
    }
  }

  private func items(at position: inout Int, _ body: (JSONValue) throws(Failure) -> Void) throws(Failure) {
    try forEachElement(at: &position, of: ("[", "]"), "an array") { position throws(Failure) in
      try body(try value(at: &position))
    }
  }

  private typealias Brackets = (open: Unicode.Scalar, close: Unicode.Scalar)

  /// Passes over an array or object, whose elements `body` passes over.
  private func forEachElement(
    at position: inout Int, of brackets: Brackets, _ what: String, _ body: (inout Int) throws(Failure) -> Void
  ) throws(Failure) {
    guard take(brackets.open, at: &position) else { throw failure("\(what) is needed", position) }
    position = skippingSpace(position)
    if take(brackets.close, at: &position) { return }
    while true {
      position = skippingSpace(position)
      try body(&position)
      position = skippingSpace(position)
      if take(brackets.close, at: &position) { return }
      guard take(",", at: &position) else {
        let isAtEnd = position == bytes.count
        throw failure(isAtEnd ? "the JSON text ends early" : "',' or '\(brackets.close)' expected", position)
      }
    }
  }

  /// Reads one value; how it is written is checked by the parser of its bytes.
  private func value(at position: inout Int) throws(Failure) -> JSONValue {
    let start = position
    position = end(of: start)
    guard position > start else {
      throw failure(start == bytes.count ? "the JSON text ends early" : "a JSON value is needed", start)
    }
    return try JSONValue(parsing: Array(bytes[start..<position]), base: start)
  }

  /// Where the value that begins at `start` ends, if it is well formed.
  private func end(of start: Int) -> Int {
    var (position, depth) = (start, 0)
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
          position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
      case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        if depth == 0 { return position }
        depth -= 1
      case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x0a, 0x0d, 0x09:
        if depth == 0 { return position }
        position += 1
        continue
      default:
        position += 1
        continue
      }
      position += 1
      if depth == 0 { break }
    }
    return min(position, bytes.count)
  }

  private func skippingSpace(_ start: Int) -> Int {
    var position = start
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { break }
      position += 1
    }
    return position
  }

  private func take(_ scalar: Unicode.Scalar, at position: inout Int) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: scalar) else { return false }
    position += 1
    return true
  }

  private func failure(_ reason: String, _ offset: Int) -> Failure {
    Failure(.badData, place: "byte \(offset)", reason)
  }
}
