import Arrays

/// What a Vision Transformer's configuration says.
struct VisionDimensions {
  let block: BlockDimensions
  let patchSize, channels, imageSide: Int

  init(_ configuration: Configuration) throws(Failure) {
    block = try BlockDimensions(configuration)
    patchSize = try configuration.dimension("patchSize", limit: 1024)
    channels = try configuration.dimension("channels", limit: 64)
    imageSide = try configuration.dimension("imageSide", limit: 1 << 16)
    guard imageSide >= patchSize else {
      throw configuration.failure("imageSide", "is \(imageSide), less than patchSize \(patchSize)")
    }
  }

  var size: Int { block.size }

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
  /// Before the first block: CLIP's.
  public let preNorm: LayerNorm?
  public let blocks: [PreNormBlock]
  public let norm: LayerNorm

  /// - Parameter isClip: whether patches have no bias, and there is a norm before the first block.
  init(
    _ source: WeightSource, _ dimensions: VisionDimensions, qkvBias: Bool = true, isClip: Bool = false
  ) throws(Failure) {
    classToken = try source.weight("classToken", [dimensions.size], .embedding)
    positions = try source.weight("positions", [dimensions.positions, dimensions.size], .embedding)
    patch = try PatchConvolution(
      source["patch"], channels: dimensions.channels, outputs: dimensions.size, side: dimensions.patchSize,
      bias: !isClip)
    let epsilon = dimensions.block.epsilon
    preNorm = isClip ? try LayerNorm(source["preNorm"], size: dimensions.size, epsilon: epsilon) : nil
    blocks = try dimensions.block.blocks(source, qkvBias: qkvBias)
    norm = try LayerNorm(source["norm"], size: dimensions.size, epsilon: epsilon)
  }
}

/// BLIP's image encoder: a Vision Transformer whose vectors all go on, none pooled.
public struct BlipImageEncoder: Net {
  public let trunk: VisionTrunk

  public init(_ configuration: Configuration, _ source: WeightSource) throws(Failure) {
    trunk = try VisionTrunk(source, VisionDimensions(configuration))
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
