import Ingot

/// What Ollama's clients ask for besides, as far as it can be obeyed; what can't is refused, unless it asks for nothing.
package struct OllamaOptions {
  package var streams = true
  package var say = SayOptions()
  package var unread: [String] = []

  /// - Throws: `ServiceError`.
  package init(_ fields: Fields) throws {
    streams = try fields.boolean("stream") ?? true
    try fields.refuse(
      "format", unless: ["", JSONValue.object([:])],
      "the model answers in plain words, and can't be made to write JSON")
    try fields.refuse("tools", unless: [JSONValue.array([JSONValue]())], "the model calls nothing")
    try fields.refuse("think", unless: [false], "the model answers at once")
    try fields.refuse("logprobs", unless: [false], "probabilities of single tokens are not told")
    try fields.refuse("suffix", unless: [""], "the model writes no middles")
    for (key, what) in [("system", "instructions"), ("template", "templates"), ("context", "earlier requests")] {
      if let value = fields[key], value != "", value != JSONValue.array([JSONValue]()) {
        unread.append("\(what) (\(key)) are not read by this model")
      }
    }
    guard let options = try fields.fields("options") else { return }
    // Of Ollama's words for no bound, both mean here what the net's publisher has.
    if let most = try options.integer("num_predict"), most != -1, most != -2 {
      guard (1...1024).contains(most) else {
        throw ServiceError.badRequest(
          "options.num_predict is \(most); 1 to 1024, -1 and -2 are possible", "options.num_predict")
      }
      say.maximumTokens = most
    }
    say.temperature = try options.number("temperature", 0...2) ?? 0
    say.seed = UInt64(bitPattern: Int64(try options.integer("seed") ?? 0))
    say.stop = try options.texts("stop") ?? []
    guard say.stop.allSatisfy({ !$0.isEmpty }), say.stop.count <= 16 else {
      throw ServiceError.badRequest("options.stop is to be up to 16 texts, none empty", "options.stop")
    }
    // The likeliest token is the same, whatever the less likely ones would have been.
    if say.temperature > 0 {
      let all = "tokens are drawn from all, by the temperature"
      try options.refuse("top_k", unless: [0], all)
      try options.refuse("top_p", unless: [1, JSONValue.number(1)], all)
      try options.refuse("min_p", unless: [0, JSONValue.number(0)], all)
      try options.refuse("typical_p", unless: [1, JSONValue.number(1)], all)
    }
    try options.refuse("repeat_penalty", unless: [1, JSONValue.number(1)], "tokens are not penalized")
    for key in ["presence_penalty", "frequency_penalty"] {
      try options.refuse(key, unless: [0, JSONValue.number(0)], "tokens are not penalized")
    }
    try options.refuse("mirostat", unless: [0], "tokens are drawn by the temperature alone")
  }
}
