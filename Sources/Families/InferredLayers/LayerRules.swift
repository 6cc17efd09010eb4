import Arrays

/// Recurrent layers: PyTorch's `weight_ih_l0` and `weight_hh_l0`, or those of a cell, and Keras' `recurrent_kernel`.
/// How many gates there are tells which it is.
enum RecurrentRules {
  static func layer(_ group: LayerGroups.Group) -> InferredLayer? {
    if let recurrent = group["recurrent_kernel"], let kernel = group["kernel"], let rows = recurrent.dropLast().last {
      guard rows > 0, kernel.count == recurrent.count, kernel.last == recurrent.last, let columns = kernel.last else {
        return nil
      }
      let parameters = ["kernel", "recurrent_kernel", "bias"]
      if kernel.count == 4 { return columns == 4 * rows ? group.layer(.convLSTM, parameters) : nil }
      return kernel.count == 2 ? type(columns, rows).map { group.layer($0, parameters) } : nil
    }
    let names = group.shapes.keys.filter { isTorchs($0) }
    guard let inputs = group["weight_ih_l0"] ?? group["weight_ih"],
      let states = group["weight_hh_l0"] ?? group["weight_hh"],
      inputs.count == 2, states.count == 2, inputs[0] == states[0]
    else { return nil }
    if let projection = group["weight_hr_l0"] {
      // Of an LSTM only: its state is projected to fewer numbers.
      guard projection.count == 2, projection[0] == states[1], states[0] == 4 * projection[1] else { return nil }
      return group.layer(.lstm, names)
    }
    return type(states[0], states[1]).map { group.layer($0, names) }
  }

  /// `weight_ih_l0`, `bias_hh_l1_reverse`, `weight_hr_l0`, `bias_ih`.
  private static func isTorchs(_ name: String) -> Bool {
    ["weight_ih", "weight_hh", "weight_hr_l", "bias_ih", "bias_hh"].contains { name.hasPrefix($0) }
  }

  static func type(_ gateElements: Int, _ elements: Int) -> InferredLayers.LayerType? {
    guard elements > 0, gateElements % elements == 0 else { return nil }
    return switch gateElements / elements {
    case 4: .lstm
    case 3: .gru
    case 1: .rnn
    default: nil
    }
  }
}

/// torch.nn.MultiheadAttention, but for `out_proj`, which is a linear layer.
enum TorchAttention {
  static func layer(_ group: LayerGroups.Group) -> InferredLayer? {
    let parameters = [
      "in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias", "bias_k", "bias_v",
    ]
    if let joined = group["in_proj_weight"] {
      guard joined.count == 2, joined[0] == 3 * joined[1] else { return nil }
      return group.layer(.attention, parameters)
    }
    let own = ["q_proj_weight", "k_proj_weight", "v_proj_weight"].compactMap { group[$0] }
    guard own.count == 3, own.allSatisfy({ $0.count == 2 && $0[0] == own[0][0] }) else { return nil }
    return group.layer(.attention, parameters)
  }
}

/// Gains and shifts of one length, with or without running statistics.
enum NormalizationRules {
  private static let gains = ["weight", "gamma", "scale"]
  private static let shifts = ["bias", "beta"]

  static func layer(_ group: LayerGroups.Group) -> InferredLayer? {
    let gain = gains.filter { group[$0] != nil }
    let shift = shifts.filter { group[$0] != nil }
    guard gain.count < 2, shift.count < 2, group["kernel"] == nil else { return nil }
    let parameters = gain + shift
    let shapes = parameters.compactMap { group[$0] }
    if let mean = group["running_mean"], let variance = group["running_var"] {
      guard mean.count == 1, mean == variance, shapes.allSatisfy({ $0 == mean }) else { return nil }
      // Statistics alone may be of inputs.
      guard !parameters.isEmpty || group["num_batches_tracked"] != nil || group.words.isNorm else { return nil }
      return group.layer(.batchNorm, parameters, buffers: ["running_mean", "running_var", "num_batches_tracked"])
    }
    guard let shape = shapes.first, shapes.allSatisfy({ $0 == shape }), !shape.isEmpty else { return nil }
    // A gain alone may be a PReLU's slope or a layer's scale as well, and so may a single number of each.
    guard parameters.count == 2 && shape != [1] || shape.count == 1 && group.words.isNorm else { return nil }
    return group.layer(.normalization, parameters)
  }
}

/// `embeddings` of Keras' Embedding, `embedding` of Flax' Embed, and TensorFlow's variables that are called so.
enum EmbeddingRules {
  static func layer(_ group: LayerGroups.Group) -> InferredLayer? {
    let names = ["embeddings", "embedding", "embedding_table", "word_embeddings"]
    let found = names.filter { group[$0]?.count == 2 }
    guard found.count == 1, group["weight"] == nil, group["bias"] == nil else { return nil }
    return group.layer(.embedding, found)
  }
}

/// Operands of ONNX' operators, where an exporter left them no other name.
enum OperandRules {
  static func layers(of name: String, _ operands: [(place: Int, shape: [Int])]) -> [InferredLayer] {
    switch name {
    case "MatMul", "Gemm":
      return operands.filter { $0.shape.count == 2 }.map { InferredLayer(type: .linear, parameters: [$0.place]) }
    case "Conv", "ConvTranspose":
      var layers: [InferredLayer] = []
      for operand in operands {
        if let type = ConvolutionType.of(rank: operand.shape.count, isTransposed: name == "ConvTranspose") {
          layers.append(InferredLayer(type: type, parameters: [operand.place]))
        } else if operand.shape.count == 1, let last = layers.popLast() {
          layers.append(InferredLayer(type: last.type, parameters: last.parameters + [operand.place]))
        }
      }
      return layers
    case "LSTM", "GRU", "RNN":
      // Weights of the input, of the state, and both biases; each by directions.
      guard operands.count % 3 == 0, operands.indices.allSatisfy({ operands[$0].shape.count == ($0 % 3 == 2 ? 2 : 3) }),
        let type = InferredLayers.LayerType(rawValue: name)
      else { return [] }
      return stride(from: 0, to: operands.count, by: 3).map {
        InferredLayer(type: type, parameters: operands[$0..<$0 + 3].map(\.place))
      }
    default: return []
    }
  }
}

enum ConvolutionType {
  /// nil: no convolution's weight has so many dimensions.
  static func of(rank: Int, isTransposed: Bool) -> InferredLayers.LayerType? {
    switch rank {
    case 3: isTransposed ? .convTranspose1d : .conv1d
    case 4: isTransposed ? .convTranspose2d : .conv2d
    case 5: isTransposed ? .convTranspose3d : .conv3d
    default: nil
    }
  }
}
