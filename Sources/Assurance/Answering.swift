import Arrays
import Kernels
import Media
import NetFile
import Nets
import Tasks

/// Answering questions about pictures, as a task.
public struct Answering: NetTask {
  public let vqa: VisualQuestionAnswering
  private let answerOptions: AnswerOptions
  /// A closed list that answers are chosen from.
  private let list: AnswerList?

  public static let words = TaskWords(
    item: "question", output: "answer", outputs: "answers", distribution: "first tokens", further: [], hasTexts: true)

  /// Tokens of an answer that layers are measured on: answers are short, and their first token decides most.
  private static let measuredTokens = 2

  /// - Throws: `Failure` of kind `usage` when the options make no sense, `badData` when an answer of the list has no tokens.
  public init(
    _ vqa: VisualQuestionAnswering, _ options: AnswerOptions = AnswerOptions(), from list: AnswerList? = nil
  ) throws(Failure) {
    try vqa.check(options, list)
    self.init(checked: vqa, options, list)
  }

  private init(checked vqa: VisualQuestionAnswering, _ options: AnswerOptions, _ list: AnswerList?) {
    (self.vqa, answerOptions, self.list) = (vqa, options, list)
  }

  public var files: [NetFile] { vqa.nets.files }
  public var threads: Int { vqa.threads }
  public var level: Engine.Level { vqa.level }
  public var options: [String] { ["\(answerOptions)", list.map { "\($0.kept) of \($0.answers)" } ?? ""] }

  public func checkComparable(with other: Answering) throws(Failure) {
    let (ours, theirs) = (vqa.nets.textEncoder, other.vqa.nets.textEncoder)
    guard ours.header.tokenizer == theirs.header.tokenizer else {
      throw Failure(
        .badData, file: ours.path, "has another vocabulary than \(theirs.path)",
        hint: "compare nets of one checkpoint, or evaluate each alone")
    }
  }

  public func look(at picture: Picture) throws(Failure) -> SeenImage { try vqa.look(at: picture) }

  public func outputs(
    of items: [EvaluationItem], about image: SeenImage, wantsScores: Bool
  ) throws(Failure) -> [TaskOutput] {
    let first = FirstScores()
    let answers = try vqa.answer(
      items.map(\.question), about: image, options: answerOptions, from: list, observer: wantsScores ? first : nil)
    return answers.enumerated().map { number, answer in
      TaskOutput(text: answer.text, tokens: answer.tokens, scores: first.scores[number])
    }
  }

  public func accuracy(of output: TaskOutput, for item: EvaluationItem) -> TaskAccuracy? {
    item.accuracy(of: output.text).map { TaskAccuracy($0) }
  }

  // MARK: Layers

  public func observed(by observer: any LayerObserver) throws(Failure) -> Answering {
    let engine = try Engine(threads: threads, level: level, observer: observer)
    return Answering(checked: try VisualQuestionAnswering(vqa.nets, engine: engine), answerOptions, list)
  }

  public func run(_ picture: Picture, _ items: [EvaluationItem], giving outputs: [[Int]]) throws(Failure) {
    let image = try vqa.look(at: picture)
    var tokens: [[Int]] = []
    for item in items { tokens.append(try vqa.questionTokens(item.question)) }
    try say(outputs, to: tokens, about: image)
  }

  public func exercise(_ observed: Answering, _ picture: Picture, _ items: [EvaluationItem]) throws(Failure) {
    let image = try observed.vqa.look(at: picture)
    // Keys and values that the unobserved nets make must not be there already for the observed ones.
    let answers = try vqa.answer(
      items.map(\.question), about: vqa.seen(image.vectors, pixels: image.pixels),
      options: AnswerOptions(maximumTokens: Self.measuredTokens, beams: 1))
    try observed.say(answers.map(\.tokens), to: answers.map(\.questionTokens), about: image)
  }

  private func say(_ answers: [[Int]], to questions: [[Int]], about image: SeenImage) throws(Failure) {
    for start in stride(from: 0, to: answers.count, by: VisualQuestionAnswering.batch) {
      let batch = start..<min(start + VisualQuestionAnswering.batch, answers.count)
      _ = try vqa.scores(ofAnswers: Array(answers[batch]), to: Array(questions[batch]), about: image)
    }
  }

  // MARK: What one array changes

  public func replacing(_ file: NetFile, by weights: any WeightProvider) throws(Failure) -> Answering {
    Answering(checked: try VisualQuestionAnswering(vqa, file, weights: weights), answerOptions, list)
  }

  /// What the float nets computed of a picture and questions about it, and the beginnings of their answers.
  public struct Probe: TaskProbe {
    fileprivate let vision: VisionProbe
    fileprivate let questions: [[Int]]
    fileprivate let answers: [[Int]]
    /// What the text encoder makes of the questions.
    fileprivate let vectors: [Matrix]
    fileprivate let contexts: [CrossContext]
    public let scores: [Matrix]
  }

  public func probe(_ picture: Picture, _ items: [EvaluationItem]) throws(Failure) -> Probe {
    let pixels = try vqa.profile.image.pixels(of: picture)
    let vision = try VisionProbe(pixels, vqa.imageEncoder.trunk, vqa.engine)
    let image = vqa.seen(vision.vectors, pixels: [pixels])
    let answers = try vqa.answer(
      items.map(\.question), about: image,
      options: AnswerOptions(maximumTokens: Self.measuredTokens, minimumTokens: 0, beams: 1))
    let (asked, said) = (answers.map(\.questionTokens), answers.map(\.tokens))
    let vectors = QuestionVectors()
    let contexts = try vqa.read(asked, about: image, vectors)
    return Probe(
      vision: vision, questions: asked, answers: said, vectors: vectors.all, contexts: contexts,
      scores: try vqa.scores(ofAnswers: said, over: contexts))
  }

  public func scores(of probe: Probe, changed array: String, of file: NetFile) throws(Failure) -> [Matrix] {
    if file === vqa.nets.textDecoder {
      // Keys and values are the decoder's own layers' work.
      guard array.contains(".crossAttention.") else {
        return try vqa.scores(ofAnswers: probe.answers, over: probe.contexts)
      }
      var contexts: [CrossContext] = []
      for vectors in probe.vectors { contexts.append(try vqa.textDecoder.trunk.context(vectors, vqa.engine)) }
      return try vqa.scores(ofAnswers: probe.answers, over: contexts)
    }
    let vectors =
      file === vqa.nets.textEncoder
      ? probe.vision.vectors : try probe.vision.vectors(changed: array, vqa.imageEncoder.trunk, vqa.engine)
    return try vqa.scores(
      ofAnswers: probe.answers, to: probe.questions, about: vqa.seen(vectors, pixels: [probe.vision.pixels]))
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

/// What the text encoder makes of each question.
private final class QuestionVectors: AnswerObserver {
  private(set) var all: [Matrix] = []

  var wantsAttention: Bool { false }

  func question(_ index: Int, tokens: [Int], vectors: Matrix, attention: [Matrix]) { all.append(vectors) }

  func firstScores(_ index: Int, _ scores: Matrix) {}
}
