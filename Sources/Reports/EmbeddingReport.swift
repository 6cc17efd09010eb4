import Arrays
import Families
import Tasks

/// Vectors of texts, for people and as JSON (schemas/reports/embed.schema.json).
public struct EmbeddingReport {
  /// A text and its vector.
  public struct Item: Sendable {
    public let text: String
    /// From [CLS] to [SEP].
    public let tokens: Int
    public let vector: [Float]

    public init(text: String, tokens: Int, vector: [Float]) {
      (self.text, self.tokens, self.vector) = (text, tokens, vector)
    }
  }

  private let items: [Item]
  private let rules: TextVectorRules
  private let size: Int
  /// Where the vectors were written; nil: they are told.
  private let output: String?

  public init(_ items: [Item], rules: TextVectorRules, size: Int, output: String?) {
    (self.items, self.rules, self.size, self.output) = (items, rules, size, output)
  }

  /// Texts that were cut off at the net's length, or may just fill it.
  private var full: Int { items.count { $0.tokens >= rules.maximumTokens } }

  public var text: String {
    if let output {
      let note = full > 0 ? "; \(grouped(full)) as long as the net takes, or cut off there" : ""
      return "\(counted(items.count, "text")), \(counted(size, "element")) each: \(printable(output))\(note)"
    }
    var table = TextTable([.left, .right, .left])
    for item in items {
      let numbers = item.vector.prefix(4).map { rounded(Double($0), 4) }.joined(separator: "  ")
      table.add(shortened(item.text, to: 60), counted(item.tokens, "token"), "\(numbers)  …")
    }
    return (table.lines + similarities).joined(separator: "\n")
  }

  /// How alike some few texts are.
  private var similarities: [String] {
    guard (2...12).contains(items.count) else { return [] }
    var table = TextTable([.left] + items.map { _ in .right }, indent: 2)
    table.add([""] + items.indices.map { String($0 + 1) })
    for (number, item) in items.enumerated() {
      let row = items.map { rounded(rules.similarity.value(item.vector, $0.vector), 4) }
      table.add(["\(number + 1) \(shortened(item.text, to: 40))"] + row)
    }
    return [Self.title(rules.similarity)] + table.lines
  }

  static func title(_ similarity: TextVectorRules.Similarity) -> String {
    switch similarity {
    case .cosine, .dot: similarity.rawValue
    case .euclidean, .manhattan: "\(similarity.rawValue) distance, negative"
    }
  }

  public var json: JSONValue {
    .object([
      "output": output.map { .string($0) }, "elements": .integer(size), "count": .integer(items.count),
      "full": .integer(full), "maximumTokens": .integer(rules.maximumTokens),
      "texts": output != nil
        ? nil
        : .array(
          items.map {
            .object([
              "text": .string($0.text), "tokens": .integer($0.tokens), "embedding": vectorJSON($0.vector),
            ])
          }),
    ])
  }
}

/// What was found for some queries, for people and as JSON (schemas/reports/embed.schema.json).
public struct SearchReport {
  private let searches: [(query: String, matches: [VectorTable.Match])]
  private let table: VectorTable
  private let similarity: TextVectorRules.Similarity

  public init(
    _ searches: [(query: String, matches: [VectorTable.Match])], in table: VectorTable,
    by similarity: TextVectorRules.Similarity
  ) {
    (self.searches, self.table, self.similarity) = (searches, table, similarity)
  }

  public var text: String {
    searches.map { search in
      var lines = TextTable([.right, .right, .left], indent: 2)
      for match in search.matches {
        lines.add(
          rounded(match.similarity, 4), String(match.index + 1),
          table.texts.map { shortened($0[match.index], to: 200) } ?? "")
      }
      return ([printable(search.query)] + lines.lines).joined(separator: "\n")
    }.joined(separator: "\n")
  }

  public var json: JSONValue {
    .object([
      "similarity": .string(similarity.rawValue), "elements": .integer(table.size), "count": .integer(table.count),
      "searches": .array(
        searches.map { search in
          .object([
            "query": .string(search.query),
            "results": .array(
              search.matches.map { match in
                .object([
                  "line": .integer(match.index + 1), "similarity": .number(match.similarity),
                  "text": table.texts.map { .string($0[match.index]) },
                ])
              }),
          ])
        }),
    ])
  }
}

/// Numbers in the fewest digits that give the same float32.
func vectorJSON(_ vector: [Float]) -> JSONValue {
  .array(vector.map { .number(Double("\($0)") ?? Double($0)) })
}
