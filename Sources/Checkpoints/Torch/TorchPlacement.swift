import Arrays

/// How an array's elements stand in a file.
struct TorchPlacement: Sendable {
  private enum Form: Sendable {
    /// As they are.
    case plain
    /// As text whose characters are bytes, of so many bytes in UTF-8.
    case latin(bytes: Int)
    /// Nowhere.
    case value([UInt8])
  }

  /// First byte.
  let start: Int
  private let form: Form
  /// First element, where they don't stand as they are.
  private let offset: Int
  /// In elements; nil: one after the other.
  private let strides: [Int]?
  /// Bytes that have to be turned round together; 1: none.
  private let swapped: Int

  /// - Throws: `Failure` of kind `badData` when the storage is missing or too short.
  init(_ view: TorchView, _ contents: TorchContents, array: String) throws(Failure) {
    let size = view.elementType.size
    let strides = view.isContiguous ? nil : view.strides
    switch view.source {
    case .storage(let key, let count):
      guard let range = contents.storages[key] else {
        throw Failure(.badData, place: "array \"\(array)\"", "its storage \"\(key.key)\" is missing")
      }
      guard count * size <= range.count else {
        throw Failure(
          .badData, place: "array \"\(array)\"",
          "its storage \"\(key.key)\" has \(range.count) bytes, not the \(count * size) stated")
      }
      self.init(
        start: range.lowerBound + view.offset * size, form: .plain, offset: 0, strides: strides,
        swapped: contents.isBigEndian || view.isBigEndian ? Self.unit(view.elementType) : 1)
    case .pickle(let start, _):
      self.init(
        start: start + view.offset * size, form: .plain, offset: 0, strides: strides,
        swapped: view.isBigEndian ? Self.unit(view.elementType) : 1)
    case .latin(let start, let bytes):
      self.init(
        start: start, form: .latin(bytes: bytes), offset: view.offset, strides: strides,
        swapped: view.isBigEndian ? Self.unit(view.elementType) : 1)
    case .value(let bytes):
      self.init(start: .max, form: .value(bytes), offset: view.offset, strides: strides, swapped: 1)
    }
  }

  /// Elements that stand in the file as they are, or with strides.
  init(start: Int, strides: [Int]?, isBigEndian: Bool, _ type: ElementType) {
    self.init(
      start: start, form: .plain, offset: 0, strides: strides, swapped: isBigEndian ? Self.unit(type) : 1)
  }

  private init(start: Int, form: Form, offset: Int, strides: [Int]?, swapped: Int) {
    (self.start, self.form, self.offset) = (start, form, offset)
    (self.strides, self.swapped) = (strides, swapped)
  }

  /// Bytes of a number; a complex one is of two.
  private static func unit(_ type: ElementType) -> Int {
    type.rawValue.hasPrefix("complex") ? type.size / 2 : type.size
  }

  /// Whether the bytes in the file are those of the array.
  var isPlain: Bool {
    if case .plain = form { strides == nil && swapped == 1 } else { false }
  }

  /// All of an array's data, in order. Of elements with strides, all bytes between the first and the last are read, and the
  /// elements picked from them.
  func elements(of array: CheckpointArray, in file: any Source) throws(Failure) -> [UInt8] {
    let (size, dimensions) = (array.elementType.size, array.shape.dimensions)
    guard array.shape.elements > 0 else { return [] }
    let reach = strides.map { zip(dimensions, $0).reduce(0) { $0 + ($1.0 - 1) * $1.1 } } ?? array.shape.elements - 1
    let needed = (reach + 1) * size
    try Limit.checkArrayMemory(needed, "spans")
    var span: [UInt8]
    switch form {
    case .plain: span = try file.bytes(needed, at: start)
    case .value(let bytes): span = bytes
    case .latin(let count):
      let text = String(decoding: try file.bytes(count, at: start), as: UTF8.self)
      let all = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
      let first = offset * size
      guard first + needed <= all.count else {
        throw Failure(
          .io, "the file changed while it was being read", hint: "wait until whatever writes it has finished")
      }
      span = Array(all[first..<first + needed])
    }
    if let strides { span = Transposition.gathered(span, dimensions: dimensions, steps: strides, elementSize: size) }
    if swapped > 1 { span.swapBytes(by: swapped) }
    return span
  }
}

extension Array where Element == UInt8 {
  /// Turns every `count` bytes round.
  fileprivate mutating func swapBytes(by count: Int) {
    for start in Swift.stride(from: 0, through: self.count - count, by: count) {
      for index in 0..<count / 2 { swapAt(start + index, start + count - 1 - index) }
    }
  }
}
