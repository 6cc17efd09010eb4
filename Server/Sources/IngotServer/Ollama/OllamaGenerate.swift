import HTTPTypes
import Hummingbird
import Ingot

/// `POST /api/generate` and `POST /api/chat`, as Ollama's API has them.
struct OllamaGenerate: Sendable {
  let services: Services

  func generate(_ call: Call) async throws -> Response {
    let (fields, share) = try await call.json(in: services.room)
    let served = try services.store.named(fields.requiredString("model"))
    let options = try OllamaOptions(fields)
    let prompt = try fields.string("prompt") ?? ""
    let isRaw = try fields.boolean("raw") ?? false
    let pictures = try Self.pictures(fields, "images")
    if prompt.isEmpty, pictures.isEmpty { return try await load(served, fields, call, isChat: false) }
    var chat = try ChatMessages(
      [.init(role: "user", text: prompt, pictures: pictures)], parameter: pictures.count > 1 ? "images" : "prompt")
    // What is not to be put into a template is what the text begins with.
    if isRaw, served.nets.task == .caption {
      (chat.beginning, chat.question) = (prompt, nil)
    }
    return try await answer(served, chat, options, call, share, isChat: false)
  }

  func chat(_ call: Call) async throws -> Response {
    let (fields, share) = try await call.json(in: services.room)
    let served = try services.store.named(fields.requiredString("model"))
    let options = try OllamaOptions(fields)
    let values = try fields.array("messages") ?? []
    if values.isEmpty { return try await load(served, fields, call, isChat: true) }
    var messages: [ChatMessages.Message] = []
    for (index, value) in values.enumerated() {
      let message = try Fields(value, at: "messages[\(index)]")
      let role = try message.requiredString("role")
      guard ["system", "user", "assistant"].contains(role) else {
        throw ServiceError.badRequest(
          "\(message.name("role")) is \"\(role.prefix(40))\"; this model has system, user and assistant",
          message.name("role"))
      }
      messages.append(
        .init(role: role, text: try message.string("content") ?? "", pictures: try Self.pictures(message, "images")))
    }
    return try await answer(served, ChatMessages(messages), options, call, share, isChat: true)
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

  /// Asked for nothing, the nets are opened; kept for no time, they are let go.
  private func load(_ served: ServedNets, _ fields: Fields, _ call: Call, isChat: Bool) async throws -> Response {
    let isLetGo =
      switch fields["keep_alive"]?.content {
      case .integer(let seconds): seconds == 0
      case .number(let seconds): seconds == 0
      case .string(let text): text.hasPrefix("0") && text.allSatisfy { $0 == "0" || $0.isLetter }
      default: false
      }
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
    _ served: ServedNets, _ chat: ChatMessages, _ options: OllamaOptions, _ call: Call, _ share: BodyRoom.Share,
    isChat: Bool
  ) async throws -> Response {
    var asked = try served.asked(chat, parameter: isChat ? "messages" : "images")
    asked.options = options.say
    let unread = served.unread(chat) + options.unread
    let head = Head(model: served.name, isChat: isChat)
    guard options.streams else {
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
