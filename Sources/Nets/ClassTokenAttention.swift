import Arrays
import Kernels

extension VisionTrunk {
  /// What the class token looks at in an image, block by block.
  /// - Parameter pixels: channels × (side · side).
  /// - Returns: of each block heads × (tokens + patches), the shares of attention after softmax.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func classAttention(_ pixels: Matrix, _ engine: Engine) throws(Failure) -> [Matrix] {
    let x = try begin(pixels, engine)
    var inputs: [Matrix] = []
    try finish(x, from: 0, engine) { inputs.append($1.copied) }
    var out: [Matrix] = []
    for (block, input) in zip(blocks, inputs) {
      block.norm1(input, into: input, engine)
      let mixed = Matrix(rows: input.rows, columns: 3 * size)
      try engine.run([block.attention.qkv.map(input, into: mixed)])
      let attention = block.attention.attention
      let weights = Matrix(rows: attention.heads, columns: input.rows)
      let looking = attention.map(
        queries: mixed.rows(0..<1).columns(0..<size), keys: mixed.columns(size..<2 * size),
        values: mixed.columns(2 * size..<3 * size), into: Matrix(rows: 1, columns: size), weights: weights)
      try engine.run([looking])
      out.append(weights)
    }
    return out
  }
}
