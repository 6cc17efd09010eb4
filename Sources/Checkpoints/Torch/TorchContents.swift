import Arrays

/// What is in a file of torch.save, torch.jit.save or torch.package: its pickles, and where each storage's bytes are.
struct TorchContents {
  let format: String
  let tree: PickleTree
  /// What to call the pickles in errors.
  let pickle: String
  let storages: [StorageKey: Range<Int>]
  var metadata: [(name: String, value: String)] = []
  var notes: [String] = []
  var leftovers: [Leftover] = []
  /// Whether the storages' elements have their highest byte first.
  var isBigEndian = false
  /// Whether PyTorch's own reader of TorchScript reads the pickles, which makes nothing of Python's.
  var isProgram = false

  // MARK: Archives

  /// A zip archive: torch.save's has the pickle `data.pkl` and storages in `data/`, all in one folder; TorchScript's also
  /// `constants.pkl` with storages in `constants/`, and code; torch.package's any number of pickles, and storages in
  /// `.data/` (torch/serialization.py, torch/csrc/jit/serialization/export_module.cpp, torch/package/package_exporter.py).
  init(_ archive: ZipArchive) throws(Failure) {
    let pickles = archive.entries.filter { $0.name.hasSuffix("/data.pkl") || $0.name == "data.pkl" }
    guard pickles.count <= 1 else {
      throw Failure(
        .badData, place: "zip archive", "has \(pickles.count) entries named data.pkl",
        hint: "one archive of PyTorch's has one: unpack the others, and give each by itself")
    }
    guard let main = pickles.first else {
      self = try Self.package(archive)
      return
    }
    let folder = String(main.name.dropLast("data.pkl".count))
    var reader = ArchiveReader(archive, folder)
    try reader.parse(main, storages: "data/")
    var root = reader.tree.root
    if let constants = archive.entry(folder + "constants.pkl") {
      (format, isProgram) = ("TorchScript", true)
      try reader.parse(constants, storages: "constants/")
      root = reader.joined(root, constants: reader.tree.root)
      notes.append(
        "a TorchScript program: its parameters, buffers, attributes and constants are read, its code is not")
      leftovers = try reader.programLeftovers()
    } else {
      format = "PyTorch"
    }
    reader.tree.root = root
    (tree, pickle, storages) = (reader.tree, main.name, reader.storages)
    isBigEndian = try reader.isBigEndian()
    metadata = try reader.metadata()
  }

  private init(
    format: String, tree: PickleTree, pickle: String, storages: [StorageKey: Range<Int>], isBigEndian: Bool = false
  ) {
    (self.format, self.tree, self.pickle) = (format, tree, pickle)
    (self.storages, self.isBigEndian) = (storages, isBigEndian)
  }

  /// The pickle and storages of a file of before PyTorch 1.6.
  init(legacy tree: PickleTree, storages: [StorageKey: Range<Int>]) {
    self.init(format: "PyTorch (before 1.6)", tree: tree, pickle: "state dict", storages: storages)
  }

  /// A pickle by itself, without storages.
  init(pickle tree: PickleTree) {
    self.init(format: "pickle", tree: tree, pickle: "pickle", storages: [:])
  }

  /// Pickles that a package has; more are refused.
  private static let mostPickles = 1000

  /// An archive without data.pkl: torch.package's, or one that is none of PyTorch's.
  private static func package(_ archive: ZipArchive) throws(Failure) -> TorchContents {
    let mark = ".data/extern_modules"
    guard let extern = archive.entries.first(where: { $0.name.hasSuffix("/" + mark) || $0.name == mark }) else {
      throw other(archive)
    }
    let folder = String(extern.name.dropLast(mark.count))
    var reader = ArchiveReader(archive, folder)
    var members: [PickleValue] = []
    var entries = archive.entries.filter { $0.name.hasSuffix(".pkl") }
    entries.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    guard !entries.isEmpty else {
      throw Failure.unsupported(
        place: "zip archive", "is a package of PyTorch's without pickles: it holds code only",
        hint: "name the file with the net's weights")
    }
    guard entries.count <= mostPickles else {
      throw Failure(.badData, place: "zip archive", "has \(entries.count) pickles; at most \(mostPickles) are read")
    }
    for entry in entries {
      try reader.parse(entry, storages: ".data/", ending: ".storage")
      let name = String(entry.name.dropFirst(folder.count).dropLast(".pkl".count))
      members += [.string(name.split(separator: "/").joined(separator: "."), at: nil), reader.tree.root]
    }
    reader.tree.containers.append(members)
    reader.tree.root = .dictionary(reader.tree.containers.count - 1)
    return TorchContents(
      format: "PyTorch package", tree: reader.tree, pickle: "package", storages: reader.storages,
      isBigEndian: try reader.isBigEndian())
  }

