import Ingot
import IngotRequests
import Testing

/// Members of bodies, and what clients are told of those that are wrong.
@Suite struct FieldsTests {
  @Test(arguments: [
    ("", "invalid_json"), ("{", "invalid_json"), (#"{"a":1,"a":2}"#, "invalid_json"), ("[]", "invalid_type"),
    ("1", "invalid_type"), (#"{"a":NaN}"#, "invalid_json"), (#"{"a":"\ud83d"}"#, "invalid_json"),
    (String(repeating: #"{"a":"#, count: 25) + "1" + String(repeating: "}", count: 25), "invalid_json"),
  ])
  func whatIsNoObject(text: String, code: String) {
    let told = refusal { try body(text) }
    #expect(told?.status == .badRequest && told?.code == code)
  }

  @Test func kindsOfMembers() throws {
    let fields = try body(
      #"{"text":"a","no":null,"flag":true,"whole":3.0,"part":0.5,"list":["a","b"],"mixed":["a",1],"in":{"b":7}}"#)
    #expect(try fields.string("text") == "a")
    #expect(try fields.string("no") == nil && fields.string("none") == nil)
    #expect(try fields.boolean("flag") == true)
    #expect(try fields.integer("whole") == 3)
    #expect(try fields.number("part", 0...1) == 0.5)
    #expect(try fields.texts("text") == ["a"] && fields.texts("list") == ["a", "b"])
    #expect(try fields.fields("in")?.integer("b", 1...7) == 7)
    #expect(refusal { try fields.integer("part") }?.parameter == "part")
    #expect(refusal { try fields.texts("mixed") }?.parameter == "mixed[1]")
    #expect(refusal { try fields.fields("in")?.integer("b", 1...6) }?.parameter == "in.b")
    #expect(refusal { try fields.required("no") }?.code == "missing_required_parameter")
    #expect(refusal { try fields.boolean("text") }?.message == "text is to be true or false, not a string")
  }

  @Test func whatAsksForNothingIsPassedOver() throws {
    let fields = try body(#"{"n":1,"m":2,"o":null}"#)
    #expect(refusal { try fields.refuse("n", unless: [1], "") } == nil)
    #expect(refusal { try fields.refuse("o", "") } == nil && refusal { try fields.refuse("p", "") } == nil)
    #expect(refusal { try fields.refuse("m", unless: [1], "one is made") }?.code == "unsupported_value")
  }

  /// OpenAI's clients read these four members; Ollama's one.
  @Test func formsOfErrors() throws {
    let error = ServiceError.badRequest("a is missing", "a", code: "missing_required_parameter")
    let openAI = Interface(path: "/v1/embeddings").body(error)
    #expect(
      openAI.compactText
        == #"{"error":{"message":"a is missing","type":"invalid_request_error","param":"a","code":"missing_required_parameter"}}"#
    )
    for path in ["/api/chat", "/v2/models/a/infer", "/ingot/v1/match", "/none", "/v10"] {
      #expect(Interface(path: path).body(error).compactText == #"{"error":"a is missing"}"#)
    }
    let own = Interface(path: "/v1").body(ServiceError(.internalServerError, "the server failed"))
    #expect(own["error"]?["type"] == "server_error")
  }

  /// A single character may have any number of bytes: what is told back to a client has a bound in bytes.
  @Test func whatIsToldBackIsShort() throws {
    let long = "e" + String(repeating: "\u{301}", count: 100_000)
    let bodies: [(String, (Fields) throws -> String)] = [
      (#"{"model":"m","messages":[{"role":"\#(long)","content":"a"}]}"#, { try "\(ChatRequest($0))" }),
      (#"{"model":"m","messages":[{"role":"user","content":[{"type":"\#(long)"}]}]}"#, { try "\(ChatRequest($0))" }),
      (#"{"model":"m","messages":[{"role":"\#(long)"}]}"#, { try "\(OllamaRequest(chat: $0))" }),
    ]
    for (text, read) in bodies {
      let told = try #require(refusal { try read(body(text)) })
      #expect(told.message.utf8.count < 300)
    }
    let tensor = #"{"inputs":[{"name":"x","datatype":"\#(long)","shape":[0],"data":[]}]}"#
    let told = try #require(refusal { try InferenceRequest(Array(tensor.utf8), headLength: nil) })
    #expect(told.message.utf8.count < 300)
  }
}
