import Arrays

/// The fields of protocol buffers' messages.
struct ProtobufScan {
  struct Field {
    let number: Int
    /// Of bytes, texts and messages: theirs; of numbers, empty.
    let range: Range<Int>
    let isBytes: Bool
  }

  let bytes: ScanBytes
  static let mostFields = 1 << 20

  init(_ bytes: ScanBytes) { self.bytes = bytes }

  /// nil when it is no message.
  func fields(_ range: Range<Int>) throws(Failure) -> [Field]? {
    var window = ScanWindow(bytes)
    var out: [Field] = []
    var position = range.lowerBound
    while position < range.upperBound {
      guard out.count < Self.mostFields, let key = try Self.number(&window, &position), key >> 3 > 0, key >> 3 < 1 << 29
      else { return nil }
      switch key & 7 {
      case 0:
        guard try Self.number(&window, &position) != nil else { return nil }
        out.append(Field(number: key >> 3, range: position..<position, isBytes: false))
      case 1, 5:
        position += key & 7 == 1 ? 8 : 4
        out.append(Field(number: key >> 3, range: position..<position, isBytes: false))
      case 2:
        guard let length = try Self.number(&window, &position), length >= 0, length <= range.upperBound - position
        else {
          return nil
        }
        out.append(Field(number: key >> 3, range: position..<position + length, isBytes: true))
        position += length
      default: return nil
      }
    }
    return position == range.upperBound ? out : nil
  }

  private static func number(_ window: inout ScanWindow, _ position: inout Int) throws(Failure) -> Int? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard let byte = try window.byte(at: position) else { return nil }
      position += 1
      if shift < 64 { value |= UInt64(byte & 0x7f) << shift }
      if byte < 0x80 { return Int(truncatingIfNeeded: value) }
    }
    return nil
  }

  func text(_ field: Field?) throws(Failure) -> String {
    guard let field, field.isBytes else { return "" }
    return String(decoding: try bytes.bytes(min(field.range.count, 4096), at: field.range.lowerBound), as: UTF8.self)
  }

  /// A model has a version, and a graph with nodes or arrays.
  func isONNX(_ fields: [Field]) throws(Failure) -> Bool {
    guard fields.contains(where: { $0.number == 1 && !$0.isBytes }),
      let graph = fields.first(where: { $0.number == 7 && $0.isBytes })
    else { return false }
    let known = fields.allSatisfy { [1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26].contains($0.number) }
    return try known ? ifFound { () throws(Failure) in try self.fields(graph.range) } != nil : false
  }
}
