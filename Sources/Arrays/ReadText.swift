/// Text that was read of a file.
///
/// `String` compares and hashes texts in their canonical order (Unicode Standard Annex 15), for which it sorts every run of
/// combining marks: time that grows with the square of the run's length, so that a few ten thousand of them in a name would
/// stop the program. UAX 15's Stream-Safe Text Format has at most 30 in a row.
/// - Throws: `Failure` of kind `badData` that goes on from "the text …", when the bytes are not UTF-8 or have more than
///   `mostCombiningMarks` combining marks in a row.
public func readText(_ bytes: some Collection<UInt8>) throws(Failure) -> String {
  guard let text = String(validating: bytes, as: UTF8.self) else { throw Failure(.badData, "is not UTF-8") }
  if text.utf8.allSatisfy({ $0 < 0x80 }) { return text }
  var marks = 0
  for scalar in text.unicodeScalars {
    // The first combining mark is U+0300.
    marks = scalar.value < 0x300 || scalar.properties.canonicalCombiningClass == .notReordered ? 0 : marks + 1
    guard marks <= mostCombiningMarks else {
      throw Failure(.badData, "has more than \(mostCombiningMarks) combining marks in a row")
    }
  }
  return text
}

private let mostCombiningMarks = 64
