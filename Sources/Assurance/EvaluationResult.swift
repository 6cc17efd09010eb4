import Arrays
import Arrays
import Kernels
import Tasks

/// What an evaluation found.
public struct EvaluationResult: Sendable {
  public struct Layers: Sendable {
    /// In the order in which layers run.
    public let errors: [LayerError]
    /// Questions on which they were compared.
    public let questions: Int
    /// Of those whose answers flipped.
    public let flippedQuestions: Int
  }

  /// An image that isn't there or can't be read.
  public struct FailedImage: Sendable {
    public let path: String
    public let failure: Failure
    /// Questions about it, which weren't asked.
    public let questions: Int
  }

  public let a: VQANets
  public let b: VQANets?
  public let questions: [EvaluationQuestion]
  /// One per question that could be asked, in their order.
  public let answered: [EvaluatedQuestion]
  public let failed: [FailedImage]
  /// Images that were taken with the camera turned and looked at as they are stored.
  public let turned: Int
  /// nil when nothing is compared, or no layers.
  public let layers: Layers?

  /// Different images.
  public var images: Int { Set(questions.map(\.image)).count }

  /// Questions that weren't asked.
  public var failedQuestions: Int { failed.reduce(0) { $0 + $1.questions } }

  /// Answered questions with right answers that the data set's publisher doesn't count.
  public var uncounted: Int {
    answered.count { !questions[$0.index].isCounted && !questions[$0.index].answers.isEmpty }
  }

  /// Of the nets under evaluation; nil when no right answers are known.
  public var accuracy: VQAAccuracy? { accuracy(\.a) }

  /// Of the nets that they are compared with.
  public var accuracyB: VQAAccuracy? { accuracy(\.b) }

  private func accuracy(_ side: (EvaluatedQuestion) -> EvaluatedQuestion.Side?) -> VQAAccuracy? {
    var total = VQAAccuracy()
    for question in answered {
      guard let accuracy = side(question)?.accuracy else { continue }
      let asked = questions[question.index]
      total.add(accuracy, questionType: asked.questionType, answerType: asked.answerType)
    }
    return total.overall.questions > 0 ? total : nil
  }

  /// A's accuracy less B's.
  public var difference: PairedDifference? {
    var difference = PairedDifference()
    for question in answered {
      if let a = question.a.accuracy, let b = question.b?.accuracy { difference.add(a, b) }
    }
    return difference.questions > 0 ? difference : nil
  }

  /// Share of the questions that both answer in the same words; nil when nothing is compared.
  public var agreement: Double? { b == nil ? nil : share { !$0.isFlipped } }

  /// Share of the questions whose likeliest first token is the same.
  public var sameFirstToken: Double? { b == nil ? nil : share { $0.firstToken?.isSame == true } }

  /// Mean Kullback-Leibler divergence of A's first tokens from B's, in nats.
  public var divergence: Double? {
    b == nil ? nil : answered.reduce(0) { $0 + ($1.firstToken?.divergence ?? 0) } / Double(max(1, answered.count))
  }

  /// Questions whose answers differ.
  public var flipped: [EvaluatedQuestion] { answered.filter(\.isFlipped) }

  private func share(_ isCounted: (EvaluatedQuestion) -> Bool) -> Double {
    Double(answered.count(where: isCounted)) / Double(max(1, answered.count))
  }
}
