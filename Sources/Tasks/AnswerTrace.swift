import Arrays
import Checkpoints
import Kernels
import Media
import Synchronization

/// Everything computed on the way to answers, as a safetensors file that other software's can be compared with.
///
/// Of one image and one question: `pixel_values` (3, side, side), `image_embeds` (1 + patches, size), `input_ids`
/// (tokens), `question_embeds` (tokens, size), `question_cross_attention` (blocks, heads, tokens, 1 + patches),
/// `first_step_logits` (words), `answer_ids` (the start token and the answer's). Of several, image I's have `images.I.`
/// before their names and question J's `questions.J.`; the metadata `questions.J.image` says which image it was about.
/// Of a video, `pixel_values` are (frames, 3, side, side), of each frame once; `image_embeds` are the mean; the metadata
/// `images.I.frames` (JSON) has index, time, and picks, how many times the frame counts.
public final class AnswerTrace: Sendable {
  private struct Entry {
    let name: String
    let dimensions: [Int]
    let elementType: ElementType
    let bytes: [UInt8]
  }

  private struct Content {
    var entries: [Entry] = []
    var metadata: [(name: String, value: String)] = []
    var images = 0
    var questions = 0
    /// Of the closed list that answers are chosen from; nil without one.
    var listed: Int?
  }

  private let content = Mutex(Content())

  public init() {}

  /// Notes how answers are made, so that they can be made again.
  func note(_ rules: DecodingRules, list: AnswerList?) {
    content.withLock { content in
      if let list {
        content.listed = list.answers.count
        content.metadata.append(("answers", JSONValue.strings(list.answers).compactText))
        content.metadata.append(("kTest", String(list.kept)))
      } else {
        let decoding: JSONValue = .object([
          "beams": .integer(rules.beams), "maximumTokens": .integer(rules.maximumTokens),
          "minimumTokens": .integer(rules.minimumTokens),
          "temperature": rules.temperature > 0 ? .number(rules.temperature) : nil,
          "seed": rules.temperature > 0 ? .string(String(rules.seed)) : nil,
        ])
        content.metadata.append(("decoding", decoding.compactText))
      }
    }
  }

  /// Notes an image.
  /// - Returns: what it is called here.
  func add(_ image: SeenImage, name: String) -> Int {
    content.withLock { content in
      let number = content.images
      content.images += 1
      content.metadata.append(("images.\(number).name", name))
      let side = Int(Double(image.pixels.first?.columns ?? 0).squareRoot())
      if let frames = image.frames {
        content.metadata.append(("images.\(number).frames", SeenFrame.json(frames).compactText))
      }
      let prefix = "images.\(number)."
      content.entries.append(
        Entry(
          name: prefix + "pixel_values",
          dimensions: (image.frames.map { [$0.count] } ?? []) + [image.pixels.first?.rows ?? 0, side, side],
          elementType: .float32, bytes: image.pixels.flatMap { Floats.bytes($0.elements) }))
      content.entries.append(
        floats(prefix + "image_embeds", [image.vectors.rows, image.vectors.columns], image.vectors))
      return number
    }
  }

  /// Notes all that was asked about an image at once.
  func add(_ answers: [Answer], _ record: Record, aboutImage number: Int, startToken: Int) {
    content.withLock { content in
      for (index, answer) in answers.enumerated() {
        guard let seen = record.questions[index] else { continue }
        let prefix = "questions.\(content.questions)."
        content.metadata.append((prefix + "image", String(number)))
        content.metadata.append((prefix + "text", answer.question))
        content.metadata.append((prefix + "answer", answer.text))
        content.questions += 1
        content.entries.append(integers(prefix + "input_ids", seen.tokens))
        content.entries.append(
          floats(prefix + "question_embeds", [seen.vectors.rows, seen.vectors.columns], seen.vectors))
        if let first = seen.attention.first {
          content.entries.append(
            Entry(
              name: prefix + "question_cross_attention",
              dimensions: [
                seen.attention.count, first.rows / max(1, seen.tokens.count), seen.tokens.count, first.columns,
              ], elementType: .float32, bytes: Floats.bytes(seen.attention.flatMap(\.elements))))
        }
        if let scores = record.scores[index] {
          content.entries.append(floats(prefix + "first_step_logits", [scores.columns], scores))
        }
        if let count = content.listed, let ranking = answer.ranking {
          var losses = [Float](repeating: .infinity, count: count)
          for ranked in ranking { losses[ranked.index] = Float(ranked.loss) }
          content.entries.append(floats(prefix + "ranking", [count], Matrix(rows: 1, columns: count, losses)))
        } else {
          content.entries.append(integers(prefix + "answer_ids", [startToken] + answer.tokens))
        }
      }
    }
  }

  /// Writes the file.
  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  public func write(_ path: String) throws {
    let content = content.withLock { $0 }
    let isOne = content.images == 1 && content.questions == 1
    func short(_ name: String) -> String {
      isOne ? String(name.split(separator: ".", maxSplits: 2).last ?? "") : name
    }
    let arrays = try content.entries.map { entry in
      CheckpointArray(
        name: short(entry.name), shape: try Shape(entry.dimensions), elementType: entry.elementType,
        bytes: entry.bytes.count)
    }
    let writer = try SafetensorsWriter(path, arrays: arrays, metadata: content.metadata)
    for (index, entry) in content.entries.enumerated() { try writer.write(index) { try $0(entry.bytes.rawSpan) } }
    try writer.finish()
    try writer.commit()
  }

  private func floats(_ name: String, _ dimensions: [Int], _ matrix: Matrix) -> Entry {
    Entry(name: name, dimensions: dimensions, elementType: .float32, bytes: Floats.bytes(matrix.elements))
  }

  private func integers(_ name: String, _ values: [Int]) -> Entry {
    Entry(
      name: name, dimensions: [values.count], elementType: .int64,
      bytes: values.flatMap { UInt64(bitPattern: Int64($0)).littleEndianBytes })
  }

  /// What was computed for some questions about one image.
  public final class Record: AnswerObserver {
    package struct Question {
      package let tokens: [Int]
      package let vectors: Matrix
      package let attention: [Matrix]
    }

    package private(set) var questions: [Int: Question] = [:]
    package private(set) var scores: [Int: Matrix] = [:]

    public init() {}

    public var wantsAttention: Bool { true }

    public func question(_ index: Int, tokens: [Int], vectors: Matrix, attention: [Matrix]) {
      questions[index] = Question(tokens: tokens, vectors: vectors, attention: attention)
    }

    public func firstScores(_ index: Int, _ scores: Matrix) {
      // A copy: decoding goes on with the matrix.
      self.scores[index] = Matrix(rows: 1, columns: scores.columns, scores.elements)
    }
  }
}
