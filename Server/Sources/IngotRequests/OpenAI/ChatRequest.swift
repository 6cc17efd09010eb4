import Ingot

/// The body of OpenAI's `POST /v1/chat/completions`.
package struct ChatRequest: Sendable {
  package let model: String
  package let chat: ChatMessages
  package private(set) var say = SayOptions()
  package let streams: Bool
  /// Whether a stream ends with what it took.
  package let tellsUsage: Bool

  /// Reads what is asked for; what can't be obeyed is refused.
  /// - Throws: `ServiceError`.
  package init(_ fields: Fields) throws {
    model = try fields.requiredString("model")
    chat = try ChatMessages(openAI: fields)
    let most = try fields.integer("max_completion_tokens", 1...1024) ?? fields.integer("max_tokens", 1...1024)
    say.maximumTokens = most
    say.temperature = try fields.number("temperature", 0...2) ?? 0
    say.seed = UInt64(bitPattern: Int64(try fields.integer("seed") ?? 0))
    say.stop = try fields.texts("stop") ?? []
    guard say.stop.count <= 4, say.stop.allSatisfy({ !$0.isEmpty }) else {
      throw ServiceError.badRequest("stop is to be up to 4 texts, none empty", "stop", code: "invalid_value")
    }
    streams = try fields.boolean("stream") ?? false
    tellsUsage = try fields.fields("stream_options")?.boolean("include_usage") ?? false
    try Self.refuse(fields)
  }

  private static func refuse(_ fields: Fields) throws {
    try fields.refuse("n", unless: [1], "one answer is made")
    try fields.refuse("top_p", unless: [1, JSONValue.number(1)], "tokens are drawn from all, by the temperature")
    try fields.refuse("logprobs", unless: [false], "probabilities of single tokens are not told")
    try fields.refuse("top_logprobs", unless: [0], "probabilities of single tokens are not told")
    for key in ["frequency_penalty", "presence_penalty"] {
      try fields.refuse(key, unless: [0, JSONValue.number(0)], "tokens are not penalized")
    }
    try fields.refuse("logit_bias", unless: [JSONValue.object([:])], "tokens are not biased")
    for key in ["tools", "functions"] {
      try fields.refuse(key, unless: [JSONValue.array([JSONValue]())], "the model calls nothing")
    }
    try fields.refuse("audio", "the model hears and says nothing")
    try fields.refuse("modalities", unless: [JSONValue.strings(["text"])], "answers are texts")
    if let format = try fields.fields("response_format") {
      try format.refuse("type", unless: ["text"], "the model answers in plain words, and can't be made to write JSON")
    }
  }
}
