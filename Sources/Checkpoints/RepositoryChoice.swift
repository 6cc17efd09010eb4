import Arrays
import Remote

/// Which files of a repository are needed to have its net: the weights in the best form that there is, and what is small.
/// Repositories hold the same weights in several forms; one is enough.
public struct RepositoryChoice: Sendable {
  /// Paths in the repository, sorted.
  public let files: [String]
  /// What is left where it is, and why, for people.
  public let left: [(path: String, size: Int)]

  /// Files that are small whatever they are called.
  private static let mostSmall = 16 << 20
  private static let weightEndings = [
    ".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".hdf5", ".keras", ".msgpack", ".gguf", ".onnx",
    ".onnx_data",
    ".npz", ".npy", ".ot", ".tflite", ".pb", ".mlmodel", ".mlpackage", ".pkl", ".pickle", ".joblib", ".xml", ".engine",
    ".index", ".safetensors.index.json", ".bin.index.json", ".msgpack.index.json", ".llamafile", ".zip", ".tar", ".gz",
    ".parquet", ".arrow",
  ]
  /// Pictures and sounds of a repository's page.
  private static let mediaEndings = [
    ".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".mp4", ".webm", ".mov", ".wav", ".mp3", ".flac", ".pdf",
    ".ipynb",
  ]
  /// Folders of other programs' forms of the same weights.
  private static let otherForms: Set = ["onnx", "openvino", "coreml", "tflite", "ggml", "runs", "logs"]

  /// - Parameters:
  ///   - included: patterns with `*` and `?` of paths that are wanted; empty: what a net needs.
  ///   - place: the folder or file of the repository that is meant; empty: all of it.
  /// - Throws: `Failure` of kind `noInput` when nothing fits, or several files may be meant; `unavailable`.
  package init(_ remote: RemoteRepository, in place: String = "", including included: [String] = []) throws(Failure) {
    let files = remote.files
    if !included.isEmpty {
      let found = files.filter { file in included.contains { Self.fits(file.path, $0) } }
      guard !found.isEmpty else {
        throw Failure(
          .noInput, file: remote.path, "has no file like \(included.joined(separator: ", "))",
          hint: "it has \(files.prefix(12).map { shortened($0.path, to: 60) }.joined(separator: ", "))")
      }
      self.init(found.map(\.path), files)
      return
    }
    if files.contains(where: { $0.path == place }) {
      // A file, and what is small beside it.
      let folder = RepositoryPath.folder(of: place)
      self.init([place] + Self.small(files, in: folder), files)
      return
    }
    var folder = remote.folder
    if !place.isEmpty, let inner = try folder.folder(place) { folder = inner }
    var found = Set(Self.small(files, in: place))
    let weights = try Self.weights(in: folder, place, depth: 0)
    guard !weights.isEmpty else {
      // Says what is there instead.
      _ = try WeightsFolder(folder).weights()
      throw Failure(.noInput, file: remote.path, "holds no weights", hint: "choose files by --include")
    }
    found.formUnion(weights)
    self.init(Array(found), files)
  }

  /// The folder of a repository in the cache of the hub's clients, where that has weights of it; nil: it hasn't.
  /// - Throws: `Failure` of kind `io` when that can't be said.
  package static func cached(_ repository: String, revision: String?) throws(Failure) -> String? {
    guard let folder = try HubCacheFolder.snapshot(of: repository, revision: revision) else { return nil }
    let found = try ifFound { () throws(Failure) in try weights(in: LocalFolder(folder), "", depth: 0) }
    return found?.isEmpty == false ? folder : nil
  }

  private init(_ chosen: [String], _ files: [(path: String, size: Int)]) {
    let set = Set(chosen)
    self.files = set.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    left = files.filter { !set.contains($0.path) }
  }

  /// Weights of a folder; where it has none itself, those of the folders in it, as pipelines of several nets are kept.
  private static func weights(in folder: any SourceFolder, _ place: String, depth: Int) throws(Failure) -> [String] {
    func inside(_ name: String) -> String { place.isEmpty ? name : "\(place)/\(name)" }
    // Modules of sentence-transformers may have weights each; the first one's may be in the folder itself.
    var modules: [String] = []
    for name in try ModuleFolder.names(in: folder) where ModuleFolder.isName(name) {
      guard let module = try folder.folder(name) else { continue }
      modules += try weights(in: module, inside(name), depth: 2)
    }
    if try ModuleFolder.first(of: folder) != nil { return modules }
    return try modules + own(folder, place, depth)
  }

  /// The same, of what isn't in folders of modules.
  private static func own(
    _ folder: any SourceFolder, _ place: String, _ depth: Int
  ) throws(Failure) -> [String] {
    func inside(_ name: String) -> String { place.isEmpty ? name : "\(place)/\(name)" }
    let found = try ifFound { () throws(Failure) in try WeightsFolder(folder).weights() }
    switch found {
    case .one(let name):
      guard name.hasSuffix(".index.json") else { return [inside(name)] }
      return try [inside(name)] + ShardedCheckpoint.files(of: folder.existing(name)).map(inside)
    case .shards(let names): return names.map(inside)
    case nil: break
    }
    guard depth < 2 else { return [] }
    var out: [String] = []
    for name in try folder.names() where !otherForms.contains(name) {
      guard let inner = try folder.folder(name) else { continue }
      out += try weights(in: inner, inside(name), depth: depth + 1)
    }
    return out
  }

  private static func small(_ files: [(path: String, size: Int)], in place: String) -> [String] {
    let start = place.isEmpty ? "" : place + "/"
    return files.filter { file in
      let name = file.path.lowercased()
      let parts = file.path.dropFirst(start.count).split(separator: "/")
      return file.path.hasPrefix(start) && file.size <= mostSmall && parts.last?.hasPrefix(".") != true
        && !parts.dropLast().contains { otherForms.contains(String($0)) }
        && !(weightEndings + mediaEndings).contains { name.hasSuffix($0) }
    }.map(\.path)
  }

  /// Whether a path fits a pattern, in which `*` is anything, slashes too, as the hub's client has it.
  static func fits(_ path: String, _ pattern: String) -> Bool {
    let (text, rule) = (Array(path.utf8), Array((pattern.hasSuffix("/") ? pattern + "*" : pattern).utf8))
    var (place, other, star, mark) = (0, 0, -1, 0)
    while place < text.count {
      if other < rule.count, rule[other] == UInt8(ascii: "?") || rule[other] == text[place],
        rule[other] != UInt8(ascii: "*")
      {
        (place, other) = (place + 1, other + 1)
      } else if other < rule.count, rule[other] == UInt8(ascii: "*") {
        (star, mark) = (other, place)
        other += 1
      } else if star >= 0 {
        (other, mark) = (star + 1, mark + 1)
        place = mark
      } else {
        return false
      }
    }
    return rule[other...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
