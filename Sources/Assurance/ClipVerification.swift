import Arrays
import Kernels
import Tasks

/// Runs CLIP nets on the inputs of a reference file and compares what they compute with what it holds.
public struct ClipVerification: Sendable {
  private let embedding: ImageTextEmbedding
  private let reference: ReferenceFile
  private let tolerance: Double

  public init(
    _ embedding: ImageTextEmbedding, _ reference: ReferenceFile,
    tolerance: Double = ReferenceVerification.usualTolerance
  ) {
    self.embedding = embedding
    self.reference = reference
    self.tolerance = tolerance
  }

  /// Images, texts, and the scores of each pair.
  /// - Throws: `Failure` of kind `badData` when the reference is of other nets or its inputs are not what these take, `io`
  ///   when memory is short.
  public func run() throws(Failure) -> [OutputComparison] {
    guard reference.kind == .texts else {
      throw Failure(
        .badData, file: reference.checkpoint.path, "holds no vectors of images and texts",
        hint: "tools/reference/clip.py writes such files")
    }
    var outputs = ReferenceOutputs(tolerance: tolerance)
    var images: [[Float]] = []
    for item in reference.images { images.append(try look(at: item, &outputs)) }
    var texts: [[Float]] = []
    for item in reference.questions {
      let given = try reference.tokens(item.prefix + "input_ids")
      guard !given.isEmpty else { throw reference.failure(item.prefix + "input_ids", "is empty") }
      if let text = item.text { outputs.add("input_ids", embedding.tokens(text), given) }
      let ours = try embedding.vectors(ofTokens: [given])[0]
      try reference.compare("text_embeds", item, ours, &outputs)
      texts.append(ours)
    }
    for (item, image) in zip(reference.images, images) {
      let scores = texts.map { text in
        var product = 0.0
        for (a, b) in zip(image, text) { product += Double(a) * Double(b) }
        return Float(product) * embedding.scale
      }
      try reference.compare("logits_per_image", item, scores, &outputs)
    }
    return outputs.inOrder
  }

  private func look(
    at item: ReferenceFile.Case, _ outputs: inout ReferenceOutputs
  ) throws(Failure) -> [Float] {
    let name = item.prefix + "pixel_values"
    let given = try reference.floats(name)
    let side = embedding.imageEncoder.trunk.imageSide
    guard reference.shape(name) == [3, side, side] else {
      throw reference.failure(name, "has shape \(reference.shape(name)); the nets take [3, \(side), \(side)]")
    }
    var pixels = Matrix(rows: 3, columns: side * side, given)
    if reference.has(item.prefix + "rgb") {
      pixels = try embedding.pixels(of: reference.picture(item.prefix + "rgb"))
      outputs.add("pixel_values", pixels.elements, given, tolerance: 0)
    }
    let ours = try embedding.vector(ofPixels: pixels)
    try reference.compare("image_embeds", item, ours, &outputs)
    return ours
  }
}
