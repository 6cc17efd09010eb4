import Arrays
import Kernels

/// Self-attention with one map for queries, keys and values, in this order along the rows of its weight.
public struct FusedAttention: Sendable {
  public let qkv: Linear
  public let attention: DotProductAttention
  public let projection: Linear

  public init(_ source: WeightSource, size: Int, heads: Int, qkvBias: Bool = true) throws(Failure) {
    qkv = try Linear(source["qkv"], inputs: size, outputs: 3 * size, bias: qkvBias)
    attention = DotProductAttention(source["attention"], size: size, heads: heads, over: source.rows)
    projection = try Linear(source["projection"], inputs: size, outputs: size)
  }
}

/// A block that normalizes before attention and before its MLP (pre-norm).
public struct PreNormBlock: Sendable {
  public let norm1: LayerNorm
  public let attention: FusedAttention
  /// What comes of attention is multiplied by before it is added; nil: 1.
  public let scale1: LayerScale?
  public let norm2: LayerNorm
  public let mlp: MLP
  /// What comes of the MLP likewise.
  public let scale2: LayerScale?

  init(_ source: WeightSource, _ dimensions: BlockDimensions, qkvBias: Bool = true) throws(Failure) {
    norm1 = try LayerNorm(source["norm1"], size: dimensions.size, epsilon: dimensions.epsilon)
    attention = try FusedAttention(
      source["attention"], size: dimensions.size, heads: dimensions.heads, qkvBias: qkvBias)
    scale1 = dimensions.isScaled ? try LayerScale(source["scale1"], size: dimensions.size) : nil
    norm2 = try LayerNorm(source["norm2"], size: dimensions.size, epsilon: dimensions.epsilon)
    mlp = try MLP(
      source["mlp"], size: dimensions.size, innerSize: dimensions.mlpSize, activation: dimensions.activation,
      isGated: dimensions.isGated)
    scale2 = dimensions.isScaled ? try LayerScale(source["scale2"], size: dimensions.size) : nil
  }
}

/// What a configuration says of pre-norm blocks.
struct BlockDimensions {
  let size, layers, heads, mlpSize: Int
  let epsilon: Double
  let activation: Activation
  /// Whether what is added is multiplied by weights before (LayerScale).
  let isScaled: Bool
  /// Whether the MLP has a gate (SwiGLU).
  let isGated: Bool

  init(_ configuration: Configuration) throws(Failure) {
    size = try configuration.dimension("hiddenSize")
    layers = try configuration.dimension("layers", limit: Configuration.mostLayers)
    heads = try configuration.dimension("heads")
    isScaled = try configuration.flag("layerScale")
    isGated = try configuration.flag("gatedMLP")
    mlpSize = try Self.mlpSize(configuration, size, isGated)
    epsilon = try configuration.positive("layerNormEpsilon")
    activation = try configuration.activation()
    guard size.isMultiple(of: heads) else {
      throw configuration.failure("heads", "is \(heads), which does not divide hiddenSize \(size)")
    }
  }

  /// DINOv2's configurations have a ratio; with a gate, two thirds of that are left, up to a multiple of 8 (source:
  /// transformers 5.24, modeling_dinov2.py, Dinov2SwiGLUFFN).
  private static func mlpSize(_ configuration: Configuration, _ size: Int, _ isGated: Bool) throws(Failure) -> Int {
    guard configuration["mlpRatio"] != nil else { return try configuration.dimension("mlpSize") }
    let inner = size * (try configuration.dimension("mlpRatio", limit: 64))
    return isGated ? (inner * 2 / 3 + 7) / 8 * 8 : inner
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
        return attention.attention.map(
          queries: mixed.columns(0..<size), keys: mixed.columns(size..<2 * size),
          values: mixed.columns(2 * size..<3 * size), into: scratch.attended.rows(rows), isCausal: isCausal,
          rounds: attention.rounds)
      })
    try add(attention.projection, of: scratch.attended, times: scale1, to: x, by: scratch.normalized, engine)
    norm2(x, into: scratch.normalized, engine)
    let inner = try mlp.inner(scratch.normalized, scratch.inner, engine)
    try add(mlp.fc2, of: inner, times: scale2, to: x, by: scratch.normalized, engine)
  }

  /// x ← x + scale · map(y).
  /// - Parameter scratch: of the size of x.
  private func add(
    _ map: Linear, of y: Matrix, times scale: LayerScale?, to x: Matrix, by scratch: Matrix, _ engine: Engine
  ) throws(Failure) {
    guard let scale else { return try engine.run([map.map(y, into: x, .add)]) }
    try engine.run([map.map(y, into: scratch)])
    x.add(scratch, timesColumns: scale.weight.kernel.floats)
  }
}
