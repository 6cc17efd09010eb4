import Ingot

/// A conversation as OpenAI's and Ollama's clients send it, as far as nets read it that look at one picture and answer one
/// question.
package struct ChatMessages: Sendable {
  /// The text of the last message of the user.
  package var question: String?
  /// The last picture at or before it.
  package var picture: SentPicture?
  /// What the answer is to go on from: the text of an assistant's message that comes last.
  package var beginning: String?
  /// What of the conversation the nets don't read.
  package var unread: [String] = []

  /// One message, in either interface's form.
  package struct Message {
    package var role: String
    package var text: String
    package var pictures: [SentPicture]

    package init(role: String, text: String, pictures: [SentPicture]) {
      (self.role, self.text, self.pictures) = (role, text, pictures)
    }
  }

  package init(_ messages: [Message], parameter: String = "messages") throws {
    var messages = messages
    if let last = messages.last, last.role == "assistant" {
      beginning = last.text
      messages.removeLast()
    }
    guard let index = messages.lastIndex(where: { $0.role == "user" }) else {
      throw ServiceError.badRequest("\(parameter) has no message of the user", parameter, code: "invalid_value")
    }
    guard index == messages.count - 1 else {
      throw ServiceError.badRequest(
        "the last of \(parameter) is to be the user's, or the assistant's with what the answer is to begin with",
        parameter, code: "invalid_value")
    }
    question = messages[index].text
    for message in messages[...index].reversed() where !message.pictures.isEmpty {
      guard message.pictures.count == 1 else {
        throw ServiceError.badRequest(
          "this model looks at one picture at a time, and a message has \(message.pictures.count)", parameter,
          code: "too_many_images")
      }
      picture = message.pictures[0]
      break
    }
    if messages.contains(where: { $0.role == "system" || $0.role == "developer" }) {
      unread.append("instructions (system messages) are not read by this model")
    }
    if messages[..<index].contains(where: { $0.role == "user" || $0.role == "assistant" }) {
      unread.append("earlier messages are not read by this model: each question stands alone")
    }
  }
}

extension ChatMessages {
  /// The messages of OpenAI's chat completions.
  package init(openAI fields: Fields) throws {
    let values = try fields.array("messages") ?? []
    _ = try fields.required("messages")
    guard !values.isEmpty else {
      throw ServiceError.badRequest("messages is empty", "messages", code: "invalid_value")
    }
    var messages: [Message] = []
    for (index, value) in values.enumerated() {
      messages.append(try Message(openAI: Fields(value, at: "messages[\(index)]")))
    }
    try self.init(messages)
  }
}

extension ChatMessages.Message {
  fileprivate init(openAI fields: Fields) throws {
    role = try fields.requiredString("role")
    guard ["system", "developer", "user", "assistant"].contains(role) else {
      throw ServiceError.badRequest(
        "\(fields.name("role")) is \"\(excerpt(role))\"; this model has system, developer, user and assistant",
        fields.name("role"), code: "invalid_value")
    }
    pictures = []
    guard let content = fields["content"] else {
      guard role == "assistant" else { throw fields.wrong("content", "a string or an array of parts") }
      text = ""
      return
    }
    switch content.content {
    case .string(let whole): text = whole
    case .array(let parts):
      var texts: [String] = []
      for (index, part) in parts.enumerated() {
        let part = try Fields(part, at: "\(fields.name("content"))[\(index)]")
        switch try part.requiredString("type") {
        case "text": texts.append(try part.requiredString("text"))
        case "image_url":
          // Some clients write the address where the object belongs.
          if case .string(let address)? = part["image_url"]?.content {
            pictures.append(try SentPicture(dataAddress: address, part.name("image_url")))
            continue
          }
          guard let image = try part.fields("image_url") else { throw part.wrong("image_url", "an object") }
          pictures.append(try SentPicture(dataAddress: image.requiredString("url"), image.name("url")))
        case let other:
          throw ServiceError.badRequest(
            "\(part.name("type")) is \"\(excerpt(other))\"; parts are text and image_url", part.name("type"),
            code: "invalid_value")
        }
      }
      text = texts.joined(separator: "\n")
    default: throw fields.wrong("content", "a string or an array of parts")
    }
  }
}
