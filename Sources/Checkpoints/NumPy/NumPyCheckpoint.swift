import Arrays

/// Arrays that NumPy saved: one in a .npy file, or named ones in an .npz archive, packed or not. What isn't an array of
/// numbers is a leftover of an archive, and refused as a file of its own; pickled objects are never read.
public struct NumPyCheckpoint: Checkpoint {
  public let path: String
  public let format: String
  public let files: [any Source]
  public let arrays: [CheckpointArray]
  public let metadata: [(name: String, value: String)] = []
  public let notes: [String]
  public let leftovers: [Leftover]

  /// The name that NumPy itself gives an array without one.
  static let unnamed = "arr_0"

  private struct Placement {
    /// Of the data in the file; of the array's bytes in its entry where that is packed.
    let start: Int
    /// nil: the data stand in the file as they are.
    let packed: ZipArchive.Entry?
    /// Bytes that have to be swapped together; 1 where none have.
    let swapped: Int
    let isFortran: Bool

    var isInPlace: Bool { packed == nil && !isFortran }
  }

  private let placements: [Placement]
  private let archive: ZipArchive?
  private let unpacked = UnpackedArrays()

  /// A .npy file.
  /// - Throws: `Failure` of kind `badData` naming the byte.
  public init(_ file: any Source, openedBy path: String? = nil) throws(Failure) {
    do throws(Failure) {
      let header = try NumPyHeader(length: file.size, base: 0) { place, count throws(Failure) in
        try file.bytes(count, at: place)
      }
      guard case .numbers(let type, let isBigEndian, let unit) = header.elements else {
        guard case .other(let what) = header.elements else { throw Failure(.badData, "holds nothing") }
        throw Failure.unsupported("holds \(what)", hint: NumPyCheckpoint.unsupportedHint)
      }
      let bytes = try header.shape.bytes(of: type)
      guard bytes <= file.size - header.dataStart else {
        throw Failure(
          .badData, place: "byte \(header.dataStart)",
          "the array's \(byteCount(bytes)) go past the end of the file", hint: Failure.truncationHint)
      }
      let rest = file.size - header.dataStart - bytes
      // Arrays that were saved into the same file are read by whoever knows how many there are.
      notes = rest > 0 ? ["\(byteCount(rest)) after the array belong to none; numpy.load leaves them out too"] : []
      arrays = [CheckpointArray(name: Self.unnamed, shape: header.shape, elementType: type, bytes: bytes)]
      placements = [
        Placement(
          start: header.dataStart, packed: nil, swapped: isBigEndian ? unit : 1,
          isFortran: header.isFortran && header.shape.rank > 1)
      ]
      (format, archive, leftovers) = ("NumPy", nil, [])
      (self.path, files) = (path ?? file.path, [file])
    } catch {
      throw error.inFile(file.path).hinting("the file is no sound NumPy file: fetch it again, or ask its author")
    }
  }

  private static let unsupportedHint =
    "the file isn't damaged, but this is no array of numbers: save it as one with numpy.save in Python"

  /// Whether a zip archive is NumPy's: arrays, and no pickle of a whole.
  static func recognizes(_ archive: ZipArchive) -> Bool {
    archive.entries.contains { $0.name.hasSuffix(".npy") }
      && !archive.entries.contains { $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl") }
  }

  /// An .npz archive.
  /// - Throws: `Failure` of kind `badData` naming the entry.
  package init(_ archive: ZipArchive, openedBy path: String? = nil) throws(Failure) {
    let file = archive.file
    var (arrays, placements, leftovers): ([CheckpointArray], [Placement], [Leftover]) = ([], [], [])
    var notes: [String] = []
    do throws(Failure) {
      // In the order of the data.
      for entry in archive.entries.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
        guard entry.name.hasSuffix(".npy") else {
          leftovers.append(Leftover(name: entry.name, what: "no array of NumPy's"))
          continue
        }
        let name = String(entry.name.dropLast(4))
        do throws(Failure) {
          guard let (header, length) = try Self.header(of: entry, in: archive) else {
            leftovers.append(Leftover(name: name, what: "no array of NumPy's, though it is named like one"))
            continue
          }
          guard case .numbers(let type, let isBigEndian, let unit) = header.elements else {
            if case .other(let what) = header.elements { leftovers.append(Leftover(name: name, what: "holds \(what)")) }
            continue
          }
          let bytes = try header.shape.bytes(of: type)
          guard bytes <= length - header.dataStart else {
            throw Failure(
              .badData, "has \(byteCount(length - header.dataStart)) of data; its shape and type take \(bytes)")
          }
          if length - header.dataStart > bytes {
            notes.append("\(byteCount(length - header.dataStart - bytes)) after array \"\(name)\" belong to none")
          }
          arrays.append(CheckpointArray(name: name, shape: header.shape, elementType: type, bytes: bytes))
          placements.append(
            Placement(
              start: (entry.isDeflated ? 0 : entry.range.lowerBound) + header.dataStart,
              packed: entry.isDeflated ? entry : nil, swapped: isBigEndian ? unit : 1,
              isFortran: header.isFortran && header.shape.rank > 1))
        } catch {
          let own = "zip entry \"\(entry.name)\""
          let place = [own, error.place == own ? nil : error.place].compactMap(\.self).joined(separator: ", ")
          throw Failure(error.kind, place: place, error.reason, hint: error.hint)
        }
      }
    } catch {
      throw error.inFile(file.path).hinting("the file is no sound .npz archive: fetch it again, or ask its author")
    }
    (self.arrays, self.placements, self.leftovers, self.notes) = (arrays, placements, leftovers, notes)
    (format, self.archive) = ("NumPy archive", archive)
    (self.path, files) = (path ?? file.path, [file])
  }

