import Arrays
import Checkpoints
import Nets

/// Captioning as one graph: from images to tokens, greedily.
extension GraphBuilder {
  /// What a step of decoding hands to the next.
  private struct Step {
    /// Tokens so far: batch × length.
    let tokens: GraphValue
    /// Whether each caption has ended: batch × 1.
    let ended: GraphValue
    /// The last token of each: batch × 1.
    let last: GraphValue
    /// Of each block, of the tokens before the last.
    let past: [KeysAndValues]

    var values: [GraphValue] { [tokens, ended, last] + past.flatMap { [$0.keys, $0.values] } }
  }

  /// Captions of images, which begin with some tokens and have at most so many more. One that ended is filled up with its end
  /// token.
  func captions(_ image: BlipImageEncoder, _ net: BlipTextDecoder, endToken: Int) {
    let side = image.trunk.imageSide
    let pixels = pixels(image.trunk, side: side)
    let tokens: [ONNXGraph.Extent] = [.named("batch"), .named("length")]
    let ids = input("input_ids", .int64, tokens)
    let most = input("max_new_tokens", .int64, [])
    let vectors = within("image") { vision(image.trunk, pixels, side: side) }
    let context = context(net.trunk, vectors, isRounded: false)
    let first = within("first") {
      let bias = causalBias(length: extents(ids, 1..<2))
      let (vectors, now) = text(net.trunk, ids, context, bias: bias)
      let ended = node("Expand", [falsehood, joined([extents(ids, 0..<1), integers([1])])])
      return next(net, vectors, Step(tokens: ids, ended: ended, last: ids, past: now), endToken)
    }
    let names = ["tokens", "ended", "last"] + net.trunk.blocks.indices.flatMap { ["keys.\($0)", "values.\($0)"] }
    let (batch, one) = (ONNXGraph.Extent.named("batch"), ONNXGraph.Extent.fixed(1))
    let shapes =
      [[batch, .named("so far")], [batch, one], [batch, one]]
      + net.trunk.blocks.indices.flatMap { _ in [shape(net.trunk, "batch", "past"), shape(net.trunk, "batch", "past")] }
    let types: [ElementType] = [.int64, .bool, .int64] + net.trunk.blocks.flatMap { _ in [.float32, .float32] }
    func ports(_ word: String, _ more: String) -> [ONNXGraph.Port] {
      zip(names, zip(types, shapes)).map { name, kind in
        ONNXGraph.Port(
          "\(word)/\(name)", kind.0,
          kind.1.map { $0 == .named("past") || $0 == .named("so far") ? .named("\(more) \($0.word)") : $0 })
      }
    }
    let counters = [ONNXGraph.Port("step/number", .int64, []), ONNXGraph.Port("step/goes on", .bool, [])]
    let body = inner("step", counters + ports("before", "earlier")) { given in
      let past = stride(from: 5, to: given.count, by: 2).map { KeysAndValues(keys: given[$0], values: given[$0 + 1]) }
      let step = Step(tokens: given[2], ended: given[3], last: given[4], past: past)
      return within("step") {
        let (vectors, now) = text(net.trunk, step.last, context, past: step.past, bias: nil)
        let after = next(
          net, vectors, Step(tokens: step.tokens, ended: step.ended, last: step.last, past: now), endToken)
        let on = (goesOn(after), ONNXGraph.Port("step/goes on after", .bool, []))
        return [on] + zip(after.values, ports("after", "later")).map { ($0, $1) }
      }
    }
    let rest = node("Sub", [most, integer(1)])
    let made = nodes("Loop", [rest, goesOn(first)] + first.values, outputs: first.values.count, [body])
    output("sequences", made[0], [batch, .named("total_length")], .int64)
  }

  private var falsehood: GraphValue { cast(integer(0), to: .bool) }

  /// Whether a caption hasn't ended.
  private func goesOn(_ step: Step) -> GraphValue {
    let least = node("ReduceMin", [cast(step.ended, to: .int32)], [.init("keepdims", .integer(0))])
    return node("Not", [cast(least, to: .bool)])
  }

  /// The next token of each: the likeliest, or the end token behind one that ended.
  /// - Parameters:
  ///   - vectors: batch × tokens × size.
  ///   - step: what there was before, with keys and values of all tokens.
  private func next(_ net: BlipTextDecoder, _ vectors: GraphValue, _ step: Step, _ endToken: Int) -> Step {
    let scores = scores(net, row(vectors, -1))
    let best = node("ArgMax", [scores], [.init("axis", .integer(1)), .init("keepdims", .integer(1))])
    let token = node("Where", [step.ended, integer(endToken), best])
    let ended = node("Or", [step.ended, node("Equal", [token, integer(endToken)])])
    return Step(tokens: joined([step.tokens, token], axis: 1), ended: ended, last: token, past: step.past)
  }
}

extension ONNXGraph.Extent {
  fileprivate var word: String { if case .named(let name) = self { name } else { "" } }
}
