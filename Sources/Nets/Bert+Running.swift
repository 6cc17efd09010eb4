import Arrays
import Kernels

extension BertEmbedder {
  /// A text's vector.
  /// - Parameters:
  ///   - vectors: what the encoder makes of its tokens.
  ///   - first: the first token that counts.
  public func vector(_ vectors: Matrix, from first: Int = 0) -> [Float] {
    let pooled = pooling(vectors, from: first)
    return normalize?(pooled) ?? pooled
  }
}

extension BertEncoder {
  /// Width of the vectors.
  public var size: Int { embeddings.norm.weight.shape.elements }

  /// Most tokens of a text.
  public var mostTokens: Int { embeddings.position.count }

  /// How many tokens there are.
  public var vocabularySize: Int { embeddings.word.count }

  /// Elements held while texts of so many tokens together are run, the longest of which has `longest`.
  public func activationElements(tokens: Int, longest: Int) -> Double {
    let inner = Double(blocks.map { $0.mlp.mlp.fc1.outputs }.max() ?? 0)
    let perToken = 6 * Double(size) + inner
    // Each thread packs keys and values of a head, and scores of some rows.
    return Double(tokens) * perToken + Double(longest) * (2 * Double(size) + 64)
  }

  /// Runs several texts together. No padding is needed, since only attention knows of texts, and each has its own. What a
  /// text gives depends on it alone, to the bit, whatever it is run with (but not so at the level of OpenBLAS).
  /// - Parameter texts: token ids.
  /// - Returns: all tokens × size, one text after the other.
  /// - Throws: `Failure` of kind `badData` for a token or a position the net doesn't have; of kind `io` when memory is
  ///   short.
  public func callAsFunction(_ texts: [[Int]], _ engine: Engine) throws(Failure) -> Matrix {
    let tokens = texts.reduce(0) { $0 + $1.count }
    let all = Matrix(rows: tokens, columns: size)
    try embed(texts, into: all, engine)
    var ranges: [Range<Int>] = []
    for text in texts where !text.isEmpty {
      let start = ranges.last?.upperBound ?? 0
      ranges.append(start..<start + text.count)
    }
    for block in blocks {
      try block.attention.run(all, engine) { query, key, value, output in
        ranges.map { range in
          block.attention.attention.map(
            queries: query.rows(range), keys: key.rows(range), values: value.rows(range), into: output.rows(range))
        }
      }
      try block.mlp.mlp.add(all, to: all, engine)
      block.mlp.norm(all, into: all, engine)
    }
    return all
  }

  /// In the publisher's order of sums: word, token type, position.
  private func embed(_ texts: [[Int]], into x: Matrix, _ engine: Engine) throws(Failure) {
    let type = embeddings.tokenType.row(0)
    var row = 0
    for text in texts {
      guard text.count <= mostTokens else {
        throw Failure(.badData, "a text has \(text.count) tokens; the net takes \(mostTokens)", hint: "shorten it")
      }
      for (position, token) in text.enumerated() {
        guard (0..<vocabularySize).contains(token) else {
          throw Failure(
            .badData, "token \(token) is none of the net's \(vocabularySize)",
            hint: "is the net file's vocabulary the one that its weights were trained with?")
        }
        x.setRow(row, embeddings.word.row(token))
        x.addToRow(row, type)
        x.addToRow(row, embeddings.position.row(position))
        row += 1
      }
    }
    x.rows(row..<x.rows).fill(0)
    embeddings.norm(x, into: x, engine)
  }
}
