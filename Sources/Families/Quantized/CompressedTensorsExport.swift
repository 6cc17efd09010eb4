import Arrays
import Checkpoints
import NetFile

/// How an int8 plain net becomes a folder that the package compressed-tensors, and transformers by it, load: weights stay int8, with
/// a scale for each output, and mean the same numbers there.
///
/// That form has Linear and embedding layers only: matrices `LAYER.weight` of [outputs, inputs], with scales `LAYER.weight_scale` of
/// [outputs, 1] (compressed_tensors/compressors/naive_quantized). What it hasn't got is refused, or becomes float32.
public struct CompressedTensorsExport: Sendable {
  /// What the folder's file of weights is called.
  public static let weightsName = "model.safetensors"
  public static let configName = "config.json"

  public let net: NetFile
  /// Names of the arrays that stay int8.
  public let quantized: [String]
  /// int8 weights that become float32, and why.
  public let dequantized: [(name: String, reason: String)]
  /// Whether config.json says what the checkpoint's said, beside how weights are quantized.
  public let keepsConfig: Bool
  private let items: [PlainExportArray]
  private let config: JSONValue

  public var arrays: [CheckpointArray] { items.map(\.array) }
  public var totalBytes: Int { items.reduce(0) { $0 + $1.array.bytes } }

  /// - Parameters:
  ///   - config: path of the checkpoint's config.json; nil: there is none.
  ///   - dequantizes: whether what the form hasn't got becomes float32.
  /// - Throws: `Failure` of kind `usage` or `badData` naming the array that can't be written, or the file `config`; `noInput`.
  public init(_ net: NetFile, config path: String? = nil, dequantizes: Bool) throws(Failure) {
    self.net = net
    try net.checkHasWeights()
    guard try PublishedQuantization(net) == nil else {
      throw Failure(
        .badData, file: net.path, "holds weights that were quantized when they were published",
        hint: "--to safetensors writes them as they are")
    }
    let entries = Dictionary(net.header.arrays.map { ($0.name, $0) }) { first, _ in first }
    let hidden = net.header.hiddenArrays
    var (items, quantized, dequantized): ([PlainExportArray], [String], [(String, String)]) = ([], [], [])
    for entry in net.header.arrays where !hidden.contains(entry.name) {
      guard let scales = entry.scales.flatMap({ entries[$0] }) else {
        items.append(try PlainExportArray(entry, scales: nil, of: net, to: .safetensors, dequantizes: dequantizes))
        continue
      }
      guard let reason = Self.obstacle(to: entry) else {
        let outputs = entry.shape.dimensions[0]
        items.append(PlainExportArray(entry, as: entry.name, shape: entry.shape))
        items.append(PlainExportArray(scales, as: "\(entry.name)_scale", shape: try Shape([outputs, 1])))
        quantized.append(entry.name)
        continue
      }
      guard dequantizes else {
        throw Failure(
          .badData, file: net.path, place: "array \"\(entry.name)\"",
          "is int8 that compressed-tensors has no form for: it \(reason)",
          hint: "--dequantize writes float32 in place of such arrays, and keeps the others int8")
      }
      items.append(try PlainExportArray(entry, scales: scales, of: net, to: .safetensors, dequantizes: true))
      dequantized.append((entry.name, reason))
    }
    guard !quantized.isEmpty else {
      let isFloat = dequantized.isEmpty
      throw Failure(
        .badData, file: net.path,
        isFloat ? "holds no int8 weights" : "holds no int8 weights that compressed-tensors has a form for",
        hint: isFloat
          ? "`ingot quantize` makes an int8 net of it; --to safetensors writes it as it is"
          : "--to safetensors --dequantize writes the float32 numbers that they stand for")
    }
    if let twice = Self.repeated(items.map(\.array.name)) {
      throw Failure(
        .badData, file: net.path, place: "array \"\(twice)\"",
        "has the name that compressed-tensors gives the scales of another",
        hint: "--to safetensors --dequantize writes the float32 numbers that int8 weights stand for")
    }
    (self.items, self.quantized, self.dequantized) = (items, quantized, dequantized)
    keepsConfig = path != nil
    let layers = quantized.map { String($0.dropLast(Self.ending.count)) }
    do {
      self.config = try CompressedTensorsConfig(layers: layers).file(keeping: path.map(Self.json))
    } catch {
      throw error.file == nil && path != nil ? error.inFile(path ?? "") : error
    }
  }

  static let ending = ".weight"

  /// What keeps an array of int8 weights from being a layer's in this form; what follows "it" in a sentence.
  private static func obstacle(to entry: ArrayEntry) -> String? {
    guard entry.name.hasSuffix(ending), entry.name.utf8.count > ending.utf8.count else {
      return "is not named LAYER.weight"
    }
    guard entry.shape.rank == 2 else { return "has \(entry.shape.rank) dimensions" }
    guard entry.scaleAxis == nil else { return "has a scale for each column" }
    return nil
  }

  private static func repeated(_ names: [String]) -> String? {
    var seen: Set<[UInt8]> = []
    return names.first { !seen.insert(Array($0.utf8)).inserted }
  }

  private static func json(_ path: String) throws(Failure) -> JSONValue {
    let files = try SmallFiles(folder: LocalFolder(Paths.folder(of: path)))
    guard let json = try files.json(Paths.name(path)) else {
      throw Failure(.noInput, file: path, "does not exist", hint: "name the config.json of the checkpoint")
    }
    return json
  }

  /// Writes the folder, whose files appear when what was written has been read again and found right.
  /// - Throws: `Failure` of kind `cannotCreate` when files of these names are there already, unless `replacing`, or it can't be
  ///   written; `badData` when an array doesn't match its SHA-256; `io`.
  public func write(
    to folder: String, replacing: Bool, progress: @escaping ProgressHandler = { _, _ in }
  ) throws {
    let place = ExportFolder(
      path: folder, smallFiles: [(Self.configName, config.prettyText + "\n")], replacing: replacing)
    let path = try place.prepared(Self.weightsName)
    let writer = try SafetensorsWriter(path, arrays: arrays, metadata: [("format", "pt")])
    try inParallel(jobs: items.count) { try writer.write($0, items[$0].producer(from: net, progress)) }
    try writer.finish()
    let check = CompressedTensorsCheck(arrays: arrays, quantized: quantized.count, config: config) { index in
      try items[index].digest(from: net)
    }
    try check.run(writer.file)
    try place.commit(writer.file)
  }
}
