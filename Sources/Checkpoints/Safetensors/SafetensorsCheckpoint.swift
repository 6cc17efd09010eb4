import Arrays

/// A single safetensors file, every rule of the format enforced: see
/// https://github.com/huggingface/safetensors#format.
///
/// Eight bytes of little-endian header length N; N bytes of JSON that begin with `{` and may end in spaces; then the
/// arrays' data, without holes and overlaps, filling the file. A name maps to its `dtype`, `shape` and `data_offsets`
/// (begin and end, from the end of the header); `__metadata__` maps strings to strings.
public struct SafetensorsCheckpoint: Checkpoint {
  public let path: String
  public let format = "safetensors"
  public let files: [any Source]
  public let arrays: [CheckpointArray]
  public let metadata: [(name: String, value: String)]
  public let notes: [String]
  /// Where each array's data starts in the file.
  private let offsets: [Int]

  /// Reads and validates the header.
  /// - Throws: `Failure` of kind `badData` naming the byte or the array.
  public init(_ file: any Source, openedBy path: String? = nil) throws(Failure) {
    do {
      let header = try SafetensorsHeader(file)
      self.path = path ?? file.path
      files = [file]
      arrays = header.entries.map(\.array)
      offsets = header.entries.map(\.offset)
      notes = arrays.contains { $0.elementType.bits == 6 } ? [Self.orderNote] : []
      metadata = header.metadata
    } catch {
      throw error.inFile(file.path).hinting("the file is no sound safetensors file: fetch it again, or ask its author")
    }
  }

  private static let orderNote =
    "of 6-bit floats safetensors doesn't say how they are packed: they are taken to stand one after the other from the lowest bit on, as in ONNX"

  public func read(_ array: Int, at offset: Int, count: Int, into buffer: inout [UInt8]) throws(Failure) {
    precondition(offset >= 0 && count >= 0 && offset + count <= arrays[array].bytes, "range outside the array")
    try files[0].read(count, at: offsets[array] + offset, into: &buffer)
  }
}

private struct SafetensorsHeader {
  struct Entry {
    let array: CheckpointArray
    /// From the start of the file.
    let offset: Int
  }

  private(set) var entries: [Entry] = []
  private(set) var metadata: [(name: String, value: String)] = []

  init(_ file: any Source) throws(Failure) {
    guard file.size >= 8 else {
      throw Failure(
        .badData, "has \(byteCount(file.size)), fewer than the 8 of a safetensors header length",
        hint: Failure.truncationHint)
    }
    var reader = ByteReader(try file.bytes(8, at: 0))
    let length = try reader.integer(UInt64.self)
    guard length <= UInt64(Limit.headerBytes.value) else {
      // A header that the file could hold may be meant.
      throw Failure(
        .badData, place: "byte 0", "the header length \(length) is over the limit of \(Limit.headerBytes.value)",
        hint: length < UInt64(file.size)
          ? Limit.headerBytes.hint(needed: Int(length)) : "this is no safetensors file, or its first bytes are damaged")
    }
    let dataStart = 8 + Int(length)
    guard dataStart <= file.size else {
      throw Failure(
        .badData, place: "byte 0", "the header of \(length) bytes goes past the end of the file (\(file.size) bytes)",
        hint: Failure.truncationHint)
    }
    let text = try file.bytes(Int(length), at: 8)
    guard text.first == UInt8(ascii: "{") else {
      throw Failure(.badData, place: "byte 8", "the header does not begin with '{'")
    }
    let header = try JSONValue(parsing: text, base: 8, rules: .strict.depth(4))
    for member in try header.object() {
      if member.key == "__metadata__" {
        metadata = try Self.metadata(member.value)
      } else {
        entries.append(try Self.entry(member, dataStart: dataStart))
      }
    }
    // Empty arrays may stand anywhere between others: the one that ends first comes first.
    entries.sort { ($0.offset, $0.array.bytes) < ($1.offset, $1.array.bytes) }
    try checkCoverage(dataStart: dataStart, fileSize: file.size)
  }

