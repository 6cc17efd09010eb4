import Arrays
import Kernels

/// One array of weights as a layer holds it: what it is, and where its data is.
public struct Weight: Sendable {
  /// Full name, e.g. `blocks.3.mlp.fc1.weight`.
  public let name: String
  public let shape: Shape
  public let elementType: ElementType
  public let data: WeightData
  /// Of int8 elements: a float32 number per row, by which they are multiplied.
  public let scales: WeightData?
  /// What int8 elements are multiplied with.
  public let activations: Activations

  public init(
    name: String, shape: Shape, elementType: ElementType, data: WeightData, scales: WeightData? = nil,
    activations: Activations = .float32
  ) {
    self.name = name
    self.shape = shape
    self.elementType = elementType
    self.data = data
    self.scales = scales
    self.activations = activations
  }

  /// The same array, multiplied otherwise where it is int8.
  public func with(_ activations: Activations) -> Weight {
    Weight(name: name, shape: shape, elementType: elementType, data: data, scales: scales, activations: activations)
  }

  /// Lends the elements, row by row, little-endian; empty when the net is only described.
  public func withBytes<Result>(_ body: (borrowing RawSpan) throws -> Result) rethrows -> Result {
    try data.withBytes(body)
  }

  /// The array as kernels take it. Only of a net that has weights, which checked their type when it was made.
  var kernel: KernelWeight {
    KernelWeight(data, elementType, elements: shape.elements, scales: scales, activations: activations)
  }
}

/// What a layer's array is for; a maker of random weights draws each kind in its own way.
public enum WeightRole: Hashable, Sendable {
  /// A matrix or a kernel.
  case weight
  /// Added; starts at 0.
  case bias
  /// Multiplied; starts at 1.
  case gain
  /// Looked up by row or added as a whole.
  case embedding
}

/// Layer types as the field counts them.
public enum LayerType: String, CaseIterable, Sendable {
  case linear = "Linear"
  case layerNorm = "LayerNorm"
  case embedding = "Embedding"
  case conv2d = "Conv2d"
  /// GELU by the error function.
  case gelu = "GELU"
  case quickGELU = "QuickGELU"
  case tanh = "Tanh"
  /// A gate by SiLU, and behind it what that lets through.
  case swiGLU = "SwiGLU"
  /// Multiplies each column by a weight of its own.
  case layerScale = "LayerScale"
  /// Scaled dot-product attention of all heads, its softmax included.
  case attention = "Attention"
  /// One vector made of several, or taken from them.
  case pooling = "Pooling"
  /// A vector is divided by its length.
  case normalize = "Normalize"
}
