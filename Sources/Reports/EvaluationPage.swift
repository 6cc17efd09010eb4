import Arrays
import Assurance
import Kernels

/// What an evaluation found, as a page: figures, accuracy by type, layers, and the answers that flipped with their
/// pictures.
public struct EvaluationPage: Sendable {
  private let result: EvaluationResult

  /// Types of questions that get a row of their own.
  private static let mostTypes = 500

  public init(_ result: EvaluationResult) { self.result = result }

  /// Reads and shrinks the pictures of flipped answers, on all processors.
  public var page: HTMLPage {
    let a = EvaluationReport.name(result.a)
    let b = result.b.map { EvaluationReport.name($0) }
    var body: HTML = "<h1>\(heading)</h1>\n\(lead(a, b))\n\(figures)\n\(interval)\n"
    body += types
    let layers = result.layers.map { LayerChart($0, of: result) }
    if let layers, !layers.isEmpty { body += layers.section }
    if result.b != nil { body += FlippedCards(result).section }
    if let layers, !layers.isEmpty { body += layers.flippedSection }
    return HTMLPage(
      title: "Evaluation of \(a)", body: body, data: .object(["layers": .array(layers?.data ?? [])]),
      script: PageScript.evaluation)
  }

  private var heading: String {
    EvaluationReport.heading(result)
      + (result.failedItems > 0
        ? ", \(grouped(result.failedItems)) not \(result.words.hasTexts ? "asked" : "counted")" : "")
  }

  private func lead(_ a: String, _ b: String?) -> HTML {
    guard let b else {
      return
        "<p class=\"lead\">\(result.words.hasTexts ? "answered" : "classified") by <span class=\"name\">\(a)</span></p>"
    }
    return """
      <p class="lead"><b class="a">A</b> is <span class="name">\(a)</span><br>
      <b class="b">B</b> is <span class="name">\(b)</span></p>
      """
  }

  private var figures: HTML {
    var figures: [(label: String, value: String, note: String)] = []
    if let accuracy = result.accuracy {
      let measure = result.words.measure
      let name = measure.name
      figures.append((result.b == nil ? name : "\(name) of A", measure.told(accuracy.overall.mean), ""))
      if let other = result.accuracyB { figures.append(("\(name) of B", measure.told(other.overall.mean), "")) }
    } else {
      figures.append((result.words.measure.name, "–", "the \(result.words.item)s have no right answers with them"))
    }
    if let difference = result.difference {
      let interval = difference.interval
      figures.append(
        (
          "A less B", signed(difference.mean * 100, 2) + " %",
          "95 % confidence: \(signed(interval.lowerBound * 100, 2)) to \(signed(interval.upperBound * 100, 2))"
        ))
    }
    for (name, a, b) in result.further {
      guard let a else { continue }
      figures.append((result.b == nil ? name : "\(name) of A", percent(a, 2), b.map { "B: \(percent($0, 2))" } ?? ""))
    }
    if let agreement = result.agreement {
      let flipped = result.flipped.count
      let flips = "\(grouped(flipped)) \(flipped == 1 ? result.words.output : result.words.outputs) flipped"
      figures.append(("same \(result.words.output)", percent(agreement, 2), flips))
    }
    if result.words.hasTexts, let same = result.sameFirstToken {
      figures.append(("same first token", percent(same, 2), "the likeliest one"))
    }
    if let divergence = result.divergence {
      figures.append(("KL divergence", significant(divergence), "nats, mean of \(result.words.distribution)"))
    }
    return .figures(figures)
  }

