import Arrays
import Kernels
import NetFile

/// Gives a net its arrays in place from a mapped net file; compressed ones are unpacked.
public final class MappedWeights: WeightProvider {
  private let net: NetFile
  private let mapping: MappedFile
  private let entries: [String: ArrayEntry]
  private let quantization: QuantizationProfile

  /// - Throws: `Failure` of kind `badData` when the file holds a net without weights, one that is quantized in a way that
  ///   is not known, or more compressed arrays than may be held in memory; `io` when there is not enough memory for them.
  public init(_ net: NetFile) throws(Failure) {
    try net.checkHasWeights()
    self.net = net
    do {
      quantization = try QuantizationProfile(profile: net.header.profile)
    } catch {
      throw Failure(
        .badData, file: net.path, place: "profile", error.reason,
        hint: "use a newer version of ingot, or quantize again")
    }
    // A small file can state huge arrays.
    let unpacked = net.header.arrays.filter { $0.encoding != .plain }.reduce(0) { $0 + $1.bytes }
    try Limit.checkArrayMemory(unpacked, file: net.path, "unpacks to")
    mapping = try MappedFile(net.file)
    // Names are unique: the header was validated.
    entries = Dictionary(net.header.arrays.map { ($0.name, $0) }) { first, _ in first }
  }

  public func weight(_ name: String, shape: Shape, role: WeightRole) throws(Failure) -> Weight {
    guard let entry = entries[name] else { throw Failure(.badData, file: net.path, "is not in the net file") }
    guard entry.shape == shape else {
      throw Failure(
        .badData, file: net.path, "has shape \(entry.shape.dimensions) where the net needs \(shape.dimensions)")
    }
    // An int8 array of integers, without scales, is none that a net has.
    guard KernelWeight.isPossible(entry.elementType), (entry.elementType == .int8) == (entry.scales != nil) else {
      throw Failure(
        .badData, file: net.path, "is of type \(entry.elementType.rawValue), which can't be run",
        hint: "convert the checkpoint with --precision float32, float16 or bfloat16")
    }
    guard let scales = entry.scales.flatMap({ entries[$0] }) else {
      return Weight(name: name, shape: shape, elementType: entry.elementType, data: try data(of: entry))
    }
    guard role == .weight || role == .embedding, shape.rank == 2 else {
      throw Failure(.badData, file: net.path, "is int8, which only matrices can be")
    }
    return Weight(
      name: name, shape: shape, elementType: entry.elementType, data: try data(of: entry), scales: try data(of: scales),
      activations: quantization.activations(of: name))
  }

  private func data(of entry: ArrayEntry) throws(Failure) -> WeightData {
    if case .plain = entry.encoding { return .mapped(mapping, entry.offset..<entry.offset + entry.bytes) }
    do {
      return .memory(try MemoryBlock(count: entry.bytes) { append in try net.forEachChunk(of: entry) { append($0) } })
    } catch {
      throw (error as? Failure)?.inFile(net.path) ?? Failure(.io, file: net.path, "\(error)")
    }
  }

  public func tie(_ name: String, to same: Weight) {}
}
