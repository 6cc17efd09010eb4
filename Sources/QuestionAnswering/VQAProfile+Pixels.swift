import Arrays
import Kernels

extension VQAProfile.Image {
  /// A picture as the image encoder takes it: resized, scaled, normalized.
  /// - Returns: 3 × (side · side).
  /// - Throws: `Failure` of kind `io` when memory is short.
  package func pixels(of picture: Picture) throws(Failure) -> Matrix {
    let small = try picture.resized(width: side, height: side, by: filter)
    let out = Matrix(rows: 3, columns: side * side)
    for channel in 0..<3 {
      let values = table(channel)
      out.setRow(channel, (0..<side * side).map { values[Int(small.rgb[3 * $0 + channel])] })
    }
    return out
  }

  /// What becomes of each of the 256 values of a channel, in the float arithmetic of transformers' image processor.
  private func table(_ channel: Int) -> [Float] {
    (0..<256).map { value in
      (Float(Double(value) * scale) - Float(mean[channel])) / Float(std[channel])
    }
  }
}
