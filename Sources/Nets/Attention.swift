import Kernels

/// Scaled dot-product attention, all heads beside each other (Vaswani et al., Attention Is All You Need, 2017,
/// arXiv:1706.03762): of each head softmax(q kᵀ / √(head size)) v.
public struct DotProductAttention: Sendable {
  public let heads: Int
  let name: String

  /// - Parameters:
  ///   - size: width of all heads together.
  ///   - keys: how many rows it is over.
  init(_ source: WeightSource, size: Int, heads: Int, over keys: Extent) {
    self.heads = heads
    name = source.layerName
    let shape = [source.rows, .fixed(size)]
    let products = [source.rows, keys, .fixed(size)]
    source.begin(.attention, shape, to: shape, over: keys, products: [products, products])
  }
}

extension DotProductAttention {
  /// For an engine to run; see `AttentionMap`.
  func map(
    queries: Matrix, keys: Matrix, values: Matrix, into output: Matrix, weights: Matrix? = nil, isCausal: Bool = false,
    rounds: Bool = false
  ) -> AttentionMap {
    AttentionMap(
      queries: queries, keys: keys, values: values, into: output, weights: weights, heads: heads, isCausal: isCausal,
      rounds: rounds, layer: name)
  }
}
