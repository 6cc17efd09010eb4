import Arrays
import Kernels
import NetFile
import Nets

/// Gives the definitions of several nets their arrays, of which they only learn what they are; and remembers what graphs made of
/// them refer to. A graph's names of arrays have the net's in front: `ImageEncoder.blocks.3.mlp.fc1.weight`.
final class NetArrays {
  /// Gives one net its arrays.
  private struct Provider: WeightProvider {
    let net: NetFile
    let quantization: QuantizationProfile
    let entries: [String: ArrayEntry]

    func weight(_ name: String, shape: Shape, role: WeightRole) throws(Failure) -> Weight {
      guard let entry = entries[name], entry.shape == shape else {
        throw Failure(.badData, file: net.path, "is not in the net file as its definition has it")
      }
      guard [.float32, .float16, .bfloat16, .int8].contains(entry.elementType),
        (entry.elementType == .int8) == (entry.scales != nil), entry.scales == nil || shape.rank == 2
      else {
        throw Failure.unsupported(
          file: net.path, "is of type \(entry.elementType.rawValue), of which no graph is made",
          hint: "export nets of float32, float16, bfloat16 or int8")
      }
      return Weight(
        name: "\(net.header.net).\(name)", shape: shape, elementType: entry.elementType, data: WeightData.none,
        scales: entry.scales == nil ? nil : WeightData.none, activations: quantization.activations(of: name))
    }

    func tie(_ name: String, to same: Weight) {}
  }

  private let providers: [String: Provider]
  /// What graphs refer to, each once, in the order in which they first did.
  private(set) var stored: [StoredArray] = []
  private var indices: [String: Int] = [:]

  /// - Throws: `Failure` of kind `badData` when a net is quantized in a way that is not known.
  init(_ nets: [NetFile]) throws(Failure) {
    var providers: [String: Provider] = [:]
    for net in nets {
      do {
        let quantization = try QuantizationProfile(profile: net.header.profile)
        let entries = Dictionary(net.header.arrays.map { ($0.name, $0) }) { first, _ in first }
        providers[net.header.net] = Provider(net: net, quantization: quantization, entries: entries)
      } catch {
        throw error.inFile(net.path)
      }
    }
    self.providers = providers
  }

  /// The net of a definition, whose layers' arrays are only described.
  func open<Definition>(
    _ net: NetFile, _ make: (Configuration, WeightSource) throws(Failure) -> Definition
  ) throws(Failure) -> Definition {
    guard let provider = providers[net.header.net] else {
      throw Failure(.usage, file: net.path, "is none of the nets that are exported")
    }
    do {
      return try make(Configuration(net.header.configuration), WeightSource(provider, net: net.header.net))
    } catch {
      throw error.inFile(net.path)
    }
  }

  /// Notes that a graph refers to an array of a net.
  /// - Parameter suffix: what distinguishes its name from that of the array that it is made of.
  func refer(to weight: Weight, _ form: StoredArray.Form, suffix: String = "") -> StoredArray {
    let (provider, name) = place(of: weight)
    return refer("\(weight.name)\(suffix)", form, provider, name)
  }

  /// The same of an int8 array's scales.
  func refer(toScalesOf weight: Weight) -> StoredArray {
    let (provider, name) = place(of: weight)
    guard let scales = provider.entries[name]?.scales else { preconditionFailure("an array without scales") }
    return refer("\(provider.net.header.net).\(scales)", .same, provider, scales)
  }

  private func refer(
    _ full: String, _ form: StoredArray.Form, _ provider: Provider, _ name: String
  ) -> StoredArray {
    if let index = indices[full] { return stored[index] }
    guard let entry = provider.entries[name] else { preconditionFailure("an array that no net has") }
    let array = StoredArray(full, form, provider.net, entry)
    indices[full] = stored.count
    stored.append(array)
    return array
  }

  private func place(of weight: Weight) -> (Provider, String) {
    // Names of nets have no dots.
    let dot = weight.name.firstIndex(of: ".") ?? weight.name.startIndex
    guard let provider = providers[String(weight.name[..<dot])] else { preconditionFailure("an array of no net") }
    return (provider, String(weight.name[weight.name.index(after: dot)...]))
  }
}
