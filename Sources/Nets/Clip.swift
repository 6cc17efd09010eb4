import Arrays
import Kernels

/// CLIP's image encoder: a Vision Transformer whose class token's vector is mapped to where texts are too (Radford et al.,
/// Learning Transferable Visual Models From Natural Language Supervision, 2021, arXiv:2103.00020).
public struct ClipImageEncoder: Net {
  public let trunk: VisionTrunk
  /// Takes the class token's vector.
  let pooling: VectorChoice
  public let projection: Linear
  /// Makes vectors comparable.
  public let normalize: UnitLength

  public init(_ configuration: Configuration, _ source: WeightSource) throws(Failure) {
    let dimensions = try VisionDimensions(configuration)
    trunk = try VisionTrunk(source, dimensions, isClip: true)
    pooling = VectorChoice(source["pooling"].with(rows: .fixed(dimensions.positions)), size: dimensions.size)
    projection = try Linear(
      source["projection"], inputs: dimensions.size, outputs: configuration.dimension("projectionSize"), bias: false)
    normalize = UnitLength(source["normalize"], size: projection.outputs)
  }
}

/// CLIP's text encoder: a causal transformer, whose vector at the last token is mapped to where images are too.
public struct ClipTextEncoder: Net {
  public let word: Embedding
  public let position: Embedding
  public let blocks: [PreNormBlock]
  /// Takes the vector at a text's end.
  let pooling: VectorChoice
  public let norm: LayerNorm
  public let projection: Linear
  /// Makes vectors comparable.
  public let normalize: UnitLength
  /// Natural logarithm of what cosines are multiplied by before their softmax; a scalar.
  public let logitScale: Weight
  /// Of the token at which a text's vector is taken.
  package let endToken: Int

  public init(_ configuration: Configuration, _ source: WeightSource) throws(Failure) {
    let dimensions = try BlockDimensions(configuration)
    let size = dimensions.size
    let positions = try configuration.dimension("positions")
    let tokens = source.with(rows: .tokens(most: positions))
    word = try Embedding(tokens["word"], count: configuration.dimension("vocabularySize"), size: size)
    position = try Embedding(tokens["position"], count: positions, size: size)
    blocks = try dimensions.blocks(tokens)
    pooling = VectorChoice(tokens["pooling"], size: size)
    norm = try LayerNorm(source["norm"], size: size, epsilon: dimensions.epsilon)
    projection = try Linear(
      source["projection"], inputs: size, outputs: configuration.dimension("projectionSize"), bias: false)
    normalize = UnitLength(source["normalize"], size: projection.outputs)
    logitScale = try source.weight("logitScale", [], .bias)
    endToken = try configuration.dimension("endToken")
  }
}
