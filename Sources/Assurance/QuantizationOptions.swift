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
  /// time there, and float32 where they are few, and reading the weights is, and in sentence embedders, whose vectors
  /// would lose the most.
  public var activations: Activations?
  /// Names of int8 arrays that are multiplied with float32 all the same.
  public var floatActivations: Set<String>
  /// By which weights are rounded and biases corrected; nil: to the nearest, and not at all. By layer: `blocks.0.mlp.fc1`.
  public var inputs: [String: LayerInput]?
  /// Of plain nets: the least ratio of signal to quantization noise of an int8 array, in dB; what falls below stays as it is.
  public var minimumSQNR: Double?
  /// What falls below becomes; nil: it stays as it is.
  public var fallback: ElementType?
  /// Of plain nets: the dimension that scales go along, by array; by rule (`OutputAxis`) for the others.
  public var axes: [String: Int] = [:]
  /// Of plain nets: arrays of `kept` that were found not to bear int8, and why.
  var unfit: [String: LeftReason] = [:]

  public init(
    precision: ElementType = .int8, keepsEmbeddings: Bool = false, kept: [String: ElementType?] = [:],
    rest: ElementType? = nil, activations: Activations? = nil, floatActivations: Set<String> = [],
    inputs: [String: LayerInput]? = nil, minimumSQNR: Double? = nil, fallback: ElementType? = nil
  ) {
    self.minimumSQNR = minimumSQNR
    self.fallback = fallback
    self.precision = precision
    self.keepsEmbeddings = keepsEmbeddings
    self.kept = kept
    self.rest = rest
    self.activations = activations
    self.floatActivations = floatActivations
    self.inputs = inputs
  }

  /// Those by which a net was made.
  /// - Throws: `Failure` of kind `badData` when a net that says such things can't have come from that float net.
  init(of quantized: NetFile, from net: NetFile) throws(Failure) {
    if net.header.family == Family.plain.name {
      self = try .ofPlain(quantized, from: net)
      return
    }
    self.init()
    let quantizable = try Set(Quantization(net).quantizedArrays)
    let sources = Dictionary(net.header.arrays.map { ($0.name, $0.elementType) }) { first, _ in first }
    let hidden = quantized.header.hiddenArrays
    var layers: [String: LayerInput] = [:]
    let entries = Dictionary(quantized.header.arrays.map { ($0.name, $0) }) { first, _ in first }
    for array in quantized.header.arrays where !hidden.contains(array.name) {
      if array.elementType != .int8 {
        let type = array.elementType == sources[array.name] ? nil : array.elementType
        if quantizable.contains(array.name) { kept.updateValue(type, forKey: array.name) } else { rest = type ?? rest }
      }
      guard let means = array.inputMeans.flatMap({ entries[$0] }) else { continue }
      let input = LayerInput(
        means: try Self.floats(means, of: quantized),
        directions: try array.inputDirections.flatMap { entries[$0] }.map { entry throws(Failure) in
          RoundingDirections(try Self.floats(entry, of: quantized), columns: entry.shape.dimensions[0])
        })
      for layer in QuantizationPlan.layers(of: array.name, in: net.header) { layers[layer] = input }
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
    if profile.knowsInputs { inputs = layers }
  }

  /// The same of plain nets, whose files say the dimension of each array's scales.
  private static func ofPlain(_ quantized: NetFile, from net: NetFile) throws(Failure) -> QuantizationOptions {
    var options = QuantizationOptions()
    do throws(Failure) {
      let precision = try Family.plain.combination(ofHeader: quantized.header)["Precision"]
      guard let type = precision.flatMap({ ElementType(rawValue: "\($0)") }) else {
        throw Failure(
          .badData, "is of no other precision than what it would have come from",
          hint: "`ingot quantize` makes nets that can be derived again")
      }
      options.precision = type
    } catch {
      throw error.inFile(quantized.path)
    }
    guard options.precision == .int8 else { return options }
    let sources = Dictionary(net.header.arrays.map { ($0.name, $0) }) { first, _ in first }
    let axes = OutputAxis(net.header)
    let hidden = quantized.header.hiddenArrays
    for array in quantized.header.arrays where !hidden.contains(array.name) {
      guard let source = sources[array.name] else { continue }
      if array.scales != nil {
        options.axes[array.name] = array.scaleAxis ?? 0
      } else {
        let type = array.elementType == source.elementType ? nil : array.elementType
        if LeftReason(source, axis: axes[source]) == nil {
          options.kept.updateValue(type, forKey: array.name)
        } else {
          options.rest = type ?? options.rest
        }
      }
    }
    return options
  }

  private static func floats(_ array: ArrayEntry, of net: NetFile) throws(Failure) -> [Float] {
    do { return try net.floats(of: array) } catch {
      throw Failure.wrapping(error, file: net.path)
    }
  }
}
