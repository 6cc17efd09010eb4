import Arrays
import Kernels
import NetFile
import Nets
import Media
import Tasks

/// How much each array hurts when it alone is int8: mean Kullback-Leibler divergence, in nats, of the answers' tokens from
/// those of the float nets, which both are made to say.
///
/// What the float nets compute up to an array is kept and not computed again: an image's vectors for the text nets, what each
/// block gets for the image encoder's, what the decoder looks at for its own.
struct Sensitivity {
  struct Item: Sendable {
    let net: String
    let array: String
    let elements: Int
    let divergence: Double
    /// What it was multiplied with.
    let activations: Activations
  }

  /// Questions that are looked at, and images: each costs a part of a run for every array.
  private static let (mostQuestions, mostImages) = (32, 8)

  private struct Case {
    let pixels: Matrix
    /// What each block of the image encoder gets.
    let blocks: [Matrix]
    let image: SeenImage
    let questions: [[Int]]
    /// The first tokens of the float nets' answers.
    let answers: [[Int]]
    /// What the text encoder makes of the questions.
    let vectors: [Matrix]
    let contexts: [CrossContext]
    let scores: [Matrix]
  }

  private final class Vectors: AnswerObserver {
    private(set) var all: [Matrix] = []

    var wantsAttention: Bool { false }

    func question(_ index: Int, tokens: [Int], vectors: Matrix, attention: [Matrix]) { all.append(vectors) }

    func firstScores(_ index: Int, _ scores: Matrix) {}
  }

  private let vqa: VisualQuestionAnswering
  private let int8: VQANets
  private let cases: [Case]

  /// - Parameters:
  ///   - vqa: the float nets.
  ///   - int8: what was made of them.
  init(
    _ vqa: VisualQuestionAnswering, int8: VQANets, on questions: [EvaluationQuestion],
    progress: (_ what: String, _ more: Int) -> Void
  ) throws(Failure) {
    self.vqa = vqa
    self.int8 = int8
    var cases: [Case] = []
    let groups = EvaluationQuestion.spreadByImage(
      questions, mostImages: Self.mostImages, mostQuestions: Self.mostQuestions)
    for (path, indices) in groups {
      let texts = indices.map { questions[$0].question }
      do throws(Failure) {
        cases.append(try Self.makeCase(vqa, Picture(path), texts))
      } catch {
        throw error.inFile(path)
      }
      progress(path, 0)
    }
    self.cases = cases
  }

  private static func makeCase(
    _ vqa: VisualQuestionAnswering, _ picture: Picture, _ texts: [String]
  ) throws(Failure) -> Case {
    let pixels = try vqa.profile.image.pixels(of: picture)
    let x = try vqa.imageEncoder.trunk.begin(pixels, vqa.engine)
    var blocks: [Matrix] = []
    try vqa.imageEncoder.trunk.finish(x, from: 0, vqa.engine) { blocks.append($1.copied) }
    let image = vqa.seen(x, pixels: [pixels])
    let answers = try vqa.answer(
      texts, about: image, options: AnswerOptions(maximumTokens: LayerInputs.tokens, minimumTokens: 0, beams: 1))
    let (asked, said) = (answers.map(\.questionTokens), answers.map(\.tokens))
    let vectors = Vectors()
    let contexts = try vqa.read(asked, about: image, vectors)
    return Case(
      pixels: pixels, blocks: blocks, image: image, questions: asked, answers: said, vectors: vectors.all,
      contexts: contexts,
      scores: try vqa.scores(ofAnswers: said, over: contexts))
  }

  /// Of every array that is int8 in the int8 nets.
  /// - Parameter progress: called with the number of arrays done since the last call.
  func items(progress: (_ what: String, _ more: Int) -> Void) throws(Failure) -> [Item] {
    var out: [Item] = []
    for (file, quantized) in zip(vqa.nets.files, int8.files) {
      let profile = try QuantizationProfile(profile: quantized.header.profile)
      for array in quantized.header.arrays where array.scales != nil {
        let activations = profile.activations(of: array.name)
        out.append(
          Item(
            net: file.header.net, array: array.name, elements: array.shape.elements,
            divergence: try divergence(file, quantized, array.name, activations), activations: activations))
        progress("\(file.header.net) \(array.name)", 1)
      }
    }
    return out
  }

  private func divergence(
    _ file: NetFile, _ quantized: NetFile, _ array: String, _ activations: Activations
  ) throws(Failure) -> Double {
    let weights = try MixedWeights(file, int8: quantized, [array: .int8(activations)])
    let changed = try VisualQuestionAnswering(vqa, file, weights: weights)
    var (sum, count) = (0.0, 0)
    for item in cases {
      let scores = try scores(changed, item, file, array)
      for (found, reference) in zip(scores, item.scores) {
        for row in 0..<found.rows {
          sum += klDivergence(of: found.rows(row..<row + 1), from: reference.rows(row..<row + 1))
          count += 1
        }
      }
    }
    return sum / Double(max(1, count))
  }

  private func scores(
    _ changed: VisualQuestionAnswering, _ item: Case, _ file: NetFile, _ array: String
  ) throws(Failure) -> [Matrix] {
    if file === vqa.nets.textDecoder {
      // Keys and values are the decoder's own layers' work.
      guard array.contains(".crossAttention.") else {
        return try changed.scores(ofAnswers: item.answers, over: item.contexts)
      }
      var contexts: [CrossContext] = []
      for vectors in item.vectors {
        contexts.append(try changed.textDecoder.trunk.context(vectors, changed.engine))
      }
      return try changed.scores(ofAnswers: item.answers, over: contexts)
    }
    if file === vqa.nets.textEncoder {
      return try changed.scores(
        ofAnswers: item.answers, to: item.questions, about: changed.seen(item.image.vectors, pixels: [item.pixels]))
    }
    let first = Self.block(of: array) ?? 0
    let x = item.blocks[first].copied
    try changed.imageEncoder.trunk.finish(x, from: first, changed.engine)
    return try changed.scores(
      ofAnswers: item.answers, to: item.questions, about: changed.seen(x, pixels: [item.pixels]))
  }

  /// 3 of `blocks.3.mlp.fc1.weight`.
  private static func block(of array: String) -> Int? {
    let parts = array.split(separator: ".")
    return parts.count > 1 && parts[0] == "blocks" ? Int(parts[1]) : nil
  }
}
