import Arrays

/// Layers with a `weight`, outputs first, as PyTorch's, and maybe a `bias`.
struct WeightRules {
  private let group: LayerGroups.Group
  private let groups: LayerGroups
  private let words: LayerWords

  init(_ group: LayerGroups.Group, in groups: LayerGroups) {
    (self.group, self.groups) = (group, groups)
    words = group.words
  }

  var layer: InferredLayer? {
    // Of weight_norm a direction and its length.
    let weight = group["weight"] == nil && group["weight_g"] != nil ? "weight_v" : "weight"
    guard let shape = group[weight], let type = type(shape, group["bias"]) else { return nil }
    var buffers = ["weight_u", "weight_mask", "bias_mask"]
    if weight != "weight_v" { buffers.append("weight_v") }
    return group.layer(type, [weight, "weight_g", "bias", "bias_orig"], buffers: buffers)
  }

  private func type(_ weight: [Int], _ bias: [Int]?) -> InferredLayers.LayerType? {
    guard bias.map({ $0.count == 1 }) != false else { return nil }
    switch weight.count {
    case 2: return matrix(weight, bias)
    case 3 where !isLine(weight): return nil
    case 3...5: return convolution(weight, bias)
    default: return nil
    }
  }

  // MARK: Matrices

  private func matrix(_ weight: [Int], _ bias: [Int]?) -> InferredLayers.LayerType? {
    guard !words.isConv, !words.isNorm else { return nil }
    // Outputs are the second dimension in GPT-2's layers, and in other libraries.
    if let bias { return bias == [weight[0]] || bias == [weight[1]] ? .linear : nil }
    guard let name = group.path.last else { return nil }
    switch words.isEmbedding {
    case true?: return group.number.map { isOfTables($0) } == false ? numbered(weight) : .embedding
    case nil: return nil
    case false?: return Int(name) == nil ? .linear : numbered(weight)
    }
  }

  /// A matrix in a sequence of layers without names of their own: an embedding may stand first, and what comes after it
  /// says what it gives.
  private func numbered(_ weight: [Int]) -> InferredLayers.LayerType? {
    guard let number = group.number else { return nil }
    if (1...3).contains(where: { neighbour(number - $0).map { $0["weight"] != nil } == true }) { return .linear }
    for distance in 1...3 {
      guard let next = neighbour(number + distance), let inputs = inputs(next) else { continue }
      if weight[0] == weight[1] { return nil }
      return inputs == weight[0] ? .linear : inputs == weight[1] ? .embedding : nil
    }
    return words.isLinear ? .linear : nil
  }

  /// Whether what stands beside it is tables too, not further layers of a sequence.
  private func isOfTables(_ number: Int) -> Bool {
    [number - 1, number + 1].compactMap(neighbour).allSatisfy { $0["weight"]?.count == 2 && $0["bias"] == nil }
  }

  private func inputs(_ group: LayerGroups.Group) -> Int? {
    if let weight = group["weight"] ?? group["weight_ih_l0"], weight.count < 3 { return weight.last }
    return group["weight"].map { $0[1] }
  }

  private func neighbour(_ number: Int) -> LayerGroups.Group? {
    var path = group.path
    path[path.count - 1] = "\(number)"
    return groups[path]
  }

  // MARK: Convolutions

  /// Whether three dimensions are a convolution's: a bilinear layer's and weights of several experts have three too.
  private func isLine(_ weight: [Int]) -> Bool {
    words.isConv || words.isTransposed || weight[1] == 1 || weight[2] <= KernelRules.mostPlacesOfLine
  }

  private func convolution(_ weight: [Int], _ bias: [Int]?) -> InferredLayers.LayerType? {
    func type(isTransposed: Bool) -> InferredLayers.LayerType? {
      ConvolutionType.of(rank: weight.count, isTransposed: isTransposed)
    }
    if let bias {
      if bias == [weight[0]] {
        return type(isTransposed: words.isTransposed)
      }
      // Inputs first, then a group's outputs.
      let (groups, rest) = bias[0].quotientAndRemainder(dividingBy: max(weight[1], 1))
      return rest == 0 && groups > 0 && weight[0] % groups == 0 ? type(isTransposed: true) : nil
    }
    return type(isTransposed: words.isTransposed || isTransposedBesideNorms(weight))
  }

  /// Whether the norm after it, or before it, fits the channels of a transposed one only.
  private func isTransposedBesideNorms(_ weight: [Int]) -> Bool {
    guard let number = group.number, weight[1] > 0, weight[0] != weight[1] else { return false }
    if let next = norm(number + 1) { return next != weight[0] && next == weight[1] }
    for distance in 1...3 {
      if let last = norm(number - distance) { return last % weight[1] != 0 && last == weight[0] }
    }
    return false
  }

  /// Channels of a norm at that place.
  private func norm(_ number: Int) -> Int? {
    guard let neighbour = neighbour(number), let weight = neighbour["weight"], weight.count == 1 else { return nil }
    return weight == neighbour["bias"] ? weight[0] : nil
  }
}
