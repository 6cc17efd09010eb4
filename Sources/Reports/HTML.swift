import Arrays

/// Markup of a page. A literal's own text is markup; whatever is interpolated is escaped unless it is markup already, so
/// that what a file's author wrote can't become part of a page:
///
///     let cell: HTML = "<td>\(array.name)</td>"
package struct HTML: Sendable, Equatable, ExpressibleByStringInterpolation {
  package private(set) var markup: String

  package init() { markup = "" }

  package init(stringLiteral value: String) { markup = value }

  package init(stringInterpolation: StringInterpolation) { markup = stringInterpolation.markup }

  /// Text that is no markup.
  package init(text: String) { markup = HTML.escaped(text) }

  /// Text that this program made and that is markup: styles, scripts and JSON that are embedded.
  package init(trusted markup: String) { self.markup = markup }

  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var markup = ""

    package init(literalCapacity: Int, interpolationCount: Int) {
      markup.reserveCapacity(literalCapacity + 16 * interpolationCount)
    }

    package mutating func appendLiteral(_ literal: String) { markup += literal }

    package mutating func appendInterpolation(_ text: String) { markup += HTML.escaped(text) }

    package mutating func appendInterpolation(_ number: Int) { markup += String(number) }

    package mutating func appendInterpolation(_ html: HTML) { markup += html.markup }

    package mutating func appendInterpolation(_ list: [HTML]) {
      for html in list { markup += html.markup }
    }

    /// A coordinate or size of a drawing, with so many decimals at most.
    package mutating func appendInterpolation(_ number: Double, _ decimals: Int = 1) {
      var text = rounded(number.isFinite ? number : 0, decimals)
      if text.contains(".") {
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
      }
      markup += text == "-0" ? "0" : text
    }
  }

  package static func + (left: HTML, right: HTML) -> HTML { HTML(trusted: left.markup + right.markup) }

  package static func += (left: inout HTML, right: HTML) { left.markup += right.markup }

  /// Text for an element or a quoted attribute. What a page can't hold or would be led astray by, such as control
  /// characters and direction overrides, is told by its number.
  package static func escaped(_ text: String) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(text.utf8.count)
    for byte in printable(text).utf8 {
      switch byte {
      case UInt8(ascii: "&"): out += "&amp;".utf8
      case UInt8(ascii: "<"): out += "&lt;".utf8
      case UInt8(ascii: ">"): out += "&gt;".utf8
      case UInt8(ascii: "\""): out += "&quot;".utf8
      case UInt8(ascii: "'"): out += "&#39;".utf8
      default: out.append(byte)
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}

extension JSONValue {
  /// JSON text that can stand inside a script element: `<`, `>` and `&`, and the line ends that only JavaScript knows, are
  /// written as escapes. They occur in strings alone.
  package var embeddableText: String {
    var out = ""
    for scalar in compactText.unicodeScalars {
      switch scalar {
      case "<": out += "\\u003c"
      case ">": out += "\\u003e"
      case "&": out += "\\u0026"
      case "\u{2028}": out += "\\u2028"
      case "\u{2029}": out += "\\u2029"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}
