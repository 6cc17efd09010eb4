import Arrays
import Checkpoints
import Kernels
import Media
import Nets
import Text

/// What looks at an image's patches, and how much at each: a question's tokens, a caption's, or the class token of the
/// image encoder itself.
public struct ImageAttention: Sendable {
  public enum Subject: Sendable, Equatable {
    /// The text encoder's tokens of a question, and of its answer what the steps looked at in the question.
    case question(String, answer: String)
    /// The steps of the text decoder that made a caption's tokens.
    case caption(String)
    /// The image encoder's class token.
    case classToken

    public var name: String {
      switch self {
      case .question: "question"
      case .caption: "caption"
      case .classToken: "class"
      }
    }
  }

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

    /// - Parameters:
    ///   - matrices: of each block (heads · rows) × columns.
    ///   - first: the first of the rows that are taken.
    init(_ matrices: [Matrix], rows: Int, from first: Int = 0) {
      blocks = matrices.count
      self.rows = rows - first
      heads = (matrices.first?.rows ?? 0) / max(1, rows)
      columns = matrices.first?.columns ?? 0
      let heads = heads
      elements = matrices.flatMap { matrix in
        (0..<heads).flatMap { matrix.rows($0 * rows + first..<($0 + 1) * rows).elements }
      }
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

  public let subject: Subject
  /// What looks: of a question, first and last token included; of a caption, those after its prompt, its end included: a
  /// row of `image` is what the step looked at that made that token.
  public let tokens: [Token]
  /// The tokens over the image's vectors: the class token's, others of some nets, then one per patch, row by row.
  public let image: Weights
  /// Of a question: its answer's tokens, the end included, and these over the question's tokens: a row is what the step
  /// looked at that made that token.
  public let answer: (tokens: [Token], weights: Weights)?
  /// Patches per side.
  public let grid: Int
  /// Vectors of the image before those of its patches: the class token's, and of some nets others.
  public let leading: Int

  /// - Throws: `Failure` of kind `badData` when it can't be drawn.
  init(
    _ subject: Subject, tokens: [Token], image: Weights, leading: Int = 1,
    answer: (tokens: [Token], weights: Weights)? = nil, file: String
  ) throws(Failure) {
    (self.subject, self.tokens, self.image, self.answer) = (subject, tokens, image, answer)
    self.leading = leading
    let patches = image.columns - leading
    grid = Int(Double(max(0, patches)).squareRoot().rounded())
    guard grid > 0, grid * grid == patches, image.elements.allSatisfy(\.isFinite) else {
      throw Failure(
        .badData, file: file, "what it sees can't be drawn: \(patches) patches",
        hint: "attention is drawn where the patches make a square and all numbers are finite")
    }
  }

  /// The block that is shown where none is chosen: the last one. On the demo net's pictures, asked "what is the color of
  /// the …?", the heat of "color" lies on the object more surely there than in the block before
  /// (tools/checks/check_attention.py).
  public var usualBlock: Int { image.blocks - 1 }

  /// Whether heat is told by comparing tokens: there are several.
  public var comparesTokens: Bool { tokens.count > 1 }

  /// How much each token looks at each patch, compared with the token that looks there least: the picture that the authors
  /// of BLIP's forerunner show (the first position, the class token's, is dropped; heads are averaged; at each patch the
  /// least of all tokens is subtracted). Of one token, how much it looks there.
  /// - Parameter head: nil: the mean over all heads.
  /// - Returns: tokens × patches.
  public func heat(block: Int, head: Int?) -> [[Double]] {
    let shares = image.shares(block: block, head: head).map { Array($0[leading...]) }
    guard comparesTokens, let patches = shares.first?.count else { return shares }
    let least = (0..<patches).map { patch in shares.map { $0[patch] }.min() ?? 0 }
    return shares.map { row in zip(row, least).map { $0 - $1 } }
  }

  /// Writes the weights as they are into a safetensors file. Of a question: `input_ids` (tokens), `question_cross_attention`
  /// (blocks, heads, tokens, 1 + patches), `answer_ids` (the answer's tokens), `answer_cross_attention` (blocks, heads,
  /// answer tokens, tokens). Of a caption: `caption_ids` (tokens), `caption_cross_attention` (blocks, heads, tokens,
  /// 1 + patches). Of the class token: `class_attention` (blocks, heads, 1, tokens before the patches + patches).
  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  public func write(_ path: String) throws {
    func integers(_ tokens: [Token]) -> [UInt8] {
      tokens.flatMap { UInt64(bitPattern: Int64($0.id)).littleEndianBytes }
    }
    func floats(_ name: String, _ weights: Weights) -> SafetensorsArray {
      SafetensorsArray(
        name, [weights.blocks, weights.heads, weights.rows, weights.columns], .float32, Floats.bytes(weights.elements))
    }
    func ids(_ name: String, _ tokens: [Token]) -> SafetensorsArray {
      SafetensorsArray(name, [tokens.count], .int64, integers(tokens))
    }
    switch subject {
    case .question(let question, let told):
      var arrays = [ids("input_ids", tokens), floats("question_cross_attention", image)]
      if let answer {
        arrays += [ids("answer_ids", answer.tokens), floats("answer_cross_attention", answer.weights)]
      }
      try writeSafetensors(arrays, to: path, metadata: [("question", question), ("answer", told)])
    case .caption(let caption):
      let arrays = [ids("caption_ids", tokens), floats("caption_cross_attention", image)]
      try writeSafetensors(arrays, to: path, metadata: [("caption", caption)])
    case .classToken: try writeSafetensors([floats("class_attention", image)], to: path, metadata: [])
    }
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
  ) throws(Failure) -> ImageAttention {
    let record = AnswerTrace.Record()
    let answers = try answer([question], about: image, options: options, observer: record)
    guard let answer = answers.first, let seen = record.questions[0], !seen.attention.isEmpty else {
      throw Failure(.badData, file: nets.textEncoder.path, "the text encoder has no blocks that look at an image")
    }
    // Once more from the start token to the one before the last: the same steps as when the answer was made.
    var sequences = [
      TextSequence(
        [profile.answer.startToken] + answer.tokens.dropLast(),
        context: try textDecoder.trunk.context(seen.vectors, engine))
    ]
    var steps: [Matrix] = []
    _ = try textDecoder.trunk(&sequences, isCausal: true, engine) { steps.append($1) }
    return try ImageAttention(
      .question(question, answer: answer.text), tokens: tokenizer.named(seen.tokens),
      image: ImageAttention.Weights(seen.attention, rows: seen.tokens.count),
      answer: (tokenizer.named(answer.tokens), ImageAttention.Weights(steps, rows: answer.tokens.count)),
      file: nets.imageEncoder.path)
  }
}

extension ImageCaptioning {
  /// Says what an image shows, and what its tokens looked at.
  /// - Throws: `Failure` as `caption` does.
  public func attention(
    about image: SeenImage, options: CaptionOptions = CaptionOptions()
  ) throws(Failure) -> ImageAttention {
    let caption = try caption(image, options: options)
    let beginning = caption.promptTokens
    // Once more, all tokens but the last: the same steps as when the caption was made.
    var sequences = [
      TextSequence(
        beginning + caption.tokens.dropLast(), context: try textDecoder.trunk.context(image.vectors, engine))
    ]
    let rows = sequences[0].tokens.count
    var steps: [Matrix] = []
    _ = try textDecoder.trunk(&sequences, isCausal: true, engine) { steps.append($1) }
    return try ImageAttention(
      .caption(caption.text), tokens: tokenizer.named(caption.tokens),
      image: ImageAttention.Weights(steps, rows: rows, from: beginning.count - 1), file: nets.imageEncoder.path)
  }
}

extension ImageFeatures {
  /// What the image encoder's class token looks at, block by block.
  /// - Throws: `Failure` of kind `badData` when the net's numbers are not finite, `io` when memory is short.
  public func attention(of picture: Picture) throws(Failure) -> ImageAttention {
    let blocks = try trunk.classAttention(image.pixels(of: picture), engine)
    return try ImageAttention(
      .classToken, tokens: [ImageAttention.Token(id: 0, text: "class token")],
      image: ImageAttention.Weights(blocks, rows: 1), leading: trunk.tokens, file: path)
  }
}

extension WordPiece {
  fileprivate func named(_ ids: [Int]) -> [ImageAttention.Token] {
    ids.map { ImageAttention.Token(id: $0, text: token($0) ?? "#\($0)") }
  }
}
