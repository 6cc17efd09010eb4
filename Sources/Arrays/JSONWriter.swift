extension JSONValue {
  /// The value as JSON text without white space: the same bytes for the same value, always.
  public var compactText: String {
    var out: [UInt8] = []
    write(into: &out, indent: nil)
    return String(decoding: out, as: UTF8.self)
  }

  /// The value as JSON text for people: two spaces per level, arrays of plain values on one line.
  public var prettyText: String {
    var out: [UInt8] = []
    write(into: &out, indent: 0)
    return String(decoding: out, as: UTF8.self)
  }

  private func write(into out: inout [UInt8], indent: Int?) {
    switch content {
    case .null: out += "null".utf8
    case .boolean(let value): out += (value ? "true" : "false").utf8
    case .integer(let value): out += String(value).utf8
    case .number(let value): out += JSONValue.text(of: value).utf8
    case .string(let text): JSONValue.write(text, into: &out)
    case .array(let values):
      let inner = values.allSatisfy(\.isScalar) ? nil : indent.map { $0 + 1 }
      let separator = inner == nil && indent != nil ? ", " : ","
      JSONValue.writeList(values, "[", "]", separator, into: &out, indent: inner) { value, out in
        value.write(into: &out, indent: inner)
      }
    case .object(let members):
      let inner = indent.map { $0 + 1 }
      JSONValue.writeList(members, "{", "}", ",", into: &out, indent: inner) { member, out in
        JSONValue.write(member.key, into: &out)
        out += (indent == nil ? ":" : ": ").utf8
        member.value.write(into: &out, indent: inner)
      }
    }
  }

  private var isScalar: Bool {
    switch content {
    case .array, .object: false
    default: true
    }
  }

  private static func writeList<Element>(
    _ elements: [Element], _ open: String, _ close: String, _ separator: String, into out: inout [UInt8], indent: Int?,
    _ writeElement: (Element, inout [UInt8]) -> Void
  ) {
    out += open.utf8
    for (index, element) in elements.enumerated() {
      if index > 0 { out += separator.utf8 }
      if let indent { newLine(indent, into: &out) }
      writeElement(element, &out)
    }
    if let indent, !elements.isEmpty { newLine(indent - 1, into: &out) }
    out += close.utf8
  }

  private static func newLine(_ indent: Int, into out: inout [UInt8]) {
    out.append(0x0a)
    out += [UInt8](repeating: 0x20, count: 2 * indent)
  }

  /// The shortest text that reads back as the same number; JSON has no word for the others.
  private static func text(of value: Double) -> String {
    value.isFinite ? "\(value)" : "null"
  }

  private static func write(_ text: String, into out: inout [UInt8]) {
    let digits = Array("0123456789abcdef".utf8)
    out.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
      case 0x0a: out += "\\n".utf8
      case 0x0d: out += "\\r".utf8
      case 0x09: out += "\\t".utf8
      case 0..<0x20, 0x7f: out += "\\u00".utf8 + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      default: out.append(byte)
      }
    }
    out.append(UInt8(ascii: "\""))
  }
}
