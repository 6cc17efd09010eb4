import Arrays
import Kernels
import Media
import NetFile
import Synchronization

/// What is known of the vectors that go into a linear layer.
public struct LayerInput: Sendable {
  /// One number per input.
  let means: [Float]
  /// Those in which the vectors vary most around their mean, as a net file can hold them; nil where none stands out.
  let directions: RoundingDirections?
}

/// What the inputs of every linear layer have in common while float nets work on some items: what the rounding and the
/// biases of int8 nets are made of.
///
/// Rounding the weights changes a layer's output by (Ŵ − W) x. The inputs of a layer have much in common, and of what they
/// have in common, the mean x̄, the change is the same for all: so b − (Ŵ − W) x̄ takes it back (Nagel et al., Data-Free
/// Quantization Through Weight Equalization and Bias Correction, ICCV 2019, section 4.2, with measured means). What is left
/// varies in some directions much more than in others, and in these (Ŵ − W) is made small by how elements are rounded.
public struct LayerInputs: Sendable {
  /// By net (`TextDecoder`) and layer there (`blocks.0.mlp.fc1`).
  let layers: [String: [String: LayerInput]]

  /// Items that are enough, and images: many more change the means little.
  private static let (usualItems, usualImages) = (256, 64)

  /// Of many items as many as are enough, spread over all of them.
  public static func some(of items: [EvaluationItem]) -> [EvaluationItem] {
    EvaluationItem.spreadByImage(items, mostImages: usualImages, mostItems: usualItems)
      .flatMap(\.indices).map { items[$0] }
  }

  /// Those of a net, by layer.
  public func of(_ net: NetFile) -> [String: LayerInput] { layers[net.header.net] ?? [:] }

  /// Runs the nets.
  /// - Parameter progress: called with the number of items done since the last call.
  /// - Throws: `Failure` naming the image that can't be read or about which a question can't be answered.
  public init(
    _ task: some NetTask, on items: [EvaluationItem], progress: (_ what: String, _ items: Int) -> Void = { _, _ in }
  ) throws(Failure) {
    let sums = Sums()
    let observed = try task.observed(by: sums)
    for (path, indices) in EvaluationItem.byImage(items) {
      let picture = try Picture(path)
      do throws(Failure) {
        try task.exercise(observed, picture, indices.map { items[$0] })
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
