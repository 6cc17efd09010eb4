import Ingot
import IngotRequests

/// Vectors, and what they took.
struct MadeVectors: Sendable {
  var vectors: [[Float]]
  /// Of all texts.
  var tokens: Int
}

extension Services {
  /// Vectors of texts and pictures, in their order.
  /// - Parameters:
  ///   - name: of the member with the items, for errors.
  /// - Throws: `ServiceError`.
  func embed(
    _ request: EmbeddingsRequest, by served: ServedNets, parameter: String = "input", in work: RequestWork
  ) async throws -> MadeVectors {
    let items = request.items
    guard served.nets.task == .embed else {
      throw ServiceError.badRequest(
        "the model \(served.name) makes no vectors: \(served.about)", "model", code: "model_not_supported")
    }
    let texts = items.enumerated().compactMap { index, item in
      if case .text(let text) = item { (index, text) } else { nil }
    }
    if !texts.isEmpty, !served.nets.takesTexts {
      throw ServiceError.badRequest("the model \(served.name) takes no texts", parameter, code: "model_not_supported")
    }
    if texts.count < items.count, !served.nets.takesPictures {
      throw ServiceError.badRequest(
        "the model \(served.name) takes no pictures", parameter, code: "model_not_supported")
    }
    var out = [[Float]](repeating: [], count: items.count)
    var tokens = 0
    if !texts.isEmpty {
      let prepared = try await work.compute { [store] in
        do throws(Failure) {
          guard case .embed(let nets) = try store.open(served) else { return ("", [Int](), 0) }
          let prompt = try nets.prompt(request.prompt)
          return (
            prompt, texts.map { nets.texts?.tokens($0.1, prompt: prompt).count ?? 0 }, nets.texts?.mostTokens ?? 0
          )
        } catch {
          throw ServiceError(running: error)
        }
      }
      let (prompt, counts, most) = prepared
      tokens = counts.reduce(0, +)
      // A text that fills the net's length may have been cut there: which of both it is, isn't told by the count.
      if !request.cutsOff, let index = counts.firstIndex(where: { $0 >= most }) {
        throw ServiceError.badRequest(
          "\(parameter)[\(texts[index].0)] is longer than the \(most - 1) tokens that are sure to fit", parameter,
          code: "input_too_long")
      }
      for start in stride(from: 0, to: texts.count, by: TextBatcher.most) {
        let part = texts[start..<min(texts.count, start + TextBatcher.most)]
        let vectors = try await batcher.vectors(of: part.map(\.1), prompt: prompt, by: served, store, in: work)
        for (item, vector) in zip(part, vectors) { out[item.0] = vector }
      }
    }
    for (index, item) in items.enumerated() {
      guard case .picture(let picture) = item else { continue }
      guard case .vector(let vector) = try await look(served, at: picture, in: work) else { continue }
      out[index] = vector
    }
    return MadeVectors(vectors: out, tokens: tokens)
  }
}
