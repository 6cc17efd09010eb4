import Remote
import Testing

@Suite struct HeaderTests {
  /// The date of RFC 9110, and others by `date -d … +%s`.
  @Test(arguments: [
    ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199), ("Sun, 01 Mar 2026 12:00:00 GMT", 1_772_366_400),
    ("Wed, 31 Dec 2098 00:00:00 GMT", 4_070_822_400),
  ])
  func readsDates(_ text: String, _ seconds: Int) {
    #expect(RetryAfter.date(text) == seconds)
    #expect(RetryAfter.seconds(text, now: seconds - 30) == 30)
    #expect(RetryAfter.seconds(text, now: seconds + 30) == 0)
  }

  @Test func readsWaits() {
    #expect(RetryAfter.seconds("120") == 120)
    for text in ["", "-1", "soon", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "1.5"] {
      #expect(RetryAfter.seconds(text) == nil)
    }
  }

  @Test func readsRanges() throws {
    let range = try #require(ContentRange("bytes 0-99/200"))
    #expect(range.range == 0..<100 && range.size == 200)
    #expect(ContentRange("bytes 5-5/*").map { $0.range == 5..<6 && $0.size == nil } == true)
    for text in [
      "", "bytes 5-4/9", "bytes 0-9/9", "bytes */9", "items 0-1/2", "bytes 0-1", "bytes -1-2/3",
      "bytes 0-9223372036854775807/*",
    ] {
      #expect(ContentRange(text) == nil)
    }
  }
}
