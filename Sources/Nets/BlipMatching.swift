import Arrays
import Kernels

/// BLIP's image encoder for matching: its vectors, and a map of the first one to where texts' are compared with it.
public struct BlipImageMatcher: Net {
  public let trunk: VisionTrunk
  /// Takes the class token's vector.
  let pooling: VectorChoice
  public let projection: Linear
  /// Makes vectors comparable.
  public let normalize: UnitLength

  public init(_ configuration: Configuration, _ source: WeightSource) throws(Failure) {
    let dimensions = try VisionDimensions(configuration)
    trunk = try VisionTrunk(source, dimensions, qkvBias: true)
    pooling = VectorChoice(source["pooling"].with(rows: .fixed(dimensions.positions)), size: dimensions.size)
    projection = try Linear(
      source["projection"], inputs: dimensions.size, outputs: configuration.dimension("projectionSize"))
    normalize = UnitLength(source["normalize"], size: projection.outputs)
  }
}

/// BLIP's text encoder for matching. Without an image, its first vector is mapped to where images' are compared with it;
/// with one, two scores are made of it: that the text doesn't match the image, and that it does.
public struct BlipTextMatcher: Net {
  public let trunk: TextTrunk
  /// Takes the first token's vector.
  public let pooling: VectorChoice
  public let projection: Linear
  /// Makes vectors comparable.
  public let normalize: UnitLength
  public let head: Linear

  public init(_ configuration: Configuration, _ source: WeightSource) throws(Failure) {
    let dimensions = try TextDimensions(configuration)
    trunk = try TextTrunk(source, dimensions)
    pooling = VectorChoice(source["pooling"].with(rows: dimensions.tokens), size: dimensions.size)
    projection = try Linear(
      source["projection"], inputs: dimensions.size, outputs: configuration.dimension("projectionSize"))
    normalize = UnitLength(source["normalize"], size: projection.outputs)
    head = try Linear(source["head"], inputs: dimensions.size, outputs: 2)
  }
}

extension BlipImageMatcher {
  /// The vector of an image whose trunk has run, where it is compared with texts': 1 × projection's size.
  /// - Parameter vectors: (1 + patches) × size.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func projected(_ vectors: Matrix, _ engine: Engine) throws(Failure) -> Matrix {
    try projection(pooling(vectors), engine)
  }
}

extension BlipTextMatcher {
  /// Vectors (rows × size) where they are compared with images': rows × projection's size.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func projected(_ vectors: Matrix, _ engine: Engine) throws(Failure) -> Matrix {
    try projection(vectors, engine)
  }

  /// The two scores of each vector: rows × 2.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func scores(_ vectors: Matrix, _ engine: Engine) throws(Failure) -> Matrix { try head(vectors, engine) }
}
