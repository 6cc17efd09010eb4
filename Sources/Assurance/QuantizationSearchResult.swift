/// An array that was helped.
public struct QuantizationHelp: Sendable {
  public enum Kind: String, Sendable {
    case floatActivations, float16, unchanged
  }

  public let net: String
  public let array: String
  public let kind: Kind
  /// Mean divergence in nats of outputs' distributions that this array alone causes as it was before.
  public let divergence: Double
}

/// Nets that were tried.
public struct QuantizationTrial: Sendable {
  public let helped: Int
  public let accuracy: Double?
  public let agreement: Double
  /// Of all arrays of all nets.
  public let bytes: Int
  public let isWithin: Bool
}

/// What a search within a budget found.
public struct QuantizationSearchResult: Sendable {
  /// By net.
  public let options: [String: QuantizationOptions]
  /// Which arrays were helped, in the order of how much that was needed.
  public let helps: [QuantizationHelp]
  public let trials: [QuantizationTrial]
  /// The one whose nets these are.
  public let best: QuantizationTrial
  /// Accuracy of the float nets; nil where the right answers are not known.
  public let floatAccuracy: Double?
  public let items: Int
  public let words: TaskWords
}
