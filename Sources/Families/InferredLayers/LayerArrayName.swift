/// The name of an array taken apart: the layer that it belongs to, and what it is there.
struct LayerArrayName {
  /// From the outermost module to the layer.
  let path: [String]
  /// As the layer calls it, in the words of PyTorch or Keras.
  let member: String

  init(_ name: String) {
    var name = name[...]
    // TensorFlow's objects, and the number of an output in its graphs.
    let object = "/.ATTRIBUTES/VARIABLE_VALUE"
    if name.hasSuffix(object) { name = name.dropLast(object.count) }
    if name.hasSuffix(":0") { name = name.dropLast(2) }
    var parts = name.split { $0 == "." || $0 == "/" }.map(String.init)
    // Flax keeps what is trained and what isn't in trees of their own, with the same names.
    while parts.count > 1, ["params", "batch_stats"].contains(parts[0]) { parts.removeFirst() }
    let member = parts.popLast() ?? ""
    if let place = parts.lastIndex(of: "parametrizations"), place + 1 < parts.count {
      // torch.nn.utils.parametrizations: the weight in one piece, or as a length and a direction.
      let weight = parts[place + 1]
      let isWhole = place + 2 == parts.count
      path = Array(parts[..<place])
      switch member {
      case "original" where isWhole, "original1" where isWhole: self.member = weight
      case "original0" where isWhole: self.member = weight + "_g"
      default: self.member = weight + "_u"
      }
      return
    }
    path = parts
    self.member = Self.usual(member, in: parts.last)
  }

  /// `conv_1_W` of `conv_1` is `weight`.
  private static func usual(_ member: String, in layer: String?) -> String {
    var member = member
    if let layer, member.hasPrefix(layer + "_") { member = String(member.dropFirst(layer.count + 1)) }
    return synonyms[member] ?? member
  }

  /// What Keras 1, TF-Slim, Haiku, Paddle, weight_norm, spectral_norm and pruning of PyTorch call it.
  private static let synonyms = [
    "W": "weight", "w": "weight", "weights": "weight", "w_0": "weight", "weight_orig": "weight", "b": "bias",
    "biases": "bias", "b_0": "bias", "offset": "bias", "moving_mean": "running_mean", "w_1": "running_mean",
    "mean": "running_mean", "moving_variance": "running_var", "moving_var": "running_var", "w_2": "running_var",
    "var": "running_var",
  ]
}

/// What a layer's own name says of it.
struct LayerWords {
  /// In small letters.
  let name: String
  private let words: [String]

  /// - Parameter name: of one module, such as `conv_transpose` or `BatchNorm_0`.
  init(_ name: String) {
    var words: [String] = []
    var word = ""
    for letter in name {
      let startsWord = letter.isUppercase && word.last?.isLowercase == true
      if startsWord || !letter.isLetter, !word.isEmpty {
        words.append(word.lowercased())
        word = ""
      }
      if letter.isLetter { word.append(letter) }
    }
    if !word.isEmpty { words.append(word.lowercased()) }
    self.name = name.lowercased()
    self.words = words
  }

  var isNorm: Bool {
    words.contains { $0.hasSuffix("norm") || $0.hasSuffix("norms") || ["bn", "ln", "gn"].contains($0) }
  }

  /// But for pointwise ones, which are often written as linear layers.
  var isConv: Bool {
    words.contains { word in
      (word.hasPrefix("conv") || word.hasSuffix("conv") || word.hasSuffix("convs")) && !word.hasPrefix("pw")
    }
  }

  /// Whether what has the name makes pictures or sounds smaller.
  var isReducing: Bool {
    words.contains { word in
      ["down", "reduc", "encoder", "extractor", "backbone", "discriminator", "patch", "stem"].contains {
        word.contains($0)
      }
        || word == "sr"
    } || ["conv1d", "conv2d", "conv3d", "causal_conv", "short_conv", "shortconv"].contains { name.contains($0) }
  }

  var isDepthwise: Bool { name.contains("depthwise") || words.contains("dw") }

  var isTransposed: Bool {
    ["transpose", "deconv", "upconv"].contains { name.contains($0) }
      || words.contains { ["convt", "tconv", "convtr"].contains($0) }
  }

  var isLinear: Bool { words.contains { Self.linear.contains($0) || Self.blocks.contains($0) || $0.hasPrefix("lin") } }

  /// Whether it looks rows up; nil where the name leaves that open.
  var isEmbedding: Bool? {
    if ["shared", "relative_attention_bias", "token_types", "wte", "wpe"].contains(name) { return true }
    guard let place = words.firstIndex(where: { Self.embedding.contains($0) }) else {
      return words.contains { Self.tables.contains($0) } ? nil : false
    }
    var others = words
    others.remove(at: place)
    if others.contains(where: { Self.linear.contains($0) }) { return false }
    // `patch_embed` and `time_embedding` are often projections.
    if others.contains(where: { Self.pictures.contains($0) }) { return nil }
    let isLast = place == words.count - 1
    return isLast || others.allSatisfy { Self.lookedUp.contains($0) } ? true : nil
  }

  private static let embedding: Set = ["embed", "embeds", "embedding", "embeddings", "emb", "embs", "embd", "embedder"]
  private static let linear: Set = [
    "proj", "projection", "linear", "fc", "dense", "out", "output", "mlp", "to", "head",
  ]
  private static let blocks: Set = ["ff", "ffn", "attn", "classifier"]
  private static let pictures: Set = [
    "patch", "patches", "image", "pixel", "visual", "vision", "video", "frame", "audio", "feature", "features", "time",
    "timestep", "sinusoidal", "rotary", "value", "conv",
  ]
  private static let lookedUp: Set = [
    "token", "tokens", "tok", "position", "positions", "pos", "word", "words", "type", "types", "segment", "segments",
    "in", "table", "per", "layer", "layers", "class", "classes", "label", "labels", "char", "chars", "user", "item",
    "speaker", "language", "lang", "id", "ids", "src", "tgt", "l",
  ]
  /// Might be tables of vectors as well as matrices.
  private static let tables: Set = [
    "vocab", "vocabulary", "lookup", "table", "codebook", "codebooks", "codes", "dictionary", "entity", "entities",
    "relation", "relations", "position", "positions", "prototypes", "centers", "anchors", "queries", "memory", "token",
    "tokens", "pe", "feat", "scale", "shift",
  ]
}
