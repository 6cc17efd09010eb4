import Arrays
import Checkpoints
import Nets

/// Layers as operators. Rows of several images or texts stand below each other, so that each map is one product, with weights as
/// nets have them: outputs × inputs.
extension GraphBuilder {
  /// - Parameters:
  ///   - x: rows × inputs.
  ///   - isRounded: whether x is rounded where the layer's weights are for that.
  /// - Returns: rows × outputs.
  func linear(_ layer: Linear, _ x: GraphValue, isRounded: Bool = true) -> GraphValue {
    guard isRounded, layer.weight.elementType == .int8, layer.weight.activations == .int8 else {
      return node(
        "Gemm", [x, float(layer.weight)] + (layer.bias.map { [float($0)] } ?? []), [.init("transB", .integer(1))])
    }
    // Σ (x - zero) w, in integers.
    let rows = quantized(x)
    let (weight, scales, sums) = integerWeight(layer.weight)
    let products = node("MatMulInteger", [rows.rows, weight, byte(0), byte(128)])
    let exact = node("Sub", [products, node("Mul", [rows.zeros, sums])])
    let scaled = node("Mul", [node("Mul", [cast(exact, to: .float32), rows.scales]), scales])
    return layer.bias.map { node("Add", [scaled, float($0)]) } ?? scaled
  }

  func norm(_ layer: LayerNorm, _ x: GraphValue) -> GraphValue {
    node(
      "LayerNormalization", [x, float(layer.weight), float(layer.bias)],
      [.init("axis", .integer(-1)), .init("epsilon", .float(Float(layer.epsilon)))])
  }

  func activation(_ function: Activation, _ x: GraphValue) -> GraphValue {
    switch function {
    case .gelu:
      let error = node("Erf", [node("Div", [x, float(Float(2).squareRoot())])])
      return node("Mul", [node("Mul", [x, node("Add", [error, float(1)])]), float(0.5)])
    case .quickGELU: return node("Mul", [x, node("Sigmoid", [node("Mul", [x, float(1.702)])])])
    }
  }

  func mlp(_ layer: MLP, _ x: GraphValue) -> GraphValue {
    within("mlp") {
      let inner = linear(layer.fc1, x)
      switch layer.middle {
      case .activation(let middle): return linear(layer.fc2, activation(middle.function, inner))
      case .gate(let gate):
        let parts = nodes(
          "Split", [inner, integers([gate.size, gate.size])], outputs: 2, [.init("axis", .integer(-1))])
        let open = node("Mul", [parts[0], node("Sigmoid", [parts[0]])])
        return linear(layer.fc2, node("Mul", [open, parts[1]]))
      }
    }
  }

  /// - Parameters:
  ///   - x: rows × size.
  ///   - shape: sequences, rows of each, heads and the size of a head.
  /// - Returns: sequences × heads × rows of each × the size of a head.
  func heads(_ x: GraphValue, _ shape: GraphValue) -> GraphValue {
    node("Transpose", [node("Reshape", [x, shape])], [.init("perm", .integers([0, 2, 1, 3]))])
  }

  /// Attention of all heads: of each softmax(q kᵀ / √(head size) + bias) v.
  /// - Parameters:
  ///   - queries, keys, values: as `heads` gives them; of one sequence, keys and values are for all.
  ///   - size: of a head.
  ///   - bias: what is added to scores; its dimensions are repeated as needed.
  /// - Returns: rows × the size of all heads.
  func attention(
    queries: GraphValue, keys: GraphValue, values: GraphValue, size: Int, heads: Int, bias: GraphValue? = nil
  ) -> GraphValue {
    let scaled = node("Mul", [queries, float(1 / Float(size).squareRoot())])
    let turned = node("Transpose", [keys], [.init("perm", .integers([0, 1, 3, 2]))])
    var scores = node("MatMul", [scaled, turned])
    if let bias { scores = node("Add", [scores, bias]) }
    let shares = node("Softmax", [scores], [.init("axis", .integer(-1))])
    let sums = node("Transpose", [node("MatMul", [shares, values])], [.init("perm", .integers([0, 2, 1, 3]))])
    return node("Reshape", [sums, integers([-1, heads * size])])
  }

