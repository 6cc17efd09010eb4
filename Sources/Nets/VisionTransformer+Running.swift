import Arrays
import Kernels

extension VisionTrunk {
  /// Width of the vectors.
  public var size: Int { classToken.shape.elements }
  /// Vectors of an image: the class token's and one per patch.
  public var vectors: Int { positions.shape.dimensions[0] }
  public var channels: Int { patch.channels }
  /// Side of the images in pixels.
  public var imageSide: Int { Int(Double(vectors - 1).squareRoot()) * patch.side }

  /// Elements held while an image is looked at; as a floating-point number, for dimensions of any size.
  public var activationElements: Double {
    let inner = Double(blocks.map { $0.mlp.fc1.outputs }.max() ?? 0)
    return Double(vectors) * (6 * Double(size) + inner + Double(channels * patch.side * patch.side))
      + Double(channels) * Double(imageSide) * Double(imageSide)
  }

  /// The vectors of an image.
  /// - Parameter pixels: channels × (side · side).
  /// - Returns: (1 + patches) × size, the class token's vector first.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func callAsFunction(_ pixels: Matrix, _ engine: Engine) throws(Failure) -> Matrix {
    let x = try begin(pixels, engine)
    try finish(x, from: 0, engine)
    return x
  }

  /// What the first block gets.
  public func begin(_ pixels: Matrix, _ engine: Engine) throws(Failure) -> Matrix {
    precondition(pixels.rows == channels && pixels.columns == imageSide * imageSide, "an image of another size")
    let x = Matrix(rows: vectors, columns: size, positions.kernel.floats)
    x.addToRow(0, classToken.kernel.floats)
    try patch.add(pixels, imageSide: imageSide, to: x.rows(1..<vectors), engine)
    if let preNorm { preNorm(x, into: x, engine) }
    return x
  }

  /// Runs the blocks from `first` on, and the final norm, over what that block gets: x becomes the image's vectors.
  /// - Parameter each: is handed the number of each block, and what it gets, before it runs.
  public func finish(
    _ x: Matrix, from first: Int, _ engine: Engine, each: (_ block: Int, _ x: Matrix) -> Void = { _, _ in }
  ) throws(Failure) {
    let scratch = BlockScratch(blocks, rows: vectors, size: size)
    for (number, block) in blocks.enumerated().dropFirst(first) {
      each(number, x)
      try block.run(x, scratch, engine)
    }
    norm(x, into: x, engine)
  }
}

extension ViTImageClassifier {
  /// One score (logit) per class; none for a backbone without a classifier.
  /// - Parameter pixels: channels × (side · side).
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func callAsFunction(_ pixels: Matrix, _ engine: Engine) throws(Failure) -> [Float] {
    try scores(of: trunk(pixels, engine), engine).elements
  }

  /// The scores of an image whose vectors are there already.
  /// - Parameter vectors: (1 + patches) × size.
  /// - Returns: 1 × classes.
  public func scores(of vectors: Matrix, _ engine: Engine) throws(Failure) -> Matrix {
    guard let classifier else { return Matrix(rows: 1, columns: 0) }
    return try classifier(vectors.rows(0..<1), engine)
  }
}
