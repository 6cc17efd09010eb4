import Arrays

/// A file that torch.save wrote: a zip archive of a pickle and its storages, or the older form, pickles followed by the
/// storages. The pickle is parsed, never executed; see `PickleParser`.
public struct TorchCheckpoint: Checkpoint {
  /// Most bytes of the names of all arrays: dictionaries that are shared could otherwise multiply them.
  package static let mostNameBytes = 64 << 20

  public let path: String
  public let format: String
  public let files: [InputFile]
  public let arrays: [CheckpointArray]
  public let metadata: [(name: String, value: String)]
  public let notes: [String]

  /// How an array's elements stand in the file.
  private struct Placement {
    let start: Int
    /// In elements; nil: one after the other.
    let strides: [Int]?
  }

  private let placements: [Placement]
  private let gathered = UnpackedArrays()

  /// - Throws: `Failure` of kind `badData` naming the entry, byte or array.
  public init(_ file: InputFile, openedBy path: String? = nil) throws(Failure) {
    do throws(Failure) {
      let isZip = try FileKind.of(file) == .zip
      let contents = try isZip ? TorchContents(zip: file) : TorchContents(legacy: file)
      format = isZip ? "PyTorch" : "PyTorch (before 1.6)"
      metadata = contents.metadata
      notes = contents.notes
      var arrays: [CheckpointArray] = []
      var placements: [Placement] = []
      for tensor in contents.tensors {
        guard let range = contents.storages[tensor.storage] else {
          throw Failure(.badData, place: "array \"\(tensor.name)\"", "its storage \"\(tensor.storage)\" is missing")
        }
        let size = tensor.elementType.size
        guard tensor.storageCount * size <= range.count else {
          throw Failure(
            .badData, place: "array \"\(tensor.name)\"",
            "its storage \"\(tensor.storage)\" has \(range.count) bytes, not the \(tensor.storageCount * size) stated")
        }
        arrays.append(
          CheckpointArray(
            name: tensor.name, shape: tensor.shape, elementType: tensor.elementType,
            bytes: try tensor.shape.bytes(of: tensor.elementType)))
        placements.append(
          Placement(start: range.lowerBound + tensor.offset * size, strides: tensor.isContiguous ? nil : tensor.strides)
        )
      }
      // In the order of the data, which is the order in which reading is quick.
      let order = arrays.indices.sorted { (placements[$0].start, $0) < (placements[$1].start, $1) }
      self.arrays = order.map { arrays[$0] }
      self.placements = order.map { placements[$0] }
      self.path = path ?? file.path
      files = [file]
    } catch {
      throw error.inFile(file.path).hinting(
        "the file is damaged, or torch.save did not write it: fetch it again, or ask its author")
    }
  }

  public func read(_ array: Int, at offset: Int, count: Int, into buffer: inout [UInt8]) throws(Failure) {
    precondition(offset >= 0 && count >= 0 && offset + count <= arrays[array].bytes, "range outside the array")
    let placement = placements[array]
    guard let strides = placement.strides else {
      return try files[0].read(count, at: placement.start + offset, into: &buffer)
    }
    let bytes = try gathered.bytes(of: array) { () throws(Failure) in try gather(array, strides) }
    if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
    buffer.replaceSubrange(0..<count, with: bytes[offset..<offset + count])
  }

  /// The elements of an array that doesn't stand in the file as it is: all bytes between its first and its last element
  /// are read, and the elements picked from them.
  private func gather(_ array: Int, _ strides: [Int]) throws(Failure) -> [UInt8] {
    let (size, dimensions) = (arrays[array].elementType.size, arrays[array].shape.dimensions)
    guard arrays[array].shape.elements > 0 else { return [] }
    let reach = zip(dimensions, strides).reduce(0) { $0 + ($1.0 - 1) * $1.1 }
    try Limit.checkArrayMemory((reach + 1) * size, file: path, place: "array \"\(arrays[array].name)\"", "spans")
    let span = try files[0].bytes((reach + 1) * size, at: placements[array].start)
    return Transposition.gathered(span, dimensions: dimensions, steps: strides, elementSize: size)
  }
}

/// What is in a file of torch.save: the tensors and where each storage's bytes are.
private struct TorchContents {
  let tensors: [TorchTensor]
  let storages: [String: Range<Int>]
  let metadata: [(name: String, value: String)]
  let notes: [String]

