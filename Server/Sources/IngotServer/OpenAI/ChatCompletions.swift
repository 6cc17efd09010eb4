import Glibc
import HTTPTypes
import Hummingbird
import Ingot

/// `POST /v1/chat/completions`, as OpenAI's reference of 2025 has it.
struct ChatCompletions: Sendable {
  let services: Services

  private struct Options {
    var streams = false
    var tellsUsage = false
  }

  func answer(_ call: Call) async throws -> Response {
    let (fields, share) = try await call.json(in: services.room)
    let served = try services.store.named(fields.requiredString("model"))
    let chat = try ChatMessages(openAI: fields)
    var asked = try served.asked(chat)
    let options = try Self.options(fields, &asked)
    let unread = served.unread(chat)
    let head = Head(model: served.name)
    guard options.streams else {
      let said = try await services.said(asked, call, share)
      return .json(head.completion(said, unread))
    }
    var events = services.events(asked, call, share).makeAsyncIterator()
    // Whatever is wrong shows before the first token, and is told by the status.
    guard let first = try await events.next() else { throw CancellationError() }
    return .streamed(
      "text/event-stream", first: head.opening + head.chunk(first, unread, options.tellsUsage),
      head.pieces(events, unread, options.tellsUsage),
      failed: { "data: \(Interface.openAI.body($0).compactText)\n\n" })
  }

  /// Reads what is asked for besides; what can't be obeyed is refused.
  private static func options(_ fields: Fields, _ asked: inout Asked) throws -> Options {
    let most = try fields.integer("max_completion_tokens", 1...1024) ?? fields.integer("max_tokens", 1...1024)
    asked.options.maximumTokens = most
    asked.options.temperature = try fields.number("temperature", 0...2) ?? 0
    asked.options.seed = UInt64(bitPattern: Int64(try fields.integer("seed") ?? 0))
    asked.options.stop = try fields.texts("stop") ?? []
    guard asked.options.stop.count <= 4, asked.options.stop.allSatisfy({ !$0.isEmpty }) else {
      throw ServiceError.badRequest("stop is to be up to 4 texts, none empty", "stop", code: "invalid_value")
    }
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
    var options = Options()
    options.streams = try fields.boolean("stream") ?? false
    options.tellsUsage = try fields.fields("stream_options")?.boolean("include_usage") ?? false
    return options
  }
}

extension ChatCompletions {
  /// What all pieces of an answer have in common.
  private struct Head: Sendable {
    let id = "chatcmpl-\(RequestName.unique())"
    let created = Int(time(nil))
    let model: String

    private func object(_ kind: String, _ choices: [JSONValue], _ more: [JSONMember]) -> JSONValue {
      JSONValue(
        .object(
          [
            JSONMember("id", .string(id)), JSONMember("object", .string(kind)),
            JSONMember("created", .integer(created)),
            JSONMember("model", .string(model)), JSONMember("system_fingerprint", .string("ingot-\(Ingot.version)")),
            JSONMember("choices", .array(choices)),
          ] + more))
    }

    private static func usage(_ said: Said) -> JSONValue {
      .object([
        "prompt_tokens": .integer(said.promptTokens), "completion_tokens": .integer(said.tokens),
        "total_tokens": .integer(said.promptTokens + said.tokens),
      ])
    }

    /// What clients of others pass over.
    private static func own(_ said: Said, _ unread: [String]) -> JSONMember {
      JSONMember(
        "ingot",
        .object([
          "notes": unread.isEmpty ? nil : .strings(unread),
          "seconds": .object(["look": .number(said.seconds.look), "say": .number(said.seconds.say)]),
        ]))
    }

    func completion(_ said: Said, _ unread: [String]) -> JSONValue {
      let choice: JSONValue = .object([
        "index": 0,
        "message": .object(["role": "assistant", "content": .string(said.text), "refusal": JSONValue.null]),
        "logprobs": JSONValue.null, "finish_reason": .string(said.isCut ? "length" : "stop"),
      ])
      return object("chat.completion", [choice], [JSONMember("usage", Self.usage(said)), Self.own(said, unread)])
    }

    private func data(_ value: JSONValue) -> String { "data: \(value.compactText)\n\n" }

    private func chunk(_ delta: JSONValue, _ reason: String?, _ more: [JSONMember] = []) -> String {
      let choice: JSONValue = .object([
        "index": 0, "delta": delta, "logprobs": JSONValue.null,
        "finish_reason": reason.map { .string($0) } ?? .null,
      ])
      return data(object("chat.completion.chunk", [choice], more))
    }

    var opening: String { chunk(.object(["role": "assistant", "content": ""]), nil) }

    func chunk(_ event: AskEvent, _ unread: [String], _ tellsUsage: Bool) -> String {
      switch event {
      case .piece(let text): return chunk(.object(["content": .string(text)]), nil)
      case .said(let said):
        let last = chunk(.object([:]), said.isCut ? "length" : "stop", [Self.own(said, unread)])
        let usage =
          tellsUsage ? data(object("chat.completion.chunk", [], [JSONMember("usage", Self.usage(said))])) : ""
        return last + usage + "data: [DONE]\n\n"
      }
    }

    func pieces(
      _ events: AsyncThrowingStream<AskEvent, any Error>.AsyncIterator, _ unread: [String], _ tellsUsage: Bool
    ) -> EventTexts {
      EventTexts(events) { chunk($0, unread, tellsUsage) }
    }
  }
}
