import Arrays
import Kernels
import NetFile
import Media
import Tasks
import Synchronization

/// What is known of the vectors that go into a linear layer.
public struct LayerInput: Sendable {
  /// One number per input.
  let means: [Float]
  /// Those in which the vectors vary most around their mean, as a net file can hold them; nil where none stands out.
  let directions: RoundingDirections?
}

/// What the inputs of every linear layer have in common while float nets answer some questions: what the rounding and the
/// biases of int8 nets are made of.
///
/// Rounding the weights changes a layer's output by (Ŵ − W) x. The inputs of a layer have much in common, and of what they
/// have in common, the mean x̄, the change is the same for all: so b − (Ŵ − W) x̄ takes it back (Nagel et al., Data-Free
/// Quantization Through Weight Equalization and Bias Correction, ICCV 2019, section 4.2, with measured means). What is left
/// varies in some directions much more than in others, and in these (Ŵ − W) is made small by how elements are rounded.
public struct LayerInputs: Sendable {
  /// By net (`TextDecoder`) and layer there (`blocks.0.mlp.fc1`).
  let layers: [String: [String: LayerInput]]

  /// Tokens of an answer that are counted: answers are short, and their first token decides most.
  public static let tokens = 2

  /// Questions that are enough, and images: many more change the means little.
  private static let (usualQuestions, usualImages) = (256, 64)

  /// Of many questions as many as are enough, spread over all of them.
  public static func some(of questions: [EvaluationQuestion]) -> [EvaluationQuestion] {
    EvaluationQuestion.spreadByImage(questions, mostImages: usualImages, mostQuestions: usualQuestions)
      .flatMap(\.indices).map { questions[$0] }
  }

  /// Those of a net, by layer.
  public func of(_ net: NetFile) -> [String: LayerInput] { layers[net.header.net] ?? [:] }

  /// Runs the nets.
  /// - Parameter progress: called with the number of questions done since the last call.
  /// - Throws: `Failure` naming the image that can't be read or the question that can't be answered.
  public init(
    _ nets: VQANets, on questions: [EvaluationQuestion], threads: Int? = nil, level: Engine.Level? = nil,
    progress: (_ what: String, _ questions: Int) -> Void = { _, _ in }
  ) throws(Failure) {
    let sums = Sums()
    let engine = try Engine(threads: threads, level: level, observer: sums)
    let vqa = try VisualQuestionAnswering(nets, engine: engine)
    let free = try VisualQuestionAnswering(nets, threads: threads, level: level)
    for (path, indices) in EvaluationQuestion.byImage(questions) {
      let picture = try Picture(path)
      do throws(Failure) {
        let image = try vqa.look(at: picture)
        // Keys and values that the unobserved nets make must not be there already for the observed ones.
        let answers = try free.answer(
          indices.map { questions[$0].question }, about: free.seen(image.vectors, pixels: image.pixels),
          options: AnswerOptions(maximumTokens: Self.tokens, beams: 1))
        for start in stride(from: 0, to: answers.count, by: VisualQuestionAnswering.batch) {
          let batch = answers[start..<min(start + VisualQuestionAnswering.batch, answers.count)]
          _ = try vqa.scores(ofAnswers: batch.map(\.tokens), to: batch.map(\.questionTokens), about: image)
        }
      } catch {
        throw error.inFile(path)
      }
      progress(path, indices.count)
    }
    layers = sums.layers
  }

  /// Sums of layers' inputs.
  private final class Sums: LayerObserver {
    private let state = Mutex<(sketches: [String: InputSketch], samples: [Int: Matrix])>(([:], [:]))

    func layer(_ name: String, _ map: LinearMap, _ engine: Engine) throws(Failure) {
      let size = map.x.columns
      let samples = state.withLock { state in
        if let known = state.samples[size] { return known }
        let made = InputSketch.samples(inputs: size)
        state.samples[size] = made
        return made
      }
      let piece = try InputSketch(map.x, outputs: map.outputs, samples, engine)
      state.withLock { state in
        if state.sketches[name]?.add(piece) == nil { state.sketches[name] = piece }
      }
    }

    var layers: [String: [String: LayerInput]] {
      var out: [String: [String: LayerInput]] = [:]
      for (name, sketch) in state.withLock(\.sketches) {
        guard let dot = name.firstIndex(of: ".") else { continue }
        out[String(name[..<dot]), default: [:]][String(name[name.index(after: dot)...])] =
          LayerInput(means: sketch.means, directions: sketch.directions)
      }
      return out
    }
  }
}
