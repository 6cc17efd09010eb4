import HTTPTypes
import Hummingbird
import Ingot

/// `POST /v1/embeddings`: of texts, and of pictures by nets that see them.
struct Embeddings: Sendable {
  let services: Services

  func answer(_ call: Call) async throws -> Response {
    let (fields, share) = try await call.json(in: services.room)
    let served = try services.store.named(fields.requiredString("model"))
    let items = try Self.items(fields)
    let isBase64 =
      switch try fields.string("encoding_format") ?? "float" {
      case "float": false
      case "base64": true
      default:
        throw ServiceError.badRequest(
          "encoding_format is to be float or base64", "encoding_format", code: "invalid_value")
      }
    let dimensions = try fields.integer("dimensions", 1...1 << 20)
    let prompt = try fields.string("prompt_name")
    let made = try await call.connection.whileThere { [services] in
      defer { withExtendedLifetime(share) {} }
      return try await services.queue.work { work in
        try await services.embed(items, by: served, prompt: prompt, in: work)
      }
    }
    if let dimensions, let size = made.vectors.first?.count, size != dimensions {
      throw ServiceError.unsupported("dimensions", "vectors of this model have \(size) elements")
    }
    let data = made.vectors.enumerated().map { index, vector -> JSONValue in
      .object([
        "object": "embedding", "index": .integer(index),
        "embedding": isBase64 ? .string(Self.base64(vector)) : .array(vector.map { JSONValue.float($0) }),
      ])
    }
    return .json(
      .object([
        "object": "list", "data": .array(data), "model": .string(served.name),
        "usage": .object(["prompt_tokens": .integer(made.tokens), "total_tokens": .integer(made.tokens)]),
      ]))
  }

  /// One text or picture, or an array of them. OpenAI's have texts only, and token ids of a vocabulary that is theirs.
  static func items(_ fields: Fields, _ key: String = "input") throws -> [SentItem] {
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

  /// Of float32, the lowest byte first, as OpenAI's clients decode it.
  static func base64(_ vector: [Float]) -> String {
    let bytes = vector.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
    }
    return Ingot.base64(of: bytes)
  }
}

extension JSONValue {
  /// A number that is written in the fewest digits which give the same float32, as the command's lines have it.
  static func float(_ value: Float) -> JSONValue {
    // Its digits as a double are the fewest of that double.
    Double(value.description).map { .number($0) } ?? .null
  }
}
