import Ingot
import IngotRequests
import Testing

/// Bodies as OpenAI's and Ollama's references have them.
@Suite struct ChatTests {
  private static let pixel =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

  @Test func openAI() throws {
    let request = try ChatRequest(
      body(
        """
        {"model": "blip-vqa:demo", "messages": [
          {"role": "developer", "content": "Be brief."},
          {"role": "user", "content": "Hello"}, {"role": "assistant", "content": null},
          {"role": "user", "content": [
            {"type": "text", "text": "What's in"}, {"type": "text", "text": "this image?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,\(Self.pixel)", "detail": "auto"}}]}],
         "max_completion_tokens": 300, "max_tokens": 7, "temperature": 0.7, "seed": -1, "stop": "\\n", "stream": true,
         "stream_options": {"include_usage": true}, "user": "someone", "n": 1, "top_p": 1.0, "tools": []}
        """))
    #expect(request.model == "blip-vqa:demo")
    #expect(request.chat.question == "What's in\nthis image?")
    #expect(request.chat.picture?.bytes.count == 70 && request.chat.picture?.bytes.starts(with: [0x89, 0x50]) == true)
    #expect(request.chat.unread.count == 2 && request.chat.beginning == nil)
    #expect(request.say.maximumTokens == 300 && request.say.temperature == 0.7 && request.say.seed == .max)
    #expect(request.say.stop == ["\n"] && request.streams && request.tellsUsage)
  }

  @Test func whatOpenAIsMembersMayBe() throws {
    func read(_ more: String) -> ServiceError? {
      refusal { try ChatRequest(body(#"{"model":"m","messages":[{"role":"user","content":"a"}]\#(more)}"#)) }
    }
    #expect(read("") == nil)
    let refused = [
      #""n":2"#: "n", #""top_p":0.9"#: "top_p", #""logprobs":true"#: "logprobs", #""tools":[{}]"#: "tools",
      #""frequency_penalty":0.1"#: "frequency_penalty", #""logit_bias":{"1":2}"#: "logit_bias",
      #""response_format":{"type":"json_object"}"#: "response_format.type", #""modalities":["audio"]"#: "modalities",
      #""max_tokens":0"#: "max_tokens", #""max_tokens":1025"#: "max_tokens", #""temperature":2.1"#: "temperature",
      #""stop":["a","b","c","d","e"]"#: "stop", #""stop":"""#: "stop", #""stream":1"#: "stream", #""seed":0.5"#: "seed",
    ]
    for (member, name) in refused { #expect(read("," + member)?.parameter == name, "\(member)") }
  }

  @Test(arguments: [
    (#"[]"#, "messages"), (#"{}"#, "messages"), (#"[1]"#, "messages[0]"), (#"[{"content":"a"}]"#, "messages[0].role"),
    (#"[{"role":"tool","content":"a"}]"#, "messages[0].role"), (#"[{"role":"user"}]"#, "messages[0].content"),
    (#"[{"role":"assistant","content":"a"}]"#, "messages"),
    (#"[{"role":"user","content":"a"},{"role":"system","content":"a"}]"#, "messages"),
    (#"[{"role":"user","content":[{"type":"input_audio"}]}]"#, "messages[0].content[0].type"),
    (#"[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]"#, "messages[0].content[0].image_url.url"),
    (
      #"[{"role":"user","content":[{"type":"image_url","image_url":{"url":"/etc/passwd"}}]}]"#,
      "messages[0].content[0].image_url.url"
    ),
    (
      #"[{"role":"user","content":[{"type":"image_url","image_url":"data:,a"},{"type":"image_url","image_url":"data:,b"}]}]"#,
      "messages"
    ),
  ])
  func wrongConversations(messages: String, parameter: String) throws {
    let told = refusal { try ChatRequest(body(#"{"model":"m","messages":\#(messages)}"#)) }
    #expect(told?.status == .badRequest && told?.parameter == parameter, "\(told?.message ?? "it is taken")")
  }

  @Test func ollama() throws {
    let request = try OllamaRequest(
      generate: body(
        """
        {"model": "llava", "prompt": "What is in this picture?", "stream": false, "images": ["\(Self.pixel)"],
         "options": {"num_predict": 100, "temperature": 0.8, "seed": 42, "stop": ["\\n", "user:"], "top_k": 0, "num_ctx": 1024},
         "system": "Be brief.", "keep_alive": "5m"}
        """))
    #expect(request.chat?.question == "What is in this picture?" && request.chat?.picture?.bytes.count == 70)
    #expect(!request.options.streams && request.options.say.maximumTokens == 100 && request.options.say.seed == 42)
    #expect(request.options.say.stop == ["\n", "user:"] && request.options.unread.count == 1 && !request.isLetGo)
    let chat = try OllamaRequest(
      chat: body(
        #"{"model": "llava", "messages": [{"role": "user", "content": "what?", "images": ["\#(Self.pixel)"]}]}"#))
    #expect(chat.chat?.question == "what?" && chat.chat?.picture != nil && chat.options.streams)
  }

  @Test(arguments: [
    ("0", true), (#""0""#, true), (#""0s""#, true), ("0.0", true), ("5", false), (#""5m""#, false), (#""0.5s""#, false),
    ("-1", false), ("null", false), (#""10m""#, false),
  ])
  func nothingIsAsked(keptFor: String, isLetGo: Bool) throws {
    let text = #"{"model":"m","keep_alive":\#(keptFor)}"#
    let generate = try OllamaRequest(generate: body(text))
    #expect(generate.chat == nil && generate.isLetGo == isLetGo)
    let chat = try OllamaRequest(chat: body(text))
    #expect(chat.chat == nil && chat.isLetGo == isLetGo)
  }

  @Test func embeddings() throws {
    let request = try EmbeddingsRequest(
      openAI: body(
        """
        {"model": "m", "input": ["a", {"text": "b"}, {"image": "YWJj"}, {"image_url": {"url": "data:,abc"}}],
         "encoding_format": "base64", "dimensions": 3, "prompt_name": "query"}
        """))
    #expect(request.items.count == 4 && request.isBase64 && request.dimensions == 3 && request.prompt == "query")
    var pictures: [SentPicture] = []
    for case .picture(let picture) in request.items { pictures.append(picture) }
    // The digest of "abc" in FIPS 180-4.
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(pictures.map { "\($0.digest)" } == [digest, digest])
    #expect(pictures.map(\.name) == ["input[2].image", "input[3].image_url.url"])
    #expect(refusal { try request.checkSize(of: [[1, 2]]) }?.parameter == "dimensions")
    #expect(refusal { try request.checkSize(of: [[1, 2, 3]]) } == nil)
    for (input, parameter) in [
      ("[]", "input"), (#""""#, "input"), (#"["a",""]"#, "input[1]"), ("[1,2]", "input[0]"), ("[[1]]", "input[0]"),
      ("[{}]", "input[0].text"), ("true", "input"), ("null", "input"),
    ] {
      let told = refusal { try EmbeddingsRequest(openAI: body(#"{"model":"m","input":\#(input)}"#)) }
      #expect(told?.parameter == parameter, "\(input)")
    }
    let older = try EmbeddingsRequest(olderOllama: body(#"{"model":"m","prompt":"a"}"#))
    #expect(older.items.count == 1 && older.cutsOff)
    #expect(try !EmbeddingsRequest(ollama: body(#"{"model":"m","input":"a","truncate":false}"#)).cutsOff)
  }
}
