import Arrays
import Families
import Kernels
import NetFile
import Nets

/// What is quantized, and how it is run.
public struct QuantizationOptions: Sendable {
  /// Of the new net: int8, float16 or bfloat16. In a float net every array is of that type.
  public var precision: ElementType
  /// Leave the word embeddings as they are; a head that is tied to them too.
  public var keepsEmbeddings: Bool
  /// Names of arrays that don't become int8, and of what type they become; nil: they stay as they are.
  public var kept: [String: ElementType?]
  /// Of the arrays that are never int8, biases and the like; nil: they stay as they are.
  public var rest: ElementType?
  /// What int8 weights are multiplied with; nil: int8 where many vectors go through a layer at once, which is what costs
  /// time there, and float32 where they are few, and reading the weights is.
  public var activations: Activations?
  /// Names of int8 arrays that are multiplied with float32 all the same.
  public var floatActivations: Set<String>
  /// By which biases are corrected; nil: they aren't. By layer: `blocks.0.mlp.fc1`.
  public var inputMeans: [String: [Float]]?

  public init(
    precision: ElementType = .int8, keepsEmbeddings: Bool = false, kept: [String: ElementType?] = [:],
    rest: ElementType? = nil, activations: Activations? = nil, floatActivations: Set<String> = [],
    inputMeans: [String: [Float]]? = nil
  ) {
    self.precision = precision
    self.keepsEmbeddings = keepsEmbeddings
    self.kept = kept
    self.rest = rest
    self.activations = activations
    self.floatActivations = floatActivations
    self.inputMeans = inputMeans
  }

  /// Those by which a net was made.
  /// - Throws: `Failure` of kind `badData` when a net that says such things can't have come from that float net.
  init(of quantized: NetFile, from net: NetFile) throws(Failure) {
    self.init()
    let quantizable = try Set(Quantization(net).quantizedArrays)
    let sources = Dictionary(net.header.arrays.map { ($0.name, $0.elementType) }) { first, _ in first }
    let hidden = quantized.header.hiddenArrays
    var layers: [String: [Float]] = [:]
    for array in quantized.header.arrays where !hidden.contains(array.name) {
      if array.elementType != .int8 {
        let type = array.elementType == sources[array.name] ? nil : array.elementType
        if quantizable.contains(array.name) { kept.updateValue(type, forKey: array.name) } else { rest = type ?? rest }
      }
      guard let name = array.inputMeans, let means = quantized.header.arrays.first(where: { $0.name == name }) else {
        continue
      }
      for layer in QuantizationPlan.layers(of: array.name, in: net.header) {
        do {
          var bytes: [UInt8] = []
          try quantized.forEachChunk(of: means) { bytes.append(contentsOf: $0) }
          layers[layer] = Floats.array(bytes)
        } catch {
          throw Failure.wrapping(error, file: quantized.path)
        }
      }
    }
    let isInt8 = quantized.header.arrays.contains { $0.scales != nil }
    if !isInt8 {
      self = QuantizationOptions(precision: quantized.header.arrays.first?.elementType ?? .float16)
      return
    }
    let profile: QuantizationProfile
    do {
      profile = try QuantizationProfile(profile: quantized.header.profile)
    } catch {
      throw error.inFile(quantized.path)
    }
    activations = profile.activations
    if profile.activations == .int8 { floatActivations = profile.exceptions }
    if profile.correctsBiases { inputMeans = layers }
  }
}
