import Arrays

/// Word, position and token type embeddings, summed and normalized (Devlin et al., BERT, 2018, arXiv:1810.04805).
public struct BertEmbeddings: Sendable {
  public let word: Embedding
  public let position: Embedding
  /// Of a text that stands alone, every token is of type 0.
  public let tokenType: Embedding
  public let norm: LayerNorm

  init(_ source: WeightSource, _ dimensions: TextDimensions, tokenTypes: Int) throws(Failure) {
    word = try Embedding(source["word"], count: dimensions.words, size: dimensions.size)
    position = try Embedding(source["position"], count: dimensions.positions, size: dimensions.size)
    tokenType = try Embedding(source["tokenType"], count: tokenTypes, size: dimensions.size)
    norm = try LayerNorm(source["norm"], size: dimensions.size, epsilon: dimensions.epsilon)
  }
}

/// Self-attention, MLP; each followed by its norm.
public struct BertBlock: Sendable {
  public let attention: TextAttention
  public let mlp: TextMLP

  init(_ source: WeightSource, _ dimensions: TextDimensions) throws(Failure) {
    attention = try TextAttention(source["attention"], dimensions)
    mlp = try TextMLP(source["mlp"], dimensions)
  }
}

/// BERT's encoder, and what makes one vector of those of a text's tokens.
public struct BertEmbedder: Sendable {
  /// What a net's profile says of its vectors.
  public struct Rules: Sendable {
    public let pooling: [TextPooling.Mode]
    /// Whether vectors are divided by their length.
    public let normalizes: Bool

    public init(pooling: [TextPooling.Mode], normalizes: Bool) {
      (self.pooling, self.normalizes) = (pooling, normalizes)
    }
  }

  public let encoder: BertEncoder
  let pooling: TextPooling
  let normalize: UnitLength?

  public init(_ configuration: Configuration, _ rules: Rules, _ source: WeightSource) throws(Failure) {
    encoder = try BertEncoder(configuration, source)
    let size = try configuration.dimension("hiddenSize")
    let tokens = Extent.tokens(most: try configuration.dimension("positions"))
    pooling = TextPooling(source["pooling"].with(rows: tokens), rules.pooling, size: size)
    normalize = rules.normalizes ? UnitLength(source["normalize"], size: rules.pooling.count * size) : nil
  }
}

/// BERT's encoder: a vector for each token of a text.
public struct BertEncoder: Net {
  public let embeddings: BertEmbeddings
  public let blocks: [BertBlock]
  /// BERT's own map of the first token's vector, which is published and counted with it. Vectors of sentences are pooled
  /// from what it is given, so it isn't run. nil: the checkpoint has none.
  public let pooler: Linear?

  public init(_ configuration: Configuration, _ source: WeightSource) throws(Failure) {
    let dimensions = try TextDimensions(configuration, hasContext: false)
    let tokens = source.with(rows: dimensions.tokens)
    embeddings = try BertEmbeddings(
      tokens["embeddings"], dimensions, tokenTypes: configuration.dimension("tokenTypes"))
    var blocks: [BertBlock] = []
    for index in 0..<dimensions.layers { blocks.append(try BertBlock(tokens["blocks", index], dimensions)) }
    self.blocks = blocks
    guard try configuration.boolean("pooler") else {
      pooler = nil
      return
    }
    let place = source["pooler"].unused
    pooler = try Linear(place, inputs: dimensions.size, outputs: dimensions.size)
    _ = HyperbolicTangent(place["activation"], size: dimensions.size)
  }
}
