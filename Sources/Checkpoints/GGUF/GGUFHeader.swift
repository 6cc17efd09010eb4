import Arrays

/// All of a GGUF file but the data of its tensors.
struct GGUFHeader {
  struct Tensor {
    let name: String
    /// Outermost dimension first, the other way round than in the file.
    let shape: Shape
    let type: GGMLType
    /// From the start of the file.
    let start: Int
    /// In the file; 0 where a type's size isn't known.
    let bytes: Int
  }

  let version: UInt32
  let metadata: [(name: String, value: String)]
  /// In the order of their data.
  private(set) var tensors: [Tensor] = []
  /// Bytes after the last tensor's data, and the padding that may follow these.
  private(set) var trailing = 0

  /// Bytes of a tensor's name.
  private static let mostName = 4096

  init(_ file: any Source) throws(Failure) {
    var cursor = FileCursor(file, 0..<file.size)
    guard try cursor.integer(UInt32.self) == 0x4655_4747 else {
      throw Failure(.badData, place: "byte 0", "does not begin with GGUF")
    }
    version = try GGUFHeader.version(&cursor)
    let tensorCount = try cursor.integer(UInt64.self)
    let entryCount = try cursor.integer(UInt64.self)
    try Limit.arrays.check(Int(clamping: tensorCount), "arrays")
    let metadata = try GGUFMetadata(&cursor, count: entryCount)
    self.metadata = metadata.entries
    var names: Set<[UInt8]> = []
    var found: [(tensor: Tensor, offset: UInt64, place: Int)] = []
    for _ in 0..<tensorCount {
      found.append(try GGUFHeader.tensor(&cursor, metadata.alignment, &names))
      try GGUFHeader.checkLength(cursor.position)
    }
    try place(
      found, dataStart: GGUFHeader.padded(cursor.position, metadata.alignment), file.size, metadata.alignment)
  }

  /// Refuses a header that goes on for longer than is read.
  static func checkLength(_ position: Int) throws(Failure) {
    let most = Limit.ggufHeader.value
    guard position <= most else {
      throw Limit.ggufHeader.failure("the header goes on after \(most) bytes, all that are read")
    }
  }

  private static func padded(_ position: Int, _ alignment: Int) -> Int { (position + alignment - 1) & ~(alignment - 1) }

  private static func version(_ cursor: inout FileCursor) throws(Failure) -> UInt32 {
    let version = try cursor.integer(UInt32.self)
    switch version {
    case 2, 3: return version
    case 1:
      throw Failure.unsupported(
        place: "byte 4", "is GGUF of version 1, of 2023; versions 2 and 3 are read",
        hint: "convert the net again, with a llama.cpp of today")
    case _ where version & 0xffff == 0 && version != 0:
      throw Failure.unsupported(
        place: "byte 4", "is a big-endian GGUF file; little-endian ones are read",
        hint: "turn it with gguf-py's gguf-convert-endian, or fetch the little-endian file")
    default:
      throw Failure.unsupported(
        place: "byte 4", "is GGUF of version \(version); versions 2 and 3 are read",
        hint: "if the file should be sound, a newer version of this program may read it")
    }
  }

  private static func tensor(
    _ cursor: inout FileCursor, _ alignment: Int, _ names: inout Set<[UInt8]>
  ) throws(Failure) -> (tensor: Tensor, offset: UInt64, place: Int) {
    let start = cursor.position
    let bytes = try GGUFMetadata.text(&cursor, "an array's name", most: mostName)
    let name: String
    do { name = try readText(bytes) } catch {
      throw Failure(.badData, place: "byte \(start)", "an array's name \(error.reason)")
    }
    do throws(Failure) {
      guard names.insert(bytes).inserted else { throw Failure(.badData, "is there twice") }
      let rank = try cursor.integer(UInt32.self)
      guard rank <= Shape.maximumRank else {
        throw Failure(.badData, "has \(rank) dimensions; at most \(Shape.maximumRank) are supported")
      }
      var dimensions: [Int] = []
      for _ in 0..<rank {
        let size = try cursor.integer(UInt64.self)
        guard let size = Int(exactly: size) else { throw Failure(.badData, "a dimension of \(size)") }
        dimensions.insert(size, at: 0)
      }
      let number = try cursor.integer(UInt32.self)
      guard let type = GGMLType(number: number) else {
        throw Failure.unsupported(
          "is of type \(number), which this version doesn't know",
          hint: "a newer version of this program may; or fetch the net in another quantization")
      }
      let offset = try cursor.integer(UInt64.self)
      guard offset & UInt64(alignment - 1) == 0 else {
        throw Failure(.badData, "its data begin at \(offset), which is no multiple of \(alignment)")
      }
      let shape = try Shape(dimensions)
      let row = dimensions.last ?? 1
      guard row.isMultiple(of: type.blockElements) else {
        throw Failure(
          .badData,
          "its rows of \(row) elements are no multiple of the \(type.blockElements) of a block of \(type.name)")
      }
      guard type.blockBytes == 0 || type.bytes(elements: shape.elements) != nil else {
        throw Failure(.badData, "has more bytes than 63 bits can count")
      }
      let tensor = Tensor(
        name: name, shape: shape, type: type, start: 0, bytes: type.bytes(elements: shape.elements) ?? 0)
      return (tensor, offset, start)
    } catch {
      throw Failure(
        error.kind, place: error.place ?? "byte \(start)", "array \"\(name)\": \(error.reason)", hint: error.hint)
    }
  }

  /// Gives all tensors their places, which are in the file and don't overlap.
  private mutating func place(
    _ found: [(tensor: Tensor, offset: UInt64, place: Int)], dataStart: Int, _ fileSize: Int, _ alignment: Int
  ) throws(Failure) {
    var end = min(dataStart, fileSize)
    var previous: String?
    for (tensor, offset, place) in found.sorted(by: { ($0.offset, $0.tensor.bytes) < ($1.offset, $1.tensor.bytes) }) {
      guard offset <= UInt64(max(0, fileSize - dataStart)), tensor.bytes <= fileSize - dataStart - Int(offset) else {
        // Of no bytes, it may stand behind a padding that nobody wrote.
        if tensor.bytes == 0, offset == 0 { tensors.append(tensor); continue }
        throw Failure(
          .badData, place: "byte \(place)",
          "array \"\(tensor.name)\": its \(byteCount(tensor.bytes)) from \(offset) on go past the end of the file",
          hint: Failure.truncationHint)
      }
      let start = dataStart + Int(offset)
      guard start >= end || tensor.bytes == 0 else {
        throw Failure(
          .badData, place: "byte \(place)", "array \"\(tensor.name)\" overlaps array \"\(previous ?? "")\"")
      }
      end = max(end, start + tensor.bytes)
      previous = tensor.name
      tensors.append(
        Tensor(name: tensor.name, shape: tensor.shape, type: tensor.type, start: start, bytes: tensor.bytes))
    }
    // Where a type's size isn't known, nor is what follows it.
    if tensors.allSatisfy({ $0.type.blockBytes > 0 }) {
      trailing = max(0, fileSize - GGUFHeader.padded(end, alignment))
    }
  }
}
