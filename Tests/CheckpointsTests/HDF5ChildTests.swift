import Arrays
import Checkpoints
import TestSupport
import Testing

/// What is made of the word of the child that reads HDF5, should a hostile file have taken it over.
@Suite struct HDF5ChildTests {
  private let folder = TemporaryFolder()

  private func open(
    _ list: String, _ ending: ChildProcess.Ending = .exited(0), says message: String = "", data: [UInt8] = []
  ) throws -> HDF5Checkpoint {
    let file = try InputFile(folder.write([UInt8](repeating: 5, count: 64), to: "x.h5"))
    return try HDF5Checkpoint(file, openedBy: file.path) { words, _, limit in
      let isList = words.first == "list"
      return HDF5Child.Answer(
        output: isList ? Array(list.utf8) : data, ending: isList ? ending : .exited(0), message: message)
    }
  }

  private static func array(_ changes: [String: String] = [:]) -> String {
    let members = [("name", "\"a\""), ("type", "\"int8\""), ("shape", "[2]"), ("bytes", "2"), ("offset", "62")]
    let texts = members.map { "\"\($0)\":\(changes[$0] ?? $1)" }
    return #"{"arrays":[{\#(texts.joined(separator: ","))}],"leftovers":[],"attributes":{}}"#
  }

  @Test func readsAList() throws {
    let checkpoint = try open(Self.array())
    #expect(checkpoint.arrays.map(\.name) == ["a"])
    #expect(try checkpoint.data(of: 0) == [5, 5])
    let unpacked = try open(Self.array(["offset": "null"]), data: [7, 8])
    var part: [UInt8] = []
    try unpacked.read(0, at: 1, count: 1, into: &part)
    #expect(part == [8])
    #expect(try unpacked.data(of: 0) == [7, 8])
  }

  @Test func tellsWhatIsLeftOut() throws {
    let list = Self.array().replacing("[]", with: #"[{"name":"b","what":"is odd"}]"#)
    #expect(try open(list).leftovers == [Leftover(name: "b", what: "is odd")])
  }

  static let lists: [(String, String)] = [
    ("", "byte 0: the JSON text ends where a value is needed"),
    ("{}", "byte 0: has no member \"arrays\""),
    (#"{"arrays":[]}"#, "byte 0: has no member \"leftovers\""),
    (#"{"arrays":[],"leftovers":[]}"#, "byte 0: has no member \"attributes\""),
    (#"{"arrays":[],"leftovers":[],"attributes":{"a":1}}"#, "byte 46: a string is needed, not 1"),
    (#"{"arrays":[],"leftovers":[{"name":"a"}],"attributes":{}}"#, "byte 26: has no member \"what\""),
    (#"{"arrays":[],"leftovers":[{"name":"a","what":"is odd"}],"attributes":{}}"#, "a: is odd"),
    (
      #"{"arrays":[],"leftovers":[{"name":"a","what":"is odd"},{"name":"b","what":""}],"attributes":{}}"#,
      "a: is odd; nor is anything else read of the file's 2 objects"
    ),
    (array(["type": "\"int9\""]), "array \"a\": unknown element type \"int9\""),
    (array(["shape": "[-2]"]), "array \"a\": -2 is negative"),
    (
      array(["shape": "[4294967296,4294967296]"]),
      "array \"a\": shape [4294967296, 4294967296] has more elements than 63 bits can count"
    ),
    (array(["bytes": "3"]), "array \"a\": has another size than its shape makes"),
    (array(["offset": "63"]), "array \"a\": goes past the end of the file"),
    (array(["offset": "9223372036854775807"]), "array \"a\": goes past the end of the file"),
  ]

  @Test(arguments: lists)
  func refusesLists(list: String, message: String) {
    let error = failure { _ = try open(list) }
    #expect(error?.withoutFile == message)
    #expect(error?.kind == .badData && error?.hint != nil)
  }

  static let endings: [(String, ChildProcess.Ending, String, String, Failure.Kind)] = [
    (#"{"error":{"place":"array \"b\"","reason":"is odd"}}"#, .exited(65), "", "array \"b\": is odd", .badData),
    (#"{"error":{"reason":"is gone"}}"#, .exited(74), "", "is gone", .io),
    (#"{"error":{"reason":""}}"#, .exited(65), "", "can't be read", .badData),
    (#"{"error":{}}"#, .exited(65), "", "byte 9: has no member \"reason\"", .badData),
    ("", .exited(65), "it says", "it says", .badData),
    ("", .exited(65), "", "can't be read", .badData),
    ("", .exited(69), "no library", "no library", .io),
    ("", .exited(3), "", "the reading process failed with status 3", .io),
    ("", .killed(signal: 11), "", "libhdf5 crashes (signal 11) when this file is read", .badData),
    (
      "", .killed(signal: 9), "",
      "it takes libhdf5 more than 60 s, or more memory than there is, when this file is read", .badData
    ),
    ("", .killed(signal: 2), "", "the reading process was ended by signal 2 when this file is read", .badData),
  ]

  @Test(arguments: endings)
  func tellsWhyThereIsNoList(
    output: String, ending: ChildProcess.Ending, says: String, message: String, kind: Failure.Kind
  ) {
    let error = failure { _ = try open(output, ending, says: says) }
    #expect(error?.withoutFile == message)
    #expect(error?.kind == kind && error?.hint != nil)
  }

  /// No memory is taken for what is stated and not given.
  @Test func anArrayHasWhatIsGiven() throws {
    let short = try open(Self.array(["offset": "null"]), data: [7])
    #expect(failure { _ = try short.data(of: 0) }?.withoutFile == "array \"a\": gives 1 byte where 2 are needed")
    let size = 1 << 32
    let large = try open(Self.array(["offset": "null", "shape": "[\(size)]", "bytes": "\(size)"]), data: [7])
    var buffer: [UInt8] = []
    #expect(
      failure { try large.read(0, at: 0, count: 1, into: &buffer) }?.withoutFile
        == "array \"a\": gives 1 byte where \(size) are needed")
  }
}
