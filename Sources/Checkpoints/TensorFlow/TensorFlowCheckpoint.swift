import Arrays

/// A checkpoint of TensorFlow's, version 2: an index of its tensors, and their bytes in files beside it
/// (tensorflow/core/protobuf/tensor_bundle.proto): `NAME.index`, `NAME.data-00000-of-00001`. Of the index everything is
/// checked, checksums too; of the data, that they are there.
public struct TensorFlowCheckpoint: Checkpoint {
  public let path: String
  public let format: String
  public let files: [any Source]
  public let arrays: [CheckpointArray]
  public let metadata: [(name: String, value: String)]
  public let leftovers: [Leftover]
  /// File and start in it, by array.
  private let places: [(file: Int, start: Int)]

  /// - Parameter file: the index.
  /// - Throws: `Failure` of kind `badData` naming the byte or the array; `noInput` when a file of data isn't there.
  package init(_ file: any Source, openedBy path: String? = nil) throws(Failure) {
    do throws(Failure) {
      let table = try SortedTable(file)
      guard let first = table.entries.first, first.key.isEmpty else {
        throw Failure(.badData, "is a table, but no index of TensorFlow's: it has no header")
      }
      let header = try BundleHeader(first.value)
      let own = Paths.name(file.path)
      let stem = own.hasSuffix(".index") ? String(own.dropLast(6)) : own
      var files: [any Source] = [file]
      for number in 0..<header.shards {
        let name = stem + ".data-\(Self.padded(number))-of-\(Self.padded(header.shards))"
        do throws(Failure) { files.append(try file.neighbour(name, followsLinks: true)) } catch {
          throw error.kind == .noInput ? error.hinting("\(file.path) is an index of this file: fetch it too") : error
        }
      }
      var found: [(array: CheckpointArray, place: (file: Int, start: Int))] = []
      var leftovers: [Leftover] = []
      for entry in table.entries.dropFirst() {
        do throws(Failure) {
          // Names of parts of a tensor begin with a zero: what they are part of is told.
          guard entry.key.first != 0 else { continue }
          let name: String
          do { name = try readText(entry.key) } catch { throw Failure(.badData, "its name \(error.reason)") }
          let bundle = try BundleEntry(entry.value)
          guard !bundle.isSliced else {
            leftovers.append(Leftover(name: name, what: "\(bundle.shape) in slices, which aren't read"))
            continue
          }
          guard let type = BundleEntry.types[bundle.type] else {
            leftovers.append(Leftover(name: name, what: "\(bundle.shape) of \(bundle.typeName), which isn't read"))
            continue
          }
          let bytes = try bundle.shape.bytes(of: type)
          guard bundle.size == bytes else {
            throw Failure(.badData, "has \(bundle.size) bytes; its shape and type take \(bytes)")
          }
          guard bundle.shard < header.shards else {
            throw Failure(.badData, "is in file \(bundle.shard) of \(header.shards)")
          }
          let data = files[bundle.shard + 1]
          guard bundle.offset <= data.size, bytes <= data.size - bundle.offset else {
            throw Failure(
              .badData, file: data.path, "its \(byteCount(bytes)) from \(bundle.offset) on go past the end of the file",
              hint: "the files are not of one checkpoint, or one is not whole: fetch all of them again")
          }
          found.append(
            (
              CheckpointArray(name: name, shape: bundle.shape, elementType: type, bytes: bytes),
              (bundle.shard + 1, bundle.offset)
            ))
        } catch {
          throw Failure(
            error.kind, file: error.file, place: "array \(SortedTable.shown(entry.key))", error.reason, hint: error.hint
          )
        }
      }
      let order = found.indices.sorted {
        (found[$0].place.file, found[$0].place.start, $0) < (found[$1].place.file, found[$1].place.start, $1)
      }
      arrays = order.map { found[$0].array }
      places = order.map { found[$0].place }
      self.files = files
      self.leftovers = leftovers
      self.path = path ?? file.path
      format = "TensorFlow checkpoint"
      metadata = []
    } catch {
      throw error.inFile(file.path).hinting("the checkpoint is damaged: fetch it again, or ask its author")
    }
  }

  private static func padded(_ number: Int) -> String {
    let digits = "\(number)"
    return String(repeating: "0", count: max(0, 5 - digits.utf8.count)) + digits
  }

  /// The path of the index that a path means which is a file of data beside one, or the name that both begin with; else nil.
  static func index(of path: String) throws(Failure) -> String? {
    if try !Paths.exists(path) { return try Paths.exists(path + ".index") ? path + ".index" : nil }
    guard let dot = path.lastIndex(of: "."), path[dot...].hasPrefix(".data-") else { return nil }
    let index = String(path[..<dot]) + ".index"
    return try Paths.exists(index) ? index : nil
  }

  /// The index of a folder, by the file in which TensorFlow notes what it wrote last, or where a SavedModel has its own.
  static func index(in folder: any SourceFolder, _ names: [String]) throws(Failure) -> String? {
    let saved = "variables/variables.index"
    if names.contains("saved_model.pb"), try folder.file(saved) != nil { return saved }
    guard names.contains("checkpoint"), let file = try folder.file("checkpoint") else { return nil }
    let text = String(decoding: try file.bytes(min(file.size, 4096), at: 0), as: UTF8.self)
    let start = "model_checkpoint_path: \""
    guard text.hasPrefix(start) else { return nil }
    let name = text.dropFirst(start.count).prefix { $0 != "\"" && $0 != "\n" } + ".index"
    return names.contains(String(name)) ? String(name) : nil
  }

  public func read(_ array: Int, at offset: Int, count: Int, into buffer: inout [UInt8]) throws(Failure) {
    precondition(offset >= 0 && count >= 0 && offset + count <= arrays[array].bytes, "range outside the array")
    try files[places[array].file].read(count, at: places[array].start + offset, into: &buffer)
  }
}
