import Arrays
import Kernels
import NetFile
import Nets

/// What becomes of an array that can be int8.
enum ArrayChoice: Hashable, Sendable {
  case int8(Activations)
  case float16
  /// As it is.
  case unchanged
}

/// Gives a net some of its arrays from the float net file and some from the int8 one that was made of it, as the file would
/// hold them that `QuantizationOptions` with these choices make.
final class MixedWeights: WeightProvider {
  private let floats: MappedWeights
  private let int8: MappedWeights
  private let choices: [String: ArrayChoice]
  /// Biases that are corrected with the weights before them.
  private let weightOfBias: [String: String]

  /// - Parameter choices: by the array's name; those without one are as they are.
  init(_ net: NetFile, int8: NetFile, _ choices: [String: ArrayChoice]) throws(Failure) {
    floats = try MappedWeights(net)
    self.int8 = try MappedWeights(int8)
    self.choices = choices
    var weights: [String: String] = [:]
    for array in int8.header.arrays where array.inputMeans != nil {
      for layer in QuantizationPlan.layers(of: array.name, in: net.header) { weights["\(layer).bias"] = array.name }
    }
    weightOfBias = weights
  }

  func weight(_ name: String, shape: Shape, role: WeightRole) throws(Failure) -> Weight {
    switch choices[weightOfBias[name] ?? name] {
    case .int8(let activations)?: return try int8.weight(name, shape: shape, role: role).with(activations)
    case .unchanged?, nil: return try floats.weight(name, shape: shape, role: role)
    case .float16?:
      let weight = try floats.weight(name, shape: shape, role: role)
      guard weightOfBias[name] == nil, weight.elementType != .float16 else { return weight }
      let narrow = weight.withBytes { FloatConversion.convert($0, from: weight.elementType, to: .float16) }
      return Weight(
        name: name, shape: shape, elementType: .float16,
        data: .memory(MemoryBlock(count: narrow.count) { $0(narrow.rawSpan) }))
    }
  }

  func tie(_ name: String, to same: Weight) {}
}
