/// Resizing of position embeddings that stand for a square grid of patches.
public enum GridResize {
  /// Side of the square grid whose positions, and those of `leading` tokens such as the class token, are so many rows; nil
  /// if none is.
  public static func side(ofRows rows: Int, leading: Int = 1) -> Int? {
    guard leading >= 0, rows > leading, rows <= 1 << 40 else { return nil }
    let side = Int(Double(rows - leading).squareRoot().rounded())
    return side * side == rows - leading ? side : nil
  }

  /// Brings `side` × `side` vectors to `newSide` × `newSide` by bicubic interpolation as BLIP's conversion did it:
  /// `torch.nn.functional.interpolate(mode="bicubic", align_corners=False)`, that is Keys' kernel with a = −0.75 over
  /// four neighbours, edges repeated, no antialiasing. Vectors before the grid (the class token's) are kept.
  /// - Parameters:
  ///   - values: `leading` + `side`² rows of `size` elements.
  ///   - isAntialiased: as torch does with `antialias=True`: a = −0.5, the kernel widened where the grid becomes smaller,
  ///     weights beyond the edges left out.
  /// - Returns: `leading` + `newSide`² rows.
  public static func bicubic(
    _ values: [Float], size: Int, leading: Int, side: Int, newSide: Int, isAntialiased: Bool = false
  ) -> [Float] {
    let taps = isAntialiased ? antialiasedTaps(from: side, to: newSide) : taps(from: side, to: newSide)
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

  /// For each new position, the old ones that count, and their weights, whose sum is 1 (source: PyTorch 2,
  /// aten/src/ATen/native/cpu/UpSampleKernel.cpp, HelperInterpBase::_compute_indices_min_size_weights_aa).
  private static func antialiasedTaps(from side: Int, to newSide: Int) -> [(indices: [Int], weights: [Float])] {
    let scale = Float(side) / Float(newSide)
    let width = max(scale, 1)
    let support = 2 * width
    return (0..<newSide).map { position in
      let center = scale * (Float(position) + 0.5)
      let first = max(Int(center - support + 0.5), 0)
      let end = max(first + 1, min(Int(center + support + 0.5), side))
      let weights = (first..<end).map { index in
        let distance = abs((Float(index) - center + 0.5) / width)
        return distance < 1 ? inner(distance, a: -0.5) : distance < 2 ? outer(distance, a: -0.5) : 0
      }
      let sum = weights.reduce(0, +)
      return (Array(first..<end), weights.map { $0 / sum })
    }
  }

  /// The kernel at distances up to 1.
  private static func inner(_ x: Float, a: Float = -0.75) -> Float { ((a + 2) * x - (a + 3)) * x * x + 1 }

  /// The kernel at distances from 1 to 2.
  private static func outer(_ x: Float, a: Float = -0.75) -> Float { ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
}
