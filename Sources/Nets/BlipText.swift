import Arrays

/// Attention of one sequence over another (or itself), then projection, sum with the input, and norm (post-norm, as in
/// BERT).
public struct TextAttention: Sendable {
  public let query: Linear
  public let key: Linear
  public let value: Linear
  public let attention: DotProductAttention
  public let output: Linear
  public let norm: LayerNorm

  /// - Parameter contextSize: width of the vectors attended over; nil: a text's own.
  init(_ source: WeightSource, _ dimensions: TextDimensions, contextSize: Int? = nil) throws(Failure) {
    let context = contextSize == nil ? source.rows : .context
    let contextSize = contextSize ?? dimensions.size
    query = try Linear(source["query"], inputs: dimensions.size, outputs: dimensions.size)
    key = try Linear(source["key"].with(rows: context), inputs: contextSize, outputs: dimensions.size)
    value = try Linear(source["value"].with(rows: context), inputs: contextSize, outputs: dimensions.size)
    attention = DotProductAttention(
      source["attention"], size: dimensions.size, heads: dimensions.heads, over: context)
    output = try Linear(source["output"], inputs: dimensions.size, outputs: dimensions.size)
    norm = try LayerNorm(source["norm"], size: dimensions.size, epsilon: dimensions.epsilon)
  }
}

/// Two linear maps with GELU between, sum with the input, and norm.
public struct TextMLP: Sendable {
  public let mlp: MLP
  public let norm: LayerNorm

  init(_ source: WeightSource, _ dimensions: TextDimensions) throws(Failure) {
    mlp = try MLP(source, size: dimensions.size, innerSize: dimensions.mlpSize)
    norm = try LayerNorm(source["norm"], size: dimensions.size, epsilon: dimensions.epsilon)
  }
}

/// Self-attention, cross-attention over the context, MLP.
public struct TextBlock: Sendable {
  public let selfAttention: TextAttention
  public let crossAttention: TextAttention
  public let mlp: TextMLP

  init(_ source: WeightSource, _ dimensions: TextDimensions) throws(Failure) {
    selfAttention = try TextAttention(source["selfAttention"], dimensions)
    crossAttention = try TextAttention(source["crossAttention"], dimensions, contextSize: dimensions.contextSize)
    mlp = try TextMLP(source["mlp"], dimensions)
  }
}

/// Word and position embeddings, summed and normalized; no token types.
public struct TextEmbeddings: Sendable {
  public let word: Embedding
  public let position: Embedding
  public let norm: LayerNorm

  init(_ source: WeightSource, _ dimensions: TextDimensions) throws(Failure) {
    word = try Embedding(source["word"], count: dimensions.words, size: dimensions.size)
    position = try Embedding(source["position"], count: dimensions.positions, size: dimensions.size)
    norm = try LayerNorm(source["norm"], size: dimensions.size, epsilon: dimensions.epsilon)
  }
}

/// What a text net's configuration says.
struct TextDimensions {
  let size, contextSize, layers, heads, mlpSize, positions, words: Int
  let epsilon: Double

  /// Of a text.
  var tokens: Extent { .tokens(most: positions) }

  /// - Parameter hasContext: whether the net attends over vectors of another, as BLIP's do and BERT's own doesn't.
  init(_ configuration: Configuration, hasContext: Bool = true) throws(Failure) {
    size = try configuration.dimension("hiddenSize")
    contextSize = hasContext ? try configuration.dimension("contextSize") : size
    layers = try configuration.dimension("layers", limit: Configuration.mostLayers)
    heads = try configuration.dimension("heads")
    mlpSize = try configuration.dimension("mlpSize")
    positions = try configuration.dimension("positions")
    words = try configuration.dimension("vocabularySize")
    epsilon = try configuration.positive("layerNormEpsilon")
    try configuration.checkActivation()
    guard size.isMultiple(of: heads) else {
      throw configuration.failure("heads", "is \(heads), which does not divide hiddenSize \(size)")
    }
  }
}

/// BERT with cross-attention in every block.
public struct TextTrunk: Sendable {
  public let embeddings: TextEmbeddings
  public let blocks: [TextBlock]

  init(_ source: WeightSource, _ dimensions: TextDimensions) throws(Failure) {
    let source = source.with(rows: dimensions.tokens)
    embeddings = try TextEmbeddings(source["embeddings"], dimensions)
    var blocks: [TextBlock] = []
    for index in 0..<dimensions.layers { blocks.append(try TextBlock(source["blocks", index], dimensions)) }
    self.blocks = blocks
  }
}

/// BLIP's question encoder: no causal mask, cross-attention over the image's vectors.
public struct BlipTextEncoder: Net {
  public let trunk: TextTrunk

  public init(_ configuration: Configuration, _ source: WeightSource) throws(Failure) {
    trunk = try TextTrunk(source, TextDimensions(configuration))
  }
}

/// BLIP's answer decoder: causal, cross-attention over the question's vectors; its head projects on the words.
public struct BlipTextDecoder: Net {
  /// Linear map, GELU and norm, then one score per word.
  public struct Head: Sendable {
    public let transform: Linear
    public let activation: ActivationLayer
    public let norm: LayerNorm
    public let projection: Linear
  }

  public let trunk: TextTrunk
  public let head: Head

  public init(_ configuration: Configuration, _ source: WeightSource) throws(Failure) {
    let dimensions = try TextDimensions(configuration)
    trunk = try TextTrunk(source, dimensions)
    let place = source["head"].with(rows: dimensions.tokens)
    head = Head(
      transform: try Linear(place["transform"], inputs: dimensions.size, outputs: dimensions.size),
      activation: ActivationLayer(place["activation"], .gelu, size: dimensions.size),
      norm: try LayerNorm(place["norm"], size: dimensions.size, epsilon: dimensions.epsilon),
      projection: try configuration.boolean("tiedHead")
        ? Linear(place["projection"], tiedTo: trunk.embeddings.word.weight)
        : Linear(place["projection"], inputs: dimensions.size, outputs: dimensions.words))
  }
}
