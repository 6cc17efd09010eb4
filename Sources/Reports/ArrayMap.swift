import Arrays
import Families

/// Where the elements of a net or checkpoint are: a treemap of its parts, their blocks and their arrays.
struct ArrayMap {
  /// Where an array belongs, by its name.
  struct Place: Hashable {
    /// Of several: the first word of the names, as `text_encoder`.
    let part: String
    /// `encoder.layer.3`, or the first word or two where there is no number.
    let block: String
    /// What it is in a block, as `attention`: one colour.
    let kind: String
    /// The rest, for a short label.
    let label: String

    /// - Parameter common: words that all names begin with, which tell nothing.
    init(_ name: String, hasPart: Bool, common: Int) {
      var words = Self.words(name).dropFirst(common)
      part = hasPart && words.count > 1 ? words.removeFirst() : ""
      if let number = words.dropFirst().firstIndex(where: Self.isNumber) {
        block = words[...number].joined(separator: ".")
        words = words[(number + 1)...]
        kind = words.first ?? "other"
      } else {
        // `bert.embeddings` of `bert.embeddings.word_embeddings.weight`.
        let first = words.prefix(words.count > 3 ? 2 : 1)
        block = first.joined(separator: ".")
        kind = first.last ?? ""
        words = words.dropFirst(first.count)
      }
      let telling = words.filter { !["weight", "kernel", "weights", "gamma"].contains($0) }
      label = telling.suffix(2).joined(separator: ".")
    }

    static func words(_ name: String) -> [String] {
      name.split { $0 == "." || $0 == "/" }.map(String.init)
    }

    private static func isNumber(_ word: String) -> Bool { Int(word.drop { $0 == "_" }) != nil }
  }

  /// An array that is drawn, or what is left of a block.
  struct Leaf {
    let elements: Int
    let place: Place
    /// Of the page's items; nil for what has none of its own.
    let item: Int?
  }

  private struct Node {
    let name: String
    var amount = 0
    var leaves: [Leaf] = []
    var children: [Node] = []

    /// The block's: blocks of one size stand in their order, whatever that of the names in the file.
    var number: Int { name.split { !$0.isNumber }.last.flatMap { Int($0) } ?? 0 }
  }

  private let parts: [Node]
  /// Kinds with a colour of their own, the most elements first.
  private let kinds: [(name: String, elements: Int)]
  private let elements: Int
  private let hasParts: Bool

  private static let colours = 7

  init(_ leaves: [Leaf]) {
    elements = max(1, leaves.reduce(0) { $0 + $1.elements })
    var sums: [String: Int] = [:]
    for leaf in leaves { sums[leaf.place.kind, default: 0] += leaf.elements }
    let kinds = sums.filter { $0.value > 0 }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      .map { (name: $0.key, elements: $0.value) }
    self.kinds = Array(kinds.prefix(Self.colours))
    parts = Self.grouped(leaves) { $0.place.part }.map { part in
      var node = part
      node.children = Self.grouped(part.leaves) { $0.place.block }
      return node
    }
    hasParts = parts.count > 1
  }

  /// By a name, the most elements first.
  private static func grouped(_ leaves: [Leaf], by name: (Leaf) -> String) -> [Node] {
    var nodes: [Node] = []
    var places: [String: Int] = [:]
    for leaf in leaves {
      let name = name(leaf)
      let place = places[name] ?? nodes.count
      if place == nodes.count {
        places[name] = place
        nodes.append(Node(name: name))
      }
      nodes[place].leaves.append(leaf)
      nodes[place].amount += leaf.elements
    }
    return nodes.sorted { ($1.amount, $0.number) < ($0.amount, $1.number) }
  }

  private func colour(_ kind: String) -> Int { kinds.firstIndex { $0.name == kind } ?? Self.colours }

  var html: HTML {
    var entries = kinds.enumerated().map { index, kind in
      (mark: "k\(index)", text: "\(shortened(kind.name, to: 60)) \(Self.share(kind.elements, of: elements))")
    }
    let told = kinds.reduce(0) { $0 + $1.elements }
    if told < elements { entries.append(("k\(Self.colours)", "other \(Self.share(elements - told, of: elements))")) }
    return """
      \(HTML.legend(entries))
      <div class="map">\(drawing("wide", 1128, 560))
      \(drawing("narrow", 358, 560))</div>
      """
  }

