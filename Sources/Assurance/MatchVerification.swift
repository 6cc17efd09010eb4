import Arrays
import Kernels
import Tasks

/// Runs matching nets on the inputs of a reference file and compares what they compute with what it holds.
public struct MatchVerification: Sendable {
  private let matching: ImageTextMatching
  private let reference: ReferenceFile
  private let tolerance: Double

  public init(
    _ matching: ImageTextMatching, _ reference: ReferenceFile,
    tolerance: Double = ReferenceVerification.usualTolerance
  ) {
    self.matching = matching
    self.reference = reference
    self.tolerance = tolerance
  }

  /// In the order in which images and texts go through the nets.
  /// - Throws: `Failure` of kind `badData` when the reference is of other nets or its inputs are not what these take, `io`
  ///   when memory is short.
  public func run() throws(Failure) -> [OutputComparison] {
    guard reference.kind == .matches else {
      throw Failure(
        .badData, file: reference.checkpoint.path, "holds no matches",
        hint: "tools/reference/matches.py writes such files")
    }
    var outputs = ReferenceOutputs(tolerance: tolerance)
    var seen: (number: Int, image: SeenImage)?
    for item in reference.questions {
      let image: SeenImage
      if let seen, seen.number == item.image {
        image = seen.image
      } else {
        let place = reference.images[item.image]
        image = try reference.look(at: place, with: matching.sight, &outputs)
        try reference.compare("image_vector", place, matching.vector(of: image), &outputs)
        seen = (item.image, image)
      }
      let tokens = try reference.tokens(item.prefix + "input_ids")
      guard !tokens.isEmpty else { throw reference.failure(item.prefix + "input_ids", "is empty") }
      if let text = item.text { outputs.add("input_ids", try matching.tokens(text), tokens) }
      let read = try matching.read([(text: item.text ?? "", tokens: tokens)])
      let match = try matching.match(image, read)[0]
      try reference.compare("text_vector", item, read[0].vector, &outputs)
      try reference.compare("logits", item, match.logits, &outputs)
      if reference.has(item.prefix + "cosine") {
        // As a part of the largest that there can be: it may be zero.
        let given = try reference.floats(item.prefix + "cosine")
        outputs.add("cosine", [Float(match.cosine), 1], given + [1])
      }
    }
    return outputs.inOrder
  }
}
