import Arrays
import Kernels
import Media
import Synchronization

/// How far the output of a linear layer (x Wᵀ + b) is from the reference's.
public struct LayerError: Sendable {
  /// Which net it is of, and its path there: `TextDecoder.blocks.3.mlp.fc1`.
  public let name: String
  /// In place: each net has run up to there by itself, so that the errors of all layers before are in it.
  public fileprivate(set) var inPlace = MatrixComparison()
  /// Of this layer alone: it gets what the reference's layer gets.
  public fileprivate(set) var alone = MatrixComparison()
  /// In place, on items whose outputs flipped.
  public fileprivate(set) var inPlaceOnFlipped = MatrixComparison()
  /// Of this layer alone, on those.
  public fileprivate(set) var aloneOnFlipped = MatrixComparison()
}

/// Compares the linear layers of nets with those of reference nets while both run on the same pictures and items and give
/// the same outputs.
final class LayerComparison<Task: NetTask> {
  private let a: Task
  private let b: Task
  private let watch = LayerWatch()

  init(_ a: Task, reference b: Task) throws(Failure) {
    self.a = try a.observed(by: FirstLayers(watch: watch))
    self.b = try b.observed(by: SecondLayers(watch: watch))
  }

  /// In the order in which layers run.
  var errors: [LayerError] { watch.state.withLock(\.errors) }

  /// - Parameter outputs: tokens of each item's.
  /// - Throws: `Failure` as running does, and of kind `badData` when the nets have different layers.
  func add(
    _ picture: Picture, _ items: [EvaluationItem], outputs: [[Int]], isFlipped: Bool
  ) throws(Failure) {
    watch.state.withLock {
      $0.isFlipped = isFlipped
      $0.outputs = []
    }
    for task in [a, b] { try task.run(picture, items, giving: outputs) }
  }
}

/// What the first nets computed, until the second ones get there.
private final class LayerWatch: Sendable {
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

private struct FirstLayers: LayerObserver {
  let watch: LayerWatch

  func layer(_ name: String, _ map: LinearMap, _ engine: Engine) throws(Failure) {
    let output = try map.output(engine)
    watch.state.withLock {
      $0.outputs.append((name, output))
      $0.layers[name] = map
    }
  }
}

private struct SecondLayers: LayerObserver {
  let watch: LayerWatch

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
