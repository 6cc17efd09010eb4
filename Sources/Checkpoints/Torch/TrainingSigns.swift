import Arrays

/// By what the state of a training, which is no weights, is told.
struct TrainingSigns {
  private let found: TorchParts
  private var tree: PickleTree { found.tree }

  init(_ found: TorchParts) {
    self.found = found
  }

  /// What a part is, where it is a training's; nil where nothing says that it is one.
  func why(_ part: Int) -> String? {
    if isOptimizer(part) { return "optimizer state" }
    let key = found.parts[part].key
    guard key.utf8.count <= Self.longestKey else { return nil }
    return Self.keys[key.lowercased()] ?? Self.words(key).compactMap { Self.keyWords[$0] }.first
  }

  /// Whether a part has members that are no arrays, as a record of a training has, and a net has not.
  func isRecord(_ part: TorchPart) -> Bool {
    func isPlain(_ value: PickleValue) -> Bool {
      switch value {
      case .boolean, .integer, .largeInteger, .float, .string: true
      default: false
      }
    }
    if let pairs = tree.pairs(part.value) {
      return stride(from: 1, to: pairs.count, by: 2).contains { isPlain(pairs[$0]) }
    }
    if let state = tree.state(of: part.value), let pairs = tree.pairs(state) {
      return stride(from: 1, to: pairs.count, by: 2).contains { isPlain(pairs[$0]) }
    }
    return tree.items(part.value)?.contains(where: isPlain) ?? false
  }

  // MARK: By structure

  /// An optimizer's state: `{"state": {0: {"exp_avg": …}}, "param_groups": […]}` as torch.optim writes it, such states in a
  /// list or a dictionary, the optimizer itself; or what its `state` holds.
  func isOptimizer(_ index: Int, depth: Int = 0) -> Bool {
    guard depth < 4 else { return false }
    let part = found.parts[index]
    if part.isModule { return false }
    if let name = tree.className(of: part.value), name.hasPrefix("torch.optim."), !name.contains("swa_utils") {
      return true
    }
    for value in [part.value] + (tree.state(of: part.value).map { [$0] } ?? []) {
      if tree.member("state", of: value) != nil, tree.member("param_groups", of: value) != nil { return true }
    }
    guard part.arrays.isEmpty, !part.parts.isEmpty else { return false }
    return part.parts.allSatisfy { isOptimizer($0, depth: depth + 1) } || part.parts.allSatisfy(isMoments)
  }

  /// What an optimizer keeps of one parameter.
  private func isMoments(_ index: Int) -> Bool {
    let part = found.parts[index]
    guard !part.arrays.isEmpty, part.parts.isEmpty else { return false }
    var hasMoment = false
    for tensor in part.arrays {
      let word = String(found.tensors[tensor].name.split(separator: ".").last ?? "")
      if Self.moments.contains(word) {
        hasMoment = true
      } else if !["step", "sum", "prev", "eta", "mu", "lr"].contains(word) {
        return false
      }
    }
    return hasMoment
  }

  /// Of torch.optim's optimizers, and those of others that keep to their words.
  private static let moments: Set<String> = [
    "exp_avg", "exp_avg_sq", "max_exp_avg_sq", "exp_inf", "momentum_buffer", "square_avg", "grad_avg", "acc_delta",
    "ax",
    "step_size", "exp_avg_diff", "exp_avg_slow", "exp_avg_sq_row", "exp_avg_sq_col", "mu_product", "prev_grad",
  ]

  // MARK: By names

  /// Names of members that trainings keep, whatever stands in them.
  private static let keys: [String: String] = [
    "callbacks": "state of callbacks", "loops": "state of loops", "amp": "gradient scaler", "rng_state": "random state",
    "rng_states": "random state", "random_state": "random state",
  ]
  private static let keyWords: [String: String] = [
    "optimizer": "optimizer state", "optimizers": "optimizer state", "optim": "optimizer state",
    "scheduler": "scheduler state", "schedulers": "scheduler state", "scaler": "gradient scaler", "rng": "random state",
  ]

  private static let longestKey = 100

  /// The words of a name, in lower case: `optimizerG` and `optimizer_g` have two.
  static func words(_ name: String) -> [String] {
    var words: [String] = [""]
    var wasSmall = false
    for character in name.prefix(longestKey) {
      guard character.isLetter else {
        words.append("")
        wasSmall = false
        continue
      }
      if character.isUppercase, wasSmall { words.append("") }
      wasSmall = character.isLowercase
      words[words.count - 1] += character.lowercased()
    }
    return words.filter { !$0.isEmpty }
  }
}