  static func share(_ part: Int, of whole: Int) -> String {
    let share = Double(part) / Double(max(1, whole))
    return percent(share, share >= 0.0995 || part == 0 ? 0 : share >= 0.001 ? 1 : 3)
  }

  private func drawing(_ style: String, _ width: Double, _ height: Double) -> HTML {
    var (leaves, frames, names): ([HTML], [HTML], [HTML]) = ([], [], [])
    let whole = Treemap.Rectangle(x: 0, y: 0, width: width, height: height)
    let partPlaces = Treemap.rectangles(parts.map { Double($0.amount) }, in: whole)
    for (part, partPlace) in zip(parts, partPlaces) {
      let blocks = Treemap.rectangles(part.children.map { Double($0.amount) }, in: partPlace)
      for (block, place) in zip(part.children, blocks) {
        let sorted = block.leaves.sorted { $0.elements > $1.elements }
        // The name of the part stands above those of its uppermost blocks.
        let corner = hasParts && place.y == partPlace.y ? 18.0 : 0
        let isNamed = place.width > 40 && place.height > 18 + corner
        for (leaf, rectangle) in zip(sorted, Treemap.rectangles(sorted.map { Double($0.elements) }, in: place)) {
          leaves.append(self.leaf(leaf, rectangle))
          // Its own name at the foot, where it doesn't meet the block's.
          let isFree = rectangle.height > (rectangle.y == place.y ? 36 + corner : 20)
          if isFree, let name = Self.name(leaf.place.label, rectangle.width, 6.4) {
            names.append(
              """
              <text class="leaf-name" x="\(rectangle.x + 5)" y="\(rectangle.y + rectangle.height - 6)">\(name)</text>
              """)
          }
        }
        frames.append(Self.rectangle("frame", place))
        if isNamed, let name = Self.name(block.name, place.width, 7.4) {
          names.append("<text x=\"\(place.x + 5)\" y=\"\(place.y + 15 + corner)\">\(name)</text>")
        }
      }
      if hasParts {
        frames.append(Self.rectangle("part", partPlace))
        if partPlace.height > 20, let name = Self.name(part.name, partPlace.width, 8.2) {
          names.append("<text class=\"part-name\" x=\"\(partPlace.x + 5)\" y=\"\(partPlace.y + 15)\">\(name)</text>")
        }
      }
    }
    return """
      <svg class="\(style)" viewBox="0 0 \(width) \(height)" tabindex="0" role="img" \
      aria-label="elements of parts, blocks and arrays">
      \(leaves)
      \(frames)
      \(names)
      </svg>
      """
  }

  private func leaf(_ leaf: Leaf, _ place: Treemap.Rectangle) -> HTML {
    guard place.area > 0 else { return "" }
    let item: HTML = leaf.item.map { " data-i=\"\($0)\"" } ?? ""
    return """
      <rect class="leaf k\(colour(leaf.place.kind))"\(item) x="\(place.x, 2)" y="\(place.y, 2)" \
      width="\(place.width, 2)" height="\(place.height, 2)"/>

      """
  }

  private static func rectangle(_ style: String, _ place: Treemap.Rectangle) -> HTML {
    """
    <rect class="\(style)" x="\(place.x, 2)" y="\(place.y, 2)" width="\(place.width, 2)" height="\(place.height, 2)"/>

    """
  }

  /// What of a name has room, without the words that it begins with if need be; nil where nothing has.
  /// - Parameter letter: width of a letter.
  private static func name(_ name: String, _ width: Double, _ letter: Double) -> String? {
    let room = Int((width - 8) / letter)
    guard room >= 3 else { return nil }
    var words = name.split(separator: ".")[...]
    while !words.isEmpty {
      let text = words.joined(separator: ".")
      if text.count <= room { return text }
      words.removeFirst()
    }
    return nil
  }
}
