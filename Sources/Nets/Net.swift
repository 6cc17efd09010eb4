import Arrays

/// A net: layers made from a configuration, whose arrays come from a weight source. Written once; which source is used
/// decides whether the net runs, is listed, or is filled with random weights.
public protocol Net: Sendable {
  init(_ configuration: Configuration, _ source: WeightSource) throws(Failure)
}

/// The nets that family files can name.
public enum NetDefinition: String, CaseIterable, Sendable {
  case blipImageEncoder = "BlipImageEncoder"
  case blipTextEncoder = "BlipTextEncoder"
  case blipTextDecoder = "BlipTextDecoder"
  case blipImageMatcher = "BlipImageMatcher"
  case blipTextMatcher = "BlipTextMatcher"
  case vitImageClassifier = "ViTImageClassifier"
  case dinov2Encoder = "Dinov2Encoder"
  case bertEncoder = "BertEncoder"
  case clipImageEncoder = "ClipImageEncoder"
  case clipTextEncoder = "ClipTextEncoder"

  var type: any Net.Type {
    switch self {
    case .blipImageEncoder: BlipImageEncoder.self
    case .blipTextEncoder: BlipTextEncoder.self
    case .blipTextDecoder: BlipTextDecoder.self
    case .blipImageMatcher: BlipImageMatcher.self
    case .blipTextMatcher: BlipTextMatcher.self
    case .vitImageClassifier: ViTImageClassifier.self
    case .dinov2Encoder: Dinov2Encoder.self
    case .bertEncoder: BertEncoder.self
    case .clipImageEncoder: ClipImageEncoder.self
    case .clipTextEncoder: ClipTextEncoder.self
    }
  }

  /// What the net of a configuration consists of.
  /// - Parameter vectors: how a sentence embedder makes vectors, where that is known.
  /// - Throws: `Failure` of kind `badData` when the configuration makes no net.
  public func description(
    _ configuration: Configuration, vectors: BertEmbedder.Rules? = nil
  ) throws(Failure) -> NetDescription {
    let recorder = Recorder()
    let source = WeightSource(recorder)
    if let vectors, self == .bertEncoder {
      _ = try BertEmbedder(configuration, vectors, source)
    } else {
      _ = try type.init(configuration, source)
    }
    return recorder.description
  }
}
