import Arrays
import Checkpoints
import Nets

/// Vision Transformers as operators.
extension GraphBuilder {
  /// Images as vision nets take them: batch × channels × side × side.
  /// - Parameter side: in pixels.
  func pixels(_ trunk: VisionTrunk, side: Int, _ batch: String = "batch") -> GraphValue {
    input("pixel_values", .float32, [.named(batch), .fixed(trunk.channelCount), .fixed(side), .fixed(side)])
  }

  /// What a trunk makes of images.
  /// - Parameters:
  ///   - pixels: batch × channels × side × side.
  ///   - side: in pixels.
  /// - Returns: batch × (tokens + patches) × size.
  func vision(_ trunk: VisionTrunk, _ pixels: GraphValue, side: Int) -> GraphValue {
    let count = trunk.vectorCount(side: side)
    let start = within("embeddings") { vectors(trunk, pixels, side) }
    var x = node("Reshape", [start, integers([-1, trunk.size])])
    if let preNorm = trunk.preNorm { x = norm(preNorm, x) }
    for (number, block) in trunk.blocks.enumerated() {
      let heads = block.attention.attention.heads
      let shape = integers([-1, count, heads, trunk.size / heads])
      x = within("blocks.\(number)") { self.block(block, x, shape) }
    }
    return node("Reshape", [norm(trunk.norm, x), integers([-1, count, trunk.size])])
  }

  /// What the first block, or the norm before it, gets: batch × (tokens + patches) × size.
  private func vectors(_ trunk: VisionTrunk, _ pixels: GraphValue, _ imageSide: Int) -> GraphValue {
    let side = trunk.patchSide
    let grid = node(
      "Conv", [pixels, float(trunk.patch.weight)] + (trunk.patch.bias.map { [float($0)] } ?? []),
      [.init("kernel_shape", .integers([side, side])), .init("strides", .integers([side, side]))])
    let patches = node(
      "Transpose", [node("Reshape", [grid, integers([0, trunk.size, -1])])], [.init("perm", .integers([0, 2, 1]))])
    let batch = extents(pixels, 0..<1)
    func repeated(_ weight: Weight, _ rows: Int) -> GraphValue {
      node("Expand", [float(weight), joined([batch, integers([rows, trunk.size])])])
    }
    var leading = [repeated(trunk.classToken, 1)]
    if let token = trunk.distillationToken { leading.append(repeated(token, 1)) }
    let places = positions(trunk, side: imageSide)
    guard let registers = trunk.registers else {
      return node("Add", [joined(leading + [patches], axis: 1), places])
    }
    // Registers, which have no positions, stand between those that have them.
    let (split, end) = (integers([leading.count]), integers([trunk.vectorCount(side: imageSide)]))
    let first = node("Add", [joined(leading, axis: 1), slice(places, from: integers([0]), to: split)])
    let last = node("Add", [patches, slice(places, from: split, to: end)])
    return joined([first, repeated(registers, registers.shape.dimensions[0]), last], axis: 1)
  }

  /// ViT, DeiT and DINOv2: scores of classes, where there are any, all vectors, and the one that the publisher's library makes.
  func imageNet(_ net: any ImageClassifierNet, side: Int) {
    let trunk = net.trunk
    let vectors = vision(trunk, pixels(trunk, side: side), side: side)
    if let logits = within("head", { scores(net, vectors, side) }) {
      output("logits", logits, [.named("batch"), .fixed(net.classes)])
    }
    let first = row(vectors, 0)
    let pooler = (net as? ViTImageClassifier)?.pooler
    let pooled = within("pooler") { pooler.map { node("Tanh", [linear($0, first)]) } ?? first }
    output("last_hidden_state", vectors, [.named("batch"), .fixed(trunk.vectorCount(side: side)), .fixed(trunk.size)])
    output("pooler_output", pooled, [.named("batch"), .fixed(trunk.size)])
  }

  /// nil: the net has no classes.
  private func scores(_ net: any ImageClassifierNet, _ vectors: GraphValue, _ side: Int) -> GraphValue? {
    let first = row(vectors, 0)
    if let net = net as? ViTImageClassifier, let classifier = net.classifier {
      let scores = linear(classifier, first)
      guard let second = net.distillationClassifier else { return scores }
      return node("Mul", [node("Add", [scores, linear(second, row(vectors, 1))]), float(0.5)])
    }
    guard let net = net as? Dinov2Encoder, let classifier = net.classifier else { return nil }
    let (start, end) = (integers([net.trunk.tokens]), integers([net.trunk.vectorCount(side: side)]))
    let patches = node("Slice", [vectors, start, end, integers([1])])
    let mean = node("ReduceMean", [patches], [.init("axes", .integers([1])), .init("keepdims", .integer(0))])
    return linear(classifier, joined([first, mean], axis: 1))
  }
}

extension VisionTrunk {
  fileprivate var channelCount: Int { patch.weight.shape.dimensions[1] }

  /// Vectors of an image of a side in pixels.
  func vectorCount(side: Int) -> Int {
    let perSide = side / patchSide
    return tokens + perSide * perSide
  }
}
