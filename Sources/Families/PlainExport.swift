import Arrays
import Checkpoints
import NetFile

/// How a plain net becomes a file that others read: every array under its own name, bit for bit; int8 weights, which those
/// files can't express, as the float32 numbers that they stand for.
public struct PlainExport: Sendable {
  public enum Container: String, CaseIterable, Sendable {
    case safetensors, hdf5, numpy, gguf

    /// The one that a file's name is usual for; nil: none is.
    public init?(file path: String) {
      let endings: [(Container, [String])] = [
        (.safetensors, [".safetensors"]), (.hdf5, [".h5", ".hdf5"]), (.numpy, [".npz", ".npy"]),
        (.gguf, [".gguf"]),
      ]
      guard let found = endings.first(where: { $0.1.contains(where: path.hasSuffix) }) else { return nil }
      self = found.0
    }
  }

  public let net: NetFile
  public let container: Container
  private let items: [PlainExportArray]

  public var arrays: [CheckpointArray] { items.map(\.array) }
  public var totalBytes: Int { items.reduce(0) { $0 + $1.array.bytes } }

  /// - Parameter dequantizes: whether int8 weights, and what the container has no type for, become float32.
  /// - Throws: `Failure` of kind `usage` or `badData` naming what the container can't hold.
  public init(_ net: NetFile, to container: Container, dequantizes: Bool) throws(Failure) {
    (self.net, self.container) = (net, container)
    try net.checkHasWeights()
    let entries = Dictionary(net.header.arrays.map { ($0.name, $0) }) { first, _ in first }
    let hidden = net.header.hiddenArrays
    var items: [PlainExportArray] = []
    for entry in net.header.arrays where !hidden.contains(entry.name) {
      let scales = entry.scales.flatMap { entries[$0] }
      guard scales == nil || dequantizes else {
        let other = container == .safetensors ? "; or --to compressed-tensors, which can" : ""
        throw Failure(
          .usage, file: net.path, place: "array \"\(entry.name)\"",
          "holds int8 weights with scales, which \(container.rawValue) can't express",
          hint:
            "--dequantize writes the float32 numbers that they stand for\(other); or export the net that it was quantized from"
        )
      }
      items.append(try PlainExportArray(entry, scales: scales, of: net, to: container, dequantizes: dequantizes))
    }
    self.items = items
    switch container {
    case .hdf5: try checkPaths()
    case .gguf: try checkLoadable()
    case .safetensors, .numpy: break
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

  private func checkLoadable() throws(Failure) {
    for item in items {
      guard let reason = GGUFWriter.obstacle(to: item.array) else { continue }
      throw Failure(
        .badData, file: net.path, place: "array \"\(item.array.name)\"", reason,
        hint: "such arrays can stand in safetensors")
    }
  }

  private func unwritable(_ item: PlainExportArray, _ reason: String) -> Failure {
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
    case .safetensors: output = try written(by: SafetensorsWriter(path, arrays: arrays), progress)
    case .numpy: output = try written(by: NumPyWriter(path, arrays: arrays), progress)
    case .gguf: output = try written(by: GGUFWriter(path, arrays: arrays, metadata: ggufMetadata), progress)
    case .hdf5:
      let writer = try HDF5Writer(path)
      for item in items { try writer.write(item.array, item.producer(from: net, progress)) }
      try writer.finish()
      output = writer.file
    }
    try OutputFile.commit([output]) { () throws(Failure) in try checkNothingIsLost() }
  }

  /// The whole file, not in its place yet.
  private func written(by writer: some ArraysWriter, _ progress: @escaping ProgressHandler) throws -> OutputFile {
    try inParallel(jobs: items.count) { try writer.write($0, items[$0].producer(from: net, progress)) }
    try writer.finish()
    return writer.file
  }

  /// Programs that run GGUF files want to know whose construction a net has: they say that they don't know this one.
  private var ggufMetadata: [(key: String, value: String)] {
    var metadata = [(key: "general.architecture", value: Family.plain.name)]
    if case .string(let name)? = net.header.parameters.first(where: { $0.key == "Name" })?.value.content {
      metadata.append((key: "general.name", value: name))
    }
    return metadata
  }
}
