import Arrays
import Checkpoints
import NetFile

/// int8 nets of a known family as a folder for compressed-tensors (`CompressedTensorsExport`): the published layout, in which
/// quantized weights are int8 with a scale for each row.
extension ExportPlan {
  /// What an array of int8 weights becomes: for each published one the integers and their scales.
  /// - Parameters:
  ///   - names: published; where several are joined in the net, each has as many of its rows.
  ///   - shape: of each.
  static func compressed(
    _ entry: ArrayEntry, as name: String, _ index: Int, _ net: NetFile, _ names: [String], _ rule: Layout.Rule,
    _ shape: Shape
  ) throws(Failure) -> [ExportedArray] {
    guard let scales = net.header.arrays.first(where: { $0.name == entry.scales }), entry.scaleAxis == nil,
      rule.permutation == nil, shape.rank == 2, names.allSatisfy({ $0.hasSuffix(CompressedTensorsExport.ending) })
    else {
      throw Failure(
        .badData, file: net.path, place: "array \"\(name)\"", "is int8 that compressed-tensors has no form for",
        hint: "leave it as it is when the net is quantized: --keep \(name)")
    }
    var out: [ExportedArray] = []
    for (part, published) in names.enumerated() {
      let integers = CheckpointArray(
        name: published, shape: shape, elementType: .int8, bytes: try shape.bytes(of: .int8))
      let rows = try Shape([shape.dimensions[0], 1])
      let floats = CheckpointArray(
        name: "\(published)_scale", shape: rows, elementType: scales.elementType,
        bytes: try rows.bytes(of: scales.elementType))
      out.append(ExportedArray(array: integers, net: index, entry: entry, part: (part, names.count), inverse: nil))
      out.append(ExportedArray(array: floats, net: index, entry: scales, part: (part, names.count), inverse: nil))
    }
    return out
  }

  /// Names of the arrays that are int8, with scales.
  public var quantized: [String] { Self.quantized(arrays) }

  private static func quantized(_ arrays: [ExportedArray]) -> [String] {
    arrays.filter { $0.entry.scales != nil }.map(\.array.name)
  }

  /// The small files with what config.json has to say of the weights.
  static func compressed(
    _ files: [(name: String, text: String)], _ arrays: [ExportedArray], _ path: String
  ) throws(Failure) -> [(name: String, text: String)] {
    let names = quantized(arrays)
    guard !names.isEmpty else {
      throw Failure(
        .badData, file: path, "holds no int8 weights", hint: "`ingot quantize` makes int8 nets of these")
    }
    let layers = names.map { String($0.dropLast(CompressedTensorsExport.ending.count)) }
    var out: [(name: String, text: String)] = []
    for file in files {
      guard file.name == CompressedTensorsExport.configName else {
        out.append(file)
        continue
      }
      let said = try JSONValue(parsing: Array(file.text.utf8))
      out.append((file.name, try CompressedTensorsConfig(layers: layers).file(keeping: said).prettyText + "\n"))
    }
    return out
  }

  /// Reads what was written, before it takes its place.
  func checkCompressed(_ file: OutputFile) throws {
    let config = smallFiles.first { $0.name == CompressedTensorsExport.configName }
    let said = try JSONValue(parsing: Array((config?.text ?? "{}").utf8))
    let check = CompressedTensorsCheck(arrays: arrays.map(\.array), quantized: quantized.count, config: said) { index in
      var hash = SHA256()
      try forEachChunk(of: arrays[index]) { hash.update($0) }
      return hash.finish()
    }
    try check.run(file)
  }
}
