import Arrays

/// y = x Wᵀ + b. Weight: outputs × inputs.
public struct Linear: Sendable {
  public let weight: Weight
  public let bias: Weight?
  /// Its path in its net, behind the net's name where that was given.
  public let name: String

  public init(_ source: WeightSource, inputs: Int, outputs: Int, bias: Bool = true) throws(Failure) {
    source.begin(.linear)
    name = source.layerName
    weight = try source.weight("weight", [outputs, inputs], .weight)
    self.bias = bias ? try source.weight("bias", [outputs], .bias) : nil
  }

  /// A layer whose weight is an array that another layer owns.
  public init(_ source: WeightSource, tiedTo weight: Weight) throws(Failure) {
    source.begin(.linear)
    name = source.layerName
    source.tie("weight", to: weight)
    self.weight = weight
    bias = try source.weight("bias", [weight.shape.dimensions[0]], .bias)
  }
}

/// Normalizes over the last dimension: (x − mean) / √(variance + ε), times weight, plus bias.
public struct LayerNorm: Sendable {
  public let weight: Weight
  public let bias: Weight
  public let epsilon: Double

  public init(_ source: WeightSource, size: Int, epsilon: Double) throws(Failure) {
    source.begin(.layerNorm)
    weight = try source.weight("weight", [size], .gain)
    bias = try source.weight("bias", [size], .bias)
    self.epsilon = epsilon
  }
}

/// Rows looked up by index. Weight: count × size.
public struct Embedding: Sendable {
  public let weight: Weight

  public init(_ source: WeightSource, count: Int, size: Int) throws(Failure) {
    source.begin(.embedding)
    weight = try source.weight("weight", [count, size], .embedding)
  }
}

/// Cuts an image into patches that don't overlap and maps each linearly: a convolution whose stride is its kernel's side.
/// Weight: outputs × channels × side × side.
public struct PatchConvolution: Sendable {
  public let weight: Weight
  public let bias: Weight?

  public init(_ source: WeightSource, channels: Int, outputs: Int, side: Int, bias: Bool = true) throws(Failure) {
    source.begin(.conv2d)
    weight = try source.weight("weight", [outputs, channels, side, side], .weight)
    self.bias = bias ? try source.weight("bias", [outputs], .bias) : nil
  }
}

/// What stands between the two maps of an MLP, by the names of transformers.
public enum Activation: String, CaseIterable, Sendable {
  /// GELU by the error function: x Φ(x) (Hendrycks and Gimpel, Gaussian Error Linear Units, 2016, arXiv:1606.08415).
  case gelu
  /// x / (1 + exp(-1.702 x)), which is that nearly (the same).
  case quickGELU = "quick_gelu"
}

/// Two linear maps with an activation between them.
public struct MLP: Sendable {
  public let fc1: Linear
  public let fc2: Linear
  public let activation: Activation
  /// Whether the first map makes a gate and, behind it, what that lets through: SiLU(a) · b (SwiGLU; Shazeer, GLU Variants
  /// Improve Transformer, 2020, arXiv:2002.05202).
  public let isGated: Bool

  public init(
    _ source: WeightSource, size: Int, innerSize: Int, activation: Activation = .gelu, isGated: Bool = false
  ) throws(Failure) {
    self.isGated = isGated
    // Names of their own, so that layouts can tell them apart.
    fc1 = try Linear(
      source[isGated ? "gated" : "fc1"], inputs: size, outputs: isGated ? 2 * innerSize : innerSize)
    fc2 = try Linear(source[isGated ? "out" : "fc2"], inputs: innerSize, outputs: size)
    self.activation = activation
  }
}

/// Multiplies each element by a weight of its own, which starts near 0 (Touvron et al., Going deeper with Image
/// Transformers, 2021, arXiv:2103.17239). Weight: size.
public struct LayerScale: Sendable {
  public let weight: Weight

  public init(_ source: WeightSource, size: Int) throws(Failure) {
    weight = try source.weight("weight", [size], .gain)
  }
}
