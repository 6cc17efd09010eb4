import Arrays
import Checkpoints
import Kernels
import Media

/// Arrays and metadata of a trace, as they are collected: a safetensors file that other software's can be compared with.
struct TraceArrays: Sendable {
  private struct Entry {
    let name: String
    let dimensions: [Int]
    let elementType: ElementType
    let bytes: [UInt8]
  }

  private var entries: [Entry] = []
  var metadata: [(name: String, value: String)] = []
  private(set) var images = 0

  mutating func add(_ name: String, _ dimensions: [Int], _ floats: [Float]) {
    entries.append(Entry(name: name, dimensions: dimensions, elementType: .float32, bytes: Floats.bytes(floats)))
  }

  mutating func add(_ name: String, _ matrix: Matrix) { add(name, [matrix.rows, matrix.columns], matrix.elements) }

  mutating func add(_ name: String, _ integers: [Int]) {
    let bytes = integers.flatMap { UInt64(bitPattern: Int64($0)).littleEndianBytes }
    entries.append(Entry(name: name, dimensions: [integers.count], elementType: .int64, bytes: bytes))
  }

  /// Notes an image: `pixel_values` (3, side, side), of a video (frames, 3, side, side), of each frame once; and
  /// `image_embeds` (1 + patches, size), of a video the mean.
  /// - Returns: what it is called here.
  mutating func add(_ image: SeenImage, name: String) -> Int {
    let number = images
    images += 1
    let prefix = "images.\(number)."
    metadata.append((prefix + "name", name))
    if let frames = image.frames { metadata.append((prefix + "frames", SeenFrame.json(frames).compactText)) }
    let side = Int(Double(image.pixels.first?.columns ?? 0).squareRoot())
    add(
      prefix + "pixel_values",
      (image.frames.map { [$0.count] } ?? []) + [image.pixels.first?.rows ?? 0, side, side],
      image.pixels.flatMap(\.elements))
    add(prefix + "image_embeds", image.vectors)
    return number
  }

  /// Writes the file.
  /// - Parameter isShort: whether names go without what tells several images and texts apart.
  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  func write(_ path: String, isShort: Bool) throws {
    func told(_ name: String) -> String {
      isShort ? String(name.split(separator: ".", maxSplits: 2).last ?? "") : name
    }
    let arrays = try entries.map { entry in
      CheckpointArray(
        name: told(entry.name), shape: try Shape(entry.dimensions), elementType: entry.elementType,
        bytes: entry.bytes.count)
    }
    let writer = try SafetensorsWriter(path, arrays: arrays, metadata: metadata)
    for (index, entry) in entries.enumerated() { try writer.write(index) { try $0(entry.bytes.rawSpan) } }
    try writer.finish()
    try writer.commit()
  }
}
