import Ingot

/// What is to be made a vector.
package enum SentItem: Sendable {
  case text(String)
  case picture(SentPicture)
}

/// The body of OpenAI's `POST /v1/embeddings`, and of Ollama's `POST /api/embed`.
package struct EmbeddingsRequest: Sendable {
  package let model: String
  package let items: [SentItem]
  package let isBase64: Bool
  package let dimensions: Int?
  /// One of those that the net's publisher has.
  package let prompt: String?
  /// Whether the end of a text that is too long is cut off, or the text refused.
  package let cutsOff: Bool

  /// - Throws: `ServiceError`.
  package init(openAI fields: Fields) throws {
    model = try fields.requiredString("model")
    items = try Self.items(fields)
    switch try fields.string("encoding_format") ?? "float" {
    case "float": isBase64 = false
    case "base64": isBase64 = true
    default:
      throw ServiceError.badRequest(
        "encoding_format is to be float or base64", "encoding_format", code: "invalid_value")
    }
    dimensions = try fields.integer("dimensions", 1...1 << 20)
    prompt = try fields.string("prompt_name")
    cutsOff = true
  }

  /// - Throws: `ServiceError`.
  package init(ollama fields: Fields) throws {
    model = try fields.requiredString("model")
    items = try Self.items(fields)
    cutsOff = try fields.boolean("truncate") ?? true
    dimensions = try fields.integer("dimensions", 1...1 << 20)
    (isBase64, prompt) = (false, nil)
  }

  /// Ollama's older form, of one text.
  /// - Throws: `ServiceError`.
  package init(olderOllama fields: Fields) throws {
    model = try fields.requiredString("model")
    let text = try fields.requiredString("prompt")
    guard !text.isEmpty else { throw ServiceError.badRequest("prompt is empty", "prompt") }
    items = [.text(text)]
    (isBase64, dimensions, prompt, cutsOff) = (false, nil, nil, true)
  }

  /// - Throws: `ServiceError` where vectors of another size were asked for.
  package func checkSize(of vectors: [[Float]]) throws {
    guard let dimensions, let size = vectors.first?.count, size != dimensions else { return }
    throw ServiceError.unsupported("dimensions", "vectors of this model have \(size) elements")
  }

  /// One text or picture, or an array of them. OpenAI's have texts only, and token ids of a vocabulary that is theirs.
  private static func items(_ fields: Fields) throws -> [SentItem] {
    let key = "input"
    let input = try fields.required(key)
    let values: [JSONValue]
    if case .array(let several) = input.content { values = several } else { values = [input] }
    guard !values.isEmpty, values.count <= Limit.requestItems.value else {
      throw ServiceError.badRequest(
        "\(key) has \(values.count) items; 1 to \(Limit.requestItems.value) are possible", key, code: "invalid_value")
    }
    return try values.enumerated().map { index, value in
      let name = if case .array = input.content { "\(key)[\(index)]" } else { key }
      switch value.content {
      case .string(let text):
        guard !text.isEmpty else { throw ServiceError.badRequest("\(name) is empty", name, code: "invalid_value") }
        return .text(text)
      case .object: return try item(Fields(value, at: name))
      case .integer, .array:
        throw ServiceError.unsupported(name, "token ids are of another vocabulary than this model's; send the text")
      default: throw ServiceError.badRequest("\(name) is to be a text, not \(value.kind)", name, code: "invalid_type")
      }
    }
  }

  /// A part as messages have it, or `{"text"}` or `{"image"}` with base64 or a `data:` address.
  private static func item(_ fields: Fields) throws -> SentItem {
    if let image = try fields.string("image") { return .picture(try SentPicture(base64: image, fields.name("image"))) }
    if let image = try fields.fields("image_url") {
      return .picture(try SentPicture(dataAddress: image.requiredString("url"), image.name("url")))
    }
    guard let text = try fields.string("text"), !text.isEmpty else {
      throw ServiceError.badRequest(
        "\(fields.name("text")) is to be a text, or \(fields.name("image")) a picture", fields.name("text"),
        code: "invalid_value")
    }
    return .text(text)
  }
}
