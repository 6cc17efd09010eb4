import Arrays

/// The constants and rules of the net file format, versions 1 and 2; schemas/FORMAT.md says them in words.
public enum NetFormat {
  /// A reader refuses a higher one.
  public static let majorVersion = 2
  /// The first that knows scales along another dimension than the first, packed element types and complex32.
  static let secondVersion = 2
  /// Bytes before the header.
  public static let prologueLength = 64
  /// Bytes of the prologue that the header's digest covers: all before the digest itself.
  static let digestedPrologueLength = 32
  /// Every array starts at a multiple of this.
  public static let alignment = 64
  public static let maximumHeaderLength = 64 << 20
  public static let headerRules = JSONRules(maximumDepth: 16, maximumValues: 500_000, isLenient: false)
  /// Bytes of an array's name.
  public static let longestName = 4096
  /// Directions of a layer's inputs that a file may tell.
  public static let mostDirections = 32

  /// The next multiple of the alignment; nil when it doesn't fit.
  static func aligned(_ offset: Int) -> Int? {
    let (sum, overflow) = offset.addingReportingOverflow(alignment - 1)
    return overflow ? nil : sum / alignment * alignment
  }

  /// The first 32 bytes of a file. A higher minor version adds header members only; the lowest version is written that has
  /// all of this file's.
  static func prologue(of header: NetHeader, headerLength: Int, fileLength: Int) -> [UInt8] {
    let isSecond = header.arrays.contains { $0.needOfSecondVersion != nil }
    let major = isSecond ? secondVersion : 1
    let minor =
      isSecond
      ? 0
      : header.arrays.contains { $0.inputDirections != nil }
        ? 2 : header.arrays.contains { $0.inputMeans != nil } ? 1 : 0
    return NetFileMagic.bytes + UInt16(major).littleEndianBytes + UInt16(minor).littleEndianBytes
      + UInt32(0).littleEndianBytes + UInt64(headerLength).littleEndianBytes + UInt64(fileLength).littleEndianBytes
  }
}

extension ArrayEntry {
  /// What it has that files of version 1 have not; nil: nothing.
  var needOfSecondVersion: String? {
    if scaleAxis != nil { return "has a scale axis" }
    return elementType.isPacked || elementType == .complex32 ? "is \(elementType.rawValue)" : nil
  }
}

extension NetHeader {
  /// The rules that every header keeps, checked when one is read and before one is written.
  /// - Throws: `Failure` of kind `badData` naming the array.
  func validate(headerLength: Int, fileLength: Int) throws(Failure) {
    try validateNames()
    guard isInitialized || arrays.isEmpty else {
      throw Failure(.badData, place: "header", "a net without weights lists \(arrays.count) arrays")
    }
    try checkTotal()
    var end = NetFormat.prologueLength + headerLength
    for array in arrays {
      guard let start = NetFormat.aligned(end), array.offset == start else {
        throw Failure(
          .badData, place: "array \"\(array.name)\"",
          "starts at byte \(array.offset), not at the next multiple of \(NetFormat.alignment) after byte \(end)")
      }
      let (next, overflow) = start.addingReportingOverflow(array.storedBytes)
      guard !overflow, next <= fileLength else {
        throw Failure(.badData, place: "array \"\(array.name)\"", "goes past the end of the file")
      }
      end = next
    }
    guard end == fileLength else {
      throw Failure(.badData, place: "byte \(end)", "\(byteCount(fileLength - end)) after the last array")
    }
  }

  /// Compressed arrays may be much larger than the file: what they unpack to must still be countable.
  private func checkTotal() throws(Failure) {
    var total = 0
    for array in arrays {
      let (sum, overflow) = total.addingReportingOverflow(array.bytes)
      guard !overflow, sum <= Shape.largestTotal else {
        throw Failure(.badData, place: "array \"\(array.name)\"", "makes the arrays larger than can be counted")
      }
      total = sum
    }
  }

  func validateNames() throws(Failure) {
    var entries: [String: ArrayEntry] = [:]
    for array in arrays {
      guard NetHeader.isName(array.name) else {
        throw Failure(
          .badData, place: "header",
          "array name \"\(shortened(array.name, to: 80))\" has control characters, or not 1 to \(NetFormat.longestName) bytes",
          hint: "net files can't hold an array of such a name: give it another")
      }
      guard entries.updateValue(array, forKey: array.name) == nil else {
        throw Failure(.badData, place: "header", "two arrays are named \"\(array.name)\"")
      }
    }
    for array in arrays {
      guard let name = array.scales else {
        guard array.scaleAxis == nil else {
          throw Failure(.badData, place: "array \"\(array.name)\"", "has a scale axis but no scales")
        }
        continue
      }
      guard array.elementType == .int8, array.shape.rank > 0 else {
        throw Failure(.badData, place: "array \"\(array.name)\"", "has scales but is not int8 with rows")
      }
      guard array.scaleAxis.map({ (1..<array.shape.rank).contains($0) }) ?? true else {
        throw Failure(
          .badData, place: "array \"\(array.name)\"",
          "its scale axis is \(array.scaleAxis ?? 0), but it has \(array.shape.rank) dimensions, of which the first needs none"
        )
      }
      guard array.scaleAxis == nil || array.inputMeans == nil && array.inputDirections == nil else {
        throw Failure(.badData, place: "array \"\(array.name)\"", "has a scale axis, and input means or directions")
      }
      let rows = array.shape.dimensions[array.scaleAxis ?? 0]
      guard let scales = entries[name], scales.elementType == .float32, scales.shape.dimensions == [rows] else {
        throw Failure(
          .badData, place: "array \"\(array.name)\"", "has no float32 scales \"\(name)\" of shape [\(rows)]")
      }
    }
    for array in arrays {
      guard let name = array.inputMeans else { continue }
      guard array.scales != nil, array.shape.rank == 2 else {
        throw Failure(.badData, place: "array \"\(array.name)\"", "has input means but is no int8 matrix with scales")
      }
      let inputs = array.shape.dimensions[1]
      guard let means = entries[name], means.elementType == .float32, means.shape.dimensions == [inputs] else {
        throw Failure(
          .badData, place: "array \"\(array.name)\"", "has no float32 input means \"\(name)\" of shape [\(inputs)]")
      }
    }
    for array in arrays {
      guard let name = array.inputDirections else { continue }
      guard array.scales != nil, array.shape.rank == 2 else {
        throw Failure(
          .badData, place: "array \"\(array.name)\"", "has input directions but is no int8 matrix with scales")
      }
      let inputs = array.shape.dimensions[1]
      guard let directions = entries[name], directions.elementType == .float16, directions.shape.rank == 2,
        inputs > 0, directions.shape.dimensions[0] == inputs,
        (1...NetFormat.mostDirections).contains(directions.shape.dimensions[1])
      else {
        throw Failure(
          .badData, place: "array \"\(array.name)\"",
          "has no float16 input directions \"\(name)\" of shape [\(inputs), 1 to \(NetFormat.mostDirections)]")
      }
    }
    for tie in ties where isInitialized {
      guard entries[tie.same] != nil, entries[tie.name] == nil else {
        throw Failure(
          .badData, place: "header", "\"\(tie.name)\" is tied to \"\(tie.same)\", which is not stored apart from it")
      }
    }
  }

  /// Array names are 1 to 4096 bytes of UTF-8 without control characters (U+0000 to U+001F, U+007F to U+009F).
  private static func isName(_ name: String) -> Bool {
    (1...NetFormat.longestName).contains(name.utf8.count)
      && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) }
  }
}
