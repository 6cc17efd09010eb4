import Arrays
import Kernels
import Nets

/// What a float image encoder computed of a picture on its way, so that another one, in which an array was changed, need run
/// from there only.
struct VisionProbe: Sendable {
  /// Channels × (side · side).
  let pixels: Matrix
  /// What each block gets.
  private let blocks: [Matrix]
  /// The picture's vectors.
  let vectors: Matrix

  /// - Throws: `Failure` of kind `io` when memory is short.
  init(_ pixels: Matrix, _ trunk: VisionTrunk, _ engine: Engine) throws(Failure) {
    self.pixels = pixels
    let x = try trunk.begin(pixels, engine)
    var blocks: [Matrix] = []
    try trunk.finish(x, from: 0, engine) { blocks.append($1.copied) }
    (self.blocks, vectors) = (blocks, x)
  }

  /// The picture's vectors by an encoder whose array of that name was changed.
  /// - Throws: `Failure` of kind `io` when memory is short.
  func vectors(changed array: String, _ trunk: VisionTrunk, _ engine: Engine) throws(Failure) -> Matrix {
    guard let block = Self.block(of: array) else { return try trunk(pixels, engine) }
    let x = blocks[block].copied
    try trunk.finish(x, from: block, engine)
    return x
  }

  /// 3 of `blocks.3.mlp.fc1.weight`.
  private static func block(of array: String) -> Int? {
    let parts = array.split(separator: ".")
    return parts.count > 1 && parts[0] == "blocks" ? Int(parts[1]) : nil
  }
}
