import Arrays
import Checkpoints
import NetFile

/// How the nets of one combination become a published layout's folder again: which array comes from where, and the small
/// files beside them.
public struct ExportPlan: Sendable {
  /// A published array, made from one of a net.
  public struct ExportedArray: Sendable {
    public let array: CheckpointArray
    let net: Int
    let entry: ArrayEntry
    /// Which of the equal parts along the first dimension, of how many: nets join what some layouts keep apart.
    let part: (index: Int, count: Int)
    /// Of the published dimensions among the net's; nil: as they are.
    let inverse: [Int]?
  }

  public let family: Family
  public let layout: Layout
  public let nets: [NetFile]
  public let arrays: [ExportedArray]
  private let compresses: Bool
  /// Names and texts.
  public let smallFiles: [(name: String, text: String)]

  /// - Parameters:
  ///   - nets: every net of one combination, once.
  ///   - layoutName: a layout of their family that can be written.
  ///   - compresses: whether int8 weights stay int8, in the form of compressed-tensors; else they are refused.
  /// - Throws: `Failure` of kind `usage` or `badData` when the nets don't make a whole.
  public init(_ nets: [NetFile], layout layoutName: String, compresses: Bool = false) throws(Failure) {
    guard let first = nets.first else { throw Failure(.usage, "no nets are named") }
    do {
      family = try first.header.definition().family
    } catch {
      throw error.inFile(first.path)
    }
    guard let layout = family.exported(nets.map(\.header), as: layoutName), let skeletons = layout.exportedFiles else {
      let others = family.layouts.filter { $0.exportedFiles != nil }.map(\.name)
      throw Failure(
        .usage, "\(family.name) can't be exported to layout \(layoutName)",
        hint: others.contains("huggingface") ? "--to safetensors writes its layout huggingface" : nil)
    }
    self.layout = layout
    self.nets = nets
    self.compresses = compresses
    try ExportPlan.checkWhole(nets, family, compresses)
    var arrays: [ExportedArray] = []
    for (index, net) in nets.enumerated() {
      let hidden = net.header.hiddenArrays
      for entry in net.header.arrays where !hidden.contains(entry.name) {
        arrays += try Self.exported(entry, as: entry.name, index, net, layout)
      }
      for tie in net.header.ties {
        guard let entry = net.header.arrays.first(where: { $0.name == tie.same }) else { continue }
        arrays += try Self.exported(entry, as: tie.name, index, net, layout)
      }
    }
    self.arrays = arrays.sorted { $0.array.name.utf8.lexicographicallyPrecedes($1.array.name.utf8) }
    let files = try ExportedFiles(family, nets.map(\.header)).texts(skeletons)
    smallFiles = compresses ? try Self.compressed(files, self.arrays, first.path) : files
  }

  /// The small files that stand beside weights of the published layout: configuration, tokenizer, how pictures are prepared.
  /// - Parameter nets: every net of one combination, once; int8 ones too.
  /// - Throws: `Failure` of kind `usage` or `badData` when the nets don't make a whole.
  package static func smallFiles(
    of nets: [NetFile]
  ) throws(Failure) -> (family: Family, files: [(name: String, text: String)]) {
    guard let first = nets.first else { throw Failure(.usage, "no nets are named") }
    let family: Family
    do {
      family = try first.header.definition().family
    } catch {
      throw error.inFile(first.path)
    }
    try checkWhole(nets, family, true)
    guard let skeletons = family.exported(nets.map(\.header), as: "huggingface")?.exportedFiles else {
      return (family, [])
    }
    return (family, try ExportedFiles(family, nets.map(\.header)).texts(skeletons))
  }

  private static func checkWhole(_ nets: [NetFile], _ family: Family, _ compresses: Bool) throws(Failure) {
    func rest(_ net: NetFile) -> [JSONMember] { net.header.parameters.filter { $0.key != family.netAxis?.name } }
    for net in nets {
      do {
        _ = try net.header.definition()
      } catch {
        throw error.inFile(net.path)
      }
      try net.checkHasWeights()
      guard net.header.family == family.name, rest(net) == rest(nets[0]) else {
        throw Failure(.usage, file: net.path, "is not of the same combination as \(nets[0].path)")
      }
      guard compresses || net.header.arrays.allSatisfy({ $0.scales == nil }) else {
        throw Failure(
          .usage, file: net.path, "holds int8 weights, which the published layouts can't express",
          hint: "export the net that it was quantized from, or int8 weights --to compressed-tensors")
      }
    }
    for kind in family.nets {
      let count = nets.filter { $0.header.net == kind.name }.count
      guard count == 1 else {
        throw Failure(
          .usage, count == 0 ? "the net \(kind.name) is missing" : "the net \(kind.name) is named \(count) times",
          hint: "a published folder joins all nets of a combination: \(family.nets.map(\.name).joined(separator: ", "))"
        )
      }
    }
  }