  /// - Parameters:
  ///   - x: rows × size.
  ///   - shape: sequences, rows of each, heads and the size of a head.
  func block(_ block: PreNormBlock, _ x: GraphValue, _ shape: GraphValue, bias: GraphValue? = nil) -> GraphValue {
    let size = block.norm1.weight.shape.elements
    let heads = block.attention.attention.heads
    let attended = within("attention") {
      let mixed = linear(block.attention.qkv, norm(block.norm1, x))
      let parts = nodes(
        "Split", [mixed, integers([size, size, size])], outputs: 3, [.init("axis", .integer(-1))]
      ).map { self.heads($0, shape) }
      let attended = attention(
        queries: parts[0], keys: parts[1], values: parts[2], size: size / heads, heads: heads, bias: bias)
      return linear(block.attention.projection, attended)
    }
    let middle = node("Add", [x, scaled(attended, by: block.scale1)])
    let inner = mlp(block.mlp, norm(block.norm2, middle))
    return node("Add", [middle, scaled(inner, by: block.scale2)])
  }

  private func scaled(_ x: GraphValue, by scale: LayerScale?) -> GraphValue {
    scale.map { node("Mul", [x, float($0.weight)]) } ?? x
  }

  /// Divides the rows of x by their lengths, or, those that are shorter, by 10⁻¹².
  func unitLength(_ x: GraphValue) -> GraphValue {
    let length = node("ReduceL2", [x], [.init("axes", .integers([-1])), .init("keepdims", .integer(1))])
    return node("Div", [x, node("Max", [length, float(1e-12)])])
  }

  // MARK: Shapes and places

  /// Some dimensions of a value, as a list.
  func extents(_ value: GraphValue, _ range: Range<Int>) -> GraphValue {
    node("Shape", [value], [.init("start", .integer(range.lowerBound)), .init("end", .integer(range.upperBound))])
  }

  func joined(_ lists: [GraphValue], axis: Int = 0) -> GraphValue {
    node("Concat", lists, [.init("axis", .integer(axis))])
  }

  /// Of sequences of vectors, one vector each.
  /// - Parameter x: sequences × rows × size.
  func row(_ x: GraphValue, _ index: Int) -> GraphValue {
    node("Gather", [x, integer(index)], [.init("axis", .integer(1))])
  }

  /// The same, at a place of each sequence's own.
  /// - Parameters:
  ///   - x: sequences × rows × size.
  ///   - places: a list of a place per sequence.
  func rows(_ x: GraphValue, at places: GraphValue) -> GraphValue {
    let index = node("Unsqueeze", [places, integers([1])])
    return node("GatherND", [x, index], [.init("batch_dims", .integer(1))])
  }

  /// The rows of a table from one place to another, both lists of one.
  func slice(_ table: GraphValue, from start: GraphValue, to end: GraphValue) -> GraphValue {
    node("Slice", [table, start, end, integers([0])])
  }

  /// Numbers from 0 to one less than a list's only element.
  func count(to end: GraphValue) -> GraphValue {
    node("Range", [integer(0), node("Squeeze", [end, integers([0])]), integer(1)])
  }

  /// What is added to scores where nothing is to be seen: so far below all others that softmax leaves nothing of it.
  private var farBelow: Float { -Float.greatestFiniteMagnitude }

  /// Hides the rows of each sequence whose mask is 0.
  /// - Parameter mask: sequences × rows, integers, 1 for those that count.
  /// - Returns: sequences × 1 × 1 × rows, to be added to scores.
  func bias(hiding mask: GraphValue) -> GraphValue {
    let wide = node("Unsqueeze", [mask, integers([1, 2])])
    return node("Where", [cast(wide, to: .bool), float(0), float(farBelow)])
  }

  /// Hides from each row those behind it.
  /// - Parameters:
  ///   - length: of the rows that look, a list of one.
  ///   - past: how many rows there were before, likewise; nil: none.
  /// - Returns: rows × (past and rows), to be added to scores.
  func causalBias(length: GraphValue, past: GraphValue? = nil) -> GraphValue {
    let all = past.map { node("Add", [$0, length]) } ?? length
    let own = past.map { node("Add", [count(to: length), $0]) } ?? count(to: length)
    let isSeen = node(
      "LessOrEqual", [node("Unsqueeze", [count(to: all), integers([0])]), node("Unsqueeze", [own, integers([1])])])
    return node("Where", [isSeen, float(0), float(farBelow)])
  }
}
