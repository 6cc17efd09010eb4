import Arrays
import TestSupport
import Testing

@Suite struct JSONTests {
  private func parse(_ text: String, _ rules: JSONRules = .strict) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8), rules: rules)
  }

  @Test func readsEverySortOfValue() throws {
    let value = try parse(#" {"a": [1, -2, 0.5, 1e2, true, false, null], "b": {"c": "d\n\u00e9\ud83d\ude00/\/"}} "#)
    let list = try value.member("a").array()
    #expect(list.map(\.content).prefix(2) == [.integer(1), .integer(-2)])
    #expect(list[2].content == .number(0.5))
    #expect(list[3].content == .number(100))
    #expect(try list[4].boolean() && !list[5].boolean())
    #expect(list[6].content == .null)
    #expect(try value.member("b").member("c").string() == "d\né😀//")
  }

  @Test func writesWhatItRead() throws {
    let text = #"{"a":[1,-2,0.5,true,null],"b":{"c":"d\n\"\\é😀"},"e":[],"f":{}}"#
    #expect(try parse(text).compactText == text)
    #expect(try parse(parse(text).prettyText) == parse(text))
  }

  /// Python's json.loads accepts the first six of these, and takes the last of two keys.
  static let broken: [(String, String)] = [
    ("", "byte 0: the JSON text ends where a value is needed"),
    ("{\"a\":1,\"a\":2}", "byte 7: duplicate key \"a\""),
    ("NaN", "byte 0: 'N' where a JSON value is needed"),
    ("-Infinity", "byte 1: a digit expected in a number"),
    ("[Infinity]", "byte 1: 'I' where a JSON value is needed"),
    ("\"\\ud800\"", "byte 1: half of a surrogate pair"),
    ("123456789012345678901234567890", "byte 0: the integer 123456789012345678901234… does not fit 64 bits"),
    ("01", "byte 0: a number starts with 0"),
    ("1.", "byte 2: a digit expected after the decimal point"),
    ("1e", "byte 2: a digit expected in the exponent"),
    ("1e999", "byte 0: the number 1e999 is too large"),
    ("-", "byte 1: a digit expected in a number"),
    ("[1,]", "byte 3: ']' where a JSON value is needed"),
    ("[1 2]", "byte 3: ',' or ']' expected in an array"),
    ("[1", "byte 2: the JSON text ends inside an array"),
    ("{\"a\"}", "byte 4: ':' expected after a key"),
    ("{a:1}", "byte 1: a key in quotes expected in an object"),
    ("{\"a\":1,}", "byte 7: a key in quotes expected in an object"),
    ("{\"a\":1 \"b\":2}", "byte 7: ',' or '}' expected in an object"),
    ("{\"a\":1", "byte 6: the JSON text ends inside an object"),
    ("{", "byte 1: the JSON text ends inside an object"),
    ("\"abc", "byte 0: the string that starts here has no end"),
    ("\"a\u{1}b\"", "byte 2: byte 0x1 inside a string"),
    ("\"\\x\"", "byte 1: 'x' is no escape"),
    ("\"\\u12g4\"", "byte 5: four hexadecimal digits expected after \\u"),
    ("\"\\", "byte 2: the JSON text ends inside a string"),
    ("tru", "byte 0: 'true' is misspelt"),
    ("nulL", "byte 0: 'null' is misspelt"),
    ("1 2", "byte 2: text after the end of the JSON value"),
    ("\u{feff}1", "byte 0: byte 0xef where a JSON value is needed"),
    ("'a'", "byte 0: ''' where a JSON value is needed"),
  ]

  @Test(arguments: broken)
  func refuses(text: String, message: String) {
    #expect(failure { _ = try parse(text) }?.description == message)
  }

  @Test func refusesWhatIsNotUTF8() {
    let text: [UInt8] = [0x22, 0xc3, 0x28, 0x22]
    #expect(failure { _ = try JSONValue(parsing: text) }?.description == "byte 1: a string is not UTF-8")
  }

  /// `String` sorts a run of combining marks when it compares or hashes: twenty thousand of them would take seconds.
  @Test func endlessCombiningMarksAreRefused() throws {
    let marks = "\u{301}\u{327}"
    // U+0344 is two of them.
    for marks in [String(repeating: marks, count: 15), String(repeating: "\u{344}", count: 15)] {
      #expect(try parse("\"a\(marks)b\(marks)\"").kind == "a string")
      for more in ["\u{301}", String(repeating: marks, count: 1000)] {
        #expect(
          failure { _ = try parse("{\"a\(marks)\(more)\": 1}") }?.description
            == "byte 2: a string has more than 30 combining marks in a row")
      }
    }
  }

  @Test func keysAreComparedAsBytes() throws {
    // One é in one code point and one in two are different keys, though equal Swift strings.
    #expect(try parse("{\"\u{e9}\":1,\"e\u{301}\":2}").object().count == 2)
  }

  @Test func boundsDepthAndCount() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(failure { _ = try parse(deep) }?.description == "byte 32: nested more than 32 deep")
    let many = "[" + String(repeating: "0,", count: 500_000) + "0]"
    #expect(failure { _ = try parse(many) }?.description == "byte 999999: more than 500000 JSON values")
  }

  @Test func lenientReadingFollowsPython() throws {
    let value = try parse("{\"a\":1,\"b\":NaN,\"a\":3,\"c\":-Infinity}", .lenient)
    #expect(try value.member("a").integer() == 3)
    #expect(try value.object().map(\.key) == ["a", "b", "c"])
    #expect(try value.member("b").number().isNaN)
    #expect(try value.member("c").number() == -.infinity)
  }

  @Test func offsetsAreOfTheFile() {
    #expect(failure { _ = try JSONValue(parsing: Array("[x]".utf8), base: 8) }?.place == "byte 9")
  }

  @Test func accessorsNameThePlace() throws {
    let value = try parse("{\"n\": 1.0, \"s\": -4}")
    #expect(
      failure { _ = try value.member("n").integer() }?.description == "byte 6: an integer is needed, not the number 1.0"
    )
    #expect(failure { _ = try value.member("s").size() }?.description == "byte 16: -4 is negative")
    #expect(failure { _ = try value.member("x") }?.description == "byte 0: has no member \"x\"")
  }
}