  private static func exported(
    _ entry: ArrayEntry, as name: String, _ index: Int, _ net: NetFile, _ layout: Layout
  ) throws(Failure) -> [ExportedArray] {
    guard let (names, rule) = layout.sources(of: name, in: net.header.net) else {
      throw Failure(
        .badData, file: net.path, place: "array \"\(name)\"", "the layout \(layout.name) has no rule for it")
    }
    let shape = try Shape(rule.publishedDimensions(entry.shape.dimensions))
    guard shape.elements * names.count == entry.shape.elements else {
      throw Failure(.badData, file: net.path, place: "array \"\(name)\"", "can't be divided by \(names.count)")
    }
    if entry.scales != nil {
      return try compressed(entry, as: name, index, net, names.map(layout.publishedName), rule, shape)
    }
    var inverse: [Int]?
    if let permutation = rule.permutation {
      inverse = permutation.indices.map { position in permutation.firstIndex(of: position) ?? position }
    }
    var out: [ExportedArray] = []
    for (part, published) in names.enumerated() {
      let array = CheckpointArray(
        name: layout.publishedName(published), shape: shape, elementType: entry.elementType,
        bytes: try shape.bytes(of: entry.elementType))
      out.append(ExportedArray(array: array, net: index, entry: entry, part: (part, names.count), inverse: inverse))
    }
    return out
  }

  public var totalBytes: Int { arrays.reduce(0) { $0 + $1.array.bytes } }

  /// Hands a published array's elements to `body` in pieces.
  public func forEachChunk(of exported: ExportedArray, _ body: (borrowing RawSpan) throws -> Void) throws {
    let length = exported.entry.bytes / exported.part.count
    let range = exported.part.index * length..<(exported.part.index + 1) * length
    guard let inverse = exported.inverse else { return try forEachChunk(of: exported, in: range, body) }
    var bytes: [UInt8] = []
    try forEachChunk(of: exported, in: range) { bytes.append(contentsOf: $0) }
    var dimensions = exported.entry.shape.dimensions
    dimensions[0] /= exported.part.count
    let size = exported.entry.elementType.size
    let permuted =
      inverse == [1, 0]
      ? Transposition.matrix(bytes, rows: dimensions[0], columns: dimensions[1], elementSize: size)
      : Transposition.array(bytes, shape: try Shape(dimensions), permutation: inverse, elementSize: size)
    try body(permuted.rawSpan)
  }

  /// The bytes of a range of an array of a net.
  private func forEachChunk(
    of exported: ExportedArray, in range: Range<Int>, _ body: (borrowing RawSpan) throws -> Void
  ) throws {
    var position = 0
    try nets[exported.net].forEachCheckedChunk(of: exported.entry) { piece in
      let start = max(range.lowerBound - position, 0)
      let end = min(range.upperBound - position, piece.byteCount)
      if start < end { try body(piece.extracting(start..<end)) }
      position += piece.byteCount
    }
  }
}

extension ExportPlan {
  /// Writes `model.safetensors` and the small files into a folder, which may exist but must not hold files of those names
  /// unless `replacing`. All files of the folder appear or none, as with `ConversionPlan.run`; those of folders in it, which
  /// sentence-transformers has, appear before.
  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  public func writeSafetensors(
    to folder: String, replacing: Bool, progress: @escaping ProgressHandler = { _, _ in }
  ) throws {
    let place = ExportFolder(path: folder, smallFiles: smallFiles, replacing: replacing)
    let path = try place.prepared("model.safetensors")
    let writer = try SafetensorsWriter(path, arrays: arrays.map(\.array), metadata: [("format", "pt")])
    try inParallel(jobs: arrays.count) { index in
      try writer.write(index) { sink in
        try forEachChunk(of: arrays[index]) { piece in
          try sink(piece)
          progress(arrays[index].array.name, piece.byteCount)
        }
      }
    }
    try writer.finish()
    if compresses { try checkCompressed(writer.file) }
    try place.commit(writer.file)
  }

  /// Writes `tf_model.h5` as TensorFlow's Keras does, and the small files, into a folder; as `writeSafetensors` does.
  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  public func writeHDF5(
    to folder: String, replacing: Bool, progress: @escaping ProgressHandler = { _, _ in }
  ) throws {
    let place = ExportFolder(path: folder, smallFiles: smallFiles, replacing: replacing)
    let writer = try HDF5Writer(try place.prepared("tf_model.h5"))
    // Keras finds weights by these attributes: the groups, and in each the names below it.
    let groups = Dictionary(grouping: arrays) { $0.array.name.prefix { $0 != "/" } }
    let names = groups.keys.map(String.init).sorted()
    try writer.attribute("", "backend", "tensorflow")
    try writer.attribute("", "keras_version", "2.15.0")
    try writer.attribute("", "layer_names", list: names)
    // Weights of no layer have a group of their own, which Keras wants to see even when it is empty.
    for name in names + ["top_level_model_weights"] {
      try writer.group(name)
      let members = groups[Substring(name)] ?? []
      try writer.attribute(name, "weight_names", list: members.map { String($0.array.name.dropFirst(name.count + 1)) })
      for exported in members {
        try writer.write(exported.array) { sink in
          try forEachChunk(of: exported) { piece in
            try sink(piece)
            progress(exported.array.name, piece.byteCount)
          }
        }
      }
    }
    try writer.finish()
    try place.commit(writer.file)
  }
}
