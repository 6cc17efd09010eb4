import Arrays
import Checkpoints
import NetFile

/// Weights of a checkpoint that somebody quantized, in a way that is known: told by the names, types and shapes of arrays that fit
/// together, never by one name alone. Their numbers are not read; how many there are is.
public struct PublishedQuantization: Sendable {
  /// Which weights have a scale together.
  public enum Group: Hashable, Sendable {
    case tensor
    /// Those of one output.
    case row
    /// So many of a row, one after the other.
    case elements(Int)
    /// Of a matrix, so many rows and columns.
    case block(Int, Int)
  }

  public struct Scheme: Hashable, Sendable {
    /// As its makers call it, as `GPTQ`; where several do the same, what it is.
    public let name: String
    /// Of a weight; nil where nothing tells.
    public let bits: Int?
    public let group: Group
  }

  /// One matrix or tensor of weights.
  struct Layer {
    let scheme: Scheme
    let weights: Int
    /// The arrays that it is made of, that with the weights among them.
    let members: Set<Int>
    /// What the weights were before, where something tells.
    let floatType: ElementType?
  }

  /// The schemes, how many arrays of the float net are quantized by each, and how many weights these have; the most first.
  public let schemes: [(scheme: Scheme, arrays: Int, weights: Int)]
  /// Elements of the float net's arrays: weights are counted one by one, scales and the like not at all.
  public let parameters: Int
  /// What the weights were before; float16 where nothing tells.
  public let floatType: ElementType
  /// Whether something tells.
  public let knowsFloatType: Bool
  /// Bytes of the float net, all its arrays being of that type.
  public var floatBytes: Int { parameters * floatType.size }

  /// nil where nothing is quantized in a way that is known.
  /// - Parameters:
  ///   - config: of config.json, which only tells apart what arrays leave open.
  ///   - data: all data of an array, of few bytes; nil where they can't be read.
  init?(
    _ arrays: [CheckpointArray], metadata: [(name: String, value: String)], leftovers: [Leftover], config: JSONValue?,
    data: @escaping (Int) throws(Failure) -> [UInt8]?
  ) throws(Failure) {
    let finder = QuantizationFinder(arrays, metadata, leftovers, config, data)
    let layers = try finder.layers()
    guard !layers.isEmpty else { return nil }
    var schemes: [(scheme: Scheme, arrays: Int, weights: Int)] = []
    for (scheme, group) in Dictionary(grouping: layers, by: \.scheme) {
      schemes.append((scheme, group.count, group.reduce(0) { $0 + $1.weights }))
    }
    self.schemes = schemes.sorted { ($1.weights, Self.text($0.scheme)) < ($0.weights, Self.text($1.scheme)) }
    let members = layers.reduce(into: Set<Int>()) { $0.formUnion($1.members) }
    let others = arrays.indices.filter { !members.contains($0) }
    let weights = layers.reduce(0) { $0 + $1.weights }
    parameters = others.reduce(weights) { $0 + arrays[$1].shape.elements }
    let told = QuantizationFinder.mostFrequent(layers.compactMap(\.floatType)) ?? finder.configuredFloat
    // What was left alone is what it was.
    var rest = others.map { arrays[$0] }.filter { QuantizationFinder.floats.contains($0.elementType) }
    rest.removeAll { $0.shape.rank < 2 }
    let type = told ?? rest.max { $0.shape.elements < $1.shape.elements }?.elementType
    floatType = type ?? .float16
    knowsFloatType = type != nil
  }
}

extension PublishedQuantization {
  /// Of a checkpoint, with config.json where there is one beside it.
  public init?(_ checkpoint: any Checkpoint) throws(Failure) {
    guard QuantizationFinder.mayHaveLayers(checkpoint.arrays, checkpoint.metadata) else { return nil }
    let files = try SmallFiles(folder: checkpoint.folder)
    let config = try ifFound { () throws(Failure) in try files.json("config.json") }
    try self.init(
      checkpoint.arrays, metadata: checkpoint.metadata, leftovers: checkpoint.leftovers, config: config
    ) { index throws(Failure) in try ifFound { () throws(Failure) in try checkpoint.data(of: index) } }
  }

  /// Of a plain net that was made of such a checkpoint.
  init?(_ net: NetFile) throws(Failure) {
    // What has scales of its own was quantized here.
    let entries = net.header.arrays.filter { $0.scales == nil }
    let arrays = entries.map {
      CheckpointArray(name: $0.name, shape: $0.shape, elementType: $0.elementType, bytes: $0.bytes)
    }
    guard QuantizationFinder.mayHaveLayers(arrays, []) else { return nil }
    try self.init(arrays, metadata: [], leftovers: [], config: nil) { index throws(Failure) in
      try ifFound { () throws(Failure) in
        var bytes: [UInt8] = []
        do { try net.forEachChunk(of: entries[index]) { bytes.append(contentsOf: $0) } } catch {
          throw Failure.wrapping(error, file: net.path)
        }
        return bytes
      }
    }
  }

  /// In words: `bitsandbytes NF4, 4 bits, a scale for 64: 12 arrays, 589,824 weights` without the numbers.
  public static func text(_ scheme: Scheme) -> String {
    let bits = scheme.bits.map { ", \($0) bits" } ?? ""
    let group =
      switch scheme.group {
      case .tensor: "a scale for each array"
      case .row: "a scale for each row"
      case .elements(let count): "a scale for \(count)"
      case .block(let rows, let columns): "a scale for \(rows) × \(columns)"
      }
    return "\(scheme.name)\(bits), \(group)"
  }

  /// In a sentence, for a note.
  public var note: String {
    let all = schemes.map { "\(Self.text($0.scheme)) (\($0.arrays) \($0.arrays == 1 ? "array" : "arrays"))" }
    return
      "its weights are quantized: \(all.joined(separator: "; ")); the arrays are kept as they are, and their numbers not worked out"
  }
}
