import Arrays
import NetFile
import TestSupport
import Testing

@Suite struct MalformedNetFileTests {
  private static let zeros = String(repeating: "0", count: 64)

  /// An array entry whose members can be replaced or left out.
  private static func entry(_ changes: [String: String] = [:]) -> String {
    let members: [(String, String)] = [
      ("name", "\"a\""), ("elementType", "\"float32\""), ("shape", "[2]"), ("offset", "512"), ("bytes", "8"),
      ("sha256", "\"\(zeros)\""),
    ]
    var texts = members.compactMap { name, value in changes[name] == "" ? nil : "\"\(name)\":\(changes[name] ?? value)"
    }
    for (name, value) in changes.sorted(by: { $0.key < $1.key }) where !members.contains(where: { $0.0 == name }) {
      texts.append("\"\(name)\":\(value)")
    }
    return "{" + texts.joined(separator: ",") + "}"
  }

  private static func arrays(_ entries: String...) -> String {
    header(["arrays": "[\(entries.joined(separator: ","))]"])
  }

  private func message(_ bytes: [UInt8]) throws -> String? {
    let folder = TemporaryFolder()
    let path = try folder.write(bytes, to: "n.ingot")
    let error = failure { _ = try NetFile(path) }
    #expect(error?.kind == .badData)
    return error?.withoutFile
  }

  static let frames: [([UInt8], String)] = [
    ([UInt8](repeating: 0, count: 64), "byte 0: does not begin as a net file does"),
    (Array("{\"a\":1}".utf8) + [UInt8](repeating: 32, count: 64), "byte 0: does not begin as a net file does"),
    (netFile(header: emptyHeader, major: 0), "byte 8: is of format version 0; this program reads versions 1 to 2"),
    (
      Array(netFile(header: emptyHeader)[..<12]) + [1] + Array(netFile(header: emptyHeader)[13...]),
      "byte 12: reserved bytes are not zero"
    ),
    (
      Array(netFile(header: "")[..<16]) + UInt64(1).littleEndianBytes + Array(netFile(header: "")[24...]),
      "byte 16: the header length 1 is over the limit or past the end of the file"
    ),
    (
      Array(netFile(header: "")[..<16]) + UInt64.max.littleEndianBytes + Array(netFile(header: "")[24...]),
      "byte 16: the header length 18446744073709551615 is over the limit or past the end of the file"
    ),
    (Array(netFile(header: "{}").dropLast()) + [UInt8(ascii: "]")], "header: does not match its SHA-256"),
    (netFile(header: emptyHeader, data: [0]), "byte \(64 + emptyHeader.utf8.count): 1 byte after the last array"),
  ]

  @Test(arguments: frames)
  func refusesFrames(bytes: [UInt8], message: String) throws {
    #expect(try self.message(bytes) == message)
  }

