import Arrays
import NetFile

/// The dimension of a plain net's arrays that counts a layer's outputs, along which scales of int8 weights are best: the first
/// one with PyTorch, ONNX and GGUF; the last one with Keras, Flax and TensorFlow. Nothing in a plain net says so: it is
/// inferred from the containers and from names that these libraries give. A wrong guess costs accuracy, no correctness: the
/// file says which dimension was taken.
struct OutputAxis {
  private let isLast: Bool

  init(_ header: NetHeader) {
    let names = header.provenance.sources.map { $0.file.lowercased() }
    isLast = names.contains { name in
      Self.endings.contains { name.hasSuffix($0) } || name.contains(".data-0")
    }
  }

  /// Of files of Keras, Flax and TensorFlow.
  private static let endings = [".h5", ".hdf5", ".keras", ".msgpack", ".index"]

  subscript(_ array: ArrayEntry) -> Int {
    let rank = array.shape.rank
    guard rank > 1 else { return 0 }
    // TensorFlow's checkpoints end names by what kind of thing it is, Keras' by a number.
    let attributes = "/.ATTRIBUTES/VARIABLE_VALUE"
    let name = array.name.hasSuffix(attributes) ? String(array.name.dropLast(attributes.count)) : array.name
    let parts = name.lowercased().split { $0 == "/" || $0 == "." }.map { $0.split(separator: ":").first ?? "" }
    let last = parts.last ?? ""
    func mentions(_ word: String) -> Bool { parts.contains { $0.contains(word) } }
    // Its outputs are the input's channels times the multiplier behind them; transposed convolutions have outputs first.
    let beforeLast = rank > 2 && (last.hasPrefix("depthwise") || last == "kernel" && mentions("transpose"))
    // torch's exporter gives this name to a Linear's matrix that it transposed.
    if array.name.hasPrefix("onnx::MatMul") { return rank - 1 }
    if last == "kernel" || last.hasSuffix("_kernel") { return beforeLast ? rank - 2 : rank - 1 }
    guard isLast, !mentions("embed") else { return 0 }
    return beforeLast ? rank - 2 : rank - 1
  }
}
