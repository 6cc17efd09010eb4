import Arrays

/// The records of a CSV file (RFC 4180), or one with semicolons or tabs for commas: fields may stand in quotes and hold
/// separators, line breaks and doubled quotes then. Spaces around a field count for nothing. Lines end with a line feed or
/// with a carriage return and one; empty lines are passed over.
struct CSVRecords {
  static let hint = "the first line names the columns: image,question,answer"

  private static let quote = UInt8(ascii: "\"")

  /// Those that are looked for: comma, semicolon, tab.
  static let separators = [UInt8(ascii: ","), UInt8(ascii: ";"), 0x09]

  let path: String
  private let separator: UInt8
  private var bytes: ArraySlice<UInt8>
  private var line = 1

  init(path: String, bytes: ArraySlice<UInt8>, separator: UInt8) {
    (self.path, self.bytes, self.separator) = (path, bytes, separator)
  }

  func failure(_ line: Int, _ reason: String, hint: String = Self.hint) -> Failure {
    Failure(.badData, file: path, place: "line \(line)", reason, hint: hint)
  }

  /// The next record and the line where it begins; nil at the end.
  mutating func next() throws(Failure) -> (line: Int, fields: [String])? {
    while takeLineEnd() {}
    guard !bytes.isEmpty else { return nil }
    let start = line
    var fields: [String] = []
    while true {
      fields.append(try field())
      // What programs that pad columns leave behind a closing quote.
      bytes = bytes.drop { $0 == 0x20 }
      if bytes.isEmpty || takeLineEnd() { return (start, fields) }
      guard bytes.first == separator else {
        throw failure(line, "text after a closing quote", hint: "a quote inside a quoted text is doubled: \"\"")
      }
      bytes = bytes.dropFirst()
    }
  }

  private mutating func takeLineEnd() -> Bool {
    let count = bytes.first == 0x0a ? 1 : bytes.starts(with: [0x0d, 0x0a]) ? 2 : 0
    bytes = bytes.dropFirst(count)
    line += count > 0 ? 1 : 0
    return count > 0
  }

  private mutating func field() throws(Failure) -> String {
    let start = line
    bytes = bytes.drop { $0 == 0x20 }
    guard bytes.first == Self.quote else {
      let end: Int = bytes.firstIndex { [separator] in $0 == separator || $0 == 0x0a } ?? bytes.endIndex
      var field = bytes[..<end]
      if end < bytes.endIndex, bytes[end] == 0x0a, field.last == 0x0d { field = field.dropLast() }
      bytes = bytes[field.endIndex...]
      while field.last == 0x20 { field = field.dropLast() }
      // Between tabs, where few programs quote, all readers take a quote for one; between commas it is rather a mistake.
      guard separator == 0x09 || !field.contains(Self.quote) else {
        throw failure(
          start, "a quote inside a text without quotes", hint: "such a text stands in quotes, and doubles its own")
      }
      guard !field.contains(0x0d) else {
        throw failure(start, "a carriage return without a line feed", hint: "lines end with a line feed")
      }
      return try text(field, start)
    }
    var out: [UInt8] = []
    bytes = bytes.dropFirst()
    while true {
      guard let end = bytes.firstIndex(of: Self.quote) else {
        throw failure(start, "the quote that is opened here is not closed", hint: "every text in quotes ends with one")
      }
      out += bytes[..<end]
      line += bytes[..<end].count { $0 == 0x0a }
      bytes = bytes[(end + 1)...]
      guard bytes.first == Self.quote else { return try text(out[...], start) }
      out.append(Self.quote)
      bytes = bytes.dropFirst()
    }
  }

  private func text(_ field: ArraySlice<UInt8>, _ line: Int) throws(Failure) -> String {
    do { return try readText(field) } catch { throw failure(line, error.reason, hint: error.hint ?? Self.hint) }
  }
}
