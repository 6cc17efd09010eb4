import Arrays

/// Kernels of Keras, Flax and TensorFlow: the places of the picture first, then inputs, then outputs.
enum KernelRules {
  /// Kernels of more places are rather something else: Flax' dense layers by heads have three dimensions and more too.
  static let mostPlaces = 64
  static let mostPlacesOfLine = 16

  static func layer(_ group: LayerGroups.Group) -> InferredLayer? {
    if let kernel = group["depthwise_kernel"] ?? group["depthwise_weights"] {
      let type = ConvolutionType.of(rank: kernel.count, isTransposed: false)
      let parameters = ["depthwise_kernel", "depthwise_weights", "pointwise_kernel", "bias"]
      return kernel.count < 5 ? type.map { group.layer($0, parameters) } : nil
    }
    guard let kernel = group["kernel"] else { return nil }
    return layer(kernel, group["bias"], group.words).map { group.layer($0, ["kernel", "bias"]) }
  }

  static func layer(_ kernel: [Int], _ bias: [Int]?, _ words: LayerWords) -> InferredLayers.LayerType? {
    guard let outputs = kernel.last, bias.map({ $0.count == 1 }) != false else { return nil }
    if kernel.count == 2 {
      return (bias == nil || bias == [outputs]) && !words.isConv && !words.isNorm ? .linear : nil
    }
    guard kernel.count > 2, kernel.count < 6 else { return nil }
    let places = kernel.dropLast(2)
    let inputs = kernel[kernel.count - 2]
    let most = kernel.count == 3 && bias == nil ? mostPlacesOfLine : mostPlaces
    guard words.isConv || places.allSatisfy({ $0 <= most }) && !JoinedRules.isProjection(words.name) else { return nil }
    func type(isTransposed: Bool) -> InferredLayers.LayerType? {
      ConvolutionType.of(rank: kernel.count, isTransposed: isTransposed)
    }
    // Of a depthwise one, outputs of each input are last; of Keras' transposed ones, inputs; of Flax', outputs.
    if words.isDepthwise { return bias == nil || bias == [inputs * outputs] ? type(isTransposed: false) : nil }
    if words.isTransposed {
      return bias == nil || bias == [inputs] || bias == [outputs] ? type(isTransposed: true) : nil
    }
    if bias == nil || bias == [outputs] { return type(isTransposed: false) }
    return bias == [inputs] && outputs > 1 ? type(isTransposed: true) : nil
  }
}

/// Keras 3 numbers a layer's variables; the layer's name is mostly that of its class.
enum KerasVariables {
  static func layer(_ group: LayerGroups.Group) -> InferredLayer? {
    let names = (0..<group.shapes.count).map { "\($0)" }
    let shapes = names.compactMap { group[$0] }
    guard shapes.count == names.count, let first = shapes.first else { return nil }
    let bias = shapes.count == 2 ? shapes[1] : nil
    let path = group.path.dropLast()
    let isCell = path.last == "cell"
    let kind = (isCell ? path.dropLast() : path).last.map(unnumbered) ?? ""
    let words = LayerWords(kind)
    let isFlat = shapes.allSatisfy { $0.count == 1 && $0 == first }
    switch kind {
    case "embedding": return shapes.count == 1 && first.count == 2 ? group.layer(.embedding, names) : nil
    case "batch_normalization", "sync_batch_normalization":
      guard isFlat, (2...4).contains(shapes.count) else { return nil }
      return group.layer(.batchNorm, names.dropLast(2), buffers: names.suffix(2))
    case "separable_conv1d", "separable_conv2d":
      guard (2...3).contains(shapes.count), first.count == shapes[1].count else { return nil }
      return ConvolutionType.of(rank: first.count, isTransposed: false).map { group.layer($0, names) }
    case "depthwise_conv1d", "depthwise_conv2d":
      guard shapes.count <= 2, bias == nil || bias?.count == 1 else { return nil }
      return ConvolutionType.of(rank: first.count, isTransposed: false).map { group.layer($0, names) }
    case "normalization": return nil  // Of inputs: a mean and a variance, which aren't trained.
    default: break
    }
    if isFlat {
      if shapes.count == 4 { return group.layer(.batchNorm, names.prefix(2), buffers: names.suffix(2)) }
      return shapes.count == 2 || shapes.count == 1 && words.isNorm ? group.layer(.normalization, names) : nil
    }
    if (2...3).contains(shapes.count), first.count == shapes[1].count {
      return recurrent(shapes, isCell: isCell).map { group.layer($0, names) }
    }
    guard shapes.count <= 2, first.count > 2 || bias != nil || kind == "dense" else { return nil }
    return KernelRules.layer(first, bias, words).map { group.layer($0, names) }
  }

