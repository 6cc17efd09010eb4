import Arrays
import Kernels

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
public struct PreNormBlock: Sendable {
  public let norm1: LayerNorm
  public let attention: FusedAttention
  public let norm2: LayerNorm
  public let mlp: MLP

  init(_ source: WeightSource, _ dimensions: BlockDimensions, qkvBias: Bool = true) throws(Failure) {
    norm1 = try LayerNorm(source["norm1"], size: dimensions.size, epsilon: dimensions.epsilon)
    attention = try FusedAttention(
      source["attention"], size: dimensions.size, heads: dimensions.heads, qkvBias: qkvBias)
    norm2 = try LayerNorm(source["norm2"], size: dimensions.size, epsilon: dimensions.epsilon)
    mlp = try MLP(
      source["mlp"], size: dimensions.size, innerSize: dimensions.mlpSize, activation: dimensions.activation)
  }
}

/// What a configuration says of pre-norm blocks.
struct BlockDimensions {
  let size, layers, heads, mlpSize: Int
  let epsilon: Double
  let activation: Activation

  init(_ configuration: Configuration) throws(Failure) {
    size = try configuration.dimension("hiddenSize")
    layers = try configuration.dimension("layers", limit: Configuration.mostLayers)
    heads = try configuration.dimension("heads")
    mlpSize = try configuration.dimension("mlpSize")
    epsilon = try configuration.positive("layerNormEpsilon")
    activation = try configuration.activation()
    guard size.isMultiple(of: heads) else {
      throw configuration.failure("heads", "is \(heads), which does not divide hiddenSize \(size)")
    }
  }

  func blocks(_ source: WeightSource, qkvBias: Bool = true) throws(Failure) -> [PreNormBlock] {
    var blocks: [PreNormBlock] = []
    for index in 0..<layers { blocks.append(try PreNormBlock(source["blocks", index], self, qkvBias: qkvBias)) }
    return blocks
  }
}

/// Memory that pre-norm blocks use one after the other.
struct BlockScratch {
  fileprivate let normalized: Matrix
  /// Queries, keys and values.
  fileprivate let mixed: Matrix
  fileprivate let attended: Matrix
  /// Between the two maps of an MLP.
  fileprivate let inner: Matrix

  init(_ blocks: [PreNormBlock], rows: Int, size: Int) {
    normalized = Matrix(rows: rows, columns: size)
    mixed = Matrix(rows: rows, columns: 3 * size)
    attended = Matrix(rows: rows, columns: size)
    inner = Matrix(rows: rows, columns: blocks.map { $0.mlp.fc1.outputs }.max() ?? 0)
  }
}

extension FusedAttention {
  /// bfloat16 is much finer than the rows of x that its maps quantize.
  fileprivate var rounds: Bool { qkv.weight.elementType == .int8 && qkv.weight.activations == .int8 }
}

extension PreNormBlock {
  /// x ← x + attention(norm(x)); x ← x + MLP(norm(x)).
  /// - Parameters:
  ///   - sequences: rows that attend to each other; nil: all.
  ///   - isCausal: whether a row sees those before it only.
  func run(
    _ x: Matrix, _ scratch: BlockScratch, sequences: [Range<Int>]? = nil, isCausal: Bool = false, _ engine: Engine
  ) throws(Failure) {
    let size = x.columns
    let mixed = scratch.mixed
    norm1(x, into: scratch.normalized, engine)
    try engine.run([attention.qkv.map(scratch.normalized, into: mixed)])
    try engine.run(
      (sequences ?? [0..<x.rows]).map { rows in
        let mixed = mixed.rows(rows)
        return AttentionMap(
          queries: mixed.columns(0..<size), keys: mixed.columns(size..<2 * size),
          values: mixed.columns(2 * size..<3 * size), into: scratch.attended.rows(rows), heads: attention.heads,
          isCausal: isCausal, rounds: attention.rounds)
      })
    try engine.run([attention.projection.map(scratch.attended, into: x, .add)])
    norm2(x, into: scratch.normalized, engine)
    try engine.run([mlp.fc1.map(scratch.normalized, into: scratch.inner, mlp.activation.finish)])
    try engine.run([mlp.fc2.map(scratch.inner, into: x, .add)])
  }
}
