import Arrays

/// Layers that arrays of no known family seem to belong to, told by names and shapes alone: what PyTorch, Keras, Flax,
/// TensorFlow and their exporters to ONNX call the arrays of a layer, and which shapes these have. Where two types of
/// layers would look the same, or nothing is known of an array, it counts as other.
public struct InferredLayers: Sendable {
  /// Types that names and shapes can tell apart.
  public enum LayerType: String, CaseIterable, Sendable {
    case linear = "Linear"
    case conv1d = "Conv1d"
    case conv2d = "Conv2d"
    case conv3d = "Conv3d"
    case convTranspose1d = "ConvTranspose1d"
    case convTranspose2d = "ConvTranspose2d"
    case convTranspose3d = "ConvTranspose3d"
    case embedding = "Embedding"
    /// With running statistics.
    case batchNorm = "BatchNorm"
    /// A gain, a shift or both, without running statistics: layer, group, instance and RMS normalization.
    case normalization = "Normalization"
    /// Projections of queries, keys and values that stand in one layer. Where each is a linear layer of its own, they
    /// count as these.
    case attention = "Attention"
    /// A recurrent layer, or a single cell, whatever its depth and directions.
    case lstm = "LSTM"
    case gru = "GRU"
    case rnn = "RNN"
    case convLSTM = "ConvLSTM"
  }

  public struct Count: Sendable {
    public let type: LayerType
    public fileprivate(set) var layers = 0
    public fileprivate(set) var arrays = 0
    /// Elements that training sets; running statistics and other buffers are none.
    public fileprivate(set) var parameters = 0

    fileprivate init(_ type: LayerType) { self.type = type }
  }

  /// Types that occur, in the order of `LayerType`.
  public let types: [Count]
  /// Arrays that no layer was inferred from.
  public let otherArrays: Int
  /// Their elements, whatever they are for.
  public let otherElements: Int

  /// - Parameter arrays: all arrays of a net, by the names that their publisher gave them.
  public init(_ arrays: [(name: String, shape: Shape)]) {
    var counts: [LayerType: Count] = [:]
    var isOther = [Bool](repeating: true, count: arrays.count)
    for layer in LayerGroups(arrays).layers() {
      var count = counts[layer.type] ?? Count(layer.type)
      count.layers += 1
      count.arrays += layer.parameters.count + layer.buffers.count
      count.parameters += layer.parameters.reduce(0) { $0 + arrays[$1].shape.elements }
      counts[layer.type] = count
      for place in layer.parameters + layer.buffers { isOther[place] = false }
    }
    types = LayerType.allCases.compactMap { counts[$0] }
    let others = arrays.indices.filter { isOther[$0] }
    otherArrays = others.count
    otherElements = others.reduce(0) { $0 + arrays[$1].shape.elements }
  }
}

/// A layer that was told by its arrays: places in the list of all.
struct InferredLayer {
  let type: InferredLayers.LayerType
  let parameters: [Int]
  /// What belongs to the layer and isn't trained.
  var buffers: [Int] = []
}
