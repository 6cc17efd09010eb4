import Arrays
import Kernels

/// How an int8 net was made and is run, as its file's profile says under `quantization`.
public struct QuantizationProfile: Sendable, Equatable {
  /// What int8 weights are multiplied with.
  public var activations: Activations
  /// int8 arrays that are multiplied with the other of the two.
  public var exceptions: Set<String>
  /// Whether weights were rounded, and biases corrected, by what the layers' inputs have in common.
  public var knowsInputs: Bool

  public init(
    activations: Activations = .float32, exceptions: Set<String> = [], knowsInputs: Bool = false
  ) {
    self.activations = activations
    self.exceptions = exceptions
    self.knowsInputs = knowsInputs
  }

  /// Of a net file's profile; one that says nothing of quantization means float32.
  /// - Throws: `Failure` of kind `badData` when this version doesn't know how such a net is run.
  public init(profile: JSONValue) throws(Failure) {
    self.init()
    guard let quantization = profile["quantization"] else { return }
    let name = try quantization.member("activations")
    guard let activations = Activations(rawValue: try name.string()) else {
      throw name.failure("int8 weights with activations \"\(shortened(try name.string(), to: 40))\" are not known")
    }
    self.activations = activations
    for name in try quantization["exceptions"]?.array() ?? [] { exceptions.insert(try name.string()) }
    knowsInputs = quantization["biases"] != nil
  }

  public var json: JSONValue {
    .object([
      "weights": "int8 per row", "clipping": "least squared error of 6 scales",
      "activations": .string(activations.rawValue),
      "exceptions": exceptions.isEmpty ? nil : .strings(exceptions.sorted()),
      "rounding": knowsInputs ? "errors cancel along input directions" : nil,
      "biases": knowsInputs ? "corrected by mean inputs" : nil,
    ])
  }

  /// What an int8 array is multiplied with.
  public func activations(of array: String) -> Activations {
    exceptions.contains(array) ? activations.other : activations
  }
}

extension Activations {
  var other: Activations { self == .int8 ? .float32 : .int8 }
}
