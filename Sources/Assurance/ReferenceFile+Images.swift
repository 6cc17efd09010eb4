import Arrays
import Kernels
import Media
import Tasks

extension ReferenceFile {
  /// What nets make of an image, which is compared.
  func look(
    at item: Case, with sight: ImageSight, _ outputs: inout ReferenceOutputs
  ) throws(Failure) -> SeenImage {
    let name = item.prefix + "pixel_values"
    let given = try floats(name)
    let side = sight.image.side
    let shape = self.shape(name)
    if shape.count == 4, shape.dropFirst() == [3, side, side], (1...Video.mostFrames).contains(shape[0]) {
      return try look(atVideo: item, given, with: sight, &outputs)
    }
    guard shape == [3, side, side] else {
      throw failure(name, "has shape \(shape); the nets take [3, \(side), \(side)]")
    }
    var pixels = Matrix(rows: 3, columns: side * side, given)
    if has(item.prefix + "rgb") {
      pixels = try sight.image.pixels(of: picture(item.prefix + "rgb"))
      outputs.add("pixel_values", pixels.elements, given, tolerance: 0)
    }
    let image = try sight.look(at: pixels)
    try compare("image_embeds", item, image.vectors.elements, &outputs)
    return image
  }

  /// - Parameter given: frames × 3 × side × side pixel values.
  private func look(
    atVideo item: Case, _ given: [Float], with sight: ImageSight, _ outputs: inout ReferenceOutputs
  ) throws(Failure) -> SeenImage {
    let size = 3 * sight.image.side * sight.image.side
    let picks = try picks(ofImage: item, frames: given.count / size)
    let image = try sight.look(
      at: picks.enumerated().map { frame, picks in
        (Matrix(rows: 3, columns: size / 3, Array(given[frame * size..<(frame + 1) * size])), picks)
      })
    try compare("image_embeds", item, image.vectors.elements, &outputs)
    return image
  }

  func compare(
    _ name: String, _ item: Case, _ ours: [Float], _ outputs: inout ReferenceOutputs
  ) throws(Failure) {
    guard has(item.prefix + name) else { return }
    outputs.add(name, ours, try floats(item.prefix + name))
  }
}

/// Comparisons by name, in the order in which they were met.
struct ReferenceOutputs {
  private let tolerance: Double
  private(set) var inOrder: [OutputComparison] = []

  init(tolerance: Double) { self.tolerance = tolerance }

  mutating func add(_ name: String, _ ours: [Float], _ reference: [Float], tolerance: Double? = nil) {
    inOrder[index(of: name, tolerance ?? self.tolerance)].add(ours, reference)
  }

  mutating func add(_ name: String, _ ours: [Int], _ reference: [Int]) {
    inOrder[index(of: name, 0)].add(ours, reference)
  }

  private mutating func index(of name: String, _ tolerance: Double) -> Int {
    if let index = inOrder.firstIndex(where: { $0.name == name }) { return index }
    inOrder.append(OutputComparison(name, tolerance: tolerance))
    return inOrder.count - 1
  }
}