  init(zip file: InputFile) throws(Failure) {
    let archive = try ZipArchive(file)
    let pickles = archive.entries.filter { $0.name.hasSuffix("/data.pkl") || $0.name == "data.pkl" }
    guard pickles.count == 1 else {
      throw Failure(
        .badData, place: "zip archive",
        pickles.isEmpty
          ? "has no data.pkl: it is none of PyTorch's archives" : "has \(pickles.count) entries named data.pkl",
        hint: "a .keras file or any other zip archive is read by its own name and content")
    }
    let folder = String(pickles[0].name.dropLast("data.pkl".count))
    guard archive.entry(folder + "constants.pkl") == nil else {
      throw Failure(
        .badData, place: "zip archive", "is a TorchScript program, not a state dict",
        hint: "save a state dict with torch.save(model.state_dict(), …)")
    }
    if let order = archive.entry(folder + "byteorder") {
      guard order.range.count <= 16,
        try file.bytes(order.range.count, at: order.range.lowerBound) == Array("little".utf8)
      else {
        throw Failure(.badData, place: "zip entry \"\(order.name)\"", "says that the data are not little-endian")
      }
    }
    try Limit.pickleBytes.check(pickles[0].range.count, "bytes", place: pickles[0].name)
    var parser = PickleParser(
      try file.bytes(pickles[0].range.count, at: pickles[0].range.lowerBound), name: pickles[0].name)
    (tensors, notes) = try TorchState(parser.parse(), name: pickles[0].name).tensors()
    let data = folder + "data/"
    var storages: [String: Range<Int>] = [:]
    for entry in archive.entries where entry.name.hasPrefix(data) {
      let key = String(entry.name.dropFirst(data.count))
      // Names of other bytes may yet be the same text, written with other code points.
      guard storages.updateValue(entry.range, forKey: key) == nil else {
        throw Failure(.badData, place: "storage \"\(key)\"", "is there twice")
      }
    }
    self.storages = storages
    var metadata: [(name: String, value: String)] = []
    if let version = archive.entry(folder + "version"), version.range.count <= 16 {
      let text = String(decoding: try file.bytes(version.range.count, at: version.range.lowerBound), as: UTF8.self)
      metadata.append(("archive version", String(text.prefix { !$0.isNewline })))
    }
    self.metadata = metadata
  }

  /// Pickles of a magic number, a protocol version, facts about the writer's machine, the state dict and the list of
  /// storages; then for each storage eight bytes of count and its elements.
  init(legacy file: InputFile) throws(Failure) {
    let most = min(file.size, Limit.pickleBytes.value)
    var length = min(most, 1 << 20)
    while true {
      let bytes = try file.bytes(length, at: 0)
      do throws(Failure) {
        let head = try LegacyHead(bytes)
        (tensors, notes, storages) = (head.tensors, head.notes, try head.storages(in: file))
        metadata = []
        return
      } catch {
        // The pickles' length stands nowhere: read more until they end.
        guard error.reason == "the pickle ends early" else { throw error }
        guard length < most else {
          guard most < file.size else { throw error }
          throw Limit.pickleBytes.failure(
            place: error.place, "the pickles go on after \(most) bytes, all that are read")
        }
        length = min(2 * length, most)
      }
    }
  }
}

/// The pickles of the older form.
private struct LegacyHead {
  let tensors: [TorchTensor]
  let notes: [String]
  /// Bytes by storage.
  private let sizes: [String: Int]
  /// Storages in the order of their data.
  private let keys: [String]
  private let end: Int

  init(_ bytes: [UInt8]) throws(Failure) {
    var position = 0
    func next(_ name: String) throws(Failure) -> PickleTree {
      var parser = PickleParser(bytes, at: position, name: name)
      defer { position = parser.position }
      return try parser.parse()
    }
    // 0x1950a86a20f9469cfc6c, which takes ten bytes.
    let magic: [UInt8] = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]
    guard bytes.count > 15, Array(bytes[2..<15]) == magic else {
      throw Failure(
        .badData, place: "byte 0", "is a pickle, but none that torch.save wrote",
        hint: "only state dicts saved with torch.save can be read")
    }
    _ = try next("magic number")
    guard try next("protocol version").root == .integer(1001) else {
      throw Failure(.badData, place: "byte 15", "is of an unknown version of PyTorch's format")
    }
    let system = try next("system information")
    if let order = system.members(system.root)?.first(where: { $0.name?.isSameBytes(as: "little_endian") == true }),
      order.value != .boolean(true)
    {
      throw Failure(.badData, place: "system information", "says that the data are not little-endian")
    }
    let state = TorchState(try next("state dict"), name: "state dict")
    (tensors, notes) = try state.tensors()
    sizes = try state.storageBytes()
    let list = try next("list of storages")
    guard let items = list.items(list.root) else { throw Failure(.badData, place: "list of storages", "is no list") }
    var keys: [String] = []
    for item in items {
      guard case .string(let key) = item else {
        throw Failure(.badData, place: "list of storages", "has a key that is no string")
      }
      keys.append(key)
    }
    self.keys = keys
    end = position
  }

  func storages(in file: InputFile) throws(Failure) -> [String: Range<Int>] {
    var out: [String: Range<Int>] = [:]
    var position = end
    for key in keys {
      let place = "storage \"\(key)\""
      guard let bytes = sizes[key] else { throw Failure(.badData, place: place, "is not mentioned before") }
      guard file.size - position >= 8 else {
        throw Failure(.badData, place: place, "the file ends before it", hint: Self.hint)
      }
      // The count of elements, whose size the pickle has told.
      var reader = ByteReader(try file.bytes(8, at: position))
      let count = try reader.integer(UInt64.self)
      guard count <= UInt64(bytes), count == 0 ? bytes == 0 : bytes % Int(count) == 0 && bytes / Int(count) <= 8 else {
        throw Failure(.badData, place: place, "has another count of elements than the state dict says")
      }
      guard bytes <= file.size - position - 8 else {
        throw Failure(.badData, place: place, "the file ends inside it", hint: Self.hint)
      }
      guard out.updateValue(position + 8..<position + 8 + bytes, forKey: key) == nil else {
        throw Failure(.badData, place: place, "is there twice")
      }
      position += 8 + bytes
    }
    guard position == file.size else {
      throw Failure(.badData, place: "byte \(position)", "\(byteCount(file.size - position)) after the last storage")
    }
    return out
  }

  private static let hint = "the download may be incomplete: fetch the file again"
}
