import Arrays
import Checkpoints
import Nets

/// CLIP's nets as operators.
extension GraphBuilder {
  /// Vectors of images, of length 1: batch × projection size.
  func clipImages(_ net: ClipImageEncoder, _ batch: String) -> GraphValue {
    let side = net.trunk.imageSide
    let vectors = within("image") { vision(net.trunk, pixels(net.trunk, side: side, batch), side: side) }
    return within("image/projection") { unitLength(linear(net.projection, row(vectors, 0))) }
  }

  /// Vectors of texts, of length 1: batch × projection size. What is behind a text's end token makes no difference, so that
  /// texts of several lengths need no mask.
  func clipTexts(_ net: ClipTextEncoder, _ batch: String) -> GraphValue {
    let ids = input("input_ids", .int64, [.named(batch), .named("length")])
    let heads = net.blocks[0].attention.attention.heads
    let texts = texts(ids, heads: heads, size: net.size)
    let vectors = within("text") {
      let places = rows(of: net.position.weight, count(to: texts.length))
      let start = node("Add", [rows(of: net.word.weight, ids), places])
      let bias = causalBias(length: texts.length)
      var x = node("Reshape", [start, integers([-1, net.size])])
      for (number, block) in net.blocks.enumerated() {
        x = within("blocks.\(number)") { self.block(block, x, texts.heads, bias: bias) }
      }
      return node("Reshape", [x, joined([extents(ids, 0..<2), integers([net.size])])])
    }
    return within("text/projection") {
      let ends = rows(vectors, at: endPlaces(net, ids))
      return unitLength(linear(net.projection, norm(net.norm, ends)))
    }
  }

  /// Where texts' vectors are taken; see `ClipTextEncoder.pooledPosition`.
  private func endPlaces(_ net: ClipTextEncoder, _ ids: GraphValue) -> GraphValue {
    let isOld = net.endToken == 2
    let marked = isOld ? ids : node("Equal", [ids, integer(net.endToken)])
    return node(
      "ArgMax", [cast(marked, to: .int32)], [.init("axis", .integer(1)), .init("keepdims", .integer(0))])
  }

  /// Vectors of images and texts, and scores of all their pairs: as transformers' CLIPModel gives them.
  func clip(_ image: ClipImageEncoder, _ text: ClipTextEncoder) {
    let images = clipImages(image, "images")
    let texts = clipTexts(text, "texts")
    let turned = node("Transpose", [texts], [.init("perm", .integers([1, 0]))])
    let scores = node("Mul", [node("MatMul", [images, turned]), node("Exp", [float(text.logitScale)])])
    output("logits_per_image", scores, [.named("images"), .named("texts")])
    output("text_embeds", texts, [.named("texts"), .fixed(text.projection.outputs)])
    output("image_embeds", images, [.named("images"), .fixed(image.projection.outputs)])
  }
}
