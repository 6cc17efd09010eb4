import Arrays
import Checkpoints
import Nets

/// A value of a graph that is being made: what an operator gives, an input, or an array.
struct GraphValue: Hashable {
  let name: String
}

/// Makes a graph of operators, one after the other.
final class GraphBuilder {
  private var graph: ONNXGraph
  private let arrays: NetArrays
  private var constants: Set<String> = []
  /// Names of arrays of nets that the graph refers to.
  private(set) var references: [String] = []
  private var floats: [String: GraphValue] = [:]
  private var quantized: [GraphValue: QuantizedRows] = [:]
  private var counts: [String: Int] = [:]
  private var scope: [String] = []

  init(_ name: String, _ arrays: NetArrays) {
    graph = ONNXGraph(name)
    self.arrays = arrays
  }

  // MARK: Operators

  /// What an operator gives.
  /// - Parameter inputs: nil: one that is left out.
  func node(
    _ type: String, _ inputs: [GraphValue?], _ attributes: [ONNXGraph.Attribute] = []
  ) -> GraphValue {
    nodes(type, inputs, outputs: 1, attributes)[0]
  }

  /// The same of one that gives several values.
  func nodes(
    _ type: String, _ inputs: [GraphValue?], outputs: Int, _ attributes: [ONNXGraph.Attribute] = []
  ) -> [GraphValue] {
    let place = (scope + [type]).joined(separator: "/")
    let number = counts[place, default: 0]
    counts[place] = number + 1
    let name = number == 0 ? place : "\(place)_\(number)"
    let names = (0..<outputs).map { outputs == 1 ? name : "\(name).\($0)" }
    graph.nodes.append(
      ONNXGraph.Node(name, type, inputs: inputs.map { $0?.name ?? "" }, outputs: names, attributes: attributes))
    return names.map { GraphValue(name: $0) }
  }

  /// Operators that `body` makes have this word in front of their names.
  func within<Result>(_ word: String, _ body: () -> Result) -> Result {
    scope.append(word)
    defer { scope.removeLast() }
    return body()
  }

  /// A graph that an operator of this one runs. It may use values that are made before it; weights that it uses have to be among
  /// them.
  /// - Parameter body: makes its operators of its inputs, and gives what comes out.
  func inner(
    _ name: String, _ inputs: [ONNXGraph.Port], _ body: ([GraphValue]) -> [(value: GraphValue, port: ONNXGraph.Port)]
  ) -> ONNXGraph.Attribute {
    let outer = graph.nodes
    graph.nodes = []
    let outputs = body(inputs.map { GraphValue(name: $0.name) })
    var inner = ONNXGraph(name)
    for (value, port) in outputs {
      graph.nodes.append(
        ONNXGraph.Node("outputs/\(port.name)", "Identity", inputs: [value.name], outputs: [port.name]))
    }
    (inner.nodes, inner.inputs, inner.outputs) = (graph.nodes, inputs, outputs.map(\.port))
    graph.nodes = outer
    return .init("body", .graph(inner))
  }

  // MARK: Inputs and outputs

  func input(_ name: String, _ type: ElementType, _ shape: [ONNXGraph.Extent]) -> GraphValue {
    graph.inputs.append(ONNXGraph.Port(name, type, shape))
    return GraphValue(name: name)
  }

  func output(_ name: String, _ value: GraphValue, _ shape: [ONNXGraph.Extent], _ type: ElementType = .float32) {
    graph.nodes.append(
      ONNXGraph.Node("outputs/\(name)", "Identity", inputs: [value.name], outputs: [name]))
    graph.outputs.append(ONNXGraph.Port(name, type, shape))
  }

  // MARK: Constants and arrays

  private func constant(_ name: String, _ type: ElementType, _ dimensions: [Int], _ bytes: [UInt8]) -> GraphValue {
    if constants.insert(name).inserted {
      graph.initializers.append(ONNXGraph.Initializer(name, type, dimensions, .bytes(bytes)))
    }
    return GraphValue(name: name)
  }

  /// A list of numbers, as shapes and places are given.
  func integers(_ values: [Int]) -> GraphValue {
    let name = "integers/" + values.map(String.init).joined(separator: "_")
    return constant(name, .int64, [values.count], values.flatMap { Int64($0).littleEndianBytes })
  }

