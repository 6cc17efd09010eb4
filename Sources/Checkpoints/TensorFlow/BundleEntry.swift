import Arrays

/// The first entry of an index: how many files of data there are, and of which byte order.
struct BundleHeader {
  let shards: Int

  init(_ bytes: [UInt8]) throws(Failure) {
    var reader = BundleReader(bytes)
    var shards: UInt64 = 0
    while let field = try reader.next() {
      switch (field.number, field.content) {
      case (1, .number(let value)): shards = value
      case (2, .number(let value)):
        guard value == 0 else {
          throw Failure.unsupported(
            "is a big-endian checkpoint; little-endian ones are read", hint: "save it again on a little-endian machine")
        }
      case (1, .bytes):
        throw Failure.unsupported(
          "is a checkpoint of version 1 of TensorFlow's format; version 2 is read",
          hint: "save it again in Python with tf.compat.v1.train.Saver, which writes version 2")
      case (1, _), (2, _): throw Failure(.badData, "the header has a field of another form")
      default: break
      }
    }
    try Limit.shards.check(Int(clamping: shards), "files of data")
    self.shards = Int(shards)
  }
}

/// What an index says of a tensor.
struct BundleEntry {
  private(set) var type: UInt64 = 0
  private(set) var shape: Shape
  private(set) var shard = 0
  private(set) var offset = 0
  private(set) var size = 0
  /// Whether its data stand under other names.
  private(set) var isSliced = false

  /// `DataType` of tensorflow/core/framework/types.proto.
  static let types: [UInt64: ElementType] = {
    var types: [UInt64: ElementType] = [
      1: .float32, 2: .float64, 3: .int32, 4: .uint8, 5: .int16, 6: .int8, 9: .int64, 10: .bool, 14: .bfloat16,
      17: .uint16, 19: .float16, 22: .uint32, 23: .uint64, 24: .float8E5M2, 25: .float8E4M3,
    ]
    types[8] = ElementType(rawValue: "complex64")
    types[18] = ElementType(rawValue: "complex128")
    return types
  }()

  private static let otherTypes: [UInt64: String] = [
    7: "texts", 8: "type complex64", 11: "type qint8", 12: "type quint8", 13: "type qint32", 15: "type qint16",
    16: "type quint16", 18: "type complex128", 20: "resources", 21: "variants", 29: "type int4", 30: "type uint4",
  ]

  var typeName: String { BundleEntry.otherTypes[type] ?? "type \(type)" }

  init(_ bytes: [UInt8]) throws(Failure) {
    var reader = BundleReader(bytes)
    shape = try Shape([])
    func size(_ value: UInt64, _ what: String) throws(Failure) -> Int {
      guard let size = Int(exactly: value) else {
        throw Failure(.badData, "its \(what) is \(Int64(bitPattern: value))")
      }
      return size
    }
    while let field = try reader.next() {
      switch (field.number, field.content) {
      case (1, .number(let value)): type = value
      case (2, .bytes(let inner)): shape = try BundleEntry.shape(inner)
      case (3, .number(let value)): shard = try size(value, "file")
      case (4, .number(let value)): offset = try size(value, "offset")
      case (5, .number(let value)): self.size = try size(value, "size")
      case (7, .bytes): isSliced = true
      case (1...5, _), (7, _): throw Failure(.badData, "its field \(field.number) is of another form")
      default: break
      }
    }
  }

  /// TensorShapeProto: dimensions, each a message.
  private static func shape(_ bytes: [UInt8]) throws(Failure) -> Shape {
    var reader = BundleReader(bytes)
    var dimensions: [Int] = []
    while let field = try reader.next() {
      switch (field.number, field.content) {
      case (2, .bytes(let inner)):
        guard dimensions.count < Shape.maximumRank else {
          throw Failure(.badData, "has more than \(Shape.maximumRank) dimensions")
        }
        var dimension = BundleReader(inner)
        var size = 0
        while let part = try dimension.next() {
          if part.number == 1, case .number(let value) = part.content { size = Int(truncatingIfNeeded: value) }
        }
        dimensions.append(size)
      case (3, .number(1)): throw Failure(.badData, "has a shape of unknown rank")
      default: break
      }
    }
    return try Shape(dimensions)
  }
}

/// Fields of a protobuf message in memory.
struct BundleReader {
  enum Content {
    case number(UInt64)
    case bytes([UInt8])
  }

  private var reader: ByteReader

  init(_ bytes: [UInt8]) { reader = ByteReader(bytes) }

  /// nil at the message's end.
  mutating func next() throws(Failure) -> (number: UInt64, content: Content)? {
    guard reader.remaining > 0 else { return nil }
    do {
      let tag = try SortedTable.varint(&reader)
      switch tag & 7 {
      case 0: return (tag >> 3, .number(try SortedTable.varint(&reader)))
      case 1: return (tag >> 3, .number(try reader.integer(UInt64.self)))
      case 2:
        let length = try SortedTable.varint(&reader)
        return (tag >> 3, .bytes(Array(try reader.take(Int(clamping: length)))))
      case 5: return (tag >> 3, .number(UInt64(try reader.integer(UInt32.self))))
      default: throw Failure(.badData, "")
      }
    } catch {
      throw Failure(.badData, "is no sound message")
    }
  }
}
