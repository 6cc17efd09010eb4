import Arrays
import Synchronization

/// A checkpoint cut into several files, with an index that says which array is in which: `{"metadata": …,
/// "weight_map": {"array": "file"}}`.
public struct ShardedCheckpoint: Checkpoint {
  public let path: String
  public let arrays: [CheckpointArray]
  public var format: String { "\(shards.first?.format ?? "empty"), \(shards.count) files" }
  public var files: [any Source] { shards.flatMap(\.files) }
  public var metadata: [(name: String, value: String)] { shards.first?.metadata ?? [] }
  public var leftovers: [Leftover] { shards.flatMap(\.leftovers) }
  public var calls: [String] {
    var seen: Set<String> = []
    return shards.flatMap(\.calls).filter { seen.insert($0).inserted }
  }
  private let shards: [any Checkpoint]
  private let isWithoutIndex: Bool
  public var notes: [String] {
    let own = "no index beside the \(shards.count) files of weights: their arrays are taken together"
    return (isWithoutIndex ? [own] : []) + shards.flatMap(\.notes)
  }
  /// Shard and index in it, by array.
  private let places: [(shard: Int, array: Int)]

  /// - Throws: `Failure` of kind `badData` naming the array or file that is wrong in the index; `noInput` for a shard that
  ///   is not there.
  package init(index file: any Source, openedBy path: String) throws(Failure) {
    var map: [(array: String, file: String, offset: Int)]
    do {
      map = try Self.weightMap(file)
    } catch {
      throw error.inFile(file.path).hinting("the index is damaged or of another format: fetch it again")
    }
    let names = Set(map.map(\.file)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    try Limit.shards.check(names.count, "files of weights", file: file.path)
    let folder = Paths.folder(of: file.path)
    let arrays = Dictionary(grouping: map) { $0.file }
    let shards = try Self.opened(names, isRemote: file.folder?.isRemote == true) { name throws(Failure) in
      try Self.open(name, beside: file, arrays: (arrays[name] ?? []).map(\.array))
    }

    // An index of Flax' files has slashes where their arrays' names have dots.
    if shards.first is MessagePackCheckpoint {
      map = map.map { ($0.array.replacing("/", with: "."), $0.file, $0.offset) }
    }
    var wanted: [[UInt8]: String] = [:]
    for entry in map { wanted[Array(entry.array.utf8)] = entry.file }
    var (found, places): ([CheckpointArray], [(shard: Int, array: Int)]) = ([], [])
    for (number, shard) in shards.enumerated() {
      for (index, array) in shard.arrays.enumerated() {
        guard let expected = wanted.removeValue(forKey: Array(array.name.utf8)) else {
          let isDuplicate = found.contains { $0.name == array.name }
          throw Failure(
            .badData, file: shard.path, place: "array \"\(array.name)\"",
            isDuplicate ? "is in another file of the checkpoint too" : "is not in the index", hint: Self.mixedHint)
        }
        guard expected == names[number] else {
          throw Failure(
            .badData, file: shard.path, place: "array \"\(array.name)\"", "should be in \(expected) by the index",
            hint: Self.mixedHint)
        }
        found.append(array)
        places.append((number, index))
      }
    }
    // Left over: in the index, but in no file.
    if let missing = map.first(where: { wanted[Array($0.array.utf8)] != nil }) {
      throw Failure(
        .badData, file: Paths.join(folder, missing.file), place: "array \"\(missing.array)\"",
        "is in the index but not in the file",
        hint: Self.mixedHint)
    }
    isWithoutIndex = false
    self.path = path
    self.shards = shards
    self.arrays = found
    self.places = places
  }

  /// All files of a checkpoint, whose index is not there.
  /// - Parameter takesAll: whether what is no weights is taken too; an index names all that it is of.
  /// - Throws: `Failure` of kind `badData` when two files have an array of the same name.
  init(
    shards names: [String], in folder: any SourceFolder, openedBy path: String? = nil, takesAll: Bool = false
  ) throws(Failure) {
    let shards = try Self.opened(names, isRemote: folder.isRemote) { name throws(Failure) in
      let shard = try folder.existing(name)
      return try openWeights(shard, openedBy: shard.path, takesAll: takesAll)
    }
    var (arrays, places): ([CheckpointArray], [(shard: Int, array: Int)]) = ([], [])
    var seen: Set<[UInt8]> = []
    for (number, shard) in shards.enumerated() {
      for (index, array) in shard.arrays.enumerated() {
        guard seen.insert(Array(array.name.utf8)).inserted else {
          throw Failure(
            .badData, file: shard.path, place: "array \"\(array.name)\"", "is in another file of the checkpoint too",
            hint: Self.mixedHint)
        }
        arrays.append(array)
        places.append((number, index))
      }
    }
    self.path = path ?? folder.path
    // Split GGUF files never have one.
    isWithoutIndex = !(shards.first is GGUFCheckpoint)
    self.shards = shards
    self.arrays = arrays
    self.places = places
  }

  /// Opens shards; those at addresses many at a time, since each waits for an answer.
  private static func opened(
    _ names: [String], isRemote: Bool, _ open: @Sendable @escaping (String) throws(Failure) -> any Checkpoint
  ) throws(Failure) -> [any Checkpoint] {
    let found = Mutex([Int: any Checkpoint]())
    do {
      try inParallel(jobs: names.count, workers: isRemote ? 16 : 1) { number in
        let shard = try open(names[number])
        found.withLock { $0[number] = shard }
      }
    } catch {
      throw Failure.wrapping(error, file: names[0])
    }
    return found.withLock { found in names.indices.compactMap { found[$0] } }
  }

  private static let mixedHint = "the files are not of one checkpoint: fetch all of them again"

  /// Names of the files that an index is of.
  static func files(of index: any Source) throws(Failure) -> [String] {
    do { return Set(try weightMap(index).map(\.file)).sorted() } catch { throw error.inFile(index.path) }
  }

  private static func weightMap(_ file: any Source) throws(Failure) -> [(array: String, file: String, offset: Int)] {
    try Limit.indexBytes.check(file.size, "bytes")
    let json = try JSONValue(parsing: file.bytes(file.size, at: 0))
    var out: [(array: String, file: String, offset: Int)] = []
    for member in try json.member("weight_map").object() {
      let name = try member.value.string()
      guard isBareName(name) else {
        throw Failure(
          .badData, place: "byte \(member.value.offset)", "\"\(name)\" is not the bare name of a file",
          hint: "an index may name files of its own folder only")
      }
      out.append((member.key, name, member.value.offset))
    }
    return out
  }

  private static func isBareName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255 && !name.utf8.contains(UInt8(ascii: "/"))
      && !name.utf8.contains(UInt8(ascii: "\\")) && !name.utf8.contains { $0 < 0x20 }
  }

  /// - Parameter arrays: names that the index says are in it.
  private static func open(
    _ name: String, beside index: any Source, arrays: [String]
  ) throws(Failure) -> any Checkpoint {
    let file: any Source
    do {
      file = try index.neighbour(name, followsLinks: true)
    } catch {
      throw error.kind == .noInput ? error.hinting("\(index.path) names this file: fetch it too") : error
    }
    // A line of a safetensors header is the name and a hundred bytes at most, as 405 billion parameters have them.
    file.willRead(arrays.reduce(1024) { $0 + $1.utf8.count + 100 })
    return try openWeights(file, openedBy: file.path)
  }

  public func read(_ array: Int, at offset: Int, count: Int, into buffer: inout [UInt8]) throws(Failure) {
    try shards[places[array].shard].read(places[array].array, at: offset, count: count, into: &buffer)
  }
}
