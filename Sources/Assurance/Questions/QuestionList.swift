import Arrays
import Media

/// The questions of a file, checked as they come.
struct QuestionList {
  private(set) var questions: [EvaluationItem] = []
  private var images: ImageFinder
  private var ids: Set<String> = []

  init(folder: ImageFinder) { images = folder }

  /// Adds a question of a data set.
  /// - Parameters:
  ///   - names: that the image may have.
  ///   - image: what the image is called.
  mutating func add(
    _ question: EvaluationItem, id: JSONValue, text: JSONValue, names: [String], _ image: String
  ) throws(Failure) {
    var question = question
    let given = try id.questionID()
    (question.id, question.givenID, question.question) = (given.text, given.value, try text.string())
    guard !question.question.allSatisfy(\.isWhitespace) else { throw text.failure("the question is empty") }
    guard ids.insert(question.id).inserted else {
      throw id.failure("question \(shortened(question.id, to: 40)) is there twice")
    }
    try question.setImage(names, image, in: &images)
    questions.append(question)
  }

  // MARK: Anybody's objects and tables

  static let members: Set<String> = [
    "image", "question", "answer", "answers", "id", "question_id", "question_type", "answer_type",
  ]

  /// Adds `{"image", "question"}` with, if any, `answer` or `answers`, `question_id` or `id`, `question_type`,
  /// `answer_type`. Others are left alone.
  /// - Parameters:
  ///   - number: of the line, or of the item, from 1.
  ///   - unused: names of members that are left alone.
  mutating func add(_ value: JSONValue, number: Int, unused: inout Set<String>) throws(Failure) {
    for member in try value.object() where !Self.members.contains(member.key) {
      if unused.count < LargeJSON.mostOtherMembers { unused.insert(member.key) }
    }
    if let both = value["answers"], value["answer"] != nil { throw both.failure("both answer and answers are there") }
    let answers = try (value["answers"] ?? value["answer"]).map { value throws(Failure) in try AnswerTexts(value) }
    var id: (text: String, value: JSONValue)?
    if let given = value["question_id"] ?? value["id"], given.content != .null { id = try given.questionID() }
    try add(
      number: number, id: id, image: value.member("image").string(), text: value.member("question").string(),
      answers: answers, questionType: value["question_type"]?.string(), answerType: value["answer_type"]?.string())
  }

  /// - Throws: `Failure` of kind `badData` without a place.
  mutating func add(
    number: Int, id: (text: String, value: JSONValue)?, image: String, text: String, answers: AnswerTexts?,
    questionType: String?, answerType: String?
  ) throws(Failure) {
    let hint = "each question has an image and a text"
    guard !image.isEmpty else { throw Failure(.badData, "the image is empty", hint: hint) }
    guard !image.utf8.contains(0) else { throw Failure(.badData, "the image's path holds a zero byte", hint: hint) }
    guard !text.allSatisfy(\.isWhitespace) else { throw Failure(.badData, "the question is empty", hint: hint) }
    let told = id?.text ?? String(number)
    guard ids.insert(told).inserted else {
      throw Failure(
        .badData, "id \"\(shortened(told, to: 40))\" is there twice", hint: "without ids, lines count as such")
    }
    var question = EvaluationItem(
      id: told, givenID: id?.value, image: image, question: text, answers: answers?.texts ?? [],
      questionType: questionType.flatMap { $0.isEmpty ? nil : $0 },
      answerType: answerType.flatMap { $0.isEmpty ? nil : $0 })
    // A list of one is the right answer; VQA's metric has nothing to compare it with.
    question.metric = answers?.metric
    try question.setImage(Self.paths(image), image, in: &images)
    if case .noInput = question.imageProblem?.kind {
      question.imageProblem = Failure(
        .noInput, "there is no image \(question.image)",
        hint: "relative paths start at the images' folder or, without one, at this file's")
      do throws(Failure) { try PictureSource.checkIsNoAddress(image) } catch {
        question.imageProblem = Failure(.noInput, "\(error)", hint: error.hint)
      }
    }
    questions.append(question)
  }

  /// The path as it stands, else with strokes for Windows', else its last part in the folder.
  private static func paths(_ image: String) -> [String] {
    var out = [image]
    let plain = image.replacing("\\", with: "/")
    for path in [plain, Paths.name(plain)] where !path.isEmpty && !out.contains(path) { out.append(path) }
    return out
  }

  /// Says where the last question's image is missing.
  mutating func place(_ file: String, _ place: String) {
    guard let last = questions.indices.last, questions[last].imageProblem != nil else { return }
    questions[last].imageProblem?.file = file
    questions[last].imageProblem?.place = place
  }

  /// A misspelt `answer` would be missed by nobody but for this.
  func notes(unused: Set<String>, _ what: String) -> [String] {
    guard !questions.isEmpty, questions.allSatisfy(\.answers.isEmpty), !unused.isEmpty else { return [] }
    let names = unused.sorted().prefix(8).map { "\"\(shortened($0, to: 40))\"" }.joined(separator: ", ")
    return ["the questions have no answers: no \(what) is called \"answer\"; left alone are \(names)"]
  }
}
