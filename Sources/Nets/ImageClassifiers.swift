import Arrays
import Kernels

/// A net that looks at images: of what its trunk makes, scores of classes, and one vector.
public protocol ImageClassifierNet: Net {
  var trunk: VisionTrunk { get set }
  /// 0: a backbone, which gives vectors only.
  var classes: Int { get }

  /// The scores (logits) of an image whose vectors are there already; none of a backbone.
  /// - Parameter vectors: as the trunk gives them.
  /// - Returns: 1 × classes.
  /// - Throws: `Failure` of kind `io` when memory is short.
  func scores(of vectors: Matrix, _ engine: Engine) throws(Failure) -> Matrix

  /// The one vector that the publisher's library makes of an image's vectors.
  /// - Returns: 1 × size.
  /// - Throws: `Failure` of kind `io` when memory is short.
  func pooled(_ vectors: Matrix, _ engine: Engine) throws(Failure) -> Matrix
}

extension ImageClassifierNet {
  /// One score (logit) per class; none for a backbone without a classifier.
  /// - Parameter pixels: channels × (side · side).
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func callAsFunction(_ pixels: Matrix, _ engine: Engine) throws(Failure) -> [Float] {
    try scores(of: trunk(pixels, engine), engine).elements
  }
}

/// A Vision Transformer with what stands on it: a linear classifier on the class token's vector; DeiT's two, the second on
/// the distillation token's; or, of a backbone, nothing or a pooler.
public struct ViTImageClassifier: ImageClassifierNet {
  /// What stands on the trunk.
  enum Head: String, CaseIterable {
    case classifier
    /// Two classifiers, whose scores are averaged.
    case distilled
    /// A linear map of the class token's vector with a hyperbolic tangent.
    case pooler
    case none
  }

  public var trunk: VisionTrunk
  /// Takes the class token's vector; nil: nothing stands on the trunk.
  let pooling: VectorChoice?
  public let pooler: Linear?
  /// Behind the pooler.
  let tanh: HyperbolicTangent?
  /// nil: a backbone, which gives vectors only.
  public let classifier: Linear?
  /// Takes the distillation token's vector.
  let distillationPooling: VectorChoice?
  public let distillationClassifier: Linear?

  public init(_ configuration: Configuration, _ source: WeightSource) throws(Failure) {
    let dimensions = try VisionDimensions(configuration)
    trunk = try VisionTrunk(source, dimensions, qkvBias: configuration.boolean("qkvBias"))
    let head = try Self.head(configuration)
    let size = dimensions.size
    let all = source.with(rows: .fixed(dimensions.vectors))
    pooling = head == .none ? nil : VectorChoice(all["pooling"], size: size)
    pooler = head == .pooler ? try Linear(source["pooler"], inputs: size, outputs: size) : nil
    tanh = head == .pooler ? HyperbolicTangent(source["pooler"]["activation"], size: size) : nil
    guard head == .classifier || head == .distilled else {
      (classifier, distillationPooling, distillationClassifier) = (nil, nil, nil)
      return
    }
    let classes = try configuration.dimension("classes")
    classifier = try Linear(source["classifier"], inputs: size, outputs: classes)
    distillationPooling = head == .distilled ? VectorChoice(all["distillationPooling"], size: size) : nil
    distillationClassifier =
      head == .distilled ? try Linear(source["distillationClassifier"], inputs: size, outputs: classes) : nil
  }

  private static func head(_ configuration: Configuration) throws(Failure) -> Head {
    let hasClasses = configuration["classes"]?.content != .integer(0)
    // Nets of before there was this field.
    guard let value = configuration["head"] else { return hasClasses ? .classifier : .none }
    guard let head = Head.allCases.first(where: { value.content == .string($0.rawValue) }) else {
      throw configuration.failure("head", "is \(value.compactText.prefix(40)), which is not known")
    }
    if !hasClasses, head == .classifier { return .none }
    guard hasClasses == (head == .classifier || head == .distilled) else {
      throw configuration.failure("head", "is \(head.rawValue), which does not go with the number of classes")
    }
    let hasToken = try configuration.flag("distillationToken")
    guard head != .distilled || hasToken else {
      throw configuration.failure("head", "is distilled, where there is no distillation token")
    }
    return head
  }

  public var classes: Int { classifier?.outputs ?? 0 }

  public func scores(of vectors: Matrix, _ engine: Engine) throws(Failure) -> Matrix {
    guard let pooling, let classifier else { return Matrix(rows: 1, columns: 0) }
    let scores = try classifier(pooling(vectors), engine)
    guard let distillationPooling, let distillationClassifier else { return scores }
    scores.addToRow(0, try distillationClassifier(distillationPooling(vectors, at: 1), engine).elements)
    return scores.scaled(by: 0.5)
  }

  /// The pooler's, else the class token's, as transformers' ViTModel and DeiTModel have it.
  public func pooled(_ vectors: Matrix, _ engine: Engine) throws(Failure) -> Matrix {
    let first = vectors.rows(0..<1)
    guard let pooler, let tanh else { return first.copied }
    return tanh(try pooler(first, engine))
  }
}

/// DINOv2's encoder (Oquab et al., DINOv2: Learning Robust Visual Features without Supervision, 2024, arXiv:2304.07193),
/// maybe with a linear classifier on the class token's vector and the mean of the patches'.
public struct Dinov2Encoder: ImageClassifierNet {
  public var trunk: VisionTrunk
  let pooling: ClassAndMean?
  /// nil: a backbone, which gives vectors only.
  public let classifier: Linear?

  public init(_ configuration: Configuration, _ source: WeightSource) throws(Failure) {
    let dimensions = try VisionDimensions(configuration)
    trunk = try VisionTrunk(source, dimensions, qkvBias: configuration.boolean("qkvBias"))
    guard configuration["classes"]?.content != .integer(0) else {
      (pooling, classifier) = (nil, nil)
      return
    }
    pooling = ClassAndMean(source["pooling"].with(rows: .fixed(dimensions.vectors)), size: dimensions.size)
    classifier = try Linear(
      source["classifier"], inputs: 2 * dimensions.size, outputs: configuration.dimension("classes"))
  }

  public var classes: Int { classifier?.outputs ?? 0 }

  public func scores(of vectors: Matrix, _ engine: Engine) throws(Failure) -> Matrix {
    guard let pooling, let classifier else { return Matrix(rows: 1, columns: 0) }
    return try classifier(pooling(vectors, meanOfPatches: trunk.meanOfPatches(vectors)), engine)
  }

  /// The class token's.
  public func pooled(_ vectors: Matrix, _ engine: Engine) throws(Failure) -> Matrix { vectors.rows(0..<1).copied }
}

extension NetDefinition {
  /// Whether its nets look at images and give scores of classes, where they have a head for them.
  public var isImageClassifier: Bool { imageClassifier != nil }

  private var imageClassifier: (any ImageClassifierNet.Type)? { type as? any ImageClassifierNet.Type }

  /// The net of a configuration; nil for definitions of other nets.
  /// - Throws: `Failure` of kind `badData` when the configuration makes no net, or what the source throws.
  public func imageClassifier(
    _ configuration: Configuration, _ source: WeightSource
  ) throws(Failure) -> (any ImageClassifierNet)? {
    guard let type = imageClassifier else { return nil }
    return try type.init(configuration, source)
  }
}
