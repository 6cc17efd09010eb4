import Arrays

/// Layers with a `weight`, outputs first, as PyTorch's, and maybe a `bias`.
struct WeightRules {
  /// Times as many rows as columns that a matrix has which may be a table.
  private static let rowsOfTables = 16

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
    // Many times as many rows as columns are rather a vocabulary than outputs, unless it is a head.
    case false? where weight[0] / max(weight[1], 1) >= Self.rowsOfTables && !words.isLinear: return nil
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
        if words.isTransposed { return type(isTransposed: true) }
        return weight[0] != weight[1]
          ? type(isTransposed: false) : isTransposedByPlaces(weight).flatMap { type(isTransposed: $0) }
      }
      // Inputs first, then a group's outputs.
      let (groups, rest) = bias[0].quotientAndRemainder(dividingBy: max(weight[1], 1))
      return rest == 0 && groups > 0 && weight[0] % groups == 0 ? type(isTransposed: true) : nil
    }
    if words.isTransposed { return type(isTransposed: true) }
    return (isTransposedBesideNorms(weight) ?? isTransposedByPlaces(weight)).flatMap { type(isTransposed: $0) }
  }

  /// Without a bias that tells inputs from outputs: kernels of an even length are most often those of transposed ones, but
  /// not where a net makes pictures smaller.
  private func isTransposedByPlaces(_ weight: [Int]) -> Bool? {
    let isEven = weight.dropFirst(2).allSatisfy { $0 % 2 == 0 }
    return !isEven || words.isReducing || group.path.contains { LayerWords($0).isReducing } ? false : nil
  }

  /// Whether the norm after it, or before it, fits the channels of a transposed one only; nil where there is none that tells.
  private func isTransposedBesideNorms(_ weight: [Int]) -> Bool? {
    guard let number = group.number, weight[1] > 0, weight[0] != weight[1] else { return nil }
    if let next = norm(number + 1) { return next == weight[0] ? false : next == weight[1] ? true : nil }
    for distance in 1...3 {
      if let last = norm(number - distance) { return last % weight[1] == 0 ? nil : last == weight[0] ? true : nil }
    }
    return nil
  }

  /// Channels of a norm at that place.
  private func norm(_ number: Int) -> Int? {
    guard let neighbour = neighbour(number), let weight = neighbour["weight"], weight.count == 1 else { return nil }
    return weight == neighbour["bias"] ? weight[0] : nil
  }
}