  /// The confidence interval of the difference, drawn around zero.
  private var interval: HTML {
    guard let difference = result.difference else { return "" }
    let (low, mean, high) = (
      difference.interval.lowerBound * 100, difference.mean * 100, difference.interval.upperBound * 100
    )
    let reach = Self.roundLimit(max(abs(low), abs(high)))
    func x(_ value: Double) -> Double { 190 + 156 * value / reach }
    let ticks = [-1, -0.5, 0, 0.5, 1].map { part -> HTML in
      let value = part * reach
      return """
        <line class="\(part == 0 ? "zero" : "axis")" x1="\(x(value))" x2="\(x(value))" y1="8" y2="44"/>
        <text x="\(x(value))" y="62" text-anchor="middle">\(signed(value, 3).trimmedZeros)\(part == 0 ? "" : " %")</text>
        """
    }
    let verdict =
      low > 0
      ? "A is better: the interval lies above zero."
      : high < 0
        ? "A is worse: the interval lies below zero."
        : "The interval holds zero: that one of the two is better was not shown."
    return """
      <figure class="interval"><svg viewBox="0 0 380 70" role="img" aria-label="confidence interval of the difference">
      \(ticks)
      <line class="sa" x1="\(x(low))" x2="\(x(high))" y1="26" y2="26" stroke-width="5" stroke-linecap="round"/>
      <circle class="fa dot" cx="\(x(mean))" cy="26" r="7"/>
      </svg>
      <figcaption class="note">A less B with its 95 % confidence interval. \(verdict)</figcaption></figure>
      """
  }

  /// 1, 2 or 5 times a power of ten, not below.
  static func roundLimit(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return 1 }
    var unit = 1.0
    while unit > value { unit /= 10 }
    while unit * 10 <= value { unit *= 10 }
    return [1, 2, 5, 10].map { $0 * unit }.first { $0 >= value } ?? 10 * unit
  }

  private var types: HTML {
    guard let accuracy = result.accuracy else { return "" }
    var content: HTML = ""
    for (title, tallies, others) in EvaluationReport.types(result.words, accuracy, result.accuracyB)
    where !tallies.isEmpty {
      content += "<h3>By \(title)</h3>\n" + table(title, tallies, others)
    }
    guard !content.markup.isEmpty else { return "" }
    let marks: HTML =
      result.b == nil ? "" : .legend([("ma", "A, \(EvaluationReport.name(result.a))"), ("mb", "B")])
    return .section(result.words.hasTexts ? "Accuracy by type" : "Accuracy by class", marks + content)
  }

  private func table(
    _ title: String, _ tallies: [String: VQAAccuracy.Tally], _ others: [String: VQAAccuracy.Tally]?
  ) -> HTML {
    var columns: [(String, HTMLTable.Alignment)] = [(title, .left), ("\(result.words.item)s", .right)]
    columns += others == nil ? [("accuracy", .right)] : [("A", .right), ("B", .right), ("A less B", .right)]
    var table = HTMLTable(columns + [("", .left)], isTall: true)
    let sorted = tallies.sorted { ($1.value.questions, $0.key) < ($0.value.questions, $1.key) }
    for (type, tally) in sorted.prefix(Self.mostTypes) {
      var cells: [HTMLTable.Cell] = [
        .text(type), .count(tally.questions), .number(percent(tally.mean, 2), tally.mean),
      ]
      let other = others?[type]?.mean
      if others != nil {
        cells.append(.number(other.map { percent($0, 2) } ?? "–", other))
        cells.append(.number(other.map { signed((tally.mean - $0) * 100, 2) } ?? "–", other.map { tally.mean - $0 }))
      }
      table.add(cells + [.html(Self.bar(tally.mean, other))])
    }
    let rest: HTML =
      sorted.count > Self.mostTypes ? "<p class=\"note\">… and \(grouped(sorted.count - Self.mostTypes)) more</p>" : ""
    return table.html("accuracy by \(title)") + rest
  }

  /// A share as a bar, the other one as a dot.
  private static func bar(_ share: Double, _ other: Double?) -> HTML {
    let dot: HTML = other.map { "<circle class=\"fb dot\" cx=\"\(4 + 160 * $0)\" cy=\"7\" r=\"4.5\"/>" } ?? ""
    return """
      <svg width="170" height="14" viewBox="0 0 170 14" aria-hidden="true">\
      <line class="axis" x1="164" x2="164" y1="0" y2="14"/>\
      <rect class="fa" x="4" y="4" width="\(160 * share)" height="6" rx="1"/>\(dot)</svg>
      """
  }
}

extension String {
  /// A number without the zeros that end its decimals.
  fileprivate var trimmedZeros: String {
    guard contains(".") else { return self }
    var text = self
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text
  }
}
