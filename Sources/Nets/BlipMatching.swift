import Arrays
import Kernels

/// BLIP's image encoder for matching: its vectors, and a map of the first one to where texts' are compared with it.
public struct BlipImageMatcher: Net {
  public let trunk: VisionTrunk
  public let projection: Linear

  public init(_ configuration: Configuration, _ source: WeightSource) throws(Failure) {
    let dimensions = try VisionDimensions(configuration)
    trunk = try VisionTrunk(source, dimensions, qkvBias: true)
    projection = try Linear(
      source["projection"], inputs: dimensions.size, outputs: configuration.dimension("projectionSize"))
  }
}

/// BLIP's text encoder for matching. Without an image, its first vector is mapped to where images' are compared with it;
/// with one, two scores are made of it: that the text doesn't match the image, and that it does.
public struct BlipTextMatcher: Net {
  public let trunk: TextTrunk
  public let projection: Linear
  public let head: Linear

  public init(_ configuration: Configuration, _ source: WeightSource) throws(Failure) {
    let dimensions = try TextDimensions(configuration)
    trunk = try TextTrunk(source, dimensions)
    projection = try Linear(
      source["projection"], inputs: dimensions.size, outputs: configuration.dimension("projectionSize"))
    head = try Linear(source["head"], inputs: dimensions.size, outputs: 2)
  }
}

extension BlipImageMatcher {
  /// Vectors (rows × size) where they are compared with texts': rows × projection's size.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func projected(_ vectors: Matrix, _ engine: Engine) throws(Failure) -> Matrix {
    try projection(vectors, engine)
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
