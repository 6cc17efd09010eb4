import Arrays

/// y = x Wᵀ + b. Weight: outputs × inputs.
public struct Linear: Sendable {
  public let weight: Weight
  public let bias: Weight?
  /// Its path in its net, behind the net's name where that was given.
  public let name: String

  public init(_ source: WeightSource, inputs: Int, outputs: Int, bias: Bool = true) throws(Failure) {
    source.begin(.linear, inputs, to: outputs, products: [[source.rows, .fixed(inputs), .fixed(outputs)]])
    name = source.layerName
    weight = try source.weight("weight", [outputs, inputs], .weight)
    self.bias = bias ? try source.weight("bias", [outputs], .bias) : nil
  }

  /// A layer whose weight is an array that another layer owns.
  public init(_ source: WeightSource, tiedTo weight: Weight) throws(Failure) {
    let (outputs, inputs) = (weight.shape.dimensions[0], weight.shape.dimensions[1])
    source.begin(.linear, inputs, to: outputs, products: [[source.rows, .fixed(inputs), .fixed(outputs)]])
    name = source.layerName
    source.tie("weight", to: weight)
    self.weight = weight
    bias = try source.weight("bias", [outputs], .bias)
  }
}

/// Normalizes over the last dimension: (x − mean) / √(variance + ε), times weight, plus bias.
public struct LayerNorm: Sendable {
  public let weight: Weight
  public let bias: Weight
  public let epsilon: Double
  let name: String

  public init(_ source: WeightSource, size: Int, epsilon: Double) throws(Failure) {
    source.begin(.layerNorm, size, to: size)
    name = source.layerName
    weight = try source.weight("weight", [size], .gain)
    bias = try source.weight("bias", [size], .bias)
    self.epsilon = epsilon
  }
}

/// Rows looked up by index. Weight: count × size.
public struct Embedding: Sendable {
  public let weight: Weight

  public init(_ source: WeightSource, count: Int, size: Int) throws(Failure) {
    source.begin(.embedding, [source.rows], to: [source.rows, .fixed(size)])
    weight = try source.weight("weight", [count, size], .embedding)
  }
}

/// Cuts an image into patches that don't overlap and maps each linearly: a convolution whose stride is its kernel's side.
/// Weight: outputs × channels × side × side.
public struct PatchConvolution: Sendable {
  public let weight: Weight
  public let bias: Weight?

  /// - Parameters:
  ///   - side: of a patch.
  ///   - imageSide: what is left of images at the right and the bottom, narrower than a patch, is not looked at.
  public init(
    _ source: WeightSource, channels: Int, outputs: Int, side: Int, imageSide: Int, bias: Bool = true
  ) throws(Failure) {
    let patches = Extent.fixed((imageSide / side) * (imageSide / side))
    source.begin(
      .conv2d, [.fixed(channels), .fixed(imageSide), .fixed(imageSide)], to: [patches, .fixed(outputs)],
      products: [[patches, .fixed(outputs), .fixed(channels), .fixed(side), .fixed(side)]])
    weight = try source.weight("weight", [outputs, channels, side, side], .weight)
    self.bias = bias ? try source.weight("bias", [outputs], .bias) : nil
  }
}

/// What stands between two linear maps, by the names of transformers.
public enum Activation: String, CaseIterable, Sendable {
  /// GELU by the error function: x Φ(x) (Hendrycks and Gimpel, Gaussian Error Linear Units, 2016, arXiv:1606.08415).
  case gelu
  /// x / (1 + exp(-1.702 x)), which is that nearly (the same).
  case quickGELU = "quick_gelu"
}

/// An activation at its place in a net: a function of each element.
public struct ActivationLayer: Sendable {
  public let function: Activation

  init(_ source: WeightSource, _ function: Activation, size: Int) {
    self.function = function
    source.begin(function.layerType, size, to: size)
  }
}

extension Activation {
  var layerType: LayerType {
    switch self {
    case .gelu: .gelu
    case .quickGELU: .quickGELU
    }
  }
}

/// Behind a pooler's map: the hyperbolic tangent of each element.
struct HyperbolicTangent: Sendable {
  init(_ source: WeightSource, size: Int) { source.begin(.tanh, size, to: size) }
}

/// A gate, and behind it what that lets through: SiLU(a) · b of columns a and b (SwiGLU; Shazeer, GLU Variants Improve
/// Transformer, 2020, arXiv:2002.05202).
public struct GatedUnit: Sendable {
  /// Of what comes out.
  package let size: Int

  init(_ source: WeightSource, size: Int) {
    self.size = size
    source.begin(.swiGLU, 2 * size, to: size)
  }
}

/// Two linear maps with an activation or a gate between them.
public struct MLP: Sendable {
  package enum Middle: Sendable {
    case activation(ActivationLayer)
    case gate(GatedUnit)
  }

  public let fc1: Linear
  package let middle: Middle
  public let fc2: Linear

  public init(
    _ source: WeightSource, size: Int, innerSize: Int, activation: Activation = .gelu, isGated: Bool = false
  ) throws(Failure) {
    // Names of their own, so that layouts can tell them apart.
    if isGated {
      fc1 = try Linear(source["gated"], inputs: size, outputs: 2 * innerSize)
      middle = .gate(GatedUnit(source["gate"], size: innerSize))
      fc2 = try Linear(source["out"], inputs: innerSize, outputs: size)
    } else {
      fc1 = try Linear(source["fc1"], inputs: size, outputs: innerSize)
      middle = .activation(ActivationLayer(source["activation"], activation, size: innerSize))
      fc2 = try Linear(source["fc2"], inputs: innerSize, outputs: size)
    }
  }
}

/// Multiplies each element by a weight of its own, which starts near 0 (Touvron et al., Going deeper with Image
/// Transformers, 2021, arXiv:2103.17239). Weight: size.
public struct LayerScale: Sendable {
  public let weight: Weight

  public init(_ source: WeightSource, size: Int) throws(Failure) {
    source.begin(.layerScale, size, to: size)
    weight = try source.weight("weight", [size], .gain)
  }
}
