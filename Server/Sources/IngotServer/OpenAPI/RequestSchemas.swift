import Ingot

/// What conversations are.
enum ChatSchemas {
  static func request(_ models: [String]) -> JSONValue {
    let part = Schema.oneOf(
      Schema.object(["type": Schema.only("text"), "text": Schema.text]),
      Schema.object([
        "type": Schema.only("image_url"), "image_url": Schema.object(["url": Schema.pictureAddress]),
      ]))
    let message = Schema.object([
      "role": Schema.word("system", "developer", "user", "assistant"),
      "content": Schema.oneOf(Schema.text, Schema.list(part)),
    ])
    return Schema.object(
      ["model": Schema.model(models), "messages": Schema.list(message, least: 1)],
      [
        "stream": Schema.flag, "stream_options": Schema.object([:], ["include_usage": Schema.flag]),
        "max_tokens": Schema.whole(1...1024), "max_completion_tokens": Schema.whole(1...1024),
        "temperature": Schema.number(0...2), "seed": Schema.whole(Int.min...Int.max),
        "stop": Schema.oneOf(Schema.someText, Schema.list(Schema.someText, most: 4)), "n": Schema.only(1),
        "top_p": Schema.only(1), "logprobs": Schema.only(false),
        "response_format": Schema.object([:], ["type": Schema.only("text")]),
      ])
  }

  static let answer = Schema.object([
    "id": Schema.text, "object": Schema.only("chat.completion"), "created": Schema.whole, "model": Schema.text,
    "choices": Schema.list(
      Schema.object([
        "index": Schema.only(0),
        "message": Schema.object(["role": Schema.only("assistant"), "content": Schema.text]),
        "finish_reason": Schema.word("stop", "length"),
      ]), least: 1, most: 1),
    "usage": Schema.object([
      "prompt_tokens": Schema.count, "completion_tokens": Schema.count, "total_tokens": Schema.count,
    ]),
  ])

  private static var options: JSONValue {
    Schema.object(
      [:],
      [
        "num_predict": Schema.oneOf(Schema.whole(1...1024), Schema.whole(-2...(-1))),
        "temperature": Schema.number(0...2),
        "seed": Schema.whole(Int.min...Int.max),
        "stop": Schema.oneOf(Schema.someText, Schema.list(Schema.someText, most: 16)),
      ])
  }

  static func generate(_ models: [String]) -> JSONValue {
    Schema.object(
      ["model": Schema.model(models)],
      [
        "prompt": Schema.text, "images": Schema.list(Schema.picture, most: 1), "stream": Schema.flag,
        "raw": Schema.flag,
        "options": options,
      ])
  }

  static let generated = Schema.object([
    "model": Schema.text, "created_at": Schema.text, "response": Schema.text, "done": Schema.flag,
  ])

  static func talk(_ models: [String]) -> JSONValue {
    let message = Schema.object(
      ["role": Schema.word("system", "user", "assistant")],
      ["content": Schema.text, "images": Schema.list(Schema.picture, most: 1)])
    return Schema.object(
      ["model": Schema.model(models)], ["messages": Schema.list(message), "stream": Schema.flag, "options": options])
  }

  static let talked = Schema.object([
    "model": Schema.text, "created_at": Schema.text, "done": Schema.flag,
    "message": Schema.object(["role": Schema.only("assistant"), "content": Schema.text]),
  ])
}

/// What vectors are made of.
enum EmbeddingSchemas {
  static let vector = Schema.list(Schema.number)

  private static let item = Schema.oneOf(
    Schema.someText, Schema.object(["text": Schema.someText]), Schema.object(["image": Schema.picture]),
    Schema.object(["image_url": Schema.object(["url": Schema.pictureAddress])]))

  private static var input: JSONValue {
    Schema.oneOf(item, Schema.list(item, least: 1, most: Limit.requestItems.value))
  }

  static func request(_ models: [String]) -> JSONValue {
    Schema.object(
      ["model": Schema.model(models), "input": input], ["encoding_format": Schema.word("float", "base64")])
  }

  static let answer = Schema.object([
    "object": Schema.only("list"), "model": Schema.text,
    "data": Schema.list(
      Schema.object([
        "object": Schema.only("embedding"), "index": Schema.count, "embedding": Schema.oneOf(vector, Schema.text),
      ])),
    "usage": Schema.object(["prompt_tokens": Schema.count, "total_tokens": Schema.count]),
  ])

  static func ollama(_ models: [String]) -> JSONValue {
    Schema.object(["model": Schema.model(models), "input": input], ["truncate": Schema.flag])
  }
}

/// What the server's own paths take and give.
enum OwnSchemas {
  static func match(_ models: [String]) -> JSONValue {
    Schema.object([
      "model": Schema.model(models), "image": Schema.picture,
      "texts": Schema.list(Schema.someText, least: 1, most: Limit.requestItems.value),
    ])
  }

  static let matches = Schema.object([
    "model": Schema.text,
    "matches": Schema.list(
      Schema.object(["text": Schema.text, "probability": Schema.number(0...1), "cosine": Schema.number])),
  ])

  static func classify(_ models: [String]) -> JSONValue {
    Schema.object(
      ["model": Schema.model(models), "image": Schema.picture],
      [
        "labels": Schema.list(Schema.someText, least: 1, most: Limit.requestItems.value), "template": Schema.text,
        "top": Schema.whole(1...Limit.requestItems.value),
      ])
  }

  static let classes = Schema.object([
    "model": Schema.text,
    "classes": Schema.list(Schema.object(["label": Schema.text, "value": Schema.number])),
  ])

  static func attention(_ models: [String]) -> JSONValue {
    Schema.object(
      ["model": Schema.model(models), "image": Schema.picture],
      ["question": Schema.text, "block": Schema.count, "head": Schema.count])
  }

  static let arrays = Schema.object([
    "model": Schema.text,
    "arrays": Schema.list(
      Schema.object([
        "part": Schema.text, "name": Schema.text, "shape": Schema.list(Schema.count), "type": Schema.text,
        "bytes": Schema.count,
      ])),
  ])

  static let heat = Schema.object([
    "model": Schema.text, "text": Schema.text, "grid": Schema.count,
    "tokens": Schema.list(Schema.object(["text": Schema.text, "heat": Schema.list(Schema.number)])),
    "blocks": Schema.count, "heads": Schema.count,
  ])
}