  /// The error of an archive in which no weights are found, by what it seems to be.
  private static func other(_ archive: ZipArchive) -> Failure {
    func has(_ ending: String) -> Bool { archive.entries.contains { $0.name.hasSuffix(ending) } }
    if has("serialized_exported_program.json") || has("/models/model.json")
      || archive.entries.contains(where: { $0.name.contains("/data/aotinductor/") })
    {
      return .unsupported(
        place: "zip archive", "is a program of torch.export whose weights are not stored as tensors of their own",
        hint: "in Python: torch.save(torch.export.load(\"FILE\").state_dict, \"weights.pt\")")
    }
    if has("model.json") {
      return .unsupported(
        place: "zip archive", "is a TorchScript program of before PyTorch 1.3 (2019), whose form is not read",
        hint: "load it with torch.jit.load of an old PyTorch, and save it again")
    }
    let endings = [".pth", ".pt", ".safetensors", ".bin", ".ckpt", ".h5", ".onnx", ".npz", ".gguf", ".msgpack"]
    let inner = archive.entries.map(\.name).filter { name in endings.contains { name.hasSuffix($0) } }
    if !inner.isEmpty {
      let names = inner.prefix(4).map { shortened($0, to: 60) }.joined(separator: ", ")
      return .unsupported(
        place: "zip archive", "is no checkpoint itself, but holds \(names)\(inner.count > 4 ? ", …" : "")",
        hint: "unpack it, and name the file of the weights")
    }
    return Failure(
      .badData, place: "zip archive", "has no data.pkl: it is none of PyTorch's archives",
      hint: "a .keras file or any other zip archive is read by its own name and content")
  }
}

/// Reads the pickles of an archive into one tree.
private struct ArchiveReader {
  let archive: ZipArchive
  let folder: String
  var tree = PickleTree()
  private(set) var storages: [StorageKey: Range<Int>] = [:]
  private let entries: [String: ZipArchive.Entry]

  init(_ archive: ZipArchive, _ folder: String) {
    (self.archive, self.folder) = (archive, folder)
    // Names of other bytes may yet be the same text; those of storages are ASCII.
    entries = Dictionary(archive.entries.map { ($0.name, $0) }) { first, _ in first }
  }

  /// Parses one more pickle, whose root becomes the tree's.
  /// - Parameters:
  ///   - storages: the folder of its storages.
  ///   - ending: of the names of their entries, after their keys.
  mutating func parse(_ entry: ZipArchive.Entry, storages: String, ending: String = "") throws(Failure) {
    try Limit.pickleBytes.check(entry.range.count, "bytes", place: entry.name)
    let range = try archive.stored(entry)
    let number = tree.pickles
    var parser = PickleParser(
      try archive.file.bytes(range.count, at: range.lowerBound), base: range.lowerBound, name: entry.name,
      joining: tree)
    tree = try parser.parse()
    // Only those that are mentioned: an archive can have a million entries and a thousand pickles.
    for (index, reference) in tree.references.enumerated() where reference.pickle == number {
      // One that is malformed is told when an array has it.
      guard let key = (try? TorchStorage(index, in: tree))?.key, self.storages[key] == nil,
        let entry = entries[folder + storages + key.key + ending]
      else { continue }
      self.storages[key] = try archive.stored(entry)
    }
  }

  /// The objects of a TorchScript program together with its constants, which are a tuple.
  mutating func joined(_ root: PickleValue, constants: PickleValue) -> PickleValue {
    guard let items = tree.items(constants), !items.isEmpty, case .object(let index) = root else { return root }
    // As a member of the program: its arrays are constants.0, constants.1, …
    let members: [PickleValue] = [.string("constants", at: nil), constants]
    if let pairs = tree.objects[index].pairs {
      tree.containers[pairs] += members
    } else {
      tree.containers.append(members)
      tree.objects[index].pairs = tree.containers.count - 1
    }
    return root
  }

  /// What a TorchScript archive has beside its pickles.
  func programLeftovers() throws(Failure) -> [Leftover] {
    func entries(_ path: String) -> [ZipArchive.Entry] { archive.entries.filter { $0.name.hasPrefix(folder + path) } }
    var out: [Leftover] = []
    let code = entries("code/").filter { $0.name.hasSuffix(".py") }
    if !code.isEmpty {
      out.append(
        Leftover(name: "code", what: "\(code.count) \(code.count == 1 ? "file" : "files") of the program's code"))
    }
    if archive.entry(folder + "bytecode.pkl") != nil {
      out.append(Leftover(name: "bytecode.pkl", what: "the program for PyTorch Mobile"))
    }
    if !entries("traced_inputs").isEmpty {
      out.append(Leftover(name: "traced_inputs.pkl", what: "what the program was traced with"))
    }
    for entry in entries("extra/").prefix(20) {
      out.append(Leftover(name: String(entry.name.dropFirst(folder.count)), what: byteCount(entry.range.count)))
    }
    return out
  }

  /// By the entry `byteorder`, which the archives of before PyTorch 2.1 don't have.
  func isBigEndian() throws(Failure) -> Bool {
    guard let order = archive.entry(folder + "byteorder") else { return false }
    let range = try archive.stored(order)
    let text = range.count <= 16 ? try archive.file.bytes(range.count, at: range.lowerBound) : []
    if text == Array("little".utf8) { return false }
    if text == Array("big".utf8) { return true }
    throw Failure(.badData, place: "zip entry \"\(order.name)\"", "names no byte order")
  }

  func metadata() throws(Failure) -> [(name: String, value: String)] {
    guard let version = archive.entry(folder + "version"), version.range.count <= 16 else { return [] }
    let range = try archive.stored(version)
    let text = String(decoding: try archive.file.bytes(range.count, at: range.lowerBound), as: UTF8.self)
    return [("archive version", String(text.prefix { !$0.isNewline }))]
  }
}
