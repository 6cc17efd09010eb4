import Arrays
import Checkpoints

/// Vectors of pictures or texts, read from a file that `FeatureMap`, or somebody else, wrote.
public struct FeatureFile {
  public let kind: FeatureMap.Kind
  /// Paths of pictures, or texts.
  public let paths: [String]
  public let classes: [String]?
  /// One per path, of one length, finite.
  public let vectors: [[Float]]

  /// What names of files that hold vectors end in.
  public static func isOne(_ path: String) -> Bool {
    let name = Paths.name(path).lowercased()
    return name.hasSuffix(".safetensors") || name.hasSuffix(".npy")
  }

  /// - Parameter path: a checkpoint with floats of (pictures, elements): the array `features`, or the only one there is. Paths of
  ///   pictures, or texts, and classes stand in its metadata as JSON lists, `images` or `texts`, and `classes`; without them,
  ///   pictures are named by their number.
  /// - Throws: `Failure` naming the file and what is wrong with it.
  public init(_ path: String) throws(Failure) {
    let checkpoint = try openCheckpoint(path)
    do throws(Failure) {
      let named = checkpoint.arrays.firstIndex { $0.name == "features" }
      guard let place = named ?? (checkpoint.arrays.count == 1 ? 0 : nil) else {
        throw Failure(
          .badData, "has \(checkpoint.arrays.count) arrays, and none of them is named features",
          hint:
            "vectors of images stand in one array, a row for an image: `ingot features --output FILE.safetensors` writes it"
        )
      }
      vectors = try Self.rows(of: place, checkpoint)
      let texts = try Self.names("texts", checkpoint, vectors.count)
      let images = try Self.names("images", checkpoint, vectors.count)
      kind = texts == nil ? .image : .text
      paths = texts ?? images ?? (1...vectors.count).map { "\($0)" }
      let classes = try Self.names("classes", checkpoint, vectors.count)
      // Of pictures and texts together, which of the two each is.
      self.classes = if let classes { classes } else { try Self.names("kinds", checkpoint, vectors.count) }
    } catch {
      throw error.inFile(path)
    }
  }

  private static func rows(of place: Int, _ checkpoint: any Checkpoint) throws(Failure) -> [[Float]] {
    let array = checkpoint.arrays[place]
    let (shape, type) = (array.shape.dimensions, array.elementType)
    guard shape.count == 2, !shape.contains(0), FloatConversion.isPossible(from: type, to: .float32) else {
      throw Failure(
        .badData, place: array.name,
        "is \(type.rawValue) of \(array.shape), where floats of images × elements are needed",
        hint: "vectors of images stand in an array of two dimensions, a row for an image")
    }
    var rows: [[Float]] = []
    rows.reserveCapacity(shape[0])
    let bytes = shape[1] * type.size
    var buffer = [UInt8](repeating: 0, count: bytes)
    for row in 0..<shape[0] {
      try checkpoint.read(place, at: row * bytes, count: bytes, into: &buffer)
      let floats = Floats.array(FloatConversion.convert(buffer.rawSpan, from: type, to: .float32))
      guard floats.allSatisfy(\.isFinite) else {
        throw Failure(
          .badData, place: array.name, "row \(row + 1) has an element that is not finite",
          hint: "leave that image out: it has no place on a map")
      }
      rows.append(floats)
    }
    return rows
  }

  /// A JSON list of the metadata, one name per picture; nil where there is none.
  private static func names(
    _ key: String, _ checkpoint: any Checkpoint, _ count: Int
  ) throws(Failure) -> [String]? {
    guard let text = checkpoint.metadata.first(where: { $0.name == key })?.value else { return nil }
    var names: [String] = []
    for value in try JSONValue(parsing: [UInt8](text.utf8)).array() { names.append(try value.string()) }
    guard names.count == count else {
      throw Failure(.badData, place: "metadata \(key)", "names \(names.count), where there are \(count) vectors")
    }
    return names
  }
}
