import Arrays
import Kernels

extension VisionTrunk {
  /// Width of the vectors.
  public var size: Int { classToken.shape.elements }
  /// Tokens before the patches that have positions.
  package var leading: Int { distillationToken == nil ? 1 : 2 }
  /// Tokens before the patches: the class token, and others of some nets.
  public var tokens: Int { leading + (registers?.shape.dimensions[0] ?? 0) }
  /// Vectors of an image: those of the tokens, the class token's first, and one per patch.
  public var vectors: Int { tokens + patchesPerSide * patchesPerSide }
  public var channels: Int { patch.channels }
  private var patchesPerSide: Int { interpolated?.gridSide ?? gridSide }
  /// Side of the images in pixels.
  public var imageSide: Int { patchesPerSide * patch.side }
  /// Side of a patch in pixels.
  public var patchSide: Int { patch.side }

  /// The same trunk for images of another side, whose positions are interpolated as transformers does it (source: 5.24,
  /// interpolate_pos_encoding of modeling_vit.py, modeling_deit.py, modeling_dinov2.py; with antialiasing where there are
  /// registers, as modeling_dinov2_with_registers.py).
  /// - Throws: `Failure` of kind `usage` when patches don't cover such an image.
  public func taking(imageSide side: Int) throws(Failure) -> VisionTrunk {
    guard side != imageSide else { return self }
    guard side >= patch.side, side.isMultiple(of: patch.side) else {
      let below = max(1, side / patch.side) * patch.side
      throw Failure(
        .usage, "images of side \(side) can't be cut into patches of side \(patch.side)",
        hint: "a side is a multiple of \(patch.side), such as \(below) or \(below + patch.side)")
    }
    var out = self
    let newSide = side / patch.side
    guard newSide != gridSide else {
      out.interpolated = nil
      return out
    }
    let values = GridResize.bicubic(
      positions.kernel.floats, size: size, leading: leading, side: gridSide, newSide: newSide,
      isAntialiased: registers != nil)
    out.interpolated = (newSide, Matrix(rows: leading + newSide * newSide, columns: size, values))
    return out
  }

  /// The mean of the patches' vectors.
  public func meanOfPatches(_ vectors: Matrix) -> [Float] {
    let patches = vectors.rows(tokens..<vectors.rows)
    return patches.columnSums.map { Float($0 / Double(patches.rows)) }
  }

  /// Elements held while an image is looked at; as a floating-point number, for dimensions of any size.
  public var activationElements: Double { activationElements(imageSide: imageSide) }

  /// The same of images of another side, in pixels.
  public func activationElements(imageSide: Int) -> Double {
    let perSide = Double(imageSide / patch.side)
    let vectors = Double(tokens) + perSide * perSide
    let inner = Double(blocks.map { $0.mlp.fc1.outputs }.max() ?? 0)
    return vectors * (6 * Double(size) + inner + Double(channels * patch.side * patch.side))
      + Double(channels) * Double(imageSide) * Double(imageSide)
  }

  /// The vectors of an image.
  /// - Parameter pixels: channels × (side · side).
  /// - Returns: (tokens + patches) × size, the class token's vector first.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func callAsFunction(_ pixels: Matrix, _ engine: Engine) throws(Failure) -> Matrix {
    let x = try begin(pixels, engine)
    try finish(x, from: 0, engine)
    return x
  }

  /// What the first block gets.
  public func begin(_ pixels: Matrix, _ engine: Engine) throws(Failure) -> Matrix {
    precondition(pixels.rows == channels && pixels.columns == imageSide * imageSide, "an image of another size")
    let placed =
      interpolated?.rows ?? Matrix(rows: positions.shape.dimensions[0], columns: size, positions.kernel.floats)
    var x = placed
    if let registers {
      x = Matrix(rows: vectors, columns: size)
      x.rows(0..<leading).copy(placed.rows(0..<leading))
      x.rows(leading..<tokens).copy(Matrix(rows: tokens - leading, columns: size, registers.kernel.floats))
      x.rows(tokens..<vectors).copy(placed.rows(leading..<placed.rows))
    } else if interpolated != nil {
      x = placed.copied
    }
    x.addToRow(0, classToken.kernel.floats)
    if let distillationToken { x.addToRow(1, distillationToken.kernel.floats) }
    try patch.add(pixels, imageSide: imageSide, to: x.rows(tokens..<vectors), engine)
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
