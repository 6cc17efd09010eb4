import Arrays
import Glibc
import Kernels

extension ClipImageEncoder {
  /// An image's vector, not normalized.
  /// - Parameter pixels: channels × (side · side).
  /// - Returns: 1 × projection size.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func callAsFunction(_ pixels: Matrix, _ engine: Engine) throws(Failure) -> Matrix {
    try projected(trunk(pixels, engine), engine)
  }

  /// The vector of an image whose trunk has run.
  /// - Parameter vectors: (1 + patches) × size.
  public func projected(_ vectors: Matrix, _ engine: Engine) throws(Failure) -> Matrix {
    try projection(pooling(vectors), engine)
  }
}

extension ClipTextEncoder {
  /// Width of the vectors.
  public var size: Int { norm.weight.shape.elements }
  /// Most tokens of a text, the first and the last included.
  public var mostTokens: Int { position.count }
  /// How many tokens there are.
  public var vocabularySize: Int { word.count }
  /// What cosines are multiplied by before their softmax.
  public var scale: Float { exp(logitScale.kernel.floats[0]) }

  /// Elements held while so many tokens are run together; as a floating-point number, for dimensions of any size.
  public func activationElements(tokens: Int) -> Double {
    let inner = Double(blocks.map { $0.mlp.fc1.outputs }.max() ?? 0)
    return Double(tokens) * (6 * Double(size) + inner)
  }

  /// Where a text's vector is taken, by transformers' rule (source: 5.24, modeling_clip.py): at the first end token, or at
  /// the first token where there is none; of nets whose configuration says 2, as that of every published net did at first,
  /// at the first of the tokens with the greatest id, which the end token was.
  func pooledPosition(_ tokens: [Int]) -> Int {
    if endToken == 2 { return tokens.firstIndex(of: tokens.max() ?? 0) ?? 0 }
    return tokens.firstIndex(of: endToken) ?? 0
  }

  /// The vectors of texts, not normalized. They may be of different lengths: no padding is needed, since a token sees only
  /// those before it, and none after the one where a text's vector is taken matters.
  /// What a text gives depends on it alone, to the bit, whatever it is run with (but not so at the level of OpenBLAS, whose
  /// products go another way where there are more rows).
  /// - Parameter texts: token ids, from the first token to the last.
  /// - Returns: texts × projection size.
  /// - Throws: `Failure` of kind `badData` for a token that the net doesn't have, or too many; of kind `io` when memory is
  ///   short.
  public func callAsFunction(_ texts: [[Int]], _ engine: Engine) throws(Failure) -> Matrix {
    try projection(filled(texts, engine), engine).rows(0..<texts.count)
  }

  /// The same before the projection: texts × size.
  public func pooled(_ texts: [[Int]], _ engine: Engine) throws(Failure) -> Matrix {
    try filled(texts, engine).rows(0..<texts.count)
  }

  /// That, with rows behind it that are no text's: few rows would be summed in another order.
  private func filled(_ texts: [[Int]], _ engine: Engine) throws(Failure) -> Matrix {
    let least = engine.mostFewRows + 1
    var sequences: [Range<Int>] = []
    for text in texts {
      let start = sequences.last?.upperBound ?? 0
      guard !text.isEmpty, text.count <= mostTokens else {
        throw Failure(.badData, "a text has \(text.count) tokens, not 1 to \(mostTokens)", hint: "shorten it")
      }
      sequences.append(start..<start + pooledPosition(text) + 1)
    }
    let tokens = sequences.last?.upperBound ?? 0
    let x = Matrix(rows: max(tokens, least), columns: size)
    x.rows(tokens..<x.rows).fill(0)
    for (text, rows) in zip(texts, sequences) {
      for (offset, row) in rows.enumerated() {
        guard 0..<vocabularySize ~= text[offset] else {
          throw Failure(
            .badData, "token \(text[offset]) is none of the net's \(vocabularySize)",
            hint: "is the net file's vocabulary the one that its weights were trained with?")
        }
        x.setRow(row, word.row(text[offset]))
        x.addToRow(row, position.row(offset))
      }
    }
    let scratch = BlockScratch(blocks, rows: x.rows, size: size)
    let others = tokens < x.rows ? [tokens..<x.rows] : []
    for block in blocks { try block.run(x, scratch, sequences: sequences + others, isCausal: true, engine) }
    let out = Matrix(rows: max(texts.count, least), columns: size)
    out.rows(texts.count..<out.rows).fill(0)
    for (index, rows) in sequences.enumerated() {
      out.rows(index..<index + 1).copy(pooling(x, at: rows.upperBound - 1))
    }
    norm(out, into: out, engine)
    return out
  }
}
