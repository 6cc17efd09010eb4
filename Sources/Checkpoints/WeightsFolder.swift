import Arrays

/// Where the weights of a folder are.
enum WeightsFiles {
  /// A file of weights or of an index, by its relative path.
  case one(String)
  /// Names of files that together make a checkpoint, without an index.
  case shards([String])
}

/// A folder in which weights are looked for: a net's, as hubs and training programs leave them.
struct WeightsFolder {
  private let folder: any SourceFolder
  private let names: [String]
  private var path: String { folder.path }

  init(_ folder: any SourceFolder) throws(Failure) {
    self.folder = folder
    names = try folder.names()
  }

  /// Usual names of weights files, the best first.
  private static let usualNames = [
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
    "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.safetensors.index.json",
    "diffusion_pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "flax_model.msgpack.index.json",
  ]

  private static let endings = [".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".h5", ".hdf5", ".keras"]
  /// Those that often lie beside the ones above, or hold other things than weights, count where there are none of these.
  private static let laterEndings = [[".gguf", ".index", ".msgpack", ".npz", ".onnx"], [".npy"]]

  /// What training programs leave beside weights (transformers' Trainer, accelerate).
  private static func isOfTraining(_ name: String) -> Bool {
    ["optimizer.pt", "optimizer.bin", "scheduler.pt", "scaler.pt", "training_args.bin"].contains(name)
      || name.hasPrefix("rng_state") || name.hasPrefix("random_states_")
  }

  /// - Throws: `Failure` of kind `noInput` when there are none, or several that are no shards of one another.
  func weights() throws(Failure) -> WeightsFiles {
    let (found, others) = try find()
    if let found { return found }
    guard let example = others.first else { throw try emptyFailure }
    if let (name, variants) = Self.variants(others) {
      throw Failure(
        .noInput, file: path,
        "holds no \(name), but \(variants.count) variants of it: \(variants.joined(separator: ", "))",
        hint: "name the file of the one that you want, for example \(Paths.join(path, example))")
    }
    throw Failure(
      .noInput, file: path, "holds \(others.count) weights files, none of a usual name",
      hint: "name the file itself, for example \(example)")
  }

  /// The weights, or else all files that might be.
  private func find() throws(Failure) -> (WeightsFiles?, others: [String]) {
    if let name = Self.usualNames.first(where: names.contains) { return (.one(name), []) }
    let found = names.filter { name in Self.endings.contains { name.hasSuffix($0) } }
    var others = found.filter { !Self.isOfTraining($0) }
    if others.isEmpty { others = found }
    if others.isEmpty, let index = try TensorFlowCheckpoint.index(in: folder, names) { return (.one(index), []) }
    for endings in Self.laterEndings where others.isEmpty {
      others = names.filter { name in endings.contains { name.hasSuffix($0) } }
    }
    if others.count == 1, ShardName(others[0]) == nil { return (.one(others[0]), []) }
    if let shards = try ShardName.set(of: others, in: path) { return (.shards(shards), []) }
    return (nil, others)
  }

  /// Files of one name but for a word before the ending (`model.fp16.safetensors`), as transformers and diffusers write
  /// variants.
  private static func variants(_ others: [String]) -> (name: String, variants: [String])? {
    var (stems, endings, words): (Set<String>, Set<String>, [String]) = ([], [], [])
    for name in others {
      let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 3 else { return nil }
      stems.insert(parts[0])
      endings.insert(parts[2])
      words.append(parts[1])
    }
    guard let stem = stems.first, stems.count == 1, let ending = endings.first else { return nil }
    return ("\(stem).\(ending)", words)
  }

  /// Of a folder that is a checkpoint as a whole, of a form that is not read.
  private var otherForm: Failure? {
    if names.contains(where: { $0.hasSuffix(".distcp") }) {
      return .unsupported(
        file: path, "is a checkpoint of torch.distributed (.distcp files), which is not read",
        hint: "in Python: torch.distributed.checkpoint.format_utils.dcp_to_torch_save(\"FOLDER\", \"weights.pt\")")
    }
    if names.contains("manifest.ocdbt") || names.contains("_CHECKPOINT_METADATA") {
      return .unsupported(
        file: path, "is a checkpoint of Orbax, which is not read",
        hint: "restore it in Python, and save it by safetensors.flax.save_file or flax.serialization.to_bytes")
    }
    return nil
  }

  /// Where nothing is in the folder itself, its folders may hold weights: those of a pipeline of several nets.
  private var emptyFailure: Failure {
    get throws(Failure) {
      var folders: [String] = []
      for name in names.prefix(1000) {
        guard let inner = try folder.folder(name) else { continue }
        let holdsWeights = try ifFound { () throws(Failure) in
          let (found, others) = try WeightsFolder(inner).find()
          return found != nil || !others.isEmpty
        }
        if holdsWeights == true { folders.append(name) }
      }
      let isPipeline = names.contains("model_index.json")
      guard let example = folders.first else {
        if let other = otherForm { return other }
        return Failure(
          .noInput, file: path, "holds no weights file",
          hint: "name a folder with model.safetensors, or the file itself")
      }
      return Failure(
        .noInput, file: path,
        "holds no weights file itself, but \(isPipeline ? "is a pipeline of nets, whose weights are" : "weights are") in "
          + "\(folders.prefix(8).joined(separator: ", "))",
        hint: "name one of these folders, for example \(Paths.join(path, example))")
    }
  }
}
