import Arrays
import Kernels
import NetFile
import Media
import Tasks

/// Asks nets the same questions, and compares their answers: with what is right where that is known, and with each other.
public struct Evaluation: Sendable {
  public struct Options: Sendable {
    public var answerOptions: AnswerOptions
    /// A closed list that answers are chosen from.
    public var list: AnswerList?
    /// Questions on which layers are compared, and as many of those whose answers flipped.
    public var layerQuestions: Int
    /// Whether pictures are turned as the camera noted.
    public var isUpright: Bool

    public init(
      answerOptions: AnswerOptions = AnswerOptions(), list: AnswerList? = nil, layerQuestions: Int = 50,
      isUpright: Bool = false
    ) {
      self.answerOptions = answerOptions
      self.list = list
      self.layerQuestions = layerQuestions
      self.isUpright = isUpright
    }
  }

  /// The nets that are evaluated.
  let a: VisualQuestionAnswering
  /// The nets that they are compared with.
  let b: VisualQuestionAnswering?
  let questions: [EvaluationQuestion]
  private let options: Options

  /// - Throws: `Failure` of kind `usage` when there are no questions or the options make no sense, `badData` when the two
  ///   have different vocabularies.
  public init(
    _ a: VisualQuestionAnswering, against b: VisualQuestionAnswering? = nil, on questions: [EvaluationQuestion],
    _ options: Options = Options()
  ) throws(Failure) {
    guard !questions.isEmpty else { throw Failure(.usage, "there are no questions to evaluate on") }
    self.a = a
    self.b = b
    self.questions = questions
    self.options = options
    try a.check(options.answerOptions, options.list)
    guard let b else { return }
    try b.check(options.answerOptions, options.list)
    guard a.nets.textEncoder.header.tokenizer == b.nets.textEncoder.header.tokenizer else {
      throw Failure(
        .badData, file: a.nets.textEncoder.path, "has another vocabulary than \(b.nets.textEncoder.path)",
        hint: "compare nets of one checkpoint, or evaluate each alone")
    }
  }

  /// Answers all questions that the journal doesn't have yet, and compares. An image that isn't there, or can't be read,
  /// costs the questions about it.
  /// - Parameter progress: called with the number of questions answered since the last call.
  /// - Throws: `Failure` naming the question that can't be answered, or the image where not one can be read.
  public func run(
    journal: EvaluationJournal? = nil, progress: (_ what: String, _ questions: Int) -> Void = { _, _ in }
  ) throws(Failure) -> EvaluationResult {
    var done = journal?.done ?? [:]
    var failed: [EvaluationResult.FailedImage] = []
    var turned = 0
    progress("", done.count)
    for (path, indices) in EvaluationQuestion.byImage(questions, questions.indices.filter { done[$0] == nil }) {
      let (picture, image, reference): (Picture, SeenImage, SeenImage?)
      do throws(Failure) {
        if let problem = questions[indices[0]].imageProblem { throw problem }
        picture = try self.picture(path)
        image = try a.look(at: picture)
        reference = try b.map { b throws(Failure) in try b.look(at: picture) }
      } catch {
        failed.append(.init(path: path, failure: error.inFile(path), questions: indices.count))
        progress(path, indices.count)
        continue
      }
      turned += picture.isTurned ? 1 : 0
      for question in try answer(indices, about: image, reference, path) {
        try journal?.add(question)
        done[question.index] = question
        progress(path, 1)
      }
    }
    let answered = questions.indices.compactMap { done[$0] }
    if answered.isEmpty, let first = failed.first { throw first.failure }
    return EvaluationResult(
      a: a.nets, b: b?.nets, questions: questions, answered: answered, failed: failed, turned: turned,
      layers: try layers(answered, progress))
  }

  private func picture(_ path: String) throws(Failure) -> Picture {
    let picture = try Picture(path)
    return options.isUpright ? picture.upright() : picture
  }

  /// Questions whose scores are held at once.
  private static let batch = 64

