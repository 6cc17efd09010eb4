import Arrays
import QuestionAnswering
import TestSupport
import Testing

/// Pictures taken with the camera turned, against Pillow's `ImageOps.exif_transpose` (tools/fixtures_orientation.py).
@Suite struct OrientationTests {
  private static let folder = packageFile("Tests/QuestionAnsweringTests/Fixtures/orientation")

  private func described(_ picture: Picture) -> JSONValue {
    let digits = Array("0123456789abcdef".utf8)
    let hex = picture.rgb.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return [.integer(picture.width), .integer(picture.height), .string(String(decoding: hex, as: UTF8.self))]
  }

  @Test func picturesAreTurnedAsPillowTurnsThem() throws {
    let expected = try JSONValue(parsing: bytes(of: "\(Self.folder)/expected.json")).object()
    #expect(expected.count >= 60)
    var turned = 0
    for file in expected {
      let picture = try Picture("\(Self.folder)/\(file.key)")
      let (stored, upright) = (try file.value.member("stored"), try file.value.member("upright"))
      #expect(described(picture) == stored, "\(file.key)")
      #expect(described(picture.upright()) == upright, "\(file.key)")
      #expect(!picture.upright().isTurned)
      turned += picture.isTurned ? 1 : 0
    }
    #expect(turned >= 35)
  }

  /// A note cut short is none, and costs nothing else.
  @Test func damagedNotesCountAsNone() throws {
    for name in ["jpeg-6.jpg", "png-6.png", "webp-6.webp", "big.jpg", "raw.png"] {
      let whole = try bytes(of: "\(Self.folder)/\(name)")
      let place = try #require(
        whole.indices.first { whole[$0...].starts(with: "II*\0".utf8) || whole[$0...].starts(with: "MM\0*".utf8) }
          ?? whole.indices.first { whole[$0...].starts(with: "Raw profile".utf8) })
      for offset in 0..<min(30, whole.count - place) {
        var changed = whole
        changed[place + offset] ^= 0xff
        // PNG's checksums are not held against chunks that decoders pass over; a decoder may refuse, but no more.
        guard let picture = try? Picture(bytes: changed, name: name) else { continue }
        #expect((1...8).contains(picture.orientation) && picture.upright().rgb.count == picture.rgb.count)
      }
    }
  }
}

/// Where pictures come from that are no files.
@Suite struct PictureSourceTests {
  private static let picture = packageFile("weights/demo/pictures/red-circle-0004.png")

  @Test func addressesWithDataAreDecoded() throws {
    let file = try Picture(Self.picture)
    let bytes = try bytes(of: Self.picture)
    let base64 = Self.base64(bytes)
    let escaped = bytes.map { "%" + (String($0, radix: 16).count == 1 ? "0" : "") + String($0, radix: 16) }.joined()
    for address in [
      "data:image/png;base64," + base64, "data:;base64," + base64.replacing("=", with: ""),
      "data:image/png;charset=x;BASE64," + base64.replacing("+", with: "-").replacing("/", with: "_"),
      "data:image/png;base64," + base64.replacing("+", with: "%2B").replacing("=", with: "%3d"),
      "data:image/png," + escaped, "data:image/png;base64,\n" + base64.split(every: 76).joined(separator: "\r\n"),
    ] {
      #expect(try Picture(address).rgb == file.rgb)
    }
  }

  /// By the definition of RFC 4648.
  private static func base64(_ bytes: [UInt8]) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var out: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let three = bytes[start..<min(start + 3, bytes.count)]
      let number = (0..<3).reduce(0) { $0 << 8 | (start + $1 < bytes.count ? Int(bytes[start + $1]) : 0) }
      for digit in 0..<4 {
        out.append(digit <= three.count ? digits[number >> (18 - 6 * digit) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  @Test(arguments: [
    ("data:image/png;base64", "is a data: address without a comma before its data", Failure.Kind.badData),
    ("data:image/png;base64,a", "is a data: address whose data are no base64", .badData),
    ("data:image/png;base64,ab=c", "is a data: address whose data are no base64", .badData),
    ("data:image/png;base64,a*bc", "is a data: address whose data are no base64", .badData),
    ("data:image/png,%4", "is a data: address with a % that no two hexadecimal digits follow", .badData),
    ("data:,", "is empty", .badData),
    ("https://example.org/a.jpg", "is an address; pictures are read from files", .noInput),
    ("HTTP://example.org/a.jpg", "is an address; pictures are read from files", .noInput),
    ("file:///a.jpg", "is an address; pictures are read from files", .noInput),
  ])
  func otherAddressesAreRefused(address: String, reason: String, kind: Failure.Kind) throws {
    let error = failure { _ = try Picture(address) }
    #expect(error?.reason == reason && error?.kind == kind && error?.hint != nil)
  }
}

extension String {
  fileprivate func split(every count: Int) -> [String] {
    stride(from: 0, to: utf8.count, by: count).map { String(decoding: utf8.dropFirst($0).prefix(count), as: UTF8.self) }
  }
}

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
