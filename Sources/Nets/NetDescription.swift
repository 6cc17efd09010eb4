import Arrays
import NetFile

/// What a net consists of, recorded from its definition.
public struct NetDescription: Sendable {
  public struct StoredArray: Hashable, Sendable {
    public let name: String
    public let shape: Shape
    public let role: WeightRole
    /// The layer whose `weight` it is; nil for biases and for arrays outside the usual layers.
    public let layer: LayerType?

    public init(name: String, shape: Shape, role: WeightRole, layer: LayerType? = nil) {
      self.name = name
      self.shape = shape
      self.role = role
      self.layer = layer
    }
  }

  /// Arrays that are stored, each once, in the order of the definition.
  public fileprivate(set) var arrays: [StoredArray] = []
  /// Arrays that are another one under a second name.
  public fileprivate(set) var ties: [Tie] = []
  /// Layers in the order in which they are run, with or without arrays, and arrays that belong to none.
  public fileprivate(set) var layers: [LayerRecord] = []

  public init() {}

  /// How many layers of each type there are, in the order of `LayerType`, those that occur only.
  public var layerTypes: [(type: LayerType, count: Int)] {
    var counts: [LayerType: Int] = [:]
    for layer in layers { if let type = layer.type { counts[type, default: 0] += 1 } }
    return LayerType.allCases.compactMap { type in counts[type].map { (type, $0) } }
  }

  /// Elements that training sets, each tied array once.
  public fileprivate(set) var parameters = 0
}

/// Remembers what a net asks for, and gives it arrays without data.
final class Recorder: WeightProvider {
  private(set) var description = NetDescription()

  func weight(_ name: String, shape: Shape, role: WeightRole) throws(Failure) -> Weight {
    // So that counting can't overflow whatever the configuration says.
    guard shape.elements <= 1 << 48, description.parameters + shape.elements <= Shape.largestTotal / 8 else {
      throw Failure(.badData, "shape \(shape.dimensions) is too large for a net's array")
    }
    let last = description.layers.last
    let layer = last.flatMap { "\($0.path).weight" == name ? $0.type : nil }
    description.arrays.append(.init(name: name, shape: shape, role: role, layer: layer))
    description.parameters += shape.elements
    if last?.type == nil || last.map({ name.hasPrefix("\($0.path).") }) != true {
      description.layers.append(LayerRecord(nil, path: name, [], shape.dimensions.map { .fixed($0) }))
    }
    description.layers[description.layers.count - 1].parameters += shape.elements
    return Weight(name: name, shape: shape, elementType: .float32, data: .none)
  }

  func layer(_ layer: LayerRecord) { description.layers.append(layer) }

  func tie(_ name: String, to same: Weight) { description.ties.append(Tie(name: name, same: same.name)) }
}
