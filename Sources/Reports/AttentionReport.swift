import Arrays
import Tasks

/// What looked at an image, for people and as JSON (schemas/reports/attention.schema.json).
public struct AttentionReport {
  private let attention: ImageAttention
  private let output: String
  private let image: String

  public init(_ attention: ImageAttention, image: String, output: String) {
    self.attention = attention
    self.image = image
    self.output = output
  }

  public var text: String {
    """
    \(printable(attention.told))
    \(counted(attention.tokens.count, "token")), \(counted(attention.image.blocks, "block")), \
    \(counted(attention.image.heads, "head")), \(attention.grid) × \(attention.grid) patches: \(printable(output))
    """
  }

  public var json: JSONValue {
    func list(_ tokens: [ImageAttention.Token]) -> JSONValue {
      .array(tokens.map { .object(["id": .integer($0.id), "text": .string($0.text)]) })
    }
    var (question, answer, caption): (String?, String?, String?) = (nil, nil, nil)
    switch attention.subject {
    case .question(let asked, let told): (question, answer) = (asked, told)
    case .caption(let text): caption = text
    case .classToken: break
    }
    return .object([
      "output": .string(output), "image": .string(image), "subject": .string(attention.subject.name),
      "question": question.map { .string($0) }, "answer": answer.map { .string($0) },
      "caption": caption.map { .string($0) },
      "tokens": attention.subject == .classToken ? nil : list(attention.tokens),
      "answerTokens": attention.answer.map { list($0.tokens) }, "blocks": .integer(attention.image.blocks),
      "heads": .integer(attention.image.heads), "grid": .integer(attention.grid),
    ])
  }
}

extension ImageAttention {
  /// What a drawing is headed by.
  var title: String {
    switch subject {
    case .question(let question, _): question
    case .caption(let caption): caption
    case .classToken: "What the class token looks at"
    }
  }

  /// What was made of the image.
  var told: String {
    switch subject {
    case .question(_, let answer): answer
    case .caption(let caption): caption
    case .classToken: "class token"
    }
  }
}
