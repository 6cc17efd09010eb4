import Arrays
import Checkpoints
import Kernels
import Nets

/// What a question's tokens look at in an image, and what the answer's tokens look at in the question.
public struct QuestionAttention: Sendable {
  /// A token as the vocabulary has it.
  public struct Token: Sendable {
    public let id: Int
    public let text: String
  }

  /// Shares of attention, after softmax: each row of `columns` has the sum 1.
  public struct Weights: Sendable {
    public let blocks: Int
    public let heads: Int
    /// Tokens that look.
    public let rows: Int
    /// What is looked at.
    public let columns: Int
    /// blocks × heads × rows × columns.
    public let elements: [Float]

    init(_ matrices: [Matrix], rows: Int) {
      blocks = matrices.count
      self.rows = rows
      heads = (matrices.first?.rows ?? 0) / max(1, rows)
      columns = matrices.first?.columns ?? 0
      elements = matrices.flatMap(\.elements)
    }

    /// One row's shares.
    public func row(block: Int, head: Int, _ row: Int) -> ArraySlice<Float> {
      precondition(block >= 0 && block < blocks && head >= 0 && head < heads && row >= 0 && row < rows)
      let start = ((block * heads + head) * rows + row) * columns
      return elements[start..<start + columns]
    }

    /// Of one head, or the mean over all of them: rows × columns.
    public func shares(block: Int, head: Int?) -> [[Double]] {
      let chosen = head.map { [$0] } ?? Array(0..<heads)
      return (0..<rows).map { row in
        var sums = [Double](repeating: 0, count: columns)
        for head in chosen {
          for (index, value) in self.row(block: block, head: head, row).enumerated() { sums[index] += Double(value) }
        }
        return sums.map { $0 / Double(chosen.count) }
      }
    }
  }

  public let question: String
  public let answer: Answer
  /// Of the question, first and last token included.
  public let tokens: [Token]
  /// Of the answer, its end included.
  public let answerTokens: [Token]
  /// The question's tokens over the image's vectors: the class token's, then one per patch, row by row.
  public let image: Weights
  /// The answer's tokens over the question's: a row is what the step looked at that made that token.
  public let text: Weights
  /// Patches per side.
  public let grid: Int

  /// The block that is shown where none is chosen: the last one. On the demo net's pictures, asked "what is the color of
  /// the …?", the heat of "color" lies on the object more surely there than in the block before
  /// (tools/checks/check_attention.py).
  public var usualBlock: Int { image.blocks - 1 }

  /// How much each token looks at each patch, compared with the token that looks there least: the picture that the authors
  /// of BLIP's forerunner show (the first position, the class token's, is dropped; heads are averaged; at each patch the
  /// least of all tokens is subtracted).
  /// - Parameter head: nil: the mean over all heads.
  /// - Returns: tokens × patches.
  public func heat(block: Int, head: Int?) -> [[Double]] {
    let shares = image.shares(block: block, head: head).map { Array($0.dropFirst()) }
    guard let patches = shares.first?.count else { return [] }
    let least = (0..<patches).map { patch in shares.map { $0[patch] }.min() ?? 0 }
    return shares.map { row in zip(row, least).map { $0 - $1 } }
  }

  /// Writes the weights as they are into a safetensors file: `input_ids` (tokens), `question_cross_attention` (blocks,
  /// heads, tokens, 1 + patches), `answer_ids` (the answer's tokens), `answer_cross_attention` (blocks, heads, answer
  /// tokens, tokens).
  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  public func write(_ path: String) throws {
    func integers(_ tokens: [Token]) -> [UInt8] {
      tokens.flatMap { UInt64(bitPattern: Int64($0.id)).littleEndianBytes }
    }
    func floats(_ name: String, _ weights: Weights) -> SafetensorsArray {
      SafetensorsArray(
        name, [weights.blocks, weights.heads, weights.rows, weights.columns], .float32, Floats.bytes(weights.elements))
    }
    try writeSafetensors(
      [
        SafetensorsArray("input_ids", [tokens.count], .int64, integers(tokens)),
        floats("question_cross_attention", image),
        SafetensorsArray("answer_ids", [answerTokens.count], .int64, integers(answerTokens)),
        floats("answer_cross_attention", text),
      ], to: path, metadata: [("question", question), ("answer", answer.text)])
  }
}

/// An array in memory that is to be written.
struct SafetensorsArray {
  let name: String
  let dimensions: [Int]
  let elementType: ElementType
  let bytes: [UInt8]

  init(_ name: String, _ dimensions: [Int], _ elementType: ElementType, _ bytes: [UInt8]) {
    self.name = name
    self.dimensions = dimensions
    self.elementType = elementType
    self.bytes = bytes
  }
}

/// Writes a safetensors file of arrays in memory.
/// - Throws: `Failure` of kind `cannotCreate` or `io`.
func writeSafetensors(
  _ arrays: [SafetensorsArray], to path: String, metadata: [(name: String, value: String)]
) throws {
  let described = try arrays.map { array in
    CheckpointArray(
      name: array.name, shape: try Shape(array.dimensions), elementType: array.elementType, bytes: array.bytes.count)
  }
  let writer = try SafetensorsWriter(path, arrays: described, metadata: metadata)
  for (index, array) in arrays.enumerated() { try writer.write(index) { try $0(array.bytes.rawSpan) } }
  try writer.finish()
  try writer.commit()
}

extension VisualQuestionAnswering {
  /// Answers a question and tells what it looked at.
  /// - Throws: `Failure` as `answer` does.
  public func attention(
    _ question: String, about image: SeenImage, options: AnswerOptions = AnswerOptions()
  ) throws(Failure) -> QuestionAttention {
    let record = AnswerTrace.Record()
    let answers = try answer([question], about: image, options: options, observer: record)
    guard let answer = answers.first, let seen = record.questions[0], let weights = seen.attention.first else {
      throw Failure(.badData, file: nets.textEncoder.path, "the text encoder has no blocks that look at an image")
    }
    let grid = Int(Double(weights.columns - 1).squareRoot().rounded())
    guard grid > 0, grid * grid == weights.columns - 1, weights.elements.allSatisfy(\.isFinite) else {
      throw Failure(
        .badData, file: nets.imageEncoder.path, "what it sees can't be drawn: \(weights.columns - 1) patches",
        hint: "attention is drawn where the patches make a square and all numbers are finite")
    }
    // Once more from the start token to the one before the last: the same steps as when the answer was made.
    var sequences = [
      TextSequence(
        [profile.answer.startToken] + answer.tokens.dropLast(),
        context: try textDecoder.trunk.context(seen.vectors, engine))
    ]
    var steps: [Matrix] = []
    _ = try textDecoder.trunk(&sequences, isCausal: true, engine) { steps.append($1) }
    func named(_ ids: [Int]) -> [QuestionAttention.Token] {
      ids.map { QuestionAttention.Token(id: $0, text: tokenizer.token($0) ?? "#\($0)") }
    }
    return QuestionAttention(
      question: question, answer: answer, tokens: named(seen.tokens), answerTokens: named(answer.tokens),
      image: QuestionAttention.Weights(seen.attention, rows: seen.tokens.count),
      text: QuestionAttention.Weights(steps, rows: answer.tokens.count), grid: grid)
  }
}
