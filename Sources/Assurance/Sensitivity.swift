import Arrays
import Kernels
import Media
import NetFile
import Nets

/// How much each array hurts when it alone is int8: mean Kullback-Leibler divergence, in nats, of the outputs' distributions
/// from those of the float nets; of answers, of their tokens, which both are made to say.
///
/// What the float nets compute up to an array is kept and not computed again (`NetTask.probe`).
struct Sensitivity<Task: NetTask> {
  struct Item: Sendable {
    let net: String
    let array: String
    let elements: Int
    let divergence: Double
    /// What it was multiplied with.
    let activations: Activations
  }

  /// Items that are looked at, and images: each costs a part of a run for every array.
  private static var mostItems: Int { 32 }
  private static var mostImages: Int { Task.words.hasTexts ? 8 : 16 }

  private let task: Task
  private let int8: [NetFile]
  private let probes: [Task.Probe]

  /// - Parameters:
  ///   - task: of the float nets.
  ///   - int8: what was made of them, in their order.
  init(
    _ task: Task, int8: [NetFile], on items: [EvaluationItem], progress: (_ what: String, _ more: Int) -> Void
  ) throws(Failure) {
    self.task = task
    self.int8 = int8
    var probes: [Task.Probe] = []
    let groups = EvaluationItem.spreadByImage(items, mostImages: Self.mostImages, mostItems: Self.mostItems)
    for (path, indices) in groups {
      do throws(Failure) {
        probes.append(try task.probe(Picture(path), indices.map { items[$0] }))
      } catch {
        throw error.inFile(path)
      }
      progress(path, 0)
    }
    self.probes = probes
  }

  /// Of every array that is int8 in the int8 nets.
  /// - Parameter progress: called with the number of arrays done since the last call.
  func items(progress: (_ what: String, _ more: Int) -> Void) throws(Failure) -> [Item] {
    var out: [Item] = []
    for (file, quantized) in zip(task.files, int8) {
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
    let changed = try task.replacing(file, by: weights)
    var (sum, count) = (0.0, 0)
    for probe in probes {
      let scores = try changed.scores(of: probe, changed: array, of: file)
      for (found, reference) in zip(scores, probe.scores) {
        for row in 0..<found.rows {
          sum += klDivergence(of: found.rows(row..<row + 1), from: reference.rows(row..<row + 1))
          count += 1
        }
      }
    }
    return sum / Double(max(1, count))
  }
}
