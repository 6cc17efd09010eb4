import Arrays
import Checkpoints
import NetFile

/// How a plain net becomes a file that others read: every array under its own name, bit for bit; int8 weights, which those
/// files can't express, as the float32 numbers that they stand for.
public struct PlainExport: Sendable {
  public enum Container: String, CaseIterable, Sendable {
    case safetensors, hdf5, numpy

    /// The one that a file's name is usual for; nil: none is.
    public init?(file path: String) {
      let endings: [(Container, [String])] = [
        (.safetensors, [".safetensors"]), (.hdf5, [".h5", ".hdf5"]), (.numpy, [".npz", ".npy"]),
      ]
      guard let found = endings.first(where: { $0.1.contains(where: path.hasSuffix) }) else { return nil }
      self = found.0
    }
  }

  private struct Item: Sendable {
    let array: CheckpointArray
    let entry: ArrayEntry
    /// Of int8 weights that become float32.
    let scales: ArrayEntry?
  }

  public let net: NetFile
  public let container: Container
  private let items: [Item]

  public var arrays: [CheckpointArray] { items.map(\.array) }
  public var totalBytes: Int { items.reduce(0) { $0 + $1.array.bytes } }

  /// - Parameter dequantizes: whether int8 weights, and what the container has no type for, become float32.
  /// - Throws: `Failure` of kind `usage` or `badData` naming what the container can't hold.
  public init(_ net: NetFile, to container: Container, dequantizes: Bool) throws(Failure) {
    (self.net, self.container) = (net, container)
    try net.checkHasWeights()
    let entries = Dictionary(net.header.arrays.map { ($0.name, $0) }) { first, _ in first }
    let hidden = net.header.hiddenArrays
    var items: [Item] = []
    for entry in net.header.arrays where !hidden.contains(entry.name) {
      let scales = entry.scales.flatMap { entries[$0] }
      guard scales == nil || dequantizes else {
        throw Failure(
          .usage, file: net.path, place: "array \"\(entry.name)\"",
          "holds int8 weights with scales, which \(container.rawValue) can't express",
          hint:
            "--dequantize writes the float32 numbers that they stand for; or export the net that it was quantized from")
      }
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
      let array = CheckpointArray(
        name: entry.name, shape: entry.shape, elementType: type, bytes: try entry.shape.bytes(of: type))
      items.append(Item(array: array, entry: entry, scales: scales))
    }
    self.items = items
    if container == .hdf5 { try checkPaths() }
  }

  /// Whether a container has a type that its usual readers know. What HDF5 could hold of
  /// bfloat16 and complex32, h5py can't read.
  private static func holds(_ container: Container, _ entry: ArrayEntry) -> Bool {
    switch container {
    case .safetensors: SafetensorsWriter.holds(entry.elementType, entry.shape)
    case .numpy, .hdf5: NumPyWriter.holds(entry.elementType)
    }
  }

  /// In HDF5 names are paths: none may lead through another array, or have parts that stand for something else.
  private func checkPaths() throws(Failure) {
    let names = Set(items.map { Array($0.array.name.utf8) })
    for item in items {
      let name = Array(item.array.name.utf8)
      let parts = name.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      guard !parts.contains(where: { $0.isEmpty || $0.elementsEqual(".".utf8) }) else {
        throw unwritable(item, "has a name that is no path in an HDF5 file")
      }
      for place in name.indices where name[place] == UInt8(ascii: "/") && names.contains(Array(name[..<place])) {
        throw unwritable(item, "stands below \"\(String(decoding: name[..<place], as: UTF8.self))\", which is an array")
      }
    }
  }

  private func unwritable(_ item: Item, _ reason: String) -> Failure {
    Failure(
      .badData, file: net.path, place: "array \"\(item.array.name)\"", reason,
      hint: "such names can stand in safetensors and in .npz")
  }

  /// Writes the file, which appears when it is whole.
  /// - Throws: `Failure` of kind `cannotCreate` when it is there already, unless `replacing`, or can't be written; `badData` when
  ///   an array doesn't match its SHA-256; `io`.
  public func write(
    to path: String, replacing: Bool, progress: @escaping ProgressHandler = { _, _ in }
  ) throws {
    guard try !Paths.isFolder(path) else {
      throw Failure(.usage, file: path, "is a folder", hint: "a plain net becomes one file: name it")
    }
    func checkNothingIsLost() throws(Failure) {
      if replacing { return }
      guard try Paths.exists(path) else { return }
      throw Failure(.cannotCreate, file: path, "is there already", hint: "name another file, or use --force")
    }
    try checkNothingIsLost()
    let output: OutputFile
    switch container {
    case .safetensors:
      let writer = try SafetensorsWriter(path, arrays: arrays)
      try inParallel(jobs: items.count) { try writer.write($0, produce(items[$0], progress)) }
      try writer.finish()
      output = writer.file
    case .numpy:
      let writer = try NumPyWriter(path, arrays: arrays)
      try inParallel(jobs: items.count) { try writer.write($0, produce(items[$0], progress)) }
      try writer.finish()
      output = writer.file
    case .hdf5:
      let writer = try HDF5Writer(path)
      for item in items { try writer.write(item.array, produce(item, progress)) }
      try writer.finish()
      output = writer.file
    }
    try OutputFile.commit([output]) { () throws(Failure) in try checkNothingIsLost() }
  }

  /// What hands on an array's data, and checks at the end that it was the right one.
  private func produce(
    _ item: Item, _ progress: @escaping ProgressHandler
  ) -> ((borrowing RawSpan) throws -> Void) throws -> Void {
    { sink in
      func hand(_ bytes: borrowing RawSpan) throws {
        try sink(bytes)
        progress(item.array.name, bytes.byteCount)
      }
      let type = item.entry.elementType
      var packed = type.isPacked ? PackedElements(type, elements: item.entry.shape.elements) : nil
      var dequantizer = try item.scales.map { Dequantizer(item.entry, scales: try checkedFloats(of: $0)) }
      try net.forEachCheckedChunk(of: item.entry, multipleOf: type.size) { piece in
        if let floats = dequantizer?.float32(piece) {
          try hand(floats.rawSpan)
        } else if type == item.array.elementType {
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

  private func checkedFloats(of entry: ArrayEntry) throws -> [Float] {
    var bytes: [UInt8] = []
    try net.forEachCheckedChunk(of: entry) { bytes.append(contentsOf: $0) }
    return Floats.array(bytes)
  }
}
