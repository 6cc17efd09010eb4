import Arrays
import Kernels

extension FusedAttention {
  /// Adds attention over the rows of `x` to `y`.
  func add(_ x: Matrix, to y: Matrix, _ engine: Engine) throws(Failure) {
    let size = projection.outputs
    let mixed = try qkv(x, engine)
    let attended = Matrix(rows: x.rows, columns: size)
    try engine.run([
      AttentionMap(
        queries: mixed.columns(0..<size), keys: mixed.columns(size..<2 * size),
        values: mixed.columns(2 * size..<3 * size), into: attended, heads: heads)
    ])
    try engine.run([projection.map(attended, into: y, .add)])
  }
}

extension VisionTrunk {
  /// Width of the vectors.
  public var size: Int { classToken.shape.elements }
  /// Vectors of an image: the class token's and one per patch.
  public var vectors: Int { positions.shape.dimensions[0] }
  public var channels: Int { patch.channels }
  /// Side of the images in pixels.
  public var imageSide: Int { Int(Double(vectors - 1).squareRoot()) * patch.side }

  /// The vectors of an image.
  /// - Parameter pixels: channels × (side · side).
  /// - Returns: (1 + patches) × size, the class token's vector first.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func callAsFunction(_ pixels: Matrix, _ engine: Engine) throws(Failure) -> Matrix {
    precondition(pixels.rows == channels && pixels.columns == imageSide * imageSide, "an image of another size")
    let x = Matrix(rows: vectors, columns: size, positions.kernel.floats)
    x.addToRow(0, classToken.kernel.floats)
    try patch.add(pixels, imageSide: imageSide, to: x.rows(1..<vectors), engine)
    let normalized = Matrix(rows: x.rows, columns: size)
    for block in blocks {
      block.norm1(x, into: normalized, engine)
      try block.attention.add(normalized, to: x, engine)
      block.norm2(x, into: normalized, engine)
      try block.mlp.add(normalized, to: x, engine)
    }
    norm(x, into: x, engine)
    return x
  }
}

extension ViTImageClassifier {
  /// One score (logit) per class.
  /// - Parameter pixels: channels × (side · side).
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func callAsFunction(_ pixels: Matrix, _ engine: Engine) throws(Failure) -> [Float] {
    try classifier(trunk(pixels, engine).rows(0..<1), engine).elements
  }
}
