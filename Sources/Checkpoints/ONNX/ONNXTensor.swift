import Arrays

/// A tensor of an ONNX file: what its message says, without its data.
struct ONNXTensor {
  /// Where its data are: in the file, or in another one.
  enum Data {
    case none
    case raw(Range<Int>)
    /// As numbers of a repeated field.
    case numbers
    case external([String: String])
  }

  let name: String
  let dimensions: [Int]
  let number: UInt64
  let data: Data
  /// Of the message.
  let range: Range<Int>
  /// Fields of numbers that it has.
  let numberFields: Set<Int>
  let isSegment: Bool

  /// - Parameter range: of the message, which the cursor is moved to.
  /// - Throws: `Failure` of kind `badData` naming the byte.
  init(_ cursor: inout FileCursor, _ range: Range<Int>) throws(Failure) {
    cursor.move(to: range.lowerBound)
    var (name, number): (String?, UInt64?) = (nil, nil)
    var (dimensions, raw): ([Int], Range<Int>?) = ([], nil)
    var (external, isExternal, isSegment): ([String: String], Bool, Bool) = ([:], false, false)
    var numberFields: Set<Int> = []
    while let field = try ProtobufField(&cursor, end: range.upperBound) {
      switch field.number {
      case 1: try ONNXTensor.dimensions(&cursor, field, &dimensions)
      case 2:
        try field.expect(.varint, "a tensor's data_type")
        number = field.value
      case 3: isSegment = true
      case ONNXType.floats, ONNXType.int32s, 6, ONNXType.int64s, ONNXType.doubles, ONNXType.uint64s:
        numberFields.insert(field.number)
      case 8: name = try field.text(&cursor, "a tensor's name", most: mostONNXName)
      case 9:
        try field.expect(.bytes, "a tensor's raw_data")
        guard raw == nil else { throw Failure(.badData, place: "byte \(field.place)", "a tensor with two raw_data") }
        raw = field.range
      case 13:
        let entry = try ONNXEntry(&cursor, field, "external_data")
        guard external.updateValue(entry.value, forKey: entry.key) == nil else {
          throw Failure(
            .badData, place: "byte \(field.place)", "external_data has \"\(shortened(entry.key, to: 40))\" twice")
        }
      case 14:
        try field.expect(.varint, "a tensor's data_location")
        guard field.value <= 1 else {
          throw Failure(
            .badData, place: "byte \(field.place)", "a tensor's data_location is \(field.value), not 0 or 1")
        }
        isExternal = field.value == 1
      default: break
      }
      cursor.move(to: field.range.upperBound)
    }
    self.name = name ?? ""
    (self.dimensions, self.number, self.range, self.isSegment) = (dimensions, number ?? 0, range, isSegment)
    self.numberFields = numberFields
    guard !isExternal else {
      guard raw == nil, numberFields.isEmpty else {
        throw Failure(.badData, place: "byte \(range.lowerBound)", "a tensor has data in the file and in another one")
      }
      data = .external(external)
      return
    }
    guard raw == nil || numberFields.isEmpty else {
      throw Failure(.badData, place: "byte \(range.lowerBound)", "a tensor has its data twice, as bytes and as numbers")
    }
    data = raw.map(Data.raw) ?? (numberFields.isEmpty ? .none : .numbers)
  }

  private static func dimensions(
    _ cursor: inout FileCursor, _ field: ProtobufField, _ dimensions: inout [Int]
  ) throws(Failure) {
    func add(_ value: UInt64) throws(Failure) {
      guard dimensions.count < Shape.maximumRank else {
        throw Failure(
          .badData, place: "byte \(field.place)", "a tensor of more than \(Shape.maximumRank) dimensions")
      }
      dimensions.append(Int(truncatingIfNeeded: value))
    }
    guard field.wire == .bytes else {
      try field.expect(.varint, "a tensor's dims")
      return try add(field.value)
    }
    while cursor.position < field.range.upperBound {
      try add(ProtobufField.varint(&cursor, end: field.range.upperBound))
    }
  }
}

/// A key and a value, both text.
struct ONNXEntry {
  let key: String
  let value: String

  init(_ cursor: inout FileCursor, _ field: ProtobufField, _ what: String) throws(Failure) {
    try field.expect(.bytes, what)
    var (key, value) = ("", "")
    while let part = try ProtobufField(&cursor, end: field.range.upperBound) {
      switch part.number {
      case 1: key = try part.text(&cursor, "a key of \(what)", most: mostONNXName)
      case 2: value = try part.note(&cursor, "a value of \(what)")
      default: break
      }
      cursor.move(to: part.range.upperBound)
    }
    (self.key, self.value) = (key, value)
  }
}

/// Bytes of a name.
let mostONNXName = 4096
