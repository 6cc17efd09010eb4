import Arrays
import Checkpoints
import Families
import Nets

/// Sentence embedders as operators.
extension GraphBuilder {
  /// What is known of texts that are run together.
  struct Texts {
    /// texts × tokens.
    let ids: GraphValue
    /// Tokens of each, a list of one.
    let length: GraphValue
    /// Texts, tokens of each, heads and the size of a head.
    let heads: GraphValue
  }

  func texts(_ ids: GraphValue, heads: Int, size: Int) -> Texts {
    let shape = extents(ids, 0..<2)
    return Texts(
      ids: ids, length: extents(ids, 1..<2), heads: joined([shape, integers([heads, size / heads])]))
  }

  /// Vectors of texts: those of their tokens, and one of each.
  func embedder(_ net: BertEncoder, _ rules: TextVectorRules) {
    let tokens: [ONNXGraph.Extent] = [.named("batch"), .named("length")]
    let ids = input("input_ids", .int64, tokens)
    let mask = input("attention_mask", .int64, tokens)
    let types = input("token_type_ids", .int64, tokens)
    let pooled = rules.poolsPrompt ? mask : input("pooling_mask", .int64, tokens)
    let vectors = bert(net, ids, mask, types)
    output("last_hidden_state", vectors, tokens + [.fixed(net.size)])
    let vector = within("pooling") {
      let parts = rules.pooling.map { self.pooled(vectors, by: $0, pooled) }
      let vector = parts.count == 1 ? parts[0] : joined(parts, axis: 1)
      return rules.normalizes ? unitLength(vector) : vector
    }
    output("sentence_embedding", vector, [.named("batch"), .fixed(net.size * rules.pooling.count)])
  }

  /// - Returns: texts × tokens × size.
  private func bert(_ net: BertEncoder, _ ids: GraphValue, _ mask: GraphValue, _ types: GraphValue) -> GraphValue {
    let embeddings = net.embeddings
    let heads = net.blocks[0].attention.attention.heads
    let texts = texts(ids, heads: heads, size: net.size)
    let start = within("embeddings") {
      let words = node("Add", [rows(of: embeddings.word.weight, ids), rows(of: embeddings.tokenType.weight, types)])
      let places = rows(of: embeddings.position.weight, count(to: texts.length))
      return norm(embeddings.norm, node("Add", [words, places]))
    }
    let bias = bias(hiding: mask)
    var x = node("Reshape", [start, integers([-1, net.size])])
    for (number, block) in net.blocks.enumerated() {
      x = within("blocks.\(number)") {
        let attended = within("attention") { selfAttention(block.attention, x, texts, bias: bias).output }
        return widened(block.mlp, attended)
      }
    }
    return node("Reshape", [x, joined([extents(ids, 0..<2), integers([net.size])])])
  }

  /// x ← norm(x + MLP(x)).
  func widened(_ layer: TextMLP, _ x: GraphValue) -> GraphValue {
    norm(layer.norm, node("Add", [x, mlp(layer.mlp, x)]))
  }

  /// x ← norm(x + output(attention of x over itself)).
  /// - Parameters:
  ///   - x: rows × size.
  ///   - past: keys and values of tokens before these: texts × heads × tokens × the size of a head.
  /// - Returns: also the keys and values of all tokens.
  func selfAttention(
    _ layer: TextAttention, _ x: GraphValue, _ texts: Texts, past: KeysAndValues? = nil, bias: GraphValue?
  ) -> (output: GraphValue, now: KeysAndValues) {
    let heads = layer.attention.heads
    var now = KeysAndValues(
      keys: self.heads(linear(layer.key, x), texts.heads), values: self.heads(linear(layer.value, x), texts.heads))
    if let past {
      now = KeysAndValues(
        keys: joined([past.keys, now.keys], axis: 2), values: joined([past.values, now.values], axis: 2))
    }
    let attended = attention(
      queries: self.heads(linear(layer.query, x), texts.heads), keys: now.keys, values: now.values,
      size: layer.query.outputs / heads, heads: heads, bias: bias)
    return (norm(layer.norm, node("Add", [x, linear(layer.output, attended)])), now)
  }

  // MARK: Pooling

  /// One vector of each text; see `TextPooling`.
  /// - Parameters:
  ///   - vectors: texts × tokens × size.
  ///   - mask: texts × tokens, integers, 1 for those that count.
  private func pooled(_ vectors: GraphValue, by mode: TextPooling.Mode, _ mask: GraphValue) -> GraphValue {
    switch mode {
    case .cls, .lastToken:
      let isLast: ONNXGraph.Attribute = .init("select_last_index", .integer(mode == .cls ? 0 : 1))
      let places = node(
        "ArgMax", [cast(mask, to: .int32)], [.init("axis", .integer(1)), .init("keepdims", .integer(0)), isLast])
      return rows(vectors, at: places)
    case .max:
      let counts = cast(node("Unsqueeze", [mask, integers([2])]), to: .bool)
      return node(
        "ReduceMax", [node("Where", [counts, vectors, float(-Float.greatestFiniteMagnitude)])],
        [.init("axes", .integers([1])), .init("keepdims", .integer(0))])
    case .mean, .meanOfSquareRoot, .weightedMean:
      var weights = cast(mask, to: .float32)
      if mode == .weightedMean {
        let places = node("Add", [count(to: extents(mask, 1..<2)), integer(1)])
        weights = node("Mul", [weights, cast(places, to: .float32)])
      }
      let shares = node("Unsqueeze", [weights, integers([2])])
      let sums = node("ReduceSum", [node("Mul", [vectors, shares]), integers([1])], [.init("keepdims", .integer(0))])
      // A text without tokens that count has a vector of zeros.
      let total = node(
        "Max", [node("ReduceSum", [weights, integers([1])], [.init("keepdims", .integer(1))]), float(1e-9)])
      return node("Div", [sums, mode == .meanOfSquareRoot ? node("Sqrt", [total]) : total])
    }
  }
}

/// What attention is over: texts × heads × tokens × the size of a head, each.
struct KeysAndValues {
  let keys: GraphValue
  let values: GraphValue
}
