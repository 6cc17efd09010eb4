import Arrays
import Kernels

/// CLIP's image encoder: a Vision Transformer whose class token's vector is mapped to where texts are too (Radford et al.,
/// Learning Transferable Visual Models From Natural Language Supervision, 2021, arXiv:2103.00020).
public struct ClipImageEncoder: Net {
  public let trunk: VisionTrunk
  public let projection: Linear

  public init(_ configuration: Configuration, _ source: WeightSource) throws(Failure) {
    let dimensions = try VisionDimensions(configuration)
    trunk = try VisionTrunk(source, dimensions, isClip: true)
    projection = try Linear(
      source["projection"], inputs: dimensions.size, outputs: configuration.dimension("projectionSize"), bias: false)
  }
}

/// CLIP's text encoder: a causal transformer, whose vector at the last token is mapped to where images are too.
public struct ClipTextEncoder: Net {
  public let word: Embedding
  public let position: Embedding
  public let blocks: [PreNormBlock]
  public let norm: LayerNorm
  public let projection: Linear
  /// Natural logarithm of what cosines are multiplied by before their softmax; a scalar.
  public let logitScale: Weight
  /// Of the token at which a text's vector is taken.
  let endToken: Int

  public init(_ configuration: Configuration, _ source: WeightSource) throws(Failure) {
    let dimensions = try BlockDimensions(configuration)
    let size = dimensions.size
    word = try Embedding(source["word"], count: configuration.dimension("vocabularySize"), size: size)
    position = try Embedding(source["position"], count: configuration.dimension("positions"), size: size)
    blocks = try dimensions.blocks(source)
    norm = try LayerNorm(source["norm"], size: size, epsilon: dimensions.epsilon)
    projection = try Linear(
      source["projection"], inputs: size, outputs: configuration.dimension("projectionSize"), bias: false)
    logitScale = try source.weight("logitScale", [], .bias)
    endToken = try configuration.dimension("endToken")
  }
}