  private func answer(
    _ indices: [Int], about image: SeenImage, _ reference: SeenImage?, _ path: String
  ) throws(Failure) -> [EvaluatedQuestion] {
    var out: [EvaluatedQuestion] = []
    for start in stride(from: 0, to: indices.count, by: Self.batch) {
      let batch = Array(indices[start..<min(start + Self.batch, indices.count)])
      let texts = batch.map { questions[$0].question }
      let (ours, theirs) = (FirstScores(), FirstScores())
      do throws(Failure) {
        let answers = try a.answer(
          texts, about: image, options: options.answerOptions, from: options.list, observer: b == nil ? nil : ours)
        var others: [Answer]?
        if let b, let reference {
          others = try b.answer(
            texts, about: reference, options: options.answerOptions, from: options.list, observer: theirs)
        }
        for (number, index) in batch.enumerated() {
          out.append(
            EvaluatedQuestion(
              index: index, a: side(index, answers[number]), b: others.map { side(index, $0[number]) },
              firstToken: firstToken(ours.scores[number], theirs.scores[number])))
        }
      } catch {
        throw error.inFile(path)
      }
    }
    return out
  }

  private func side(_ index: Int, _ answer: Answer) -> EvaluatedQuestion.Side {
    .init(answer: answer.text, tokens: answer.tokens, accuracy: questions[index].accuracy(of: answer.text))
  }

  private func firstToken(_ scores: Matrix?, _ reference: Matrix?) -> EvaluatedQuestion.FirstToken? {
    guard let scores, let reference else { return nil }
    return .init(
      divergence: klDivergence(of: scores, from: reference),
      isSame: scores.largest(inRow: 0) == reference.largest(inRow: 0))
  }

  /// Compares layers on questions that are spread over all of them, and on those whose answers flipped.
  private func layers(
    _ answered: [EvaluatedQuestion], _ progress: (String, Int) -> Void
  ) throws(Failure) -> EvaluationResult.Layers? {
    guard let b, options.layerQuestions > 0 else { return nil }
    let spread = min(options.layerQuestions, answered.count)
    let sample = (0..<spread).map { $0 * answered.count / spread }
    let flipped = answered.indices.filter { answered[$0].isFlipped }.prefix(options.layerQuestions)
    let comparison = try LayerComparison(a.nets, reference: b.nets, threads: a.threads, level: a.level)
    for (chosen, isFlipped) in [(sample, false), (Array(flipped), true)] {
      for (path, indices) in EvaluationQuestion.byImage(questions, chosen) {
        progress("layers, \(path)", 0)
        // The answers that the reference gave are said by both.
        let answers = indices.map { answered[$0].b?.tokens ?? [] }
        do throws(Failure) {
          try comparison.add(
            try picture(path), indices.map { questions[$0].question }, answers: answers, isFlipped: isFlipped)
        } catch {
          throw error.inFile(path)
        }
      }
    }
    return .init(errors: comparison.errors, questions: sample.count, flippedQuestions: flipped.count)
  }

  /// What a journal must be about.
  var identity: JSONValue {
    var hash = SHA256()
    for question in questions {
      let line: JSONValue = .strings(
        [question.id, question.image, question.question, question.questionType ?? "", question.answerType ?? ""]
          + question.answers + (question.metric.map { [$0.rawValue] } ?? []))
      hash.update(Array(line.compactText.utf8).rawSpan)
    }
    return .object([
      "journal": "ingot evaluate 1", "a": nets(a), "b": b.map { nets($0) },
      "questions": .integer(questions.count), "questionsSHA256": .string(hash.finish().description),
      "options": .strings(
        [
          "\(options.answerOptions)" + (options.isUpright ? ", upright" : ""),
          options.list.map { "\($0.kept) of \($0.answers)" } ?? "",
        ].map { SHA256.digest(Array($0.utf8)).description }),
    ])
  }

  private func nets(_ vqa: VisualQuestionAnswering) -> JSONValue {
    .strings(vqa.nets.files.map { SHA256.digest(Array($0.header.json.compactText.utf8)).description })
  }
}

/// The scores of the first token of each answer.
private final class FirstScores: AnswerObserver {
  private(set) var scores: [Int: Matrix] = [:]

  var wantsAttention: Bool { false }

  func question(_ index: Int, tokens: [Int], vectors: Matrix, attention: [Matrix]) {}

  func firstScores(_ index: Int, _ scores: Matrix) {
    // A copy: decoding goes on with the matrix.
    self.scores[index] = Matrix(rows: 1, columns: scores.columns, scores.elements)
  }
}
