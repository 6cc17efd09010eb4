import Arrays
import Families
import Tasks

/// Vectors of texts and images, for people and as JSON (schemas/reports/embed.schema.json).
public struct EmbeddingReport {
  /// A text or an image, and its vector.
  public struct Item: Sendable {
    public let item: VectorItem
    /// Of a text, from the first to the last.
    public let tokens: Int?
    public let vector: [Float]

    public init(_ item: VectorItem, tokens: Int?, vector: [Float]) {
      (self.item, self.tokens, self.vector) = (item, tokens, vector)
    }
  }

  private let items: [Item]
  private let embedder: Embedder
  /// Where the vectors were written; nil: they are told.
  private let output: String?
  private let failed: FailedInputs

  /// - Parameter failed: images that could not be read.
  public init(_ items: [Item], by embedder: Embedder, output: String?, failed: FailedInputs = FailedInputs()) {
    (self.items, self.embedder, self.output, self.failed) = (items, embedder, output, failed)
  }

  /// Texts that were cut off at the net's length, or may just fill it.
  private var full: Int { items.count { $0.tokens.map { $0 >= most } ?? false } }

  private var most: Int { embedder.texts?.mostTokens ?? .max }

  public var text: String {
    if let output {
      let note = full > 0 ? "; \(grouped(full)) as long as the net takes, or cut off there" : ""
      let images = items.count { $0.item.isImage }
      let texts = items.count - images
      let counts = [texts > 0 ? counted(texts, "text") : nil, images > 0 ? counted(images, "image") : nil]
      let what = counts.compactMap(\.self).joined(separator: ", ")
      return "\(what), \(counted(embedder.size, "element")) each: \(printable(output))\(note)"
    }
    var table = TextTable([.left, .right, .left])
    for item in items {
      let numbers = item.vector.prefix(4).map { rounded(Double($0), 4) }.joined(separator: "  ")
      table.add(shortened(item.item.name, to: 60), item.tokens.map { counted($0, "token") } ?? "image", "\(numbers)  …")
    }
    return (table.lines + similarities).joined(separator: "\n")
  }

  /// How alike some few texts and images are.
  private var similarities: [String] {
    guard (2...12).contains(items.count) else { return [] }
    var table = TextTable([.left] + items.map { _ in .right }, indent: 2)
    table.add([""] + items.indices.map { String($0 + 1) })
    for (number, item) in items.enumerated() {
      let row = items.map { rounded(embedder.similarity.value(item.vector, $0.vector), 4) }
      table.add(["\(number + 1) \(shortened(item.item.name, to: 40))"] + row)
    }
    return [Self.title(embedder.similarity)] + table.lines
  }

  static func title(_ similarity: TextVectorRules.Similarity) -> String {
    switch similarity {
    case .cosine, .dot: similarity.rawValue
    case .euclidean, .manhattan: "\(similarity.rawValue) distance, negative"
    }
  }

  public var json: JSONValue {
    .object([
      "output": output.map { .string($0) }, "elements": .integer(embedder.size), "count": .integer(items.count),
      "full": embedder.texts == nil ? nil : .integer(full),
      "maximumTokens": embedder.texts.map { .integer($0.mostTokens) },
      "texts": told { item in item.item.isImage ? nil : ("text", item.tokens) },
      "images": embedder.images == nil ? nil : told { item in item.item.isImage ? ("image", nil) : nil },
      "failed": failed.json,
    ])
  }

  private func told(_ kind: (Item) -> (String, Int?)?) -> JSONValue? {
    guard output == nil else { return nil }
    let members = items.compactMap { item in
      kind(item).map { name, tokens in
        JSONValue.object([
          name: .string(item.item.name), "tokens": tokens.map { .integer($0) }, "embedding": vectorJSON(item.vector),
        ])
      }
    }
    return .array(members)
  }
}

/// What was found for some queries, for people and as JSON (schemas/reports/embed.schema.json).
public struct SearchReport {
  private let searches: [(query: VectorItem, matches: [VectorTable.Match])]
  private let table: VectorTable
  private let similarity: TextVectorRules.Similarity
  private let failed: FailedInputs

  /// - Parameter failed: images that were queries and could not be read.
  public init(
    _ searches: [(query: VectorItem, matches: [VectorTable.Match])], in table: VectorTable,
    by similarity: TextVectorRules.Similarity, failed: FailedInputs = FailedInputs()
  ) {
    (self.searches, self.table, self.similarity, self.failed) = (searches, table, similarity, failed)
  }

  public var text: String {
    searches.map { search in
      var lines = TextTable([.right, .right, .left], indent: 2)
      for match in search.matches {
        lines.add(
          rounded(match.similarity, 4), String(match.index + 1),
          table.items.map { shortened($0[match.index].name, to: 200) } ?? "")
      }
      return ([printable(search.query.name)] + lines.lines).joined(separator: "\n")
    }.joined(separator: "\n")
  }

  public var json: JSONValue {
    .object([
      "similarity": .string(similarity.rawValue), "elements": .integer(table.size), "count": .integer(table.count),
      "searches": .array(
        searches.map { search in
          .object([
            "query": .string(search.query.name),
            "results": .array(
              search.matches.map { match in
                let item = table.items?[match.index]
                return .object([
                  "line": .integer(match.index + 1), "similarity": .number(match.similarity),
                  "text": item.flatMap { $0.isImage ? nil : .string($0.name) },
                  "image": item.flatMap { $0.isImage ? .string($0.name) : nil },
                ])
              }),
          ])
        }),
      "failed": failed.json,
    ])
  }
}

/// Numbers in the fewest digits that give the same float32.
func vectorJSON(_ vector: [Float]) -> JSONValue {
  .array(vector.map { .number(Double("\($0)") ?? Double($0)) })
}
