// `String` compares and hashes texts in their canonical order (Unicode Standard Annex 15), for which it sorts every run of
// combining marks: time that grows with the square of the run's length, so that a few ten thousand of them in a name would
// stop the program. Text of files has as many in a row as UAX 15's Stream-Safe Text Format at most, and where one text could
// be compared again and again, it is compared byte by byte.

/// Text that was read of a file.
/// - Throws: `Failure` of kind `badData` that goes on from "the text …", when the bytes are not UTF-8 or have more than
///   `mostCombiningMarks` combining marks in a row.
public func readText(_ bytes: some Collection<UInt8>) throws(Failure) -> String {
  guard let text = String(validating: bytes, as: UTF8.self) else {
    throw Failure(.badData, "is not UTF-8", hint: "save the file as UTF-8")
  }
  if text.utf8.allSatisfy({ $0 < 0x80 }) { return text }
  var run = MarkRun()
  guard text.unicodeScalars.allSatisfy({ run.fits($0) }) else {
    throw Failure(
      .badData, "has more than \(mostCombiningMarks) combining marks in a row",
      hint: "no language writes so many: take them out")
  }
  return text
}

private let mostCombiningMarks = 30

private struct MarkRun {
  private var length = 0

  /// Whether the run isn't too long with this one; else one begins with it.
  mutating func fits(_ scalar: Unicode.Scalar) -> Bool {
    // The first combining mark is U+0300; U+0344 is the only one that stands for two.
    let isMark = scalar.value >= 0x300 && scalar.properties.canonicalCombiningClass != .notReordered
    let marks = isMark ? scalar.value == 0x344 ? 2 : 1 : 0
    length = isMark ? length + marks : 0
    if length <= mostCombiningMarks { return true }
    length = marks
    return false
  }
}

extension String {
  /// Text that was put together of others, with U+034F where a run of combining marks becomes too long, as UAX 15's
  /// Stream-Safe Text Process has it.
  package var streamSafe: String {
    var run = MarkRun()
    var out = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      if !run.fits(scalar) { out.append("\u{34f}") }
      out.append(scalar)
    }
    return String(out)
  }

  /// Whether both have the same bytes.
  package func isSameBytes(as other: String) -> Bool {
    utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
  }
}
