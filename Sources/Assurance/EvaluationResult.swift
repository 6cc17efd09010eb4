import Arrays
import NetFile

/// What an evaluation found.
public struct EvaluationResult: Sendable {
  public struct Layers: Sendable {
    /// In the order in which layers run.
    public let errors: [LayerError]
    /// Items on which they were compared.
    public let items: Int
    /// Of those whose outputs flipped.
    public let flippedItems: Int
  }

  /// An image that isn't there or can't be read.
  public struct FailedImage: Sendable {
    public let path: String
    public let failure: Failure
    /// Items about it, on which nothing was run.
    public let items: Int
  }

  public let words: TaskWords
  /// Net files.
  public let a: [NetFile]
  public let b: [NetFile]?
  public let items: [EvaluationItem]
  /// One per item that the nets could be run on, in their order.
  public let evaluated: [EvaluatedItem]
  public let failed: [FailedImage]
  /// Images that were taken with the camera turned and looked at as they are stored.
  public let turned: Int
  /// nil when nothing is compared, or no layers.
  public let layers: Layers?

  /// Different images.
  public var images: Int { Set(items.map(\.image)).count }

  /// Items on which nothing was run.
  public var failedItems: Int { failed.reduce(0) { $0 + $1.items } }

  /// Items with right answers that the data set's publisher doesn't count.
  public var uncounted: Int { evaluated.count { !items[$0.index].isCounted && !items[$0.index].answers.isEmpty } }

  /// Of the nets under evaluation; nil when it isn't known what is right.
  public var accuracy: VQAAccuracy? { accuracy(\.a) }

  /// Of the nets that they are compared with.
  public var accuracyB: VQAAccuracy? { accuracy(\.b) }

  private func accuracy(_ side: (EvaluatedItem) -> EvaluatedItem.Side?) -> VQAAccuracy? {
    var total = VQAAccuracy()
    for evaluated in evaluated {
      guard let accuracy = side(evaluated)?.accuracy else { continue }
      let item = items[evaluated.index]
      total.add(accuracy, questionType: item.questionType, answerType: item.answerType)
    }
    return total.overall.questions > 0 ? total : nil
  }

  /// What is measured beside accuracy: its name, and its means for A and B.
  public var further: [(name: String, a: Double?, b: Double?)] {
    words.further.enumerated().map { number, name in
      (name, mean(number, of: \.a), mean(number, of: \.b))
    }
  }

  private func mean(_ number: Int, of side: (EvaluatedItem) -> EvaluatedItem.Side?) -> Double? {
    let values = evaluated.compactMap { side($0)?.further }.filter { number < $0.count }.map { $0[number] }
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// A's accuracy less B's.
  public var difference: PairedDifference? {
    var difference = PairedDifference()
    for item in evaluated {
      if let a = item.a.accuracy, let b = item.b?.accuracy { difference.add(a, b) }
    }
    return difference.questions > 0 ? difference : nil
  }

  /// Share of the items of which both make the same; nil when nothing is compared.
  public var agreement: Double? { b == nil ? nil : share { !$0.isFlipped } }

  /// Share of the items whose likeliest first token, or class, is the same.
  public var sameFirstToken: Double? { b == nil ? nil : share { $0.firstToken?.isSame == true } }

  /// Mean Kullback-Leibler divergence of A's distributions from B's, in nats.
  public var divergence: Double? {
    b == nil ? nil : evaluated.reduce(0) { $0 + ($1.firstToken?.divergence ?? 0) } / Double(max(1, evaluated.count))
  }

  /// Items of which the two make different things.
  public var flipped: [EvaluatedItem] { evaluated.filter(\.isFlipped) }

  private func share(_ isCounted: (EvaluatedItem) -> Bool) -> Double {
    Double(evaluated.count(where: isCounted)) / Double(max(1, evaluated.count))
  }
}
