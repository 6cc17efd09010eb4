import Arrays
import Kernels

/// What a Vision Transformer's configuration says.
struct VisionDimensions {
  let block: BlockDimensions
  let patchSize, channels, imageSide: Int
  /// Whether there is DeiT's token behind the class token.
  let hasDistillationToken: Bool
  /// DINOv2's tokens without positions.
  let registers: Int
  /// Whether there is a vector in place of patches that training hides.
  let hasMaskToken: Bool

  init(_ configuration: Configuration) throws(Failure) {
    block = try BlockDimensions(configuration)
    hasDistillationToken = try configuration.flag("distillationToken")
    hasMaskToken = try configuration.flag("maskToken")
    registers = try configuration.count("registers", limit: 1024)
    patchSize = try configuration.dimension("patchSize", limit: 1024)
    channels = try configuration.dimension("channels", limit: 64)
    imageSide = try configuration.dimension("imageSide", limit: 1 << 16)
    guard imageSide >= patchSize else {
      throw configuration.failure("imageSide", "is \(imageSide), less than patchSize \(patchSize)")
    }
  }

  var size: Int { block.size }

  /// Patches along a side of an image.
  var gridSide: Int { imageSide / patchSize }

  /// Patches of an image, and the tokens in front of them that have positions.
  var positions: Int { gridSide * gridSide + (hasDistillationToken ? 2 : 1) }

  /// Vectors that blocks are run on: those with positions, and the registers.
  var vectors: Int { positions + registers }
}

/// Patches, a class token in front, positions, blocks and a final norm.
public struct VisionTrunk: Sendable {
  /// [size]
  public let classToken: Weight
  /// Behind the class token, [size]: DeiT's (Touvron et al., Training data-efficient image transformers & distillation
  /// through attention, 2021, arXiv:2012.12877).
  public let distillationToken: Weight?
  /// In place of patches that training hides, [size]; running doesn't need it.
  public let maskToken: Weight?
  /// Of the tokens in front and of the patches: [1 or 2 + patches, size]
  public let positions: Weight
  /// Between the tokens that have positions and the patches, [count, size] (Darcet et al., Vision Transformers Need
  /// Registers, 2024, arXiv:2309.16588).
  public let registers: Weight?
  public let patch: PatchConvolution
  /// Before the first block: CLIP's.
  public let preNorm: LayerNorm?
  public let blocks: [PreNormBlock]
  public let norm: LayerNorm
  /// Patches along a side of the images that the positions are of.
  package let gridSide: Int
  /// Positions of images of another side, made of the net's own.
  var interpolated: (gridSide: Int, rows: Matrix)?

  /// - Parameter isClip: whether patches have no bias, and there is a norm before the first block.
  init(
    _ source: WeightSource, _ dimensions: VisionDimensions, qkvBias: Bool = true, isClip: Bool = false
  ) throws(Failure) {
    gridSide = dimensions.gridSide
    let source = source.with(rows: .fixed(dimensions.vectors))
    classToken = try source.weight("classToken", [dimensions.size], .embedding)
    distillationToken =
      dimensions.hasDistillationToken ? try source.weight("distillationToken", [dimensions.size], .embedding) : nil
    maskToken = dimensions.hasMaskToken ? try source.weight("maskToken", [dimensions.size], .embedding) : nil
    positions = try source.weight("positions", [dimensions.positions, dimensions.size], .embedding)
    registers =
      dimensions.registers > 0
      ? try source.weight("registers", [dimensions.registers, dimensions.size], .embedding) : nil
    patch = try PatchConvolution(
      source["patch"], channels: dimensions.channels, outputs: dimensions.size, side: dimensions.patchSize,
      imageSide: dimensions.imageSide, bias: !isClip)
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
