import Arrays
import Checkpoints

private let file = MemoryFile(900)
private let copy = MemoryFile(901)
private let shards = zip([902, 903, 904] as [Int32], FuzzTarget.shardContents).map { number, content in
  let shard = MemoryFile(number)
  shard.write(content)
  return shard
}

extension FuzzTarget {
  /// A safetensors file.
  static let safetensors = FuzzTarget("safetensors") { bytes in
    let input = try file.holding(bytes)
    _ = try sure("its kind") { try FileKind.of(input).failure(file: input.path, wanted: "a checkpoint").description }
    let checkpoint = try SafetensorsCheckpoint(input)
    let total = checkpoint.arrays.reduce(0) { $0 + $1.bytes }
    try expect(total <= bytes.count, "more data than the file has")
    try checkCopy(of: checkpoint)
  }

  /// The index of a sharded checkpoint, whose files are sound.
  static let index = FuzzTarget("index", kinds: [.badData, .noInput, .io]) { bytes in
    _ = shards
    let checkpoint = try ShardedCheckpoint(index: file.holding(bytes), openedBy: file.path)
    let map = try sure("the index") { try JSONValue(parsing: bytes).member("weight_map").object() }
    try expect(
      checkpoint.arrays.map { Array($0.name.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
        == map.map { Array($0.key.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }, "other arrays than the index has"
    )
    try checkCopy(of: checkpoint)
  }

  /// Two safetensors files, and one that is no checkpoint.
  fileprivate static let shardContents: [[UInt8]] = {
    func file(_ header: String, _ data: [UInt8]) -> [UInt8] {
      UInt64(header.utf8.count).littleEndianBytes + Array(header.utf8) + data
    }
    return [
      file(
        #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"F16","shape":[],"data_offsets":[3,5]}}"#,
        [1, 2, 3, 4, 5]),
      file(#"{"c":{"dtype":"BOOL","shape":[1,1],"data_offsets":[0,1]}}"#, [1]), Array("no weights".utf8),
    ]
  }()

  /// What torch.save wrote: a whole file; or a pickle alone, to which the rest of a zip archive, or of the older form, is
  /// added; with all of its arrays, or its weights only.
  static let torch = FuzzTarget("torch") { bytes in
    let (choice, rest) = bytes.choice(of: 6)
    let content =
      switch choice % 3 {
      case 0: rest
      case 1: zipArchive(pickle: rest)
      default: legacyHead + rest + legacyTail
      }
    let input = try file.holding(content)
    let checkpoint = try TorchCheckpoint(input, takesAll: choice >= 3)
    try checkCopy(of: checkpoint)
    try expect(checkpoint.leftovers.count <= 300, "more lines of what else there is than anybody reads")
    guard choice < 3, !checkpoint.arrays.isEmpty else { return }
    // The weights are some of all arrays, with what stands before all of their names left off; the storages of others may be
    // missing.
    let all: TorchCheckpoint
    do throws(Failure) {
      all = try TorchCheckpoint(input, takesAll: true)
    } catch {
      return try expect(error.place?.hasPrefix("array \"") == true, "all arrays: \(error)")
    }
    try expect(all.arrays.count >= checkpoint.arrays.count, "fewer arrays in all than weights")
    var names: [[UInt8]: Int] = [:]
    for (index, array) in all.arrays.enumerated() { names[Array(array.name.utf8)] = index }
    let prefixes = Set(
      all.arrays.compactMap { array in
        let (name, first) = (Array(array.name.utf8), Array(checkpoint.arrays[0].name.utf8))
        return name.suffix(first.count).elementsEqual(first) ? Array(name.prefix(name.count - first.count)) : nil
      })
    let prefix = prefixes.first { prefix in
      checkpoint.arrays.allSatisfy { names[prefix + Array($0.name.utf8)] != nil }
    }
    guard let prefix else { throw Broken(description: "weights that are none of all arrays") }
    for (index, array) in checkpoint.arrays.enumerated() where array.bytes <= 64 {
      guard let other = names[prefix + Array(array.name.utf8)], all.arrays[other].shape == array.shape else { continue }
      try expect(
        try checkpoint.data(of: index) == all.data(of: other) || prefixes.count > 1, "another array of the same name")
    }
  }

  private static let storage = (0..<64).map { UInt8($0) }

  /// An archive of two storages and, as the last entry, this pickle.
  private static func zipArchive(pickle: [UInt8]) -> [UInt8] {
    let size = UInt32(pickle.count).littleEndianBytes
    var archive = emptyArchive
    let directory = archive.count - directoryLength
    // In the local header, the directory, and where the end says the directory is.
    for position in [directory - 22, directory - 18, archive.count - 58, archive.count - 54] {
      archive.replaceSubrange(position..<position + 4, with: size)
    }
    archive.replaceSubrange(
      archive.count - 6..<archive.count - 2, with: UInt32(directory + pickle.count).littleEndianBytes)
    archive.insert(contentsOf: pickle, at: directory)
    return archive
  }

  /// From the directory to the end: three records, and the end's own.
  private static let directoryLength = 3 * 46 + 8 + 8 + 10 + 22

  private static let emptyArchive: [UInt8] = {
    let entries: KeyValuePairs = ["a/data/0": storage, "a/data/1": storage, "a/data.pkl": []]
    var (files, directory): ([UInt8], [UInt8]) = ([], [])
    for (name, bytes) in entries {
      let size: [UInt8] = UInt32(bytes.count).littleEndianBytes
      let length: [UInt8] = UInt16(name.utf8.count).littleEndianBytes
      let common: [UInt8] = [UInt8](repeating: 0, count: 14) + size + size + length + [0, 0]
      directory += [0x50, 0x4b, 1, 2, 0, 0] + common + [UInt8](repeating: 0, count: 10)
      directory += UInt32(files.count).littleEndianBytes + Array(name.utf8)
      files += [0x50, 0x4b, 3, 4] + common + Array(name.utf8) + bytes
    }
    var end: [UInt8] = [0x50, 0x4b, 5, 6, 0, 0, 0, 0, 3, 0, 3, 0]
    end += UInt32(directory.count).littleEndianBytes
    end += UInt32(files.count).littleEndianBytes
    return files + directory + end + [0, 0]
  }()

  /// A magic number, a version and no facts about a machine.
  private static let legacyHead: [UInt8] =
    [0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]
    + [0x80, 2, 0x4d, 0xe9, 3, 0x2e, 0x80, 2, 0x7d, 0x2e]

  /// A list of the one storage, and its 16 elements.
  private static let legacyTail: [UInt8] =
    [0x80, 2, 0x5d, 0x8c, 1, 0x30, 0x61, 0x2e] + UInt64(16).littleEndianBytes + storage

  /// What the child that reads HDF5 says: how it ended, its list, and what it gives of an array.
  static let hdf5 = FuzzTarget("hdf5", kinds: [.badData, .io]) { bytes in
    let (choice, rest) = bytes.choice(of: 8)
    let parts = rest.parts(2)
    let endings: [ChildProcess.Ending] = [
      .exited(0), .exited(0), .exited(0), .exited(65), .exited(69), .exited(1), .killed(signal: 11), .killed(signal: 9),
    ]
    let content = storage + storage
    let run: HDF5Child.Run = { words, _, limit throws(Failure) in
      let isList = words.first == "list"
      let output = isList ? parts[0] : parts[1]
      guard output.count <= limit else { throw Failure(.badData, "the child process prints more") }
      return HDF5Child.Answer(
        output: output, ending: isList ? endings[choice] : .exited(0),
        message: String(decoding: parts[1].prefix(40), as: UTF8.self))
    }
    let checkpoint = try HDF5Checkpoint(file.holding(content), openedBy: file.path, run: run)
    // The weights and what is told apart are all there is.
    let all = try sure("all arrays") {
      try HDF5Checkpoint(file.holding(content), openedBy: file.path, takesAll: true, run: run)
    }
    let told = checkpoint.leftovers.dropFirst(all.leftovers.count)
    try expect(checkpoint.leftovers.prefix(all.leftovers.count).elementsEqual(all.leftovers), "other leftovers")
    var weights = checkpoint.arrays[...]
    for array in all.arrays {
      if array == weights.first {
        weights = weights.dropFirst()
      } else {
        try expect(told.contains { array.name.utf8.starts(with: "\($0.name)/".utf8) }, "an array that nobody tells of")
      }
    }
    try expect(weights.isEmpty, "weights that are none of all arrays")
    for (index, array) in checkpoint.arrays.enumerated() where array.bytes <= mostRead {
      let data = try checkpoint.data(of: index)
      try expect(data.count == array.bytes, "other than the array's bytes")
    }
  }

  /// Largest arrays whose data is read.
  static let mostRead = 1 << 16

  /// Writes what was read as a safetensors file, reads that and compares.
  static func checkCopy(of checkpoint: some Checkpoint) throws {
    let arrays = checkpoint.arrays
    for array in arrays {
      try expect(try array.shape.bytes(of: array.elementType) == array.bytes, "a size that is not its shape's")
    }
    // Types that safetensors hasn't got, and packed ones that don't fill their bytes.
    guard arrays.allSatisfy({ SafetensorsWriter.holds($0.elementType, $0.shape) }) else { return }
    guard arrays.reduce(0, { $0 + min($1.bytes, mostRead + 1) }) <= mostRead else { return }
    var bytes = try SafetensorsWriter.header(of: arrays, checkpoint.metadata)
    for (index, array) in arrays.enumerated() {
      let data = try sure("an array's data") { try checkpoint.data(of: index) }
      try expect(data.count == array.bytes, "other than the array's bytes")
      if array.bytes > 1 {
        var part: [UInt8] = []
        try sure("a part of an array") {
          try checkpoint.read(index, at: 1, count: array.bytes - 1, into: &part)
        }
        try expect(part == Array(data.dropFirst()), "another part of an array than of the whole")
      }
      bytes += data
    }
    let again = try sure("the copy") { try SafetensorsCheckpoint(copy.holding(bytes)) }
    let asCopied = arrays.map { array in
      CheckpointArray(name: array.name, shape: array.shape, elementType: array.elementType, bytes: array.bytes)
    }
    try expect(again.arrays == asCopied, "other arrays in the copy")
    try expect(
      zip(again.arrays, arrays).allSatisfy { $0.name.utf8.elementsEqual($1.name.utf8) }, "other names in the copy")
    try expect(
      again.metadata.elementsEqual(checkpoint.metadata) {
        $0.name.utf8.elementsEqual($1.name.utf8) && $0.value.utf8.elementsEqual($1.value.utf8)
      }, "other metadata in the copy")
    var position = bytes.count - arrays.reduce(0) { $0 + $1.bytes }
    for (index, array) in arrays.enumerated() {
      let data = try sure("the copy's data") { try again.data(of: index) }
      try expect(data.elementsEqual(bytes[position..<position + array.bytes]), "other data in the copy")
      position += array.bytes
    }
  }
}
