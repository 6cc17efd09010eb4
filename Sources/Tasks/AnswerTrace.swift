import Arrays
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
  private struct Content {
    var arrays = TraceArrays()
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
        content.arrays.metadata.append(("answers", JSONValue.strings(list.answers).compactText))
        content.arrays.metadata.append(("kTest", String(list.kept)))
      } else {
        let decoding: JSONValue = .object([
          "beams": .integer(rules.beams), "maximumTokens": .integer(rules.maximumTokens),
          "minimumTokens": .integer(rules.minimumTokens),
          "temperature": rules.temperature > 0 ? .number(rules.temperature) : nil,
          "seed": rules.temperature > 0 ? .string(String(rules.seed)) : nil,
        ])
        content.arrays.metadata.append(("decoding", decoding.compactText))
      }
    }
  }

  /// Notes an image.
  /// - Returns: what it is called here.
  func add(_ image: SeenImage, name: String) -> Int { content.withLock { $0.arrays.add(image, name: name) } }

  /// Notes all that was asked about an image at once.
  func add(_ answers: [Answer], _ record: Record, aboutImage number: Int, startToken: Int) {
    content.withLock { content in
      for (index, answer) in answers.enumerated() {
        guard let seen = record.questions[index] else { continue }
        let prefix = "questions.\(content.questions)."
        content.arrays.metadata.append((prefix + "image", String(number)))
        content.arrays.metadata.append((prefix + "text", answer.question))
        content.arrays.metadata.append((prefix + "answer", answer.text))
        content.questions += 1
        content.arrays.add(prefix + "input_ids", seen.tokens)
        content.arrays.add(prefix + "question_embeds", seen.vectors)
        if let first = seen.attention.first {
          let heads = first.rows / max(1, seen.tokens.count)
          content.arrays.add(
            prefix + "question_cross_attention", [seen.attention.count, heads, seen.tokens.count, first.columns],
            seen.attention.flatMap(\.elements))
        }
        if let scores = record.scores[index] {
          content.arrays.add(prefix + "first_step_logits", [scores.columns], scores.elements)
        }
        if let count = content.listed, let ranking = answer.ranking {
          var losses = [Float](repeating: .infinity, count: count)
          for ranked in ranking { losses[ranked.index] = Float(ranked.loss) }
          content.arrays.add(prefix + "ranking", [count], losses)
        } else {
          content.arrays.add(prefix + "answer_ids", [startToken] + answer.tokens)
        }
      }
    }
  }

  /// Writes the file.
  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  public func write(_ path: String) throws {
    let content = content.withLock { $0 }
    try content.arrays.write(path, isShort: content.arrays.images == 1 && content.questions == 1)
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
