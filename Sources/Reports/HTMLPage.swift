import Arrays
import Families

/// A page in one file: style, script, data and pictures are inside it, and its content security policy lets the browser
/// fetch nothing, whatever it holds.
public struct HTMLPage: Sendable {
  private let title: String
  private let body: HTML
  private let data: JSONValue
  private let script: String
  private let style: String

  /// - Parameters:
  ///   - body: sections.
  ///   - data: what the script gets.
  ///   - script: run after that of `PageScript.common`.
  ///   - style: after that of all pages.
  package init(title: String, body: HTML, data: JSONValue = [:], script: String = "", style: String = "") {
    self.style = PageStyle.text + style
    self.title = title
    self.body = body
    self.data = data
    self.script = script
  }

  /// The page's text.
  public var text: String {
    let script = "\"use strict\";\n" + PageScript.common + self.script
    let policy =
      "default-src 'none'; img-src data:; style-src '\(Self.digest(style))'; "
      + "script-src '\(Self.digest(script))'; base-uri 'none'; form-action 'none'"
    let page: HTML = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="\(HTML(trusted: policy))">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta name="referrer" content="no-referrer">
      <title>\(shortened(title, to: 200))</title>
      <link rel="icon" href="data:,">
      <style>\(HTML(trusted: style))</style>
      </head>
      <body>
      <main>
      \(body)
      </main>
      <footer>Made by \(Ingot.tool)</footer>
      <script type="application/json" id="data">\(HTML(trusted: data.embeddableText))</script>
      <script>\(HTML(trusted: script))</script>
      </body>
      </html>

      """
    return page.markup
  }

  private static func digest(_ text: String) -> String {
    "sha256-" + base64(SHA256.digest(Array(text.utf8)).bytes)
  }

  /// Puts the page in its place.
  /// - Throws: `Failure` of kind `cannotCreate` when the file can't be created, `io` when it can't be written.
  public func write(to output: OutputFile) throws(Failure) {
    let bytes = Array(text.utf8)
    try output.write(bytes.rawSpan, at: 0)
    try output.flush()
    try output.commit()
  }
}

extension HTML {
  /// A section with its heading.
  static func section(_ title: String, note: HTML? = nil, _ content: HTML) -> HTML {
    let note: HTML = note.map { "<p class=\"note\">\($0)</p>\n" } ?? ""
    return "<section>\n<h2>\(title)</h2>\n\(note)\(content)\n</section>\n"
  }

  /// Figures side by side.
  static func figures(_ figures: [(label: String, value: String, note: String)]) -> HTML {
    let items = figures.map { figure -> HTML in
      let note: HTML = figure.note.isEmpty ? "" : "<span class=\"note\">\(figure.note)</span>"
      return "<div><dt>\(figure.label)</dt><dd>\(figure.value)\(note)</dd></div>\n"
    }
    return "<dl class=\"figures\">\n\(items)</dl>"
  }

  /// Labels and what they say, one a line.
  static func facts(_ facts: [(label: String, value: String)]) -> HTML {
    let items = facts.map { fact -> HTML in
      "<dt>\(fact.label)</dt><dd>\(shortened(fact.value, to: 2000))</dd>\n"
    }
    return "<dl class=\"facts\">\n\(items)</dl>"
  }

  /// What colours mean; a class colours the mark.
  static func legend(_ entries: [(mark: String, text: String)]) -> HTML {
    let items = entries.map { entry -> HTML in "<li><i class=\"\(entry.mark)\"></i>\(entry.text)</li>" }
    return "<ul class=\"legend\">\(items)</ul>"
  }
}

/// A table of a page: it scrolls inside its own box, and a click on a heading sorts it.
struct HTMLTable {
  enum Alignment { case left, right }

  /// What stands in a cell, and what it is sorted by: the number, or the text where there is none.
  struct Cell {
    let content: HTML
    var key: Double?

    static func text(_ text: String) -> Cell { Cell(content: HTML(text: shortened(text, to: 400))) }
    static func number(_ text: String, _ key: Double?) -> Cell { Cell(content: HTML(text: text), key: key ?? .nan) }
    static func count(_ number: Int) -> Cell { .number(grouped(number), Double(number)) }
    static func html(_ content: HTML, _ key: Double? = nil) -> Cell { Cell(content: content, key: key) }
  }

  private let columns: [(title: String, alignment: Alignment)]
  private let isTall: Bool
  private var rows: [HTML] = []

  /// - Parameter isTall: whether it gets a box of limited height.
  init(_ columns: [(String, Alignment)], isTall: Bool = false) {
    self.columns = columns.map { (title: $0.0, alignment: $0.1) }
    self.isTall = isTall
  }

  var isEmpty: Bool { rows.isEmpty }

  mutating func add(_ cells: [Cell]) {
    let cells = zip(columns, cells).map { column, cell -> HTML in
      let right: HTML = column.alignment == .right ? " class=\"r\"" : ""
      let key: HTML = cell.key.map { " data-k=\"\(Self.number($0))\"" } ?? ""
      return "<td\(right)\(key)>\(cell.content)</td>"
    }
    rows.append("<tr>\(cells)</tr>\n")
  }

  /// As JavaScript reads it; empty for what has no value.
  private static func number(_ key: Double) -> String {
    key.isNaN ? "" : key.isInfinite ? (key < 0 ? "-Infinity" : "Infinity") : "\(key)"
  }

  /// - Parameter label: for those who can't see where the table stands.
  func html(_ label: String) -> HTML {
    let heads = columns.map { column -> HTML in
      let right: HTML = column.alignment == .right ? " class=\"r\"" : ""
      guard !column.title.isEmpty else { return "<th></th>" }
      return "<th\(right) scope=\"col\"><button type=\"button\">\(column.title)</button></th>"
    }
    let tall: HTML = isTall ? " tall" : ""
    return """
      <div class="box\(tall)" tabindex="0" role="region" aria-label="\(label)"><table class="sortable">
      <thead><tr>\(heads)</tr></thead>
      <tbody>
      \(rows)</tbody>
      </table></div>
      """
  }
}
