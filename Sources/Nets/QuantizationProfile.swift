import Arrays
import Kernels

/// How an int8 net was made and is run, as its file's profile says under `quantization`.
public struct QuantizationProfile: Sendable, Equatable {
  /// What int8 weights are multiplied with, unless `floatActivations` says otherwise.
  public var activations: Activations
  /// int8 arrays whose inputs stay float32 all the same.
  public var floatActivations: Set<String>

  public init(activations: Activations = .float32, floatActivations: Set<String> = []) {
    self.activations = activations
    self.floatActivations = floatActivations
  }

  /// Of a net file's profile; one that says nothing of quantization means float32.
  /// - Throws: `Failure` of kind `badData` when this version doesn't know how such a net is run.
  public init(profile: JSONValue) throws(Failure) {
    self.init()
    guard let quantization = profile["quantization"] else { return }
    let name = try quantization.member("activations")
    guard let activations = Activations(rawValue: try name.string()) else {
      throw name.failure("int8 weights with such activations are not known to this version")
    }
    self.activations = activations
    guard let names = quantization["floatActivations"] else { return }
    for name in try names.array() { floatActivations.insert(try name.string()) }
  }

  public var json: JSONValue {
    var members: [JSONMember] = [
      JSONMember("weights", "int8 per row"), JSONMember("clipping", "least squared error of 6 scales"),
      JSONMember("activations", .string(activations.rawValue)),
    ]
    if activations != .float32, !floatActivations.isEmpty {
      members.append(JSONMember("floatActivations", .strings(floatActivations.sorted())))
    }
    return JSONValue(.object(members))
  }

  /// What an int8 array is multiplied with.
  func activations(of array: String) -> Activations { floatActivations.contains(array) ? .float32 : activations }
}
