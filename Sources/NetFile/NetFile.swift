import Arrays

/// A net file opened for reading. Opening reads and checks the prologue and the header, never the arrays; `damage`
/// checks every byte of those.
public final class NetFile: Sendable {
  public let header: NetHeader
  public let file: InputFile
  /// Bytes of the JSON header.
  public let headerLength: Int
  /// SHA-256 of the head, which names those of all arrays: what is in the file, as far as it is undamaged.
  public let digest: Digest

  /// - Throws: `Failure` of kind `noInput` when there is no such file, `badData` naming the byte or array.
  public convenience init(_ path: String) throws(Failure) {
    try self.init(InputFile(path))
  }

  public init(_ file: InputFile) throws(Failure) {
    do throws(Failure) {
      (header, headerLength, digest) = try NetFile.readHeader(file)
    } catch {
      throw error.inFile(file.path).hinting(NetFile.damageHint)
    }
    self.file = file
  }

  public var path: String { file.path }

  /// - Parameter consequence: of its having none.
  /// - Throws: `Failure` of kind `badData` for a net without weights.
  package func checkHasWeights(_ consequence: String = "") throws(Failure) {
    guard header.isInitialized else {
      throw Failure(
        .badData, file: path, "holds a net without weights" + consequence,
        hint: "`ingot create` made it so; `ingot convert` makes nets with weights")
    }
  }

  private static let damageHint = "the file was damaged or cut: make it again, or fetch it again"

  private static func readHeader(_ file: InputFile) throws(Failure) -> (NetHeader, Int, Digest) {
    guard file.size >= NetFormat.prologueLength else {
      throw Failure(
        .badData, "has \(byteCount(file.size)), fewer than the \(NetFormat.prologueLength) that begin a net file",
        hint: damageHint)
    }
    let prologue = try file.bytes(NetFormat.prologueLength, at: 0)
    var reader = ByteReader(prologue)
    guard Array(try reader.take(NetFileMagic.bytes.count)) == NetFileMagic.bytes else {
      throw Failure(
        .badData, place: "byte 0", "does not begin as a net file does",
        hint: "`ingot inspect` tells what the file is; `ingot convert` makes net files from checkpoints")
    }
    let major = try reader.integer(UInt16.self)
    _ = try reader.integer(UInt16.self)
    guard (1...UInt16(NetFormat.majorVersion)).contains(major) else {
      throw Failure(
        .badData, place: "byte 8",
        "is of format version \(major); this program reads versions 1 to \(NetFormat.majorVersion)",
        hint:
          "use a newer version of ingot, or make the file again if it should be of version \(NetFormat.majorVersion) at most"
      )
    }
    guard try reader.integer(UInt32.self) == 0 else {
      throw Failure(.badData, place: "byte 12", "reserved bytes are not zero", hint: damageHint)
    }
    let headerLength = try reader.integer(UInt64.self)
    let fileLength = try reader.integer(UInt64.self)
    guard fileLength == UInt64(file.size) else {
      throw Failure(
        .badData, place: "byte 24",
        "states a length of \(fileLength) bytes but has \(file.size)", hint: damageHint)
    }
    guard headerLength <= UInt64(min(NetFormat.maximumHeaderLength, file.size - NetFormat.prologueLength)) else {
      throw Failure(
        .badData, place: "byte 16", "the header length \(headerLength) is over the limit or past the end of the file",
        hint: damageHint)
    }
    let length = Int(headerLength)
    let text = try file.bytes(length, at: NetFormat.prologueLength)
    let digest = SHA256.digest(Array(prologue[..<NetFormat.digestedPrologueLength]) + text)
    guard Array(try reader.take(32)) == digest.bytes else {
      throw Failure(.badData, place: "header", "does not match its SHA-256", hint: damageHint)
    }
    let json = try JSONValue(parsing: text, base: NetFormat.prologueLength, rules: NetFormat.headerRules)
    let header = try NetHeader(json: json)
    if major < NetFormat.secondVersion, let array = header.arrays.first(where: { $0.needOfSecondVersion != nil }) {
      throw Failure(
        .badData, place: "array \"\(array.name)\"",
        "\(array.needOfSecondVersion ?? ""), which a file of version \(major) has not", hint: damageHint)
    }
    try header.validate(headerLength: length, fileLength: file.size)
    try Limit.checkExpansion(header.arrays.reduce(0) { $0 + $1.bytes }, ofFileOf: file.size)
    return (header, length, digest)
  }

  /// Hands the unpacked data of an array to `body` in order, in pieces.
  /// - Parameter multipleOf: bytes that the size of a piece is a multiple of, where the data is stored as it is.
  public func forEachChunk(
    of array: ArrayEntry, multipleOf unit: Int = 1, _ body: (borrowing RawSpan) throws -> Void
  ) throws {
    switch array.encoding {
    case .plain:
      try file.forEachChunk(in: array.offset..<array.offset + array.bytes, multipleOf: unit, body)
    case .zstdPlanes(let stored, _):
      let bytes = try file.bytes(stored, at: array.offset)
      do {
        try BytePlanes.forEachBlock(of: bytes, count: array.bytes, elementSize: array.elementType.size, body)
      } catch let failure as Failure {
        throw Failure(
          failure.kind, file: path, place: "array \"\(array.name)\", \(failure.place ?? "")", failure.reason,
          hint: failure.hint)
      }
    }
  }

  /// What doesn't match its checksum, in the order of the file; empty for a sound file.
  /// - Parameter progress: called with the name of an array and bytes done since the last call, from any thread.
  /// - Throws: `Failure` of kind `io` when the file can't be read.
  public func damage(progress: @escaping @Sendable (String, Int) -> Void = { _, _ in }) throws -> [Damage] {
    let arrays = header.arrays
    let found = DamageList()
    try inParallel(jobs: arrays.count) { index in
      let array = arrays[index]
      let paddingStart =
        index == 0
        ? NetFormat.prologueLength + self.headerLength : arrays[index - 1].offset + arrays[index - 1].storedBytes
      if try self.file.bytes(array.offset - paddingStart, at: paddingStart).contains(where: { $0 != 0 }) {
        found.add(Damage(array: array.name, reason: "the padding before it is not zero"), index)
      }
      if let reason = try self.damage(of: array, progress) {
        found.add(Damage(array: array.name, reason: reason), index)
      }
    }
    return found.sorted
  }

  private func damage(of array: ArrayEntry, _ progress: (String, Int) -> Void) throws -> String? {
    var stored = SHA256()
    try file.forEachChunk(in: array.offset..<array.offset + array.storedBytes) { chunk in
      stored.update(chunk)
      progress(array.name, chunk.byteCount)
    }
    let digest = stored.finish()
    guard case .zstdPlanes(_, let expected) = array.encoding else {
      return digest == array.sha256 ? nil : "its data does not match its SHA-256"
    }
    guard digest == expected else { return "its stored data does not match its SHA-256" }
    var unpacked = SHA256()
    do {
      try forEachChunk(of: array) { unpacked.update($0) }
    } catch let failure as Failure where failure.kind == .badData {
      return failure.reason
    }
    return unpacked.finish() == array.sha256 ? nil : "its unpacked data does not match its SHA-256"
  }
}

/// Something in a net file that isn't as it was written.
public struct Damage: Hashable, Sendable {
  /// The array concerned, or the one that the damaged padding precedes.
  public let array: String
  public let reason: String

  public init(array: String, reason: String) {
    self.array = array
    self.reason = reason
  }
}
