import Arrays
import Synchronization

/// Arrays of an HDF5 file: Keras' and TensorFlow's weight files, and any other as plain named arrays.
///
/// libhdf5 crashes on some malformed files, so it only ever runs in a child process with limits on memory and time: this
/// program's own, run with a hidden subcommand. The child lists the arrays; those that stand in the file as they are,
/// which is nearly all in practice, are then read directly, and the others through another run of the child.
public struct HDF5Checkpoint: Checkpoint {
  public let path: String
  public let format: String
  public let files: [any Source]
  public let arrays: [CheckpointArray]
  public let metadata: [(name: String, value: String)]
  public let leftovers: [Leftover]

  private let run: HDF5Child.Run
  private let base: Int
  private let length: Int
  /// Where each array's data stand in the file; nil: only libhdf5 gets at them.
  private let offsets: [Int?]
  private let unpacked = UnpackedArrays()

  /// - Parameters:
  ///   - range: of the HDF5 data in the file, where they are part of it.
  ///   - takesAll: whether the arrays of a Keras model's optimizer are taken too.
  ///   - run: what runs the child.
  /// - Throws: `Failure` of kind `badData` naming the array and what is wrong, or the first object where none is an
  ///   array that is read; `io` when there is no libhdf5.
  package init(
    _ file: any Source, range: Range<Int>? = nil, openedBy path: String, takesAll: Bool = false,
    run: @escaping HDF5Child.Run = HDF5Child.run
  ) throws(Failure) {
    let range = range ?? 0..<file.size
    (base, length) = (range.lowerBound, range.count)
    self.run = run
    self.path = path
    files = [file]
    do throws(Failure) {
      let list = try HDF5Checkpoint.list(
        run(HDF5Child.words("list", file, range), HDF5Child.asked(of: file), HDF5Child.listLimit))
      var (arrays, offsets): ([CheckpointArray], [Int?]) = ([], [])
      for value in try list.member("arrays").array() {
        let (array, offset) = try HDF5Checkpoint.array(value, file)
        arrays.append(array)
        offsets.append(offset)
      }
      var leftovers: [Leftover] = []
      for value in try list.member("leftovers").array() {
        let what = try value.member("what").string()
        leftovers.append(
          try Leftover(name: value.member("name").string(), what: what.isEmpty ? HDF5Checkpoint.unreadable : what))
      }
      if arrays.isEmpty, let first = leftovers.first { throw HDF5Checkpoint.nothingRead(first, leftovers.count) }
      if !takesAll {
        let told = KerasOptimizer.indices(of: arrays)
        leftovers += told.map { KerasOptimizer.leftover($0.group, $0.indices.map { arrays[$0] }) }
        let left = Set(told.flatMap(\.indices))
        offsets = offsets.indices.filter { !left.contains($0) }.map { offsets[$0] }
        arrays = arrays.indices.filter { !left.contains($0) }.map { arrays[$0] }
      }
      self.arrays = arrays
      self.offsets = offsets
      self.leftovers = leftovers
      var metadata: [(name: String, value: String)] = []
      for member in try list.member("attributes").object() { metadata.append((member.key, try member.value.string())) }
      self.metadata = metadata.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
      format = "HDF5"
    } catch {
      throw error.inFile(file.path).hinting(
        "if the file should be sound, fetch it again, or ask its author for a safetensors file")
    }
  }

  /// For a child that gives no reason.
  private static let unreadable = "can't be read"

  /// What the child said of the file. It read hostile bytes, so its own word is checked too.
  private static func list(_ answer: HDF5Child.Answer) throws(Failure) -> JSONValue {
    guard case .exited(0) = answer.ending else {
      if case .exited = answer.ending, let json = try? JSONValue(parsing: answer.output), let error = json["error"] {
        let reason = try error.member("reason").string()
        throw Failure(
          answer.ending == .exited(65) ? .badData : .io, place: try? error.member("place").string(),
          reason.isEmpty ? unreadable : reason, hint: HDF5Child.hint(answer.ending, reason))
      }
      throw answer.failure
    }
    return try JSONValue(parsing: answer.output)
  }

  /// Of a file in which nothing is an array of numbers that can be read.
  private static func nothingRead(_ first: Leftover, _ count: Int) -> Failure {
    .unsupported(
      place: first.name, first.what + (count > 1 ? "; nor is anything else read of the file's \(count) objects" : ""),
      hint: HDF5Child.hint(.exited(65), first.what)
        ?? "the file isn't damaged, but holds no arrays that are read: ask its author for a safetensors file")
  }

  private static func array(_ value: JSONValue, _ file: any Source) throws(Failure) -> (CheckpointArray, Int?) {
    let name = try value.member("name").string()
    do throws(Failure) {
      let type = try value.member("type").choice("element type", of: ElementType.self)
      let shape = try Shape(value.member("shape").sizes())
      let bytes = try shape.bytes(of: type)
      guard try value.member("bytes").size() == bytes else {
        throw Failure(.badData, "has another size than its shape makes")
      }
      var offset: Int?
      if let given = value["offset"], given.content != .null {
        let start = try given.size()
        guard start <= file.size, bytes <= file.size - start else {
          throw Failure(.badData, "goes past the end of the file")
        }
        offset = start
      }
      return (CheckpointArray(name: name, shape: shape, elementType: type, bytes: bytes), offset)
    } catch {
      throw Failure(error.kind, place: "array \"\(name)\"", error.reason)
    }
  }

  public func read(_ array: Int, at offset: Int, count: Int, into buffer: inout [UInt8]) throws(Failure) {
    precondition(offset >= 0 && count >= 0 && offset + count <= arrays[array].bytes, "range outside the array")
    if let start = offsets[array] { return try files[0].read(count, at: start + offset, into: &buffer) }
    let bytes = try unpacked.bytes(of: array) { () throws(Failure) in try unpack(array) }
    if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
    buffer.replaceSubrange(0..<count, with: bytes[offset..<offset + count])
  }

  /// An array that only libhdf5 can read.
  private func unpack(_ array: Int) throws(Failure) -> [UInt8] {
    let wanted = arrays[array].bytes
    do throws(Failure) {
      try Limit.checkArrayMemory(wanted)
      let answer = try run(
        HDF5Child.words("read", files[0], base..<base + length) + [arrays[array].name],
        HDF5Child.asked(of: files[0]), wanted)
      guard answer.ending == .exited(0) else { throw answer.failure }
      guard answer.output.count == wanted else {
        throw Failure(.badData, "gives \(byteCount(answer.output.count)) where \(wanted) are needed")
      }
      return answer.output
    } catch {
      throw Failure(
        error.kind, file: files[0].path, place: error.place ?? "array \"\(arrays[array].name)\"", error.reason,
        hint: error.hint)
    }
  }
}

/// The last arrays that had to be made in memory: one for each of the threads that are likely to read.
final class UnpackedArrays: Sendable {
  private let kept = Mutex<[(array: Int, bytes: [UInt8])]>([])

  func bytes(of array: Int, _ unpack: () throws(Failure) -> [UInt8]) throws(Failure) -> [UInt8] {
    if let bytes = kept.withLock({ $0.first { $0.array == array }?.bytes }) { return bytes }
    let bytes = try unpack()
    kept.withLock { kept in
      kept.append((array, bytes))
      if kept.count > 2 { kept.removeFirst() }
    }
    return bytes
  }
}
