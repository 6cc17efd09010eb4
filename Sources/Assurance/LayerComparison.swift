import Arrays
import Kernels
import NetFile
import Nets
import Media
import Tasks
import Synchronization

/// How far the output of a linear layer (x Wᵀ + b) is from the reference's.
public struct LayerError: Sendable {
  /// Which net it is of, and its path there: `TextDecoder.blocks.3.mlp.fc1`.
  public let name: String
  /// In place: each net has run up to there by itself, so that the errors of all layers before are in it.
  public fileprivate(set) var inPlace = MatrixComparison()
  /// Of this layer alone: it gets what the reference's layer gets.
  public fileprivate(set) var alone = MatrixComparison()
  /// In place, on questions whose answers flipped.
  public fileprivate(set) var inPlaceOnFlipped = MatrixComparison()
  /// Of this layer alone, on those.
  public fileprivate(set) var aloneOnFlipped = MatrixComparison()
}

/// Compares the linear layers of nets with those of reference nets while both run on the same pictures and questions and
/// say the same answers.
final class LayerComparison {
  private let a: VisualQuestionAnswering
  private let b: VisualQuestionAnswering
  private let watch: Watch

  init(_ a: VQANets, reference b: VQANets, threads: Int, level: Engine.Level) throws(Failure) {
    watch = Watch()
    self.a = try VisualQuestionAnswering(
      a, engine: Engine(threads: threads, level: level, observer: First(watch: watch)))
    self.b = try VisualQuestionAnswering(
      b, engine: Engine(threads: threads, level: level, observer: Second(watch: watch)))
  }

  /// In the order in which layers run.
  var errors: [LayerError] { watch.state.withLock(\.errors) }

  /// - Parameter answers: token ids, of each question.
  /// - Throws: `Failure` as looking and answering do, and of kind `badData` when the nets have different layers.
  func add(_ picture: Picture, _ questions: [String], answers: [[Int]], isFlipped: Bool) throws(Failure) {
    watch.state.withLock {
      $0.isFlipped = isFlipped
      $0.outputs = []
    }
    for vqa in [a, b] {
      let image = try vqa.look(at: picture)
      var tokens: [[Int]] = []
      for question in questions { tokens.append(try vqa.questionTokens(question)) }
      for start in stride(from: 0, to: questions.count, by: VisualQuestionAnswering.batch) {
        let batch = start..<min(start + VisualQuestionAnswering.batch, questions.count)
        _ = try vqa.scores(ofAnswers: Array(answers[batch]), to: Array(tokens[batch]), about: image)
      }
    }
  }

  /// What the first nets computed, until the second ones get there.
  private final class Watch: Sendable {
    struct State {
      var isFlipped = false
      /// Outputs of the first nets' layers that the second ones haven't met.
      var outputs: ArraySlice<(layer: String, output: Matrix)> = []
      /// The first nets' layers, each with the input that it got last.
      var layers: [String: LinearMap] = [:]
      var errors: [LayerError] = []
      var places: [String: Int] = [:]
    }

    let state = Mutex(State())
  }

  private struct First: LayerObserver {
    let watch: Watch

    func layer(_ name: String, _ map: LinearMap, _ engine: Engine) throws(Failure) {
      let output = try map.output(engine)
      watch.state.withLock {
        $0.outputs.append((name, output))
        $0.layers[name] = map
      }
    }
  }

  private struct Second: LayerObserver {
    let watch: Watch

    func layer(_ name: String, _ map: LinearMap, _ engine: Engine) throws(Failure) {
      let (first, layer) = watch.state.withLock { ($0.outputs.popFirst(), $0.layers[name]) }
      let reference = try map.output(engine)
      guard let first, first.layer == name, let layer, first.output.columns == reference.columns,
        first.output.rows == reference.rows
      else {
        throw Failure(
          .badData, place: "layer \(name)", "the two nets are not of one construction",
          hint: "evaluate with --layers 0")
      }
      let alone = try layer.output(engine, of: map.x)
      watch.state.withLock { state in
        let place = state.places[name] ?? state.errors.count
        if place == state.errors.count {
          state.errors.append(LayerError(name: name))
          state.places[name] = place
        }
        if state.isFlipped {
          state.errors[place].inPlaceOnFlipped.add(first.output, reference: reference)
          state.errors[place].aloneOnFlipped.add(alone, reference: reference)
        } else {
          state.errors[place].inPlace.add(first.output, reference: reference)
          state.errors[place].alone.add(alone, reference: reference)
        }
      }
    }
  }
}
