import Arrays
import Kernels
import Tasks

/// Runs captioning nets on the inputs of a reference file and compares what they compute with what it holds.
public struct CaptionVerification: Sendable {
  private let captioning: ImageCaptioning
  private let reference: ReferenceFile
  private let tolerance: Double

  public init(
    _ captioning: ImageCaptioning, _ reference: ReferenceFile,
    tolerance: Double = ReferenceVerification.usualTolerance
  ) {
    self.captioning = captioning
    self.reference = reference
    self.tolerance = tolerance
  }

  /// In the order in which an image goes through the nets.
  /// - Throws: `Failure` of kind `badData` when the reference is of other nets or its inputs are not what these take, `io`
  ///   when memory is short.
  public func run() throws(Failure) -> [OutputComparison] {
    guard reference.kind == .captions else {
      throw Failure(
        .badData, file: reference.checkpoint.path, "holds no captions",
        hint: "tools/reference/captions.py and `ingot caption --trace` write such files")
    }
    var outputs = ReferenceOutputs(tolerance: tolerance)
    var seen: (number: Int, image: SeenImage)?
    for item in reference.questions {
      let image: SeenImage
      if let seen, seen.number == item.image {
        image = seen.image
      } else {
        image = try reference.look(at: reference.images[item.image], with: captioning.sight, &outputs)
        seen = (item.image, image)
      }
      try caption(item, image, &outputs)
    }
    return outputs.inOrder
  }

  private func caption(
    _ item: ReferenceFile.Case, _ image: SeenImage, _ outputs: inout ReferenceOutputs
  ) throws(Failure) {
    let beginning = try reference.tokens(item.prefix + "input_ids")
    guard !beginning.isEmpty else { throw reference.failure(item.prefix + "input_ids", "is empty") }
    let (options, text) = try reference.caption(item)
    outputs.add("input_ids", captioning.beginning(options.prompt), beginning)
    var scores: [Float]?
    let ours = try captioning.caption(image, beginning: beginning, options: options) { scores = $0.elements }
    if let scores { try reference.compare("first_step_logits", item, scores, &outputs) }
    if reference.has(item.prefix + "caption_ids") {
      outputs.add("caption_ids", beginning + ours.tokens, try reference.tokens(item.prefix + "caption_ids"))
    }
    if let text { outputs.add("caption", captioning.text(ours).utf8.map(Int.init), text.utf8.map(Int.init)) }
  }
}
