import Arrays
import Kernels
import Tasks

/// How far an output is from the reference's, over all images or questions.
public struct OutputComparison: Sendable {
  public let name: String
  /// Images or questions compared.
  public private(set) var cases = 0
  /// Largest difference, divided by the reference's largest magnitude. Of token ids: 1 where any differ.
  public private(set) var maxError = 0.0
  /// Mean difference, divided by the reference's largest magnitude. Of token ids: the share of cases that differ.
  public var meanError: Double { sum / Double(max(1, count)) }
  /// Least cosine of the two; nil for token ids.
  public private(set) var cosine: Double?
  /// Most that `maxError` may be.
  public let tolerance: Double
  /// Why it could not be compared.
  public private(set) var reason: String?
  private var sum = 0.0
  private var count = 0

  init(_ name: String, tolerance: Double) {
    self.name = name
    self.tolerance = tolerance
  }

  public var passed: Bool { reason == nil && maxError <= tolerance }

  mutating func add(_ ours: [Float], _ reference: [Float]) {
    cases += 1
    guard ours.count == reference.count else {
      reason = reason ?? "has \(ours.count) elements, the reference \(reference.count)"
      return
    }
    var (largest, difference, total, product, ourSquares, squares) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for (mine, theirs) in zip(ours, reference) {
      let (a, b) = (Double(mine), Double(theirs))
      guard a.isFinite, b.isFinite else {
        reason = reason ?? "holds what is not finite"
        return
      }
      largest = max(largest, abs(b))
      difference = max(difference, abs(a - b))
      total += abs(a - b)
      product += a * b
      ourSquares += a * a
      squares += b * b
    }
    let scale = largest > 0 ? largest : 1
    maxError = max(maxError, difference / scale)
    sum += total / scale
    count += reference.count
    if ourSquares > 0, squares > 0 {
      cosine = min(cosine ?? 1, product / (ourSquares * squares).squareRoot())
    }
  }

  mutating func add(_ ours: [Int], _ reference: [Int]) {
    cases += 1
    count += 1
    if ours != reference {
      maxError = 1
      sum += 1
    }
  }
}

/// Runs nets on the inputs of a reference file and compares what they compute with what it holds.
public struct ReferenceVerification: Sendable {
  /// Most relative error of an output of float32 nets.
  public static let usualTolerance = 1e-4

  /// What is made of the images and questions before the nets get it.
  private static let inputs = ["pixel_values", "input_ids"]

  private let vqa: VisualQuestionAnswering
  private let reference: ReferenceFile
  private let tolerance: Double

  public init(
    _ vqa: VisualQuestionAnswering, _ reference: ReferenceFile, tolerance: Double = usualTolerance
  ) {
    self.vqa = vqa
    self.reference = reference
    self.tolerance = tolerance
  }

  /// In the order in which a question goes through the nets.
  /// - Parameter progress: called after each question.
  /// - Throws: `Failure` of kind `badData` when the reference's inputs are not what the nets take, `io` when memory is short.
  public func run(progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }) throws(Failure) -> [OutputComparison] {
    var outputs = ReferenceOutputs(tolerance: tolerance)
    var seen: (number: Int, image: SeenImage)?
    for (number, question) in reference.questions.enumerated() {
      let image: SeenImage
      if let seen, seen.number == question.image {
        image = seen.image
      } else {
        image = try reference.look(at: reference.images[question.image], with: vqa.sight, &outputs)
        seen = (question.image, image)
      }
      try ask(question, image, &outputs)
      progress(number + 1, reference.questions.count)
    }
    guard outputs.inOrder.contains(where: { !Self.inputs.contains($0.name) }) else {
      throw Failure(
        .badData, file: reference.checkpoint.path, "holds inputs, but no outputs to compare with",
        hint: "arrays of outputs are called image_embeds, question_embeds, first_step_logits, answer_ids, ranking")
    }
    return outputs.inOrder
  }

  private func ask(_ item: ReferenceFile.Case, _ image: SeenImage, _ outputs: inout ReferenceOutputs) throws(Failure) {
    let given = try reference.tokens(item.prefix + "input_ids")
    if let text = item.text { outputs.add("input_ids", try vqa.questionTokens(text), given) }
    guard !given.isEmpty else { throw reference.failure(item.prefix + "input_ids", "is empty") }
    let record = AnswerTrace.Record()
    var options = reference.options
    let answerName = item.prefix + "answer_ids"
    let answer = reference.has(answerName) ? try reference.tokens(answerName) : nil
    if options.maximumTokens == nil, let answer { options.maximumTokens = max(1, answer.count - 1) }
    let ours = try vqa.answer(tokens: [given], about: image, options: options, observer: record)[0]
    if let asked = record.questions[0] {
      try reference.compare("question_embeds", item, asked.vectors.elements, &outputs)
      try reference.compare("question_cross_attention", item, asked.attention.flatMap(\.elements), &outputs)
    }
    if let scores = record.scores[0] { try reference.compare("first_step_logits", item, scores.elements, &outputs) }
    if let answer { outputs.add("answer_ids", [vqa.profile.answer.startToken] + ours.tokens, answer) }
    try rank(item, given, image, &outputs)
  }

  /// Compares the losses of a ranking; an answer that was not looked at has none, in the reference infinity.
  private func rank(
    _ item: ReferenceFile.Case, _ tokens: [Int], _ image: SeenImage, _ outputs: inout ReferenceOutputs
  ) throws(Failure) {
    guard let answers = reference.answers, reference.has(item.prefix + "ranking") else { return }
    let losses = try reference.floats(item.prefix + "ranking")
    guard losses.count == answers.answers.count else {
      throw reference.failure(item.prefix + "ranking", "has other than one loss per answer")
    }
    let ranked = try vqa.answer(tokens: [tokens], about: image, from: answers)[0].ranking ?? []
    let looked = losses.indices.filter { losses[$0].isFinite }
    outputs.add("ranked_answers", ranked.map(\.index).sorted(), looked)
    let ours = Dictionary(ranked.map { ($0.index, Float($0.loss)) }) { first, _ in first }
    outputs.add("ranking", looked.map { ours[$0] ?? .infinity }, looked.map { losses[$0] })
  }
}
