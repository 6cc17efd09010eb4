import Ingot
import IngotRequests

extension RequestTarget {
  /// Bodies in JSON: the first byte chooses the path, the rest is the body.
  static let bodies = RequestTarget("request") { bytes in
    let reader = readers[Int(bytes.first ?? 0) % readers.count]
    let fields = try Fields(parsing: Array(bytes.dropFirst()))
    let request = try reader(fields)
    // Written anew, with other spaces and escapes, it asks for the same.
    for text in [fields.value.compactText, fields.value.prettyText] {
      let again = try sure("the body written again") { try reader(Fields(parsing: Array(text.utf8))) }
      try expect(again == request, "another request when written again: \(again), not \(request)")
    }
  }

  /// What each path reads, as a text that tells two requests apart.
  private static let readers: [@Sendable (Fields) throws -> String] = [
    { fields in
      let request = try ChatRequest(fields)
      try check(request.say, mostStops: 4)
      try check(request.chat)
      return "\(request)"
    },
    { fields in try told(EmbeddingsRequest(openAI: fields)) },
    { fields in try told(OllamaRequest(generate: fields)) },
    { fields in try told(OllamaRequest(chat: fields)) },
    { fields in try told(EmbeddingsRequest(ollama: fields)) },
    { fields in try told(EmbeddingsRequest(olderOllama: fields)) },
    { fields in try OllamaRequest.shownModel(fields) },
    { fields in
      let request = try PictureRequest(fields)
      try check(request.picture)
      let texts = try request.texts()
      try expect((1...Limit.requestItems.value).contains(texts.count), "\(texts.count) texts")
      return "\(request.model) \(request.picture) \(texts)"
    },
    { fields in
      let request = try PictureRequest(fields)
      let classes = try request.classes()
      try expect((1...Limit.requestItems.value).contains(classes.top), "the top \(classes.top)")
      return "\(request.model) \(request.picture) \(classes)"
    },
    { fields in
      let request = try PictureRequest(fields)
      let attention = try request.attention()
      try expect(attention.block ?? 0 >= 0 && attention.head ?? 0 >= 0, "\(attention)")
      return "\(request.model) \(request.picture) \(attention)"
    },
  ]

  private static func told(_ request: EmbeddingsRequest) throws -> String {
    try expect((1...Limit.requestItems.value).contains(request.items.count), "\(request.items.count) items")
    for item in request.items {
      switch item {
      case .text(let text): try expect(!text.isEmpty, "an empty text")
      case .picture(let picture): try check(picture)
      }
    }
    try expect(request.dimensions ?? 1 >= 1, "\(request.dimensions ?? 0) dimensions")
    return "\(request)"
  }

  private static func told(_ request: OllamaRequest) throws -> String {
    try check(request.options.say, mostStops: 16)
    if let chat = request.chat { try check(chat) }
    return "\(request)"
  }

  private static func check(_ say: SayOptions, mostStops: Int) throws {
    try expect((1...1024).contains(say.maximumTokens ?? 1), "\(say.maximumTokens ?? 0) tokens")
    try expect((0...2).contains(say.temperature), "a temperature of \(say.temperature)")
    try expect(say.stop.count <= mostStops && !say.stop.contains(""), "stops at \(say.stop)")
  }

  private static func check(_ chat: ChatMessages) throws {
    try expect(chat.question != nil, "nothing of the user's")
    if let picture = chat.picture { try check(picture) }
  }
}
