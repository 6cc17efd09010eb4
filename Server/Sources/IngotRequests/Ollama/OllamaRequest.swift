import Ingot

/// The body of Ollama's `POST /api/generate` and `POST /api/chat`.
package struct OllamaRequest: Sendable {
  package let model: String
  package let options: OllamaOptions
  /// nil: nothing is asked, and the nets are to be opened or let go.
  package let chat: ChatMessages?
  /// Whether what was sent is no instruction, but what the text begins with.
  package let isRaw: Bool
  /// Whether nets that nothing is asked of are to be let go.
  package let isLetGo: Bool

  /// - Throws: `ServiceError`.
  package init(generate fields: Fields) throws {
    model = try fields.requiredString("model")
    options = try OllamaOptions(fields)
    isLetGo = Self.isLetGo(fields)
    isRaw = try fields.boolean("raw") ?? false
    let prompt = try fields.string("prompt") ?? ""
    let pictures = try Self.pictures(fields, "images")
    if prompt.isEmpty, pictures.isEmpty {
      chat = nil
    } else {
      chat = try ChatMessages(
        [.init(role: "user", text: prompt, pictures: pictures)], parameter: pictures.count > 1 ? "images" : "prompt")
    }
  }

  /// - Throws: `ServiceError`.
  package init(chat fields: Fields) throws {
    model = try fields.requiredString("model")
    options = try OllamaOptions(fields)
    isLetGo = Self.isLetGo(fields)
    isRaw = false
    var messages: [ChatMessages.Message] = []
    for (index, value) in (try fields.array("messages") ?? []).enumerated() {
      let message = try Fields(value, at: "messages[\(index)]")
      let role = try message.requiredString("role")
      guard ["system", "user", "assistant"].contains(role) else {
        throw ServiceError.badRequest(
          "\(message.name("role")) is \"\(excerpt(role))\"; this model has system, user and assistant",
          message.name("role"))
      }
      messages.append(
        .init(role: role, text: try message.string("content") ?? "", pictures: try Self.pictures(message, "images")))
    }
    chat = messages.isEmpty ? nil : try ChatMessages(messages)
  }

  /// The name in the body of `POST /api/show`, which older clients send as `name`.
  /// - Throws: `ServiceError`.
  package static func shownModel(_ fields: Fields) throws -> String {
    try fields.string("model") ?? fields.requiredString("name")
  }

  private static func pictures(_ fields: Fields, _ key: String) throws -> [SentPicture] {
    let values = try fields.array(key) ?? []
    guard values.count <= Limit.requestItems.value else {
      throw ServiceError.badRequest("\(fields.name(key)) has \(values.count) pictures", fields.name(key))
    }
    return try values.enumerated().map { index, value in
      let name = "\(fields.name(key))[\(index)]"
      guard case .string(let text) = value.content else {
        throw ServiceError.badRequest("\(name) is to be a picture's file in base64, not \(value.kind)", name)
      }
      return try SentPicture(base64: text, name)
    }
  }

  /// Kept for no time, which clients write as a number of seconds or with a unit: `0`, `"0s"`.
  private static func isLetGo(_ fields: Fields) -> Bool {
    switch fields["keep_alive"]?.content {
    case .integer(let seconds): seconds == 0
    case .number(let seconds): seconds == 0
    case .string(let text): text.hasPrefix("0") && text.allSatisfy { $0 == "0" || $0.isLetter }
    default: false
    }
  }
}
