import Arrays
import Checkpoints
import Nets

/// BLIP's text nets as operators.
extension GraphBuilder {
  /// What a text net's blocks look at beside the text.
  struct Context {
    /// Of each block.
    let blocks: [KeysAndValues]
    /// Hides what doesn't count; nil: all does.
    let bias: GraphValue?
  }

  /// Keys and values of vectors that a text net attends over.
  /// - Parameters:
  ///   - vectors: sequences × vectors of each × context size.
  ///   - isRounded: whether they are rounded where int8 weights are for that.
  func context(_ trunk: TextTrunk, _ vectors: GraphValue, isRounded: Bool = true) -> Context {
    within("context") {
      let heads = trunk.blocks[0].crossAttention.attention.heads
      let shape = joined([extents(vectors, 0..<2), integers([heads, trunk.size / heads])])
      let rows = node("Reshape", [vectors, integers([-1, trunk.contextSize])])
      let blocks = trunk.blocks.enumerated().map { number, block in
        within("blocks.\(number)") {
          KeysAndValues(
            keys: self.heads(linear(block.crossAttention.key, rows, isRounded: isRounded), shape),
            values: self.heads(linear(block.crossAttention.value, rows, isRounded: isRounded), shape))
        }
      }
      return Context(blocks: blocks, bias: nil)
    }
  }

  /// What a text net makes of texts.
  /// - Parameters:
  ///   - ids: texts × tokens.
  ///   - context: nil: cross-attention is left out.
  ///   - past: of each block, of tokens before these; nil: there are none.
  ///   - bias: hides tokens from each other.
  /// - Returns: texts × tokens × size; and of each block keys and values of all tokens.
  func text(
    _ trunk: TextTrunk, _ ids: GraphValue, _ context: Context?, past: [KeysAndValues]? = nil, bias: GraphValue?
  ) -> (vectors: GraphValue, now: [KeysAndValues]) {
    let heads = trunk.blocks[0].selfAttention.attention.heads
    let texts = texts(ids, heads: heads, size: trunk.size)
    let start = within("embeddings") {
      var places = count(to: texts.length)
      if let past { places = node("Add", [places, extents(past[0].keys, 2..<3)]) }
      let words = rows(of: trunk.embeddings.word.weight, ids)
      return norm(
        trunk.embeddings.norm, node("Add", [words, rows(of: trunk.embeddings.position.weight, places)]))
    }
    var x = node("Reshape", [start, integers([-1, trunk.size])])
    var now: [KeysAndValues] = []
    for (number, block) in trunk.blocks.enumerated() {
      x = within("blocks.\(number)") {
        let (own, all) = within("selfAttention") {
          selfAttention(block.selfAttention, x, texts, past: past?[number], bias: bias)
        }
        now.append(all)
        guard let context else { return widened(block.mlp, own) }
        let crossed = within("crossAttention") {
          crossAttention(block.crossAttention, own, texts, context.blocks[number], bias: context.bias)
        }
        return widened(block.mlp, crossed)
      }
    }
    return (node("Reshape", [x, joined([extents(ids, 0..<2), integers([trunk.size])])]), now)
  }

  /// x ← norm(x + output(attention of x over the context)).
  private func crossAttention(
    _ layer: TextAttention, _ x: GraphValue, _ texts: Texts, _ context: KeysAndValues, bias: GraphValue?
  ) -> GraphValue {
    let heads = layer.attention.heads
    let attended = attention(
      queries: self.heads(linear(layer.query, x), texts.heads), keys: context.keys, values: context.values,
      size: layer.query.outputs / heads, heads: heads, bias: bias)
    return norm(layer.norm, node("Add", [x, linear(layer.output, attended)]))
  }

  // MARK: Keys and values that go in and out

  private static func name(_ kind: String, _ block: Int, _ part: String, _ of: String) -> String {
    "\(kind).\(block).\(of).\(part)"
  }

  /// Names as transformers' exporters have them: of the tokens so far `decoder`, of what is attended over `encoder`.
  func shape(_ trunk: TextTrunk, _ batch: String, _ length: String) -> [ONNXGraph.Extent] {
    let heads = trunk.blocks[0].selfAttention.attention.heads
    return [.named(batch), .fixed(heads), .named(length), .fixed(trunk.size / heads)]
  }

  func keysAndValues(
    of trunk: TextTrunk, _ kind: String, _ of: String, batch: String = "batch", length: String
  ) -> [KeysAndValues] {
    let shape = shape(trunk, batch, length)
    return trunk.blocks.indices.map { block in
      KeysAndValues(
        keys: input(Self.name(kind, block, "key", of), .float32, shape),
        values: input(Self.name(kind, block, "value", of), .float32, shape))
    }
  }

  func output(
    _ all: [KeysAndValues], of trunk: TextTrunk, _ kind: String, _ of: String, batch: String = "batch",
    length: String, fixed: Int? = nil
  ) {
    var shape = shape(trunk, batch, length)
    if let fixed { shape[2] = .fixed(fixed) }
    for (block, one) in all.enumerated() {
      output(Self.name(kind, block, "key", of), one.keys, shape)
      output(Self.name(kind, block, "value", of), one.values, shape)
    }
  }

  // MARK: Nets

