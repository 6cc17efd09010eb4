import Arrays
import Tasks

/// What a question looked at, for people and as JSON (schemas/reports/attention.schema.json).
public struct AttentionReport {
  private let attention: QuestionAttention
  private let output: String
  private let image: String

  public init(_ attention: QuestionAttention, image: String, output: String) {
    self.attention = attention
    self.image = image
    self.output = output
  }

  public var text: String {
    """
    \(printable(attention.answer.text))
    \(counted(attention.tokens.count, "token")), \(counted(attention.image.blocks, "block")), \
    \(counted(attention.image.heads, "head")), \(attention.grid) × \(attention.grid) patches: \(printable(output))
    """
  }

  public var json: JSONValue {
    func list(_ tokens: [QuestionAttention.Token]) -> JSONValue {
      .array(tokens.map { .object(["id": .integer($0.id), "text": .string($0.text)]) })
    }
    return .object([
      "output": .string(output), "image": .string(image), "question": .string(attention.question),
      "answer": .string(attention.answer.text), "tokens": list(attention.tokens),
      "answerTokens": list(attention.answerTokens), "blocks": .integer(attention.image.blocks),
      "heads": .integer(attention.image.heads), "grid": .integer(attention.grid),
    ])
  }
}
