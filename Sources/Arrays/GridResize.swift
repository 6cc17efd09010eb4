/// Resizing of position embeddings that stand for a square grid of patches.
public enum GridResize {
  /// Side of the square grid whose positions, and one for the class token, are so many rows; nil if none is.
  public static func side(ofRows rows: Int) -> Int? {
    guard rows > 1, rows <= 1 << 40 else { return nil }
    let side = Int(Double(rows - 1).squareRoot().rounded())
    return side * side == rows - 1 ? side : nil
  }

  /// Brings `side` × `side` vectors to `newSide` × `newSide` by bicubic interpolation as BLIP's conversion did it:
  /// `torch.nn.functional.interpolate(mode="bicubic", align_corners=False)`, that is Keys' kernel with a = −0.75 over
  /// four neighbours, edges repeated, no antialiasing. Vectors before the grid (the class token's) are kept.
  /// - Parameters:
  ///   - values: `leading` + `side`² rows of `size` elements.
  /// - Returns: `leading` + `newSide`² rows.
  public static func bicubic(_ values: [Float], size: Int, leading: Int, side: Int, newSide: Int) -> [Float] {
    let taps = taps(from: side, to: newSide)
    var out = Array(values[..<(leading * size)])
    out.reserveCapacity((leading + newSide * newSide) * size)
    for row in taps {
      for column in taps {
        var vector = [Float](repeating: 0, count: size)
        for (rowIndex, rowWeight) in zip(row.indices, row.weights) {
          var line = [Float](repeating: 0, count: size)
          for (columnIndex, weight) in zip(column.indices, column.weights) {
            let start = (leading + rowIndex * side + columnIndex) * size
            for element in 0..<size { line[element] += values[start + element] * weight }
          }
          for element in 0..<size { vector[element] += line[element] * rowWeight }
        }
        out += vector
      }
    }
    return out
  }

  /// For each new position, four old ones and their weights.
  private static func taps(from side: Int, to newSide: Int) -> [(indices: [Int], weights: [Float])] {
    let scale = Float(side) / Float(newSide)
    return (0..<newSide).map { position in
      let source = scale * (Float(position) + 0.5) - 0.5
      let floor = source.rounded(.down)
      let t = source - floor
      let indices = (-1...2).map { min(max(Int(floor) + $0, 0), side - 1) }
      return (indices, [outer(t + 1), inner(t), inner(1 - t), outer(2 - t)])
    }
  }

  private static let a: Float = -0.75

  /// The kernel at distances up to 1.
  private static func inner(_ x: Float) -> Float { ((a + 2) * x - (a + 3)) * x * x + 1 }

  /// The kernel at distances from 1 to 2.
  private static func outer(_ x: Float) -> Float { ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
}