  /// A header, in which ^ marks the place that the error must name, and the error, in which @ is that place and # the end
  /// of the header.
  static let headers: [(String, String)] = [
    ("^", "byte @: the JSON text ends where a value is needed"),
    ("^[]", "byte @: an object is needed, not an array"),
    ("^{}", "byte @: has no member \"format\""),
    (header(["format": "^\"gguf\""]), "byte @: the format is not \"ingot\""),
    (header(["family": "^1"]), "byte @: a string is needed, not 1"),
    ("^" + header(["net": ""]), "byte @: has no member \"net\""),
    (header(["parameters": "^[]"]), "byte @: an object is needed, not an array"),
    (header(["initialized": "^1"]), "byte @: true or false is needed, not 1"),
    (header(["profile": "^\"hf\""]), "byte @: an object is needed, not a string"),
    (header(["provenance": "^{}"]), "byte @: has no member \"tool\""),
    (
      header(["provenance": "{\"tool\":\"t\",\"sources\":[],\"part\":^{}}"]),
      "a part is not one of \"at\" and \"all\""
    ),
    (
      header(["provenance": "{\"tool\":\"t\",\"sources\":[],\"part\":^{\"at\":\"x\",\"all\":true}}"]),
      "a part is not one of \"at\" and \"all\""
    ),
    (
      header(["provenance": "{\"tool\":\"t\",\"sources\":[],\"part\":{\"at\":^1}}"]),
      "byte @: a string is needed, not 1"
    ),
    (header(["ties": "[^1]"]), "byte @: an object is needed, not 1"),
    (header(["arrays": "^{}"]), "byte @: an array is needed, not an object"),
    (header().replacing("\"net\"", with: "^\"family\""), "byte @: duplicate key \"family\""),
    (arrays("^" + entry(["name": ""])), "byte @: has no member \"name\""),
    (arrays(entry(["elementType": "^\"float31\""])), "byte @: array \"a\": unknown element type \"float31\""),
    (arrays(entry(["shape": "[^-2]"])), "byte @: array \"a\": -2 is negative"),
    (arrays(entry(["shape": "[^2e0]"])), "byte @: array \"a\": an integer is needed, not the number 2.0"),
    (
      arrays("^" + entry(["shape": "[4294967296,4294967296]"])),
      "byte @: array \"a\": shape [4294967296, 4294967296] has more elements than 63 bits can count"
    ),
    (arrays(entry(["offset": "^-64"])), "byte @: array \"a\": -64 is negative"),
    (arrays(entry(["bytes": "^9"])), "byte @: array \"a\": 9 bytes stated, but float32 of shape [2] takes 8"),
    (
      arrays(entry(["sha256": "^\"\(zeros)0\""])),
      "byte @: array \"a\": 64 lower-case hexadecimal digits of a SHA-256 are needed"
    ),
    (arrays(entry(["encoding": "^\"lz4\""])), "byte @: array \"a\": unknown encoding \"lz4\""),
    (arrays("^" + entry(["encoding": "\"zstd-planes\""])), "byte @: array \"a\": has no member \"storedBytes\""),
    (arrays(entry(["offset": "513"])), "array \"a\": starts at byte 513, not at the next multiple of 64 after byte #"),
    (arrays(entry(["offset": "576"])), "array \"a\": starts at byte 576, not at the next multiple of 64 after byte #"),
    (arrays(entry(["offset": "0"])), "array \"a\": starts at byte 0, not at the next multiple of 64 after byte #"),
    (arrays(entry(["offset": "384"])), "array \"a\": goes past the end of the file"),
    (
      arrays(entry(["name": #""a\tb""#])),
      #"header: array name "a\u{9}b" has control characters, or not 1 to 4096 bytes"#
    ),
    (arrays(entry(["name": "\"\""])), "header: array name \"\" has control characters, or not 1 to 4096 bytes"),
    (arrays(entry(), entry()), "header: two arrays are named \"a\""),
    (arrays(entry(["scales": "\"s\""])), "array \"a\": has scales but is not int8 with rows"),
    (
      arrays(entry(["elementType": "\"int8\"", "bytes": "2", "scales": "\"s\""])),
      "array \"a\": has no float32 scales \"s\" of shape [2]"
    ),
    (
      arrays(entry(["inputDirections": "\"d\""])),
      "array \"a\": has input directions but is no int8 matrix with scales"
    ),
    (
      arrays(entry(["elementType": "\"int8\"", "bytes": "2", "scales": "\"s\"", "scaleAxis": "1"])),
      "array \"a\": has a scale axis, which a file of version 1 has not"
    ),
    (
      arrays(entry(["elementType": "\"float4E2M1\"", "bytes": "1"])),
      "array \"a\": is float4E2M1, which a file of version 1 has not"
    ),
    (
      arrays(
        entry([
          "elementType": "\"int8\"", "shape": "[2,3]", "bytes": "6", "scales": "\"s\"", "inputDirections": "\"d\"",
        ]), entry(["name": "\"s\""]),
        entry(["name": "\"d\"", "elementType": "\"float16\"", "shape": "[3,33]", "bytes": "198"])),
      "array \"a\": has no float16 input directions \"d\" of shape [3, 1 to 32]"
    ),
    (header(["initialized": "false", "arrays": "[\(entry())]"]), "header: a net without weights lists 1 arrays"),
    (
      header(["ties": "[{\"name\":\"b\",\"same\":\"c\"}]"]),
      "header: \"b\" is tied to \"c\", which is not stored apart from it"
    ),
    (
      // The sixteenth bracket opens the seventeenth level: the object around it is the first.
      header(["arrays": String(repeating: "[", count: 15) + "^" + String(repeating: "[", count: 20)]),
      "byte @: nested more than 16 deep"
    ),
    (
      arrays(
        entry([
          "shape": "[9223372036854775807]", "elementType": "\"int8\"", "bytes": "9223372036854775807", "offset": "448",
        ])
      ), "array \"a\": makes the arrays larger than can be counted"
    ),
  ]

  /// Of files of version 2.
  static let axes: [([String: String], String)] = [
    (["scaleAxis": "1"], "has a scale axis but no scales"),
    (
      ["scales": "\"s\"", "scaleAxis": "0"],
      "its scale axis is 0, but it has 2 dimensions, of which the first needs none"
    ),
    (
      ["scales": "\"s\"", "scaleAxis": "2"],
      "its scale axis is 2, but it has 2 dimensions, of which the first needs none"
    ),
    (["scales": "\"s\"", "scaleAxis": "1"], "has no float32 scales \"s\" of shape [3]"),
    (
      ["scales": "\"s\"", "scaleAxis": "1", "inputMeans": "\"m\""],
      "has a scale axis, and input means or directions"
    ),
  ]

  @Test(arguments: axes)
  func refusesScaleAxes(changes: [String: String], message: String) throws {
    let entry = Self.entry(
      changes.merging(["elementType": "\"int8\"", "shape": "[2,3]", "bytes": "6"]) { first, _ in first })
    #expect(try self.message(netFile(header: Self.arrays(entry), major: 2)) == "array \"a\": \(message)")
  }

  @Test(arguments: headers)
  func refusesHeaders(marked: String, message: String) throws {
    let place = marked.utf8.firstIndex(of: UInt8(ascii: "^")).map {
      marked.utf8.distance(from: marked.startIndex, to: $0)
    }
    let header = marked.replacing("^", with: "")
    let expected = message.replacing("@", with: "\(64 + (place ?? 0))").replacing(
      "#", with: "\(64 + header.utf8.count)")
    #expect(try self.message(netFile(header: header)) == expected)
  }
}
