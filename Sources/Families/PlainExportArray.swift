import Arrays
import Checkpoints
import NetFile

/// An array of a plain net as a file of another container has it: as it is, or as float32.
struct PlainExportArray: Sendable {
  let array: CheckpointArray
  let entry: ArrayEntry
  /// Of int8 weights that become float32.
  let scales: ArrayEntry?

  /// - Parameters:
  ///   - scales: of int8 weights, which become float32.
  ///   - dequantizes: whether what the container has no type for becomes float32 too.
  /// - Throws: `Failure` of kind `badData` naming what the container can't hold.
  init(
    _ entry: ArrayEntry, scales: ArrayEntry?, of net: NetFile, to container: PlainExport.Container, dequantizes: Bool
  ) throws(Failure) {
    (self.entry, self.scales) = (entry, scales)
    let isHeld = Self.holds(container, entry)
    let hasValues = entry.elementType.isPacked || FloatConversion.isPossible(from: entry.elementType, to: .float32)
    guard isHeld || dequantizes && hasValues else {
      let part = entry.shape.fillsBytes(entry.elementType) ? "" : " that does not fill whole bytes"
      let other = container == .safetensors ? "no other container here can either" : "safetensors holds most types"
      throw Failure(
        .badData, file: net.path, place: "array \"\(entry.name)\"",
        "is \(entry.elementType.rawValue)\(part), which \(container.rawValue) can't hold",
        hint: hasValues ? "--dequantize writes float32 in its place; safetensors holds most types" : other)
    }
    let type = scales == nil && isHeld ? entry.elementType : .float32
    array = CheckpointArray(
      name: entry.name, shape: entry.shape, elementType: type, bytes: try entry.shape.bytes(of: type))
  }

  /// An array as it is, under a name and a shape of as many elements.
  init(_ entry: ArrayEntry, as name: String, shape: Shape) {
    (self.entry, scales) = (entry, nil)
    array = CheckpointArray(name: name, shape: shape, elementType: entry.elementType, bytes: entry.bytes)
  }

  /// Whether a container has a type that its usual readers know. What HDF5 could hold of
  /// bfloat16 and complex32, h5py can't read.
  private static func holds(_ container: PlainExport.Container, _ entry: ArrayEntry) -> Bool {
    switch container {
    case .safetensors: SafetensorsWriter.holds(entry.elementType, entry.shape)
    case .numpy, .hdf5: NumPyWriter.holds(entry.elementType)
    case .gguf: GGUFWriter.holds(entry.elementType)
    }
  }

  /// SHA-256 of what `producer` hands on.
  func digest(from net: NetFile) throws -> Digest {
    if scales == nil, array.elementType == entry.elementType { return entry.sha256 }
    var hash = SHA256()
    let produce = producer(from: net) { _, _ in }
    try produce { hash.update($0) }
    return hash.finish()
  }

  /// What hands on an array's data, and checks at the end that it was the right one.
  func producer(
    from net: NetFile, _ progress: @escaping ProgressHandler
  ) -> ((borrowing RawSpan) throws -> Void) throws -> Void {
    { sink in
      func hand(_ bytes: borrowing RawSpan) throws {
        try sink(bytes)
        progress(array.name, bytes.byteCount)
      }
      let type = entry.elementType
      var packed = type.isPacked ? PackedElements(type, elements: entry.shape.elements) : nil
      var dequantizer = try scales.map { Dequantizer(entry, scales: try Self.checkedFloats(of: $0, net)) }
      try net.forEachCheckedChunk(of: entry, multipleOf: type.size) { piece in
        if let floats = dequantizer?.float32(piece) {
          try hand(floats.rawSpan)
        } else if type == array.elementType {
          try hand(piece)
        } else if let floats = packed?.float32(piece) {
          try hand(floats.rawSpan)
        } else {
          let floats = FloatConversion.convert(piece, from: type, to: .float32)
          try hand(floats.rawSpan)
        }
      }
    }
  }

  private static func checkedFloats(of entry: ArrayEntry, _ net: NetFile) throws -> [Float] {
    var bytes: [UInt8] = []
    try net.forEachCheckedChunk(of: entry) { bytes.append(contentsOf: $0) }
    return Floats.array(bytes)
  }
}
