import Arrays

/// A file that PyTorch wrote: an archive of torch.save, a TorchScript program, a package, the weights of torch.export, or
/// the form of before 1.6; or a pickle of NumPy arrays. Pickles are parsed, never executed; see `PickleParser`. Arrays are found wherever they stand.
public struct TorchCheckpoint: Checkpoint {
  /// Most bytes of the names of all arrays: dictionaries that are shared could otherwise multiply them.
  package static let mostNameBytes = 64 << 20

  public let path: String
  public let format: String
  public let files: [any Source]
  public let arrays: [CheckpointArray]
  public let metadata: [(name: String, value: String)]
  public let notes: [String]
  public let leftovers: [Leftover]
  public let calls: [String]

  private let placements: [TorchPlacement]
  private let unpacked = UnpackedArrays()

  /// - Parameter takesAll: whether all arrays are taken, by their paths in the file, and not the weights alone.
  /// - Throws: `Failure` of kind `badData` naming the entry, byte or array.
  public init(_ file: any Source, openedBy path: String? = nil, takesAll: Bool = false) throws(Failure) {
    do throws(Failure) {
      if try FileKind.of(file) == .zip {
        try self.init(ZipArchive(file), openedBy: path ?? file.path, takesAll: takesAll)
      } else {
        try self.init(TorchContents(legacy: file), file, openedBy: path ?? file.path, takesAll)
      }
    } catch {
      throw error.inFile(file.path).hinting(Self.hint)
    }
  }

  /// Of an archive whose directory was read before.
  init(_ archive: ZipArchive, openedBy path: String, takesAll: Bool) throws(Failure) {
    do throws(Failure) {
      if let export = try TorchExport(archive) {
        try self.init(export, archive.file, openedBy: path)
      } else {
        try self.init(TorchContents(archive), archive.file, openedBy: path, takesAll)
      }
    } catch {
      throw error.inFile(archive.file.path).hinting(Self.hint)
    }
  }

  private static let hint = "the file is damaged, or torch.save did not write it: fetch it again, or ask its author"

  private init(
    _ contents: TorchContents, _ file: any Source, openedBy path: String, _ takesAll: Bool
  ) throws(Failure) {
    let tree = contents.tree
    let found = try TorchParts(tree, pickle: contents.pickle)
    let weights = takesAll ? nil : TorchWeights(found)
    let calls = contents.isProgram ? [] : Self.calls(tree)
    let taken = weights?.taken ?? Array(found.tensors.indices)
    if taken.isEmpty { try Self.checkIsEmpty(found, contents, calls) }
    if let weights, taken.isEmpty == false, TrainingSigns(found).isOptimizer(0) {
      throw Self.onlyTraining(found, contents, weights)
    }
    let prefix = weights?.prefix ?? ""
    var items: [(array: CheckpointArray, placement: TorchPlacement)] = []
    for index in taken {
      let tensor = found.tensors[index]
      let name = tensor.name.inside(prefix)
      items.append(
        (
          try tensor.view.array(named: name), try TorchPlacement(tensor.view, contents, array: name)
        ))
    }
    try self.init(
      items, file, openedBy: path, format: contents.format, metadata: contents.metadata,
      notes: contents.notes + (weights?.notes ?? []),
      leftovers: contents.leftovers + TorchLeftovers(found, weights).lines, calls: calls)
  }

  private init(_ export: TorchExport, _ file: any Source, openedBy path: String) throws(Failure) {
    try self.init(
      export.items, file, openedBy: path, format: "PyTorch export", metadata: [], notes: export.notes,
      leftovers: export.leftovers, calls: [])
  }

  private init(
    _ items: [(array: CheckpointArray, placement: TorchPlacement)], _ file: any Source, openedBy path: String,
    format: String, metadata: [(name: String, value: String)], notes: [String], leftovers: [Leftover], calls: [String]
  ) throws(Failure) {
    // In the order of the data, which is the order in which reading is quick.
    let order = items.indices.sorted { (items[$0].placement.start, $0) < (items[$1].placement.start, $1) }
    arrays = order.map { items[$0].array }
    placements = order.map { items[$0].placement }
    (self.path, self.format, self.metadata) = (path, format, metadata)
    (self.notes, self.leftovers, self.calls) = (notes, leftovers, calls)
    files = [file]
  }

  private static let mostCalls = 1000

  /// What loading the pickles in Python would call or import.
  private static func calls(_ tree: PickleTree) -> [String] {
    let all = tree.globals.filter { !TorchGlobals.isHarmless($0) }
    let told = all.prefix(mostCalls).map { shortened($0, to: 200) }
    return told + (all.count > mostCalls ? ["… and \(all.count - mostCalls) more"] : [])
  }

  // MARK: Files without weights

  /// - Throws: `Failure` of kind `badData` unless the file is an empty dictionary.
  private static func checkIsEmpty(
    _ found: TorchParts, _ contents: TorchContents, _ calls: [String]
  ) throws(Failure) {
    let tree = found.tree
    if found.tensors.isEmpty, found.unreadable.isEmpty, tree.pairs(tree.root)?.isEmpty == true { return }
    if let first = found.unreadable.first, found.tensors.isEmpty {
      throw Failure.unsupported(
        place: "\(contents.pickle), array \"\(first.name)\"", first.why,
        hint: "the file isn't damaged, but has no other arrays: ask for the weights as a safetensors file")
    }
    guard found.tensors.isEmpty else { throw onlyTraining(found, contents, TorchWeights(found)) }
    var reason = "holds no arrays"
    if let members = tree.members(tree.root), !members.isEmpty {
      let names = members.prefix(8).map { "\"\($0.name ?? "…")\"" }.joined(separator: ", ")
      reason += "; its members: \(names)"
    }
    if !calls.isEmpty {
      let names = calls.prefix(8).joined(separator: ", ")
      throw Failure(
        .badData, place: contents.pickle, "\(reason); loading it in Python would call \(names)",
        hint: "don't load it in Python unless you trust its author: what it would call can do harm")
    }
    throw Failure(
      .badData, place: contents.pickle, reason,
      hint: "save what has the weights, for example with torch.save(model.state_dict(), …)")
  }

  private static func onlyTraining(
    _ found: TorchParts, _ contents: TorchContents, _ weights: TorchWeights
  ) -> Failure {
    let names =
      (found.parts[0].parts.map { found.parts[$0].key } + found.parts[0].arrays.map { found.tensors[$0].name })
      .prefix(8)
    return Failure(
      .badData, place: contents.pickle, "holds arrays in \(names.joined(separator: ", ")) only, which are no weights",
      hint: "this is what a training keeps beside its net: name the file with the net's weights, or see it by --all")
  }

  // MARK: Reading

  public func read(_ array: Int, at offset: Int, count: Int, into buffer: inout [UInt8]) throws(Failure) {
    precondition(offset >= 0 && count >= 0 && offset + count <= arrays[array].bytes, "range outside the array")
    let placement = placements[array]
    if placement.isPlain { return try files[0].read(count, at: placement.start + offset, into: &buffer) }
    let bytes = try unpacked.bytes(of: array) { () throws(Failure) in
      do throws(Failure) {
        return try placement.elements(of: arrays[array], in: files[0])
      } catch {
        throw Failure(
          error.kind, file: error.file ?? path, place: error.place ?? "array \"\(arrays[array].name)\"", error.reason,
          hint: error.hint)
      }
    }
    if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
    buffer.replaceSubrange(0..<count, with: bytes[offset..<offset + count])
  }
}
