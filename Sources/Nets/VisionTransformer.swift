import Arrays

/// Self-attention with one map for queries, keys and values, in this order along the rows of its weight.
public struct FusedAttention: Sendable {
  public let qkv: Linear
  public let projection: Linear
  public let heads: Int

  public init(_ source: WeightSource, size: Int, heads: Int, qkvBias: Bool = true) throws(Failure) {
    self.heads = heads
    qkv = try Linear(source["qkv"], inputs: size, outputs: 3 * size, bias: qkvBias)
    projection = try Linear(source["projection"], inputs: size, outputs: size)
  }
}

/// A block that normalizes before attention and before its MLP (pre-norm).
public struct VisionBlock: Sendable {
  public let norm1: LayerNorm
  public let attention: FusedAttention
  public let norm2: LayerNorm
  public let mlp: MLP

  init(_ source: WeightSource, _ dimensions: VisionDimensions, qkvBias: Bool) throws(Failure) {
    norm1 = try LayerNorm(source["norm1"], size: dimensions.size, epsilon: dimensions.epsilon)
    attention = try FusedAttention(
      source["attention"], size: dimensions.size, heads: dimensions.heads, qkvBias: qkvBias)
    norm2 = try LayerNorm(source["norm2"], size: dimensions.size, epsilon: dimensions.epsilon)
    mlp = try MLP(source["mlp"], size: dimensions.size, innerSize: dimensions.mlpSize)
  }
}

/// What a Vision Transformer's configuration says.
struct VisionDimensions {
  let size, layers, heads, mlpSize, patchSize, channels, imageSide: Int
  let epsilon: Double

  init(_ configuration: Configuration) throws(Failure) {
    size = try configuration.dimension("hiddenSize")
    layers = try configuration.dimension("layers", limit: Configuration.mostLayers)
    heads = try configuration.dimension("heads")
    mlpSize = try configuration.dimension("mlpSize")
    patchSize = try configuration.dimension("patchSize", limit: 1024)
    channels = try configuration.dimension("channels", limit: 64)
    imageSide = try configuration.dimension("imageSide", limit: 1 << 16)
    epsilon = try configuration.positive("layerNormEpsilon")
    try configuration.checkActivation()
    guard size.isMultiple(of: heads) else {
      throw configuration.failure("heads", "is \(heads), which does not divide hiddenSize \(size)")
    }
    guard imageSide >= patchSize else {
      throw configuration.failure("imageSide", "is \(imageSide), less than patchSize \(patchSize)")
    }
  }

  /// Patches of an image and the class token.
  var positions: Int { (imageSide / patchSize) * (imageSide / patchSize) + 1 }
}

/// Patches, a class token in front, positions, blocks and a final norm.
public struct VisionTrunk: Sendable {
  /// [size]
  public let classToken: Weight
  /// [1 + patches, size]
  public let positions: Weight
  public let patch: PatchConvolution
  public let blocks: [VisionBlock]
  public let norm: LayerNorm

  init(_ source: WeightSource, _ dimensions: VisionDimensions, qkvBias: Bool) throws(Failure) {
    classToken = try source.weight("classToken", [dimensions.size], .embedding)
    positions = try source.weight("positions", [dimensions.positions, dimensions.size], .embedding)
    patch = try PatchConvolution(
      source["patch"], channels: dimensions.channels, outputs: dimensions.size, side: dimensions.patchSize)
    var blocks: [VisionBlock] = []
    for index in 0..<dimensions.layers {
      blocks.append(try VisionBlock(source["blocks", index], dimensions, qkvBias: qkvBias))
    }
    self.blocks = blocks
    norm = try LayerNorm(source["norm"], size: dimensions.size, epsilon: dimensions.epsilon)
  }
}

/// BLIP's image encoder: a Vision Transformer whose vectors all go on, none pooled.
public struct BlipImageEncoder: Net {
  public let trunk: VisionTrunk

  public init(_ configuration: Configuration, _ source: WeightSource) throws(Failure) {
    trunk = try VisionTrunk(source, VisionDimensions(configuration), qkvBias: true)
  }
}

/// A Vision Transformer with a linear classifier on the class token's vector, or none where there are no classes.
public struct ViTImageClassifier: Net {
  public let trunk: VisionTrunk
  /// nil: a backbone, which gives vectors only.
  public let classifier: Linear?

  public init(_ configuration: Configuration, _ source: WeightSource) throws(Failure) {
    let dimensions = try VisionDimensions(configuration)
    trunk = try VisionTrunk(source, dimensions, qkvBias: configuration.boolean("qkvBias"))
    if configuration["classes"]?.content == .integer(0) {
      classifier = nil
      return
    }
    classifier = try Linear(
      source["classifier"], inputs: dimensions.size, outputs: configuration.dimension("classes"))
  }
}
