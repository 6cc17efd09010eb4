import Glibc
import HTTPTypes
import Hummingbird
import Ingot
import IngotRequests

/// `POST /v1/chat/completions`, as OpenAI's reference of 2025 has it.
struct ChatCompletions: Sendable {
  let services: Services

  func answer(_ call: Call) async throws -> Response {
    let (fields, share) = try await call.json(in: services.room)
    let request = try ChatRequest(fields)
    let served = try services.store.named(request.model)
    var asked = try served.asked(request.chat)
    asked.options = request.say
    let unread = served.unread(request.chat)
    let head = Head(model: served.name)
    guard request.streams else {
      let said = try await services.said(asked, call, share)
      return .json(head.completion(said, unread))
    }
    var events = services.events(asked, call, share).makeAsyncIterator()
    // Whatever is wrong shows before the first token, and is told by the status.
    guard let first = try await events.next() else { throw CancellationError() }
    return .streamed(
      "text/event-stream", first: head.opening + head.chunk(first, unread, request.tellsUsage),
      head.pieces(events, unread, request.tellsUsage),
      failed: { "data: \(Interface.openAI.body($0).compactText)\n\n" })
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