  private static func metadata(_ value: JSONValue) throws(Failure) -> [(name: String, value: String)] {
    var out: [(name: String, value: String)] = []
    do {
      for member in try value.object() { out.append((member.key, try member.value.string())) }
    } catch {
      throw Failure(error.kind, place: error.place, "__metadata__: \(error.reason)")
    }
    return out.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  private static func entry(_ member: JSONMember, dataStart: Int) throws(Failure) -> Entry {
    do throws(Failure) {
      var (type, shape, range): (ElementType?, Shape?, (Int, Int)?) = (nil, nil, nil)
      for field in try member.value.object() {
        switch field.key {
        case "dtype": type = try storedType(field.value)
        case "shape":
          do throws(Failure) {
            shape = try Shape(try field.value.sizes())
          } catch {
            throw error.place == nil ? field.value.failure(error.reason) : error
          }
        case "data_offsets":
          let offsets = try field.value.sizes()
          guard offsets.count == 2 else {
            throw field.value.failure("data_offsets has \(offsets.count) numbers, not 2")
          }
          range = (offsets[0], offsets[1])
        default: throw field.value.failure("unknown member \"\(field.key)\"")
        }
      }
      guard let type else { throw member.value.failure("has no dtype") }
      guard let shape else { throw member.value.failure("has no shape") }
      guard let range else { throw member.value.failure("has no data_offsets") }
      guard range.0 <= range.1 else {
        throw member.value.failure("data_offsets end (\(range.1)) before they begin (\(range.0))")
      }
      let bytes = try shape.bytes(of: type)
      guard shape.fillsBytes(type) else {
        throw member.value.failure("\(type.rawValue) of shape \(shape.dimensions) does not fill whole bytes")
      }
      guard range.1 - range.0 == bytes else {
        throw member.value.failure(
          "data_offsets span \(range.1 - range.0) bytes, but \(type.rawValue) of shape \(shape.dimensions) takes \(bytes)"
        )
      }
      let (offset, overflow) = dataStart.addingReportingOverflow(range.0)
      guard !overflow, !offset.addingReportingOverflow(bytes).overflow else {
        throw member.value.failure("data_offsets do not fit 63 bits")
      }
      return Entry(
        array: CheckpointArray(name: member.key, shape: shape, elementType: type, bytes: bytes), offset: offset)
    } catch {
      throw Failure(
        error.kind, place: error.place ?? "byte \(member.value.offset)", "array \"\(member.key)\": \(error.reason)",
        hint: error.hint)
    }
  }

  private static func storedType(_ value: JSONValue) throws(Failure) -> ElementType {
    let name = try value.string()
    if let type = safetensorsTypes[name] { return type }
    throw Failure(
      .badData, place: "byte \(value.offset)", "unknown dtype \"\(name)\"",
      hint: "supported: \(safetensorsTypes.keys.sorted().joined(separator: " "))")
  }

  /// The arrays must fill the rest of the file exactly.
  private func checkCoverage(dataStart: Int, fileSize: Int) throws(Failure) {
    var end = dataStart
    var previous: String?
    for entry in entries {
      let start = entry.offset
      guard start == end else {
        let before = previous.map { "array \"\($0)\"" } ?? "the header"
        throw Failure(
          .badData, place: "byte \(min(start, end))",
          start > end
            ? "a hole of \(byteCount(start - end)) between \(before) and array \"\(entry.array.name)\""
            : "array \"\(entry.array.name)\" overlaps \(before) by \(byteCount(end - start))")
      }
      end = start + entry.array.bytes
      previous = entry.array.name
      guard end <= fileSize else {
        throw Failure(
          .badData, place: "byte \(fileSize)",
          "the file ends inside array \"\(entry.array.name)\", \(end - fileSize) bytes before its end",
          hint: Failure.truncationHint)
      }
    }
    guard end == fileSize else {
      throw Failure(
        .badData, place: "byte \(end)", "\(byteCount(fileSize - end)) after the last array belong to none",
        hint: "something was appended to the file, or its header is of another file")
    }
  }
}

/// The format's names of element types that this version reads.
let safetensorsTypes: [String: ElementType] = [
  "F64": .float64, "F32": .float32, "F16": .float16, "BF16": .bfloat16, "F8_E4M3": .float8E4M3,
  "F8_E5M2": .float8E5M2, "F8_E4M3FNUZ": .float8E4M3FNUZ, "F8_E5M2FNUZ": .float8E5M2FNUZ, "F8_E8M0": .float8E8M0,
  "F6_E2M3": .float6E2M3, "F6_E3M2": .float6E3M2, "F4": .float4E2M1, "C64": .complex64, "I64": .int64, "I32": .int32,
  "I16": .int16, "I8": .int8, "U64": .uint64, "U32": .uint32, "U16": .uint16, "U8": .uint8, "BOOL": .bool,
]