  /// The header of an entry, and the bytes of all of it unpacked; nil where it is of another format.
  private static func header(
    of entry: ZipArchive.Entry, in archive: ZipArchive
  ) throws(Failure) -> (NumPyHeader, Int)? {
    let file = archive.file
    guard entry.isDeflated else {
      let range = try archive.stored(entry)
      let (start, length) = (range.lowerBound, range.count)
      guard try file.bytes(min(6, length), at: start) == NumPyHeader.magic else { return nil }
      let header = try NumPyHeader(length: length, base: 0) { place, count throws(Failure) in
        try file.bytes(count, at: start + place)
      }
      return (header, length)
    }
    let length = Int(clamping: entry.size)
    guard try archive.front(of: entry, most: 6) == NumPyHeader.magic else { return nil }
    // The header alone is unpacked.
    let header = try NumPyHeader(length: length, base: 0) { place, count throws(Failure) in
      let front = try archive.front(of: entry, most: place + count)
      guard front.count == place + count else { throw Failure(.badData, "its packed data end early") }
      return Array(front[place...])
    }
    return (header, length)
  }

  public func read(_ array: Int, at offset: Int, count: Int, into buffer: inout [UInt8]) throws(Failure) {
    precondition(offset >= 0 && count >= 0 && offset + count <= arrays[array].bytes, "range outside the array")
    let placement = placements[array]
    if placement.isInPlace, placement.swapped == 1 {
      return try files[0].read(count, at: placement.start + offset, into: &buffer)
    }
    if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
    guard placement.isInPlace else {
      let bytes = try unpacked.bytes(of: array) { () throws(Failure) in try unpack(array) }
      return buffer.replaceSubrange(0..<count, with: bytes[offset..<offset + count])
    }
    // Whole elements, piece by piece, of which the range may take parts.
    var (done, piece): (Int, [UInt8]) = (0, [])
    while done < count {
      let skipped = (offset + done) % placement.swapped
      let wanted = min(count - done, chunkSize)
      let length = (skipped + wanted + placement.swapped - 1) / placement.swapped * placement.swapped
      try files[0].read(length, at: placement.start + offset + done - skipped, into: &piece)
      ByteOrder.swap(&piece, count: length, unit: placement.swapped)
      buffer.replaceSubrange(done..<done + wanted, with: piece[skipped..<skipped + wanted])
      done += wanted
    }
  }

  /// All of an array whose elements stand packed or in Fortran's order.
  private func unpack(_ index: Int) throws(Failure) -> [UInt8] {
    let (array, placement) = (arrays[index], placements[index])
    do throws(Failure) {
      try Limit.checkArrayMemory(array.bytes)
      var bytes: [UInt8]
      if let entry = placement.packed, let archive {
        let whole = try archive.content(of: entry, limit: .arrayMemory)
        bytes = Array(whole[placement.start..<placement.start + array.bytes])
      } else {
        bytes = try files[0].bytes(array.bytes, at: placement.start)
      }
      ByteOrder.swap(&bytes, count: array.bytes, unit: placement.swapped)
      guard placement.isFortran else { return bytes }
      return Transposition.reversed(bytes, shape: array.shape, elementSize: array.elementType.size)
    } catch {
      let failure = Failure(
        error.kind, file: files[0].path, place: "array \"\(array.name)\"", error.reason, hint: error.hint)
      throw error.kind == .badData
        ? failure.hinting("the archive is damaged: fetch it again, or ask its author") : failure
    }
  }
}
