import Ingot
import IngotRequests
import Testing

/// Paths and headers, and pictures in texts.
@Suite struct HeadTests {
  @Test(arguments: [
    ("localhost", true), ("LOCALHOST:11435", true), ("127.0.0.1", true), ("127.255.1.9:80", true), ("[::1]:80", true),
    ("a.localhost", true), ("localhost.evil.example", false), ("evil.example", false), ("10.0.0.1", false),
    // What is no address may be a name, which leads to whatever its owner wants.
    ("127.0.0.1.evil.example", false), ("127.1", false), ("127.0.0.256", false), ("127.0.0.+1", false),
    ("127.0.0.012", false),
    ("127.0.0.1.", false), ("[::1].evil.example", false), ("[::2]", false), ("notlocalhost", false),
  ])
  func thisMachine(authority: String, isThis: Bool) {
    #expect(HeaderValues.host(of: authority).map { HeaderValues.isThisMachine($0) } ?? false == isThis)
  }

  @Test func hosts() {
    #expect(HeaderValues.host(of: "Server.Example:8080") == "server.example")
    #expect(
      HeaderValues.host(of: ":80") == nil && HeaderValues.host(of: "[::1") == nil && HeaderValues.host(of: "") == nil)
  }

  @Test func tokens() {
    let token = "0123456789abcdef"
    for right in ["Bearer " + token, "bearer " + token, "BEARER " + token] { #expect(HeaderValues.shows(token, right)) }
    for wrong in [
      "", "Bearer", "Bearer ", token, "Bearer " + token + "0", "Bearer " + token.dropLast(), "Basic  " + token,
    ] {
      #expect(!HeaderValues.shows(token, wrong), "\(wrong)")
    }
  }

  @Test func types() {
    for type in [
      "application/json", "Application/JSON; charset=utf-8", "application/ld+json", "application/x-www-form-urlencoded",
    ] {
      #expect(HeaderValues.isJSON(type), "\(type)")
    }
    for type in ["text/plain", "application/jsonp", "multipart/form-data; boundary=application/json", ""] {
      #expect(!HeaderValues.isJSON(type), "\(type)")
    }
  }

  @Test func requestNames() {
    for name in ["a", "req-1.2_Z", String(repeating: "a", count: 64)] { #expect(HeaderValues.isRequestName(name)) }
    for name in ["", "a b", "a\n", "ä", String(repeating: "a", count: 65)] {
      #expect(!HeaderValues.isRequestName(name))
    }
  }

  @Test func paths() {
    let pattern = PathPattern("/v2/models/{model}/versions/{version}/infer")
    func names(_ path: String) -> [String: String]? { pattern.names(in: PathPattern.parts(path)) }
    #expect(names("/v2/models/blip-vqa:demo/versions/1/infer") == ["model": "blip-vqa:demo", "version": "1"])
    #expect(names("/v2/models/a%2Fb%20c/versions/1/infer")?["model"] == "a/b c")
    for path in [
      "/v2/models//versions/1/infer", "/v2/models/a/versions/1", "/v2/models/a/b/versions/1/infer",
      "/v2/models/%ff/versions/1/infer",
      "/v2/models/%/versions/1/infer", "v2/models/a/versions/1/infer", "",
    ] {
      #expect(names(path) == nil, "\(path)")
    }
    #expect(PathPattern("/").names(in: PathPattern.parts("/")) == [:])
  }

  /// Test vectors of RFC 4648 and the example of RFC 2397.
  @Test func pictures() throws {
    func text(_ picture: SentPicture) -> String { String(decoding: picture.bytes, as: UTF8.self) }
    for (base64, plain) in [
      ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmE", "fooba"), ("Zm9vYmFy", "foobar"),
    ] {
      #expect(try text(SentPicture(base64: base64, "image")) == plain)
      #expect(try text(SentPicture(base64: "data:image/png;base64," + base64, "image")) == plain)
    }
    #expect(try text(SentPicture(dataAddress: "data:,A%20brief%20note", "url")) == "A brief note")
    #expect(try SentPicture(dataAddress: "https://a.example/b.png", "url").address == "https://a.example/b.png")
    // A path may be base64 by its letters, and is nothing else then.
    #expect(try SentPicture(base64: "/etc/passwd", "image").bytes.count == 8)
    for wrong in ["", "Zg=a", "Z", "/etc/passwd.", "file:///etc/passwd", "https://a.example/b.png", "data:"] {
      #expect(refusal { try SentPicture(base64: wrong, "image") }?.parameter == "image", "\(wrong)")
    }
    for wrong in [
      "", "Zg==", "/etc/passwd", "file:///etc/passwd", "ftp://a.example", "data:,", "data:;base64,=", "HTTPS://a",
    ] {
      #expect(
        refusal { try SentPicture(dataAddress: wrong, "url") }?.code?.hasPrefix("invalid_image") == true, "\(wrong)")
    }
  }
}
