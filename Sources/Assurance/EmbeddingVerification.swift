import Arrays
import Kernels
import Tasks

/// Runs an embedder on the texts of a reference file, as `tools/reference/embeddings.py` writes it, and compares what it
/// computes with what that holds: `texts.J.input_ids` and `texts.J.embedding`, with the texts and what was put before them
/// in the metadata, `texts.J.text` and `texts.J.prompt`.
public struct EmbeddingVerification: Sendable {
  private let embedder: TextEmbedding
  private let reference: ReferenceArrays
  private let tolerance: Double
  private let count: Int

  private static let hint = "a reference file of an embedder is what tools/reference/embeddings.py writes"

  /// Whether a file holds what was computed for an embedder's texts.
  /// - Throws: `Failure` of kind `noInput`, or `badData` when it is no safetensors file.
  public static func isReference(_ path: String) throws(Failure) -> Bool {
    try ReferenceArrays(path, hint: hint).has("texts.0.embedding")
  }

  /// - Throws: `Failure` of kind `noInput`, or `badData` when the file is no such file.
  public init(
    _ embedder: TextEmbedding, _ path: String, tolerance: Double = ReferenceVerification.usualTolerance
  ) throws(Failure) {
    self.embedder = embedder
    self.tolerance = tolerance
    let reference = try ReferenceArrays(path, hint: Self.hint)
    var count = 0
    while reference.has("texts.\(count).embedding") { count += 1 }
    guard count > 0 else {
      throw Failure(.badData, file: path, "holds no texts with their vectors", hint: Self.hint)
    }
    self.reference = reference
    self.count = count
  }

  /// - Throws: `Failure` of kind `badData` when the reference's inputs are not what the net takes, `io` when memory is short.
  public func run() throws(Failure) -> [OutputComparison] {
    var ids = OutputComparison("input_ids", tolerance: 0)
    var vectors = OutputComparison("embedding", tolerance: tolerance)
    for number in 0..<count {
      let name = "texts.\(number)."
      let prompt = reference.metadata[name + "prompt"] ?? ""
      let given = try reference.tokens(name + "input_ids")
      guard !given.isEmpty else { throw reference.failure(name + "input_ids", "is empty") }
      if let text = reference.metadata[name + "text"] { ids.add(embedder.tokens(text, prompt: prompt), given) }
      let ours = try embedder.vectors(ofTokens: [given], promptTokens: embedder.promptTokens(prompt))
      vectors.add(ours[0], try reference.floats(name + "embedding"))
    }
    return (ids.cases > 0 ? [ids] : []) + [vectors]
  }
}
