import Arrays

/// All arrays of a net by the layers that their names put them in.
struct LayerGroups {
  struct Group {
    let path: [String]
    /// Places in the list of all arrays, by what the layer calls them.
    fileprivate(set) var places: [String: Int] = [:]
    fileprivate(set) var shapes: [String: [Int]] = [:]

    subscript(member: String) -> [Int]? { shapes[member] }
    /// What its name says, or, where that is a number, that of the sequence it is in.
    var words: LayerWords { LayerWords(path.last { Int($0) == nil } ?? "") }
    /// Its place in a sequence of layers that have numbers for names.
    var number: Int? { path.last.flatMap { Int($0) }.flatMap { (0..<1 << 32).contains($0) ? $0 : nil } }

    func layer(
      _ type: InferredLayers.LayerType, _ parameters: some Sequence<String>, buffers: some Sequence<String> = []
    ) -> InferredLayer {
      InferredLayer(
        type: type, parameters: parameters.compactMap { places[$0] }, buffers: buffers.compactMap { places[$0] })
    }
  }

  /// No layer's array has more elements, nor none; so rules may multiply dimensions.
  private static let elements = 1...1 << 48

  /// In the order of first appearance.
  private var groups: [Group] = []
  private var placesOfGroups: [[String]: Int] = [:]
  /// Arrays that ONNX' exporters named for the operator that takes them, in order.
  private var operands: [String: [(place: Int, shape: [Int])]] = [:]

  init(_ arrays: [(name: String, shape: Shape)]) {
    for (place, array) in arrays.enumerated() where Self.elements.contains(array.shape.elements) {
      if let name = Self.operatorName(array.name) {
        operands[name, default: []].append((place, array.shape.dimensions))
        continue
      }
      let name = LayerArrayName(array.name)
      let group = placesOfGroups[name.path] ?? groups.count
      if group == groups.count {
        placesOfGroups[name.path] = group
        groups.append(Group(path: name.path))
      }
      // Two names for one thing: the layer isn't what it seems.
      guard groups[group].places[name.member] == nil else { continue }
      groups[group].places[name.member] = place
      groups[group].shapes[name.member] = array.shape.dimensions
    }
  }

  /// `Conv` of `onnx::Conv_193`.
  private static func operatorName(_ name: String) -> String? {
    guard name.hasPrefix("onnx::"), let end = name.lastIndex(of: "_") else { return nil }
    return String(name[..<end].dropFirst(6))
  }

  subscript(path: [String]) -> Group? { placesOfGroups[path].map { groups[$0] } }

  func layers() -> [InferredLayer] {
    var layers = operands.sorted { $0.key < $1.key }.flatMap { OperandRules.layers(of: $0.key, $0.value) }
    let joined = JoinedRules(groups)
    layers += joined.layers
    for (place, group) in groups.enumerated() where !joined.used.contains(place) {
      if let layer = rule(group) { layers.append(layer) }
    }
    return layers
  }

  /// The first rule that knows the layer's arrays decides.
  private func rule(_ group: Group) -> InferredLayer? {
    if group.path.last == "vars" { return KerasVariables.layer(group) }
    return RecurrentRules.layer(group) ?? TorchAttention.layer(group) ?? NormalizationRules.layer(group)
      ?? KernelRules.layer(group) ?? WeightRules(group, in: self).layer ?? EmbeddingRules.layer(group)
  }
}
