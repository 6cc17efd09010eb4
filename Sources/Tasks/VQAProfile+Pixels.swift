import Arrays
import Families
import Kernels
import Media

extension VQAProfile.Image {
  /// A picture as the image encoder takes it: resized, cropped, scaled, normalized.
  /// - Returns: 3 × (side · side).
  /// - Throws: `Failure` of kind `badData` when the picture doesn't come out in the net's size, `io` when memory is short.
  package func pixels(of picture: Picture) throws(Failure) -> Matrix {
    var small = picture
    if let (width, height) = size(of: picture) {
      small = try picture.resized(width: width, height: height, by: filter, backend: backend)
    }
    if let (height, width) = preparation.crop {
      small = small.middle(width: width, height: height, backend: backend)
    }
    guard small.width == side, small.height == side else {
      throw Failure(
        .badData,
        "is \(small.width) × \(small.height) when prepared as the net's profile says, and the net takes \(side) × \(side)",
        hint: "scale or crop it to a square before: its processor does not")
    }
    let out = Matrix(rows: 3, columns: side * side)
    for channel in 0..<3 {
      let values = table(channel)
      out.setRow(channel, (0..<side * side).map { values[Int(small.rgb[3 * $0 + channel])] })
    }
    return out
  }

  private var backend: Picture.Backend {
    switch preparation.backend {
    case .pillow: .pillow
    case .torchvision: .torchvision
    }
  }

  private func size(of picture: Picture) -> (width: Int, height: Int)? {
    switch preparation.size {
    case nil: return nil
    case .exactly(let height, let width): return (width, height)
    case .shortestEdge(let edge):
      // As Python has it: the product and the quotient are exact enough, the fraction is cut off.
      let (short, long) = (min(picture.width, picture.height), max(picture.width, picture.height))
      let longer = min(edge * long / short, 1 << 16)
      return picture.width <= picture.height ? (edge, longer) : (longer, edge)
    }
  }

  /// What becomes of each of the 256 values of a channel, in the single precision of transformers' image processors.
  private func table(_ channel: Int) -> [Float] {
    let scale = preparation.scale
    guard let (means, stds) = preparation.normalization else {
      return (0..<256).map { value in
        guard let scale else { return Float(value) }
        return preparation.backend == .pillow ? Float(Double(value) * scale) : Float(value) * Float(scale)
      }
    }
    let (mean, std) = (Float(means[channel]), Float(stds[channel]))
    guard preparation.backend == .torchvision, let scale else {
      return (0..<256).map { value in (Float(Double(value) * (scale ?? 1)) - mean) / std }
    }
    // Both steps in one there.
    let inverse = Float(1 / scale)
    return (0..<256).map { value in (Float(value) - mean * inverse) / (std * inverse) }
  }
}
