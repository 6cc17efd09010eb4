import Arrays
import Remote

/// Opens the checkpoint at a path or an address: a weights file, or a folder that holds one under its usual name.
/// - Parameter part: which of its arrays are read.
/// - Throws: `Failure` of kind `noInput` when there is none, or none of the part, `badData` when it isn't what it should be.
public func openCheckpoint(_ path: String, _ part: CheckpointPart = .weights) throws(Failure) -> any Checkpoint {
  if RemoteAddress.isOne(path) {
    switch try RemotePlace(path) {
    case .folder(let folder): return try openCheckpoint(in: folder, part)
    case .file(let file): return try openCheckpoint(file, openedBy: file.path, part)
    }
  }
  let path = try HubCache.snapshot(of: path) ?? path
  if try Paths.isFolder(path) { return try openCheckpoint(in: LocalFolder(path), part) }
  return try openCheckpoint(InputFile(TensorFlowCheckpoint.index(of: path) ?? path), openedBy: path, part)
}

/// Opens the checkpoint of a folder, whether it is here or at an address.
/// - Throws: as for a path; `Failure` of kind `unavailable` where the address doesn't give it.
public func openCheckpoint(
  in folder: any SourceFolder, _ part: CheckpointPart = .weights
) throws(Failure) -> any Checkpoint {
  let folder = try ModuleFolder.first(of: folder) ?? folder
  switch try WeightsFolder(folder).weights() {
  case .one(let name): return try openCheckpoint(folder.existing(name), openedBy: folder.path, part)
  case .shards(let names):
    return try checked(ShardedCheckpoint(shards: names, in: folder, takesAll: part != .weights), part)
  }
}

/// Opens the checkpoint that a file is, or is the index or the first part of.
/// - Parameter path: it is told to have been opened by.
public func openCheckpoint(
  _ file: any Source, openedBy path: String, _ part: CheckpointPart = .weights
) throws(Failure) -> any Checkpoint {
  if file.path.hasSuffix(".index.json") { return try checked(ShardedCheckpoint(index: file, openedBy: path), part) }
  if let (names, folder) = try filesOfSplitGGUF(file) {
    return try checked(ShardedCheckpoint(shards: names, in: folder, openedBy: path), part)
  }
  return try checked(openWeights(file, openedBy: path, takesAll: part != .weights), part)
}

/// A checkpoint, or the part of it that is meant, held to the limits.
private func checked(_ whole: any Checkpoint, _ part: CheckpointPart) throws(Failure) -> any Checkpoint {
  var checkpoint = whole
  let path = whole.path
  if case .at(let place) = part { checkpoint = try PartOfCheckpoint(checkpoint, at: place) }
  try Limit.arrays.check(checkpoint.arrays.count, "arrays", file: path)
  var total = 0
  for array in checkpoint.arrays {
    guard array.name.utf8.count <= longestName else {
      throw Failure(
        .badData, file: path, place: "array \"\(shortened(array.name, to: 40))\"",
        "has a name of \(array.name.utf8.count) bytes; at most \(longestName) are read")
    }
    let (sum, overflow) = total.addingReportingOverflow(array.bytes)
    guard !overflow, sum <= Shape.largestTotal else {
      throw Failure(
        .badData, file: path, place: "array \"\(array.name)\"", "makes the arrays larger than can be counted",
        hint: "the file is malformed: don't trust it")
    }
    total = sum
  }
  // HDF5 files have a limit of their own, since what they pack is often much.
  if !(checkpoint is HDF5Checkpoint) {
    try Limit.checkExpansion(total, ofFileOf: checkpoint.files.reduce(0) { $0 + $1.size }, file: path)
  }
  return checkpoint
}

/// The names of all files of a split GGUF file whose first one is named, as programs that load these take it; else nil.
private func filesOfSplitGGUF(_ file: any Source) throws(Failure) -> (names: [String], folder: any SourceFolder)? {
  let path = file.path
  guard path.hasSuffix(".gguf"), let first = ShardName(Paths.name(path)), first.number == 1, first.count > 1 else {
    return nil
  }
  let folder = file.folder ?? LocalFolder(Paths.folder(of: path))
  let names = try folder.names().filter { name in ShardName(name).map(first.isOfSame) == true }
  return try ShardName.set(of: names, in: folder.path).map { ($0, folder) }
}

/// As in HDF5 files; reports split names into their parts.
private let longestName = 4096

/// Opens one weights file, by its content.
/// - Parameters:
///   - path: it is told to have been opened by.
///   - takesAll: whether what is no weights is taken too.
package func openWeights(
  _ file: any Source, openedBy path: String, takesAll: Bool = false
) throws(Failure) -> any Checkpoint {
  let kind = try FileKind.of(file)
  switch kind {
  case .safetensors: return try SafetensorsCheckpoint(file, openedBy: path)
  case .hdf5: return try HDF5Checkpoint(file, openedBy: path, takesAll: takesAll)
  case .zip:
    // Keras 3 keeps its weights as an HDF5 file in a zip archive.
    let archive: ZipArchive
    do { archive = try ZipArchive(file) } catch {
      throw error.inFile(file.path).hinting("the archive is damaged: fetch it again, or ask its author")
    }
    if NumPyCheckpoint.recognizes(archive) { return try NumPyCheckpoint(archive, openedBy: path) }
    if let weights = archive.entry("model.weights.h5") {
      let range: Range<Int>
      do { range = try archive.stored(weights) } catch { throw error.inFile(file.path) }
      return try HDF5Checkpoint(file, range: range, openedBy: path, takesAll: takesAll)
    }
    return try TorchCheckpoint(archive, openedBy: path, takesAll: takesAll)
  case .pickle: return try TorchCheckpoint(file, openedBy: path, takesAll: takesAll)
  case .tar where try TorchTar.isOne(file):
    throw Failure.unsupported(
      file: file.path, "is a PyTorch file of before version 0.1.10 (2017), a tar archive, which is not read",
      hint: "load it with torch.load in Python, and save it again with torch.save")
  case .gguf: return try GGUFCheckpoint(file, openedBy: path)
  case .numpy: return try NumPyCheckpoint(file, openedBy: path)
  case .onnx: return try ONNXCheckpoint(file, openedBy: path)
  case .tensorFlow: return try TensorFlowCheckpoint(file, openedBy: path)
  case .messagePack: return try MessagePackCheckpoint(file, openedBy: path)
  default:
    // A safetensors file that is damaged in its first bytes is told what is wrong with them.
    if file.path.hasSuffix(".safetensors"), kind == .unknown { return try SafetensorsCheckpoint(file, openedBy: path) }
    throw kind.failure(file: file.path, wanted: "a checkpoint")
  }
}
