import Checkpoints
import Nets

/// Rows that are quantized as the kernels do it (`ck_quantize_activations`), but to unsigned bytes: each with a scale and a zero
/// point of its own, so that its least element, or 0, becomes 0 and its greatest, or 0, 255.
struct QuantizedRows {
  /// rows × columns, uint8.
  let rows: GraphValue
  /// rows × 1, int32: what a row's 0 became.
  let zeros: GraphValue
  /// rows × 1.
  let scales: GraphValue

  /// - Parameter x: rows × columns.
  init(_ x: GraphValue, _ graph: GraphBuilder) {
    let last: [ONNXGraph.Attribute] = [.init("axes", .integers([-1])), .init("keepdims", .integer(1))]
    let none = graph.float(0)
    let low = graph.node("Min", [graph.node("ReduceMin", [x], last), none])
    let high = graph.node("Max", [graph.node("ReduceMax", [x], last), none])
    let range = graph.node("Sub", [high, low])
    // A row of zeros is divided by what is not zero, and stays so.
    let inverse = graph.node("Div", [graph.float(255), graph.node("Max", [range, graph.float(0x1p-119)])])
    let zero = graph.node("Round", [graph.node("Mul", [graph.node("Neg", [low]), inverse])])
    let moved = graph.node("Add", [graph.node("Round", [graph.node("Mul", [x, inverse])]), zero])
    rows = graph.cast(graph.node("Clip", [moved, none, graph.float(255)]), to: .uint8)
    zeros = graph.cast(zero, to: .int32)
    scales = graph.node("Div", [range, graph.float(255)])
  }
}