  /// `conv2d` of `conv2d_3`.
  private static func unnumbered(_ name: String) -> String {
    guard let place = name.lastIndex(of: "_"), Int(name[place...].dropFirst()) != nil else { return name }
    return String(name[..<place])
  }

  private static func recurrent(_ shapes: [[Int]], isCell: Bool) -> InferredLayers.LayerType? {
    guard let columns = shapes[0].last, columns == shapes[1].last, let rows = shapes[1].dropLast().last else {
      return nil
    }
    if shapes[0].count == 4 { return columns == 4 * rows ? .convLSTM : nil }
    guard shapes[0].count == 2, let type = RecurrentRules.type(columns, rows) else { return nil }
    // A matrix and a square one may be anything.
    return type == .rnn && !isCell ? nil : type
  }
}

/// Layers that Flax and Keras make of several: attention with its projections by heads, and Flax' recurrent cells.
struct JoinedRules {
  private(set) var layers: [InferredLayer] = []
  /// Places of the groups that are parts of them.
  private(set) var used: Set<Int> = []

  private static let queries = ["query", "key", "value", "query_dense", "key_dense", "value_dense"]
  private static let outputs = ["out", "attention_output", "output_dense"]
  private static let gatesOfLSTM = ["ii", "if", "ig", "io", "hi", "hf", "hg", "ho"]
  private static let gatesOfGRU = ["ir", "iz", "in", "hr", "hz", "hn"]

  static func isProjection(_ name: String) -> Bool { (queries + outputs).contains(name) }

  init(_ groups: [LayerGroups.Group]) {
    let parts = Set(Self.queries + Self.outputs + Self.gatesOfLSTM + Self.gatesOfGRU)
    var children: [[String]: [String: Int]] = [:]
    var parents: [[String]] = []
    for (place, group) in groups.enumerated() {
      var parent = group.path
      if parent.last == "vars" { parent.removeLast() }
      guard let name = parent.popLast(), parts.contains(name) else { continue }
      if children[parent] == nil { parents.append(parent) }
      children[parent, default: [:]][name] = place
    }
    for parent in parents {
      guard let own = children[parent] else { continue }
      let projections = Self.queries.filter { own[$0].map { Self.matrix(groups[$0])?.count == 3 } == true }
      if projections.count == 3 {
        join(
          .attention, projections + Self.outputs.filter { own[$0].map { Self.matrix(groups[$0])?.count == 3 } == true })
      } else if Self.isCell(Self.gatesOfLSTM, own, groups) {
        join(.lstm, Self.gatesOfLSTM)
      } else if Self.isCell(Self.gatesOfGRU, own, groups) {
        join(.gru, Self.gatesOfGRU)
      }
      func join(_ type: InferredLayers.LayerType, _ names: [String]) {
        let places = names.compactMap { own[$0] }
        used.formUnion(places)
        let arrays = places.flatMap { groups[$0].places.values }
        layers.append(InferredLayer(type: type, parameters: arrays))
      }
    }
  }

  private static func matrix(_ group: LayerGroups.Group) -> [Int]? {
    group["kernel"] ?? (group.path.last == "vars" ? group["0"] : nil)
  }

  private static func isCell(_ gates: [String], _ own: [String: Int], _ groups: [LayerGroups.Group]) -> Bool {
    gates.allSatisfy { own[$0].map { matrix(groups[$0])?.count == 2 } == true }
  }
}
