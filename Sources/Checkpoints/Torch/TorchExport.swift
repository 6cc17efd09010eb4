import Arrays

/// The weights of a program of torch.export (.pt2): an archive with `data/weights/model_weights_config.json`, which says
/// of each array in which entry it stands, of which type and shape (torch/export/pt2_archive/_package.py and
/// torch/_export/serde/schema.py, `PayloadConfig`).
struct TorchExport {
  private(set) var items: [(array: CheckpointArray, placement: TorchPlacement)] = []
  let notes = ["a program of torch.export: its weights and constants are read, the program is not"]
  private(set) var leftovers: [Leftover] = []

  private static let weights = ("data/weights/", "model_weights_config.json")
  private static let constants = ("data/constants/", "model_constants_config.json")

  /// nil for any other archive.
  /// - Throws: `Failure` of kind `badData` naming the array.
  init?(_ archive: ZipArchive) throws(Failure) {
    let ending = Self.weights.0 + Self.weights.1
    guard let config = archive.entries.first(where: { $0.name == ending || $0.name.hasSuffix("/" + ending) }) else {
      return nil
    }
    let folder = String(config.name.dropLast(ending.count))
    var entries: [String: ZipArchive.Entry] = [:]
    for entry in archive.entries { entries[entry.name] = entry }
    var isBigEndian = false
    if let order = entries[folder + "byteorder"] {
      let range = try archive.stored(order)
      let text = try archive.file.bytes(min(range.count, 16), at: range.lowerBound)
      isBigEndian = text == Array("big".utf8)
    }
    var names: Set<[UInt8]> = []
    for (path, file) in [Self.weights, Self.constants] {
      guard let config = entries[folder + path + file] else { continue }
      let range = try archive.stored(config)
      try Limit.indexBytes.check(range.count, "bytes", place: config.name)
      let json: JSONValue
      do { json = try JSONValue(parsing: archive.file.bytes(range.count, at: range.lowerBound)) } catch {
        throw Failure(.badData, place: "\(config.name), \(error.place ?? "text")", error.reason)
      }
      let all: [JSONMember]
      do { all = try json.member("config").object() } catch {
        throw Failure(.badData, place: "\(config.name), \(error.place ?? "text")", error.reason)
      }
      for member in all {
        let name = path == Self.weights.0 ? member.key : "constants.\(member.key)"
        guard names.insert(Array(name.utf8)).inserted else {
          throw Failure(.badData, place: "array \"\(name)\"", "is there twice")
        }
        do throws(Failure) {
          try take(name, member.value, folder + path, entries, archive, isBigEndian)
        } catch {
          throw Failure(
            error.kind, place: "\(config.name), array \"\(name)\"", error.reason, hint: error.hint)
        }
      }
    }
    leftovers.append(Leftover(name: "models", what: "the program"))
    if entries.keys.contains(where: { $0.hasPrefix(folder + "data/sample_inputs/") }) {
      leftovers.append(Leftover(name: "sample_inputs", what: "what the program was made with"))
    }
  }

  private mutating func take(
    _ name: String, _ value: JSONValue, _ path: String, _ entries: [String: ZipArchive.Entry], _ archive: ZipArchive,
    _ isBigEndian: Bool
  ) throws(Failure) {
    let file = path + (try value.member("path_name").string())
    if case .boolean(true)? = value["use_pickle"]?.content {
      return leftovers.append(Leftover(name: name, what: "a pickle of its own, which is not read"))
    }
    guard let entry = entries[file] else { throw Failure(.badData, "its entry \"\(file)\" is missing") }
    let meta = try value.member("tensor_meta")
    let number = try meta.member("dtype").integer()
    guard let type = TorchTypes.ofExport(number) else {
      return leftovers.append(Leftover(name: name, what: "of torch.export's type \(number), which is not read"))
    }
    guard try meta.member("layout").integer() == 7 else {
      return leftovers.append(Leftover(name: name, what: "of a layout that is not read"))
    }
    var dimensions: [Int] = []
    for size in try meta.member("sizes").array() { dimensions.append(try size.member("as_int").integer()) }
    var strides: [Int] = []
    for stride in try meta.member("strides").array() { strides.append(try stride.member("as_int").integer()) }
    let offset = try meta.member("storage_offset").member("as_int").integer()
    let range = try archive.stored(entry)
    let view = try TorchView(
      type, .pickle(at: range.lowerBound, bytes: range.count), count: range.count / type.size, offset: offset,
      dimensions: dimensions, strides: strides, isBigEndian: isBigEndian)
    items.append(
      (
        CheckpointArray(
          name: name, shape: view.shape, elementType: type, bytes: try view.shape.bytes(of: type)),
        TorchPlacement(
          start: range.lowerBound + offset * type.size, strides: view.isContiguous ? nil : strides,
          isBigEndian: isBigEndian, type)
      ))
  }
}