  /// A step of a decoder: scores of the tokens behind those that are given, of which there may be any number.
  /// - Parameter hasMask: whether not all that is attended over counts.
  func decoder(_ net: BlipTextDecoder, hasMask: Bool) {
    let trunk = net.trunk
    let ids = input("input_ids", .int64, [.named("batch"), .named("length")])
    let mask = hasMask ? input("encoder_attention_mask", .int64, [.named("batch"), .named("encoder_length")]) : nil
    let encoder = keysAndValues(
      of: trunk, "past_key_values", "encoder", batch: hasMask ? "batch" : "images", length: "encoder_length")
    let past = keysAndValues(of: trunk, "past_key_values", "decoder", length: "past_length")
    let bias = within("causal") { causalBias(length: extents(ids, 1..<2), past: extents(past[0].keys, 2..<3)) }
    let context = Context(blocks: encoder, bias: mask.map { self.bias(hiding: $0) })
    let (vectors, now) = text(trunk, ids, context, past: past, bias: bias)
    let scores = self.scores(net, node("Reshape", [vectors, integers([-1, trunk.size])]))
    let words = net.head.projection.outputs
    let shaped = node("Reshape", [scores, joined([extents(ids, 0..<2), integers([words])])])
    output("logits", shaped, [.named("batch"), .named("length"), .fixed(words)])
    output(now, of: trunk, "present", "decoder", length: "total_length")
  }

  /// A score per word of each row of the trunk's output.
  func scores(_ net: BlipTextDecoder, _ rows: GraphValue) -> GraphValue {
    within("head") {
      let middle = activation(net.head.activation.function, linear(net.head.transform, rows))
      return linear(net.head.projection, norm(net.head.norm, middle))
    }
  }

  /// Vectors of images, and, of a captioning net, the decoder's keys and values of them.
  func blipImages(_ net: BlipImageEncoder, decoder: BlipTextDecoder?) {
    let side = net.trunk.imageSide
    let vectors = vision(net.trunk, pixels(net.trunk, side: side), side: side)
    let count = net.trunk.vectorCount(side: side)
    output("image_embeds", vectors, [.named("batch"), .fixed(count), .fixed(net.trunk.size)])
    guard let trunk = decoder?.trunk else { return }
    let blocks = context(trunk, vectors, isRounded: false).blocks
    output(blocks, of: trunk, "past_key_values", "encoder", length: "", fixed: count)
  }

  /// Vectors of questions about images, and the decoder's keys and values of them.
  func question(_ net: BlipTextEncoder, decoder: BlipTextDecoder) {
    let tokens: [ONNXGraph.Extent] = [.named("batch"), .named("length")]
    let ids = input("input_ids", .int64, tokens)
    let mask = input("attention_mask", .int64, tokens)
    // Of one image, it is every question's.
    let image = input("image_embeds", .float32, [.named("images"), .named("vectors"), .fixed(net.trunk.contextSize)])
    // As of few questions at once, whose net attends over the vectors as they are (`CrossContext.direct`).
    let context = context(net.trunk, image, isRounded: false)
    let vectors = text(net.trunk, ids, context, bias: bias(hiding: mask)).vectors
    output("question_embeds", vectors, tokens + [.fixed(net.trunk.size)])
    let blocks = within("decoder") { self.context(decoder.trunk, vectors).blocks }
    output(blocks, of: decoder.trunk, "past_key_values", "encoder", length: "length")
  }

  /// How well texts match images: two scores, that they don't and that they do; and vectors of each without the other.
  /// - Parameter matchToken: in place of a text's first token where it is read with an image.
  func matching(_ image: BlipImageMatcher, _ text: BlipTextMatcher, matchToken: Int) {
    let side = image.trunk.imageSide
    let pixels = pixels(image.trunk, side: side, "images")
    let tokens: [ONNXGraph.Extent] = [.named("texts"), .named("length")]
    let ids = input("input_ids", .int64, tokens)
    let mask = input("attention_mask", .int64, tokens)
    let vectors = within("image") { vision(image.trunk, pixels, side: side) }
    let hidden = bias(hiding: mask)
    let alone = within("alone") { row(self.text(text.trunk, ids, nil, bias: hidden).vectors, 0) }
    let scores = within("together") {
      let first = node("Expand", [integer(matchToken), joined([extents(ids, 0..<1), integers([1])])])
      let rest = node("Slice", [ids, integers([1]), integers([Int(Int32.max)]), integers([1])])
      // As of few texts at once, whose net attends over the vectors as they are (`CrossContext.direct`).
      let context = context(text.trunk, vectors, isRounded: false)
      let read = self.text(text.trunk, joined([first, rest], axis: 1), context, bias: hidden)
      return linear(text.head, row(read.vectors, 0))
    }
    let size = text.projection.outputs
    let images = within("image") { unitLength(linear(image.projection, row(vectors, 0))) }
    let read = within("alone") { unitLength(linear(text.projection, alone)) }
    let turned = node("Transpose", [read], [.init("perm", .integers([1, 0]))])
    output("itm_score", scores, [.named("texts"), .fixed(2)])
    output("cosine", node("MatMul", [images, turned]), [.named("images"), .named("texts")])
    output("image_embeds", images, [.named("images"), .fixed(size)])
    output("text_embeds", read, [.named("texts"), .fixed(size)])
    output(
      "last_hidden_state", vectors,
      [.named("images"), .fixed(image.trunk.vectorCount(side: side)), .fixed(image.trunk.size)])
  }
}