  /// One integer without dimensions.
  func integer(_ value: Int) -> GraphValue {
    constant("integer/\(value)", .int64, [], Int64(value).littleEndianBytes)
  }

  /// One number without dimensions.
  func float(_ value: Float) -> GraphValue {
    constant("float/\(value)", .float32, [], value.bitPattern.littleEndianBytes)
  }

  func byte(_ value: UInt8) -> GraphValue { constant("byte/\(value)", .uint8, [], [value]) }

  /// An array of a net as it is written.
  func array(_ array: StoredArray) -> GraphValue {
    if constants.insert(array.name).inserted { references.append(array.name) }
    return GraphValue(name: array.name)
  }

  /// An array of a net as float32 numbers: what is stored in fewer bits is brought to them.
  func float(_ weight: Weight) -> GraphValue {
    if let made = floats[weight.name] { return made }
    let value: GraphValue
    // Values are made once, wherever they were first needed.
    let former = scope
    scope = []
    defer { scope = former }
    switch weight.elementType {
    case .int8:
      // Not by DequantizeLinear: ONNX Runtime would run that at every step, and makes these floats once.
      let (stored, scales) = (array(arrays.refer(to: weight, .same)), array(arrays.refer(toScalesOf: weight)))
      value = within(weight.name) {
        node("Mul", [cast(stored, to: .float32), node("Unsqueeze", [scales, integers([1])])])
      }
    case .bfloat16: value = array(arrays.refer(to: weight, .widened))
    case .float16:
      let stored = array(arrays.refer(to: weight, .same))
      value = within(weight.name) { cast(stored, to: .float32) }
    default: value = array(arrays.refer(to: weight, .same))
    }
    floats[weight.name] = value
    return value
  }

  /// Rows of an array of a net, as float32.
  /// - Parameter indices: of any shape.
  /// - Returns: of that shape and the array's columns.
  func rows(of weight: Weight, _ indices: GraphValue) -> GraphValue {
    // All of a large array needn't become float32 for a few of its rows.
    guard weight.elementType == .int8 || weight.elementType == .float16 else {
      return node("Gather", [float(weight), indices])
    }
    let rows = cast(node("Gather", [array(arrays.refer(to: weight, .same)), indices]), to: .float32)
    guard weight.elementType == .int8 else { return rows }
    let scales = node("Gather", [array(arrays.refer(toScalesOf: weight)), indices])
    return node("Mul", [rows, node("Unsqueeze", [scales, integers([-1])])])
  }

  /// An int8 array for products of integers: inputs × outputs, 128 more than it is; its scales; and the sums of its rows.
  func integerWeight(_ weight: Weight) -> (weight: GraphValue, scales: GraphValue, sums: GraphValue) {
    (
      array(arrays.refer(to: weight, .transposed, suffix: ".transposed")), array(arrays.refer(toScalesOf: weight)),
      array(arrays.refer(to: weight, .rowSums, suffix: ".sums"))
    )
  }

  /// Positions of a trunk's patches, and of the tokens before them, of images of a side in pixels: rows × size.
  func positions(_ trunk: VisionTrunk, side: Int) -> GraphValue {
    let newSide = side / trunk.patchSide
    if newSide == trunk.gridSide { return float(trunk.positions) }
    return array(
      arrays.refer(
        to: trunk.positions,
        .resized(
          leading: trunk.leading, side: trunk.gridSide, newSide: newSide, isAntialiased: trunk.registers != nil),
        suffix: ".\(newSide)"))
  }

  func cast(_ value: GraphValue, to type: ElementType) -> GraphValue {
    node("Cast", [value], [.init("to", .type(type))])
  }

  /// The rows of a value, quantized; once, whatever layers they meet.
  func quantized(_ x: GraphValue) -> QuantizedRows {
    if let made = quantized[x] { return made }
    let made = QuantizedRows(x, self)
    quantized[x] = made
    return made
  }

  /// The graph.
  /// - Parameter places: where arrays of nets stand in the file of weights.
  func finished(_ places: [String: (array: StoredArray, offset: Int)]) -> ONNXGraph {
    var out = graph
    for name in references {
      guard let (array, offset) = places[name] else { preconditionFailure("an array that isn't written") }
      out.initializers.append(
        ONNXGraph.Initializer(
          name, array.elementType, array.dimensions, .external(offset: offset, bytes: array.bytes)))
    }
    return out
  }
}
