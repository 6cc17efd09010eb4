import Ingot
import IngotRequests

extension ServedNets {
  /// What is asked of these nets by a conversation.
  /// - Throws: `ServiceError` where they can't do that.
  func asked(_ chat: ChatMessages, parameter: String = "messages") throws -> Asked {
    guard nets.task == .answer || nets.task == .caption else {
      let ways = nets.task == .embed ? "use the embeddings" : "ask the paths of /v2 or /ingot"
      throw ServiceError.badRequest(
        "the model \(name) does not chat: \(about) For that, \(ways)", "model", code: "model_not_supported")
    }
    guard let picture = chat.picture else {
      throw ServiceError.badRequest(
        "the model \(name) looks at a picture, and there is none in the request", parameter, code: "image_missing")
    }
    if nets.task == .answer {
      guard let question = chat.question, question.contains(where: { !$0.isWhitespace }) else {
        throw ServiceError.badRequest(
          "the model \(name) answers a question, and there is none", parameter, code: "invalid_value")
      }
      guard chat.beginning == nil else {
        throw ServiceError.badRequest(
          "the model \(name) can't go on from a beginning of an answer", parameter, code: "unsupported_value")
      }
      return Asked(nets: self, picture: picture, question: question)
    }
    return Asked(nets: self, picture: picture, beginning: chat.beginning)
  }

  /// What of a conversation these nets don't read.
  func unread(_ chat: ChatMessages) -> [String] {
    guard nets.task == .caption, let question = chat.question, question.contains(where: { !$0.isWhitespace }) else {
      return chat.unread
    }
    return ["this model reads no questions and no instructions: it says what the picture shows"] + chat.unread
  }
}
