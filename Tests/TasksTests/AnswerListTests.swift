import Arrays
import Tasks
import TestSupport
import Testing

/// Closed lists of answers in the forms in which people have them.
@Suite struct AnswerListTests {
  private let folder = TemporaryFolder()

  private func list(_ bytes: [UInt8]) throws -> AnswerList {
    try AnswerList(file: folder.write(bytes, to: "list"))
  }

  private func list(_ text: String) throws -> AnswerList { try list(Array(text.utf8)) }

  private func utf16(_ text: String) -> [UInt8] { text.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] } }

  @Test(arguments: [
    "yes\nno\ncafé\n", "\u{feff}yes\r\nno\r\ncafé", #"["yes", "no", "café"]"#,
    "\u{feff}\n [\"yes\",\n\"no\",\"caf\\u00e9\"]\n",
    #"{"yes": 0, "no": 1, "café": 2}"#, #"{"café": 2, "no": 1, "yes": 0}"#, #"{"yes": 900, "no": 70, "café": 3}"#,
    #"{"0": "yes", "2": "café", "1": "no"}"#, #"[{"answer": "yes", "count": 9}, {"answer": "no"}, {"answer": "café"}]"#,
    #"{"answers": ["yes", "no", "café"]}"#, #"[["yes", 90], ["no", 7], ["café", 3]]"#, "yes,900\nno,70\ncafé,3\n",
    "answer,count\r\nyes,900\r\nno,70\r\ncafé,3\r\n",
    "yes\t900\nno\t70\ncafé\t3", "\"yes\";900\n\"no\"; 70\n\"café\";3\n",
  ])
  func answersAreThose(text: String) throws {
    #expect(try list(text).answers == ["yes", "no", "café"])
    #expect(try list([0xff, 0xfe] + utf16(text.replacing("\u{feff}", with: ""))).answers == ["yes", "no", "café"])
  }

  @Test func countsAreToldWhereTheyAreLeftOut() throws {
    #expect(try list("a,1\nb,2\n").note == "the answers of the list have counts behind them, which are left out")
    #expect(try list("\"so, \"\"no\"\"\",4\nb,2\n").answers == ["so, \"no\"", "b"])
    // No counts: one line, numbers with commas, and lines of which one has none.
    for lines in [["circle,1"], ["1,000", "2,500"], ["a,1", "b"], ["a,1", "b,"], ["yes, 2 of them", "no"]] {
      let read = try list(lines.joined(separator: "\n"))
      #expect(read.answers == lines && read.note == nil)
    }
  }

  @Test(arguments: [
    ("[\"yes\", \"no\"", "byte 12: the JSON text ends inside an array"),
    ("[yes]", "byte 1: 'y' where a JSON value is needed"),
    (#"["yes", null]"#, "byte 8: an answer is a text, not null"),
    (#"[["yes"]]"#, "byte 1: an answer is a text, not an array"),
    (#"{"yes": "x", "no": 1}"#, "byte 8: a number is needed, not a string"), ("[]", "holds no answers"),
    ("", "holds no answers"),
    ("{}", "holds no answers"),
  ])
  func othersAreRefused(text: String, reason: String) throws {
    let error = failure { _ = try list(text) }
    #expect(error?.withoutFile == reason && error?.kind == .badData && error?.hint != nil && error?.file != nil)
  }
}
