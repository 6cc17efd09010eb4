import Arrays
import Reports
import TestSupport
import Testing

@Suite struct PageTests {
  private static let hostile = "<script>alert(1)</script>\"'&\u{202e}\u{0}\n</title><!--"

  @Test func whatIsInterpolatedIsEscaped() {
    let html: HTML = "<td class=\"\(Self.hostile)\">\(Self.hostile)</td>"
    let escaped =
      "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\\u{202e}\\u{0}\\u{a}&lt;/title&gt;&lt;!--"
    #expect(html.markup == "<td class=\"\(escaped)\">\(escaped)</td>")
    // Markup stays markup, however deep it is.
    let outer: HTML = "<tr>\(html)\([html, html])\(HTML(text: "<"))</tr>"
    #expect(outer.markup == "<tr>\(html.markup)\(html.markup)\(html.markup)&lt;</tr>")
  }

  @Test func coordinatesAreShort() {
    let html: HTML = "\(1.0) \(-0.04) \(2.25, 2) \(10.0) \(1.96) \(Double.nan) \(12)"
    #expect(html.markup == "1 0 2.25 10 2 0 12")
  }

  @Test func embeddedDataCanNotEndItsElement() throws {
    let value: JSONValue = ["a": .string("</script><!--\u{2028}\u{2029}&"), "b": [1, .number(0.5)]]
    let text = value.embeddableText
    #expect(text == "{\"a\":\"\\u003c/script\\u003e\\u003c!--\\u2028\\u2029\\u0026\",\"b\":[1,0.5]}")
    #expect(try JSONValue(parsing: Array(text.utf8)) == value)
  }

  @Test func bytesInBase64AreThoseOfTheStandard() {
    let cases = [
      "": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg==", "fooba": "Zm9vYmE=", "\u{3ff}": "z78=",
    ]
    for (text, encoded) in cases { #expect(base64(Array(text.utf8)) == encoded) }
  }

  @Test func aPageFetchesNothingAndRunsItsOwnScriptOnly() {
    let page = HTMLPage(
      title: Self.hostile, body: "<p>\(Self.hostile)</p>", data: ["x": .string(Self.hostile)], script: "void 0;")
    let text = page.text
    #expect(text.hasPrefix("<!DOCTYPE html>") && text.contains("default-src 'none'"))
    #expect(text.contains("script-src 'sha256-") && !text.contains("unsafe-inline"))
    #expect(text.split(separator: "<script").count == 3 && text.split(separator: "</script>").count == 3)
    #expect(!text.contains("alert(1)</script>") && text.split(separator: "</title>").count == 2)
    for address in ["http:", "https:", "src=", "url("] { #expect(!text.contains(address)) }
  }

  @Test func aPageIsThereWholeOrNotAtAll() throws {
    let folder = TemporaryFolder()
    let page = HTMLPage(title: "title", body: "<p>text</p>")
    try page.write(to: OutputFile(folder.file("page.html")))
    #expect(try bytes(of: folder.file("page.html")) == Array(page.text.utf8))
    #expect(folder.names == ["page.html"])
    #expect(failure { try page.write(to: OutputFile(folder.file("page.html/page.html"))) }?.kind == .cannotCreate)
    #expect(failure { try page.write(to: OutputFile(folder.path)) }?.kind == .cannotCreate)
  }
}

@Suite struct TreemapTests {
  private let whole = Treemap.Rectangle(x: 3, y: 5, width: 600, height: 400)

  @Test(arguments: [
    [1], [6, 6, 4, 3, 2, 2, 1], [1e9, 1, 1, 0.001], [7, 7, 7, 7, 7, 7, 7], Array(repeating: 0.1, count: 1000),
  ])
  func areasAreAsTheAmounts(_ amounts: [Double]) {
    let places = Treemap.rectangles(amounts, in: whole)
    let sum = amounts.reduce(0, +)
    #expect(places.count == amounts.count)
    #expect(abs(places.reduce(0) { $0 + $1.area } - whole.area) < 1e-6 * whole.area)
    for (place, amount) in zip(places, amounts) {
      #expect(abs(place.area - amount / sum * whole.area) < 1e-6 * whole.area)
      #expect(place.x >= 3 - 1e-6 && place.x + place.width <= 603 + 1e-6)
      #expect(place.y >= 5 - 1e-6 && place.y + place.height <= 405 + 1e-6)
    }
    for (index, a) in places.prefix(50).enumerated() {
      for b in places.prefix(50).dropFirst(index + 1) {
        let width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
        let height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
        #expect(min(width, height) < 1e-6, "\(a) overlaps \(b)")
      }
    }
  }

  /// The example of the paper: the first row holds two rectangles of 3 × 2.
  @Test func rectanglesAreThoseOfThePaper() {
    let places = Treemap.rectangles([6, 6, 4, 3, 2, 2, 1], in: .init(x: 0, y: 0, width: 6, height: 4))
    #expect(places[0] == .init(x: 0, y: 0, width: 3, height: 2) && places[1] == .init(x: 0, y: 2, width: 3, height: 2))
    #expect(abs(places[2].width - 12.0 / 7) < 1e-9 && abs(places[2].height - 7.0 / 3) < 1e-9)
  }

  @Test func nothingHasNoArea() {
    #expect(Treemap.rectangles([], in: whole).isEmpty)
    #expect(Treemap.rectangles([0, 0], in: whole).allSatisfy { $0.area == 0 })
    #expect(Treemap.rectangles([2, 0], in: whole).map(\.area) == [whole.area, 0])
  }
}
