import HTTPTypes
import Hummingbird
import Ingot
import IngotRequests

/// `POST /api/generate` and `POST /api/chat`, as Ollama's API has them.
struct OllamaGenerate: Sendable {
  let services: Services

  func generate(_ call: Call) async throws -> Response {
    let (fields, share) = try await call.json(in: services.room)
    return try await answer(OllamaRequest(generate: fields), call, share, isChat: false)
  }

  func chat(_ call: Call) async throws -> Response {
    let (fields, share) = try await call.json(in: services.room)
    return try await answer(OllamaRequest(chat: fields), call, share, isChat: true)
  }

  /// Asked for nothing, the nets are opened; kept for no time, they are let go.
  private func load(_ served: ServedNets, isLetGo: Bool, isChat: Bool) async throws -> Response {
    if isLetGo {
      services.store.letGo(served)
    } else {
      try await services.queue.work { work in
        try await work.compute { [store = services.store] in
          do throws(Failure) { _ = try store.open(served) } catch { throw ServiceError(running: error) }
        }
      }
    }
    let head = Head(model: served.name, isChat: isChat)
    return .json(head.object("", [JSONMember("done", true), JSONMember("done_reason", isLetGo ? "unload" : "load")]))
  }

  private func answer(
    _ request: OllamaRequest, _ call: Call, _ share: BodyRoom.Share, isChat: Bool
  ) async throws -> Response {
    let served = try services.store.named(request.model)
    guard var chat = request.chat else {
      return try await load(served, isLetGo: request.isLetGo, isChat: isChat)
    }
    // What is not to be put into a template is what the text begins with.
    if request.isRaw, served.nets.task == .caption { (chat.beginning, chat.question) = (chat.question, nil) }
    var asked = try served.asked(chat, parameter: isChat ? "messages" : "images")
    asked.options = request.options.say
    let unread = served.unread(chat) + request.options.unread
    let head = Head(model: served.name, isChat: isChat)
    guard request.options.streams else {
      return .json(head.end(try await services.said(asked, call, share), unread, tellsText: true))
    }
    var events = services.events(asked, call, share).makeAsyncIterator()
    guard let first = try await events.next() else { throw CancellationError() }
    let text: @Sendable (AskEvent) -> String = { event in
      let value =
        switch event {
        case .piece(let piece): head.object(piece, [JSONMember("done", false)])
        case .said(let said): head.end(said, unread, tellsText: false)
        }
      return value.compactText + "\n"
    }
    return .streamed(
      "application/x-ndjson", first: text(first), EventTexts(events, text),
      failed: { Interface.ollama.body($0).compactText + "\n" })
  }

  private struct Head: Sendable {
    let model: String
    let isChat: Bool
    let start = ContinuousClock.now

    func object(_ text: String, _ more: [JSONMember]) -> JSONValue {
      let said =
        isChat
        ? JSONMember("message", .object(["role": "assistant", "content": .string(text)]))
        : JSONMember("response", .string(text))
      return JSONValue(
        .object(
          [JSONMember("model", .string(model)), JSONMember("created_at", .string(Timestamp.now)), said] + more))
    }

    func end(_ said: Said, _ unread: [String], tellsText: Bool) -> JSONValue {
      func nanoseconds(_ seconds: Double) -> JSONValue { .integer(Int(seconds * 1e9)) }
      var more = [
        JSONMember("done", true), JSONMember("done_reason", .string(said.isCut ? "length" : "stop")),
        JSONMember("total_duration", nanoseconds((ContinuousClock.now - start).seconds)),
        JSONMember("load_duration", 0),
        JSONMember("prompt_eval_count", .integer(said.promptTokens)),
        JSONMember("prompt_eval_duration", nanoseconds(said.seconds.look)),
        JSONMember("eval_count", .integer(said.tokens)), JSONMember("eval_duration", nanoseconds(said.seconds.say)),
      ]
      if !unread.isEmpty { more.append(JSONMember("ingot", .object(["notes": .strings(unread)]))) }
      return object(tellsText ? said.text : "", more)
    }
  }
}
