import Arrays
import Assurance
import Media
import Synchronization

/// The items of which two nets make different things, each picture once with all that flipped about it.
struct FlippedCards {
  private struct Card: Sendable {
    let image: String
    var items: [EvaluatedItem] = []
  }

  private let result: EvaluationResult
  private var words: TaskWords { result.words }
  private let flipped: Int
  private let cards: [Card]

  /// Flipped answers that are shown.
  private static let shown = 200
  /// Longer side of a picture in pixels: twice what it has on the page, for fine screens.
  private static let side = 176
  /// Most bytes of all pictures as they stand in the page.
  private static let mostBytes = 3_500_000

  init(_ result: EvaluationResult) {
    self.result = result
    let all = result.flipped
    flipped = all.count
    var cards: [Card] = []
    var places: [String: Int] = [:]
    for question in all.prefix(Self.shown) {
      let image = result.items[question.index].image
      let place = places[image] ?? cards.count
      if place == cards.count {
        places[image] = place
        cards.append(Card(image: image))
      }
      cards[place].items.append(question)
    }
    self.cards = cards
  }

  var section: HTML {
    guard flipped > 0 else {
      return .section(
        "Flipped \(words.outputs)",
        words.hasTexts
          ? "<p>None: both gave the same answer to every question.</p>"
          : "<p>None: both found the same \(words.output) in every \(words.item).</p>")
    }
    let shown = min(flipped, Self.shown)
    let note: HTML =
      shown < flipped
      ? "The first \(grouped(shown)) of \(grouped(flipped)); <code>--json</code> has all."
      : "All \(grouped(flipped)) \(words.item)s that were \(words.hasTexts ? "answered" : "classified") differently."
    return .section(
      flipped == 1 ? "The flipped \(words.output)" : "Flipped \(words.outputs)", note: flipped == 1 ? nil : note,
      "\(choices)\n<div class=\"cards\">\n\(zip(cards, thumbnails).map { card($0, $1) })</div>")
  }

  // MARK: Pictures

  /// What has no picture any more gets none.
  private var thumbnails: [HTML] {
    let found = Mutex([Int: String]())
    let images = cards.map(\.image)
    // Nothing is thrown in it.
    try? inParallel(jobs: images.count) { index in
      guard let bytes = try? Picture(images[index]).thumbnail(side: Self.side) else { return }
      let text = base64(bytes)
      found.withLock { $0[index] = text }
    }
    let pictures = found.withLock(\.self)
    var left = Self.mostBytes
    return cards.indices.map { index in
      guard let text = pictures[index] else { return "<div class=\"nothing\">can’t be read</div>" }
      guard text.utf8.count <= left else { return "<div class=\"nothing\">no room in this page</div>" }
      left -= text.utf8.count
      return "<img alt=\"\(Paths.name(cards[index].image))\" src=\"data:image/jpeg;base64,\(text)\">"
    }
  }

  // MARK: Cards

  private enum Turn: String {
    case lost, gained, even

    var title: String {
      switch self {
      case .lost: "B was more right"
      case .gained: "A was more right"
      case .even: "equally right"
      }
    }
  }

  private func turn(_ question: EvaluatedItem) -> Turn? {
    guard let a = question.a.accuracy, let b = question.b?.accuracy else { return nil }
    return a < b ? .lost : a > b ? .gained : .even
  }

  /// Which flips are shown; nothing to choose where right answers aren't known or all are of one sort.
  private var choices: HTML {
    let turns = cards.flatMap(\.items).compactMap { turn($0) }
    let kinds = [Turn.lost, .gained, .even].map { kind in (kind, turns.count { $0 == kind }) }.filter { $0.1 > 0 }
    guard kinds.count > 1 else { return "" }
    let labels = kinds.map { kind, count -> HTML in
      "<label><input type=\"radio\" name=\"turn\" value=\"\(kind.rawValue)\">\(kind.title) \(count)</label>"
    }
    return """
      <fieldset class="choices" aria-label="which are shown">
      <label><input type="radio" name="turn" value="all" checked>all \(cards.reduce(0) { $0 + $1.items.count })</label>
      \(labels)
      </fieldset>
      """
  }

  private func card(_ card: Card, _ picture: HTML) -> HTML {
    """
    <article class="card">\(picture)<div>
    <div class="file">\(shortened(Paths.name(card.image), to: 200))</div>
    \(card.items.map { flip($0) })</div></article>

    """
  }

  private func flip(_ item: EvaluatedItem) -> HTML {
    let asked = result.items[item.index]
    let question: HTML = words.hasTexts ? "<p>\(shortened(asked.question, to: 400))</p>" : ""
    let right: HTML =
      asked.answers.isEmpty ? "" : "<dt>right</dt><dd>\(Self.answers(asked.answers))</dd>"
    let divergence: HTML =
      item.firstToken.map { "<dt>KL</dt><dd class=\"note\">\(significant($0.divergence)) nats</dd>" } ?? ""
    let turn = turn(item)
    return """
      <div class="flip is-\(turn?.rawValue ?? "unknown")">\(question)<dl>
      <dt>A</dt><dd class="\(Self.style(item.a))">\(Self.text(item.a))</dd>
      <dt>B</dt><dd class="\(Self.style(item.b))">\(Self.text(item.b))</dd>
      \(right)\(divergence)</dl></div>

      """
  }

  private static func style(_ side: EvaluatedItem.Side?) -> String {
    guard let accuracy = side?.accuracy else { return "" }
    return accuracy >= 0.5 ? "good" : "bad"
  }

  /// The answer, and how right it is where it is neither right nor wrong.
  private static func text(_ side: EvaluatedItem.Side?) -> HTML {
    guard let side else { return "" }
    let answer: HTML = side.answer.isEmpty ? "<i>nothing</i>" : HTML(text: shortened(side.answer, to: 200))
    switch side.accuracy {
    case nil: return answer
    case 1: return "\(answer) ✓"
    case 0: return "\(answer) ✗"
    case let accuracy?: return "\(answer) <span class=\"note\">\(percent(accuracy, 0))</span>"
    }
  }

  /// `yes ×7, no ×3`: the most frequent first, the rarest left out where there are many.
  private static func answers(_ answers: [String]) -> String {
    var counts: [(text: String, count: Int)] = []
    for answer in answers {
      if let place = counts.firstIndex(where: { $0.text == answer }) {
        counts[place].count += 1
      } else {
        counts.append((answer, 1))
      }
    }
    let sorted = counts.enumerated().sorted { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }
    let told = sorted.prefix(5).map { item in
      shortened(item.element.text, to: 80) + (answers.count > 1 ? " ×\(item.element.count)" : "")
    }
    return told.joined(separator: ", ") + (sorted.count > 5 ? ", …" : "")
  }
}
