import Arrays
import Foundation
import Signing
import TestSupport
import Testing

/// Signatures that are another's, damaged, or of something else; keys and certificates that can't sign.
@Suite struct RefusedSignatureTests {
  private let model: SampleModel

  init() throws { model = try SampleModel() }

  private func refusal(_ signature: String, _ trust: SignatureTrust) -> Failure? {
    failure { _ = try model.differences(signature, trust) }
  }

  @Test func isOfAnotherKey() throws {
    let other = try #require(refusal(fixture("p256.sig"), key("p384")))
    #expect(other.kind == .mismatch && other.file == fixture("p256.sig"))
    #expect(other.reason.hasPrefix("is by another key than p384.pub: by that of SHA-256 "))
    // Without the hint, which nothing proves, the signature itself says so.
    let text = String(decoding: try bytes(of: fixture("p256.sig")), as: UTF8.self)
    let start = try #require(text.range(of: "\"hint\":\"")).lowerBound
    let end = try #require(text.range(of: "\"},\"tlogEntries\"")).lowerBound
    var unhinted = text
    unhinted.removeSubrange(start...end)
    let path = try model.folder.write(Array(unhinted.utf8), to: "unhinted.sig")
    #expect(try model.differences(path, key("p256")) == [])
    let wrong = "is wrong: it is not that key's, or what it lists was changed"
    #expect(refusal(path, try key("signer"))?.reason == wrong)
    #expect(refusal(path, try key("p384"))?.reason == wrong)
    #expect(
      refusal(fixture("p256.sig"), try root())?.reason == "is by a key alone, not by a certificate")
    #expect(
      refusal(fixture("certificate.sig"), try key("p256"))?.reason
        == "is by a certificate, of CN=Signer \u{e9},O=Tests, not by a key alone")
  }

  @Test(arguments: [
    ("certificate", "other-root", "CN=Between,O=Tests", "isn't trusted: "),
    ("certificate", "signer", "CN=Between,O=Tests", "isn't trusted: unable to get local issuer certificate"),
    ("early", "root", "CN=Root,O=Tests", "isn't trusted: certificate is not yet valid"),
    ("server", "root", "CN=Server,O=Tests", "is not one for signing"),
    ("unsaid", "root", "CN=Unsaid,O=Tests", "is not one for signing"),
  ])
  func isNotTrusted(_ signature: String, _ trusted: String, _ name: String, _ reason: String) throws {
    let found = try #require(refusal(fixture("\(signature).sig"), root(trusted)))
    #expect(found.kind == .mismatch && found.file == fixture("\(signature).sig"))
    #expect(found.place == "the certificate of \(name)" && found.reason.hasPrefix(reason), "\(found)")
  }

  @Test func wasChanged() throws {
    let text = String(decoding: try bytes(of: fixture("p256.sig")), as: UTF8.self)
    let wrong = "is wrong: it is not that key's, or what it lists was changed"
    // Bytes in the middle of what is signed, and of the signature.
    let payload = try #require(text.range(of: "\"payload\":\"")).upperBound
    let signature = try #require(text.range(of: "\"sig\":\"")).upperBound
    for place in [text.index(payload, offsetBy: 400), text.index(signature, offsetBy: 30)] {
      var damaged = text
      damaged.replaceSubrange(place...place, with: damaged[place] == "A" ? "B" : "A")
      let path = try model.folder.write(Array(damaged.utf8), to: "damaged.sig")
      let found = refusal(path, try key("p256"))
      #expect(found?.reason == wrong && found?.kind == .mismatch)
    }
  }

  /// A bundle that can be read.
  private static let bundle =
    #"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":"#
    + #"{"publicKey":{"hint":"H"},"tlogEntries":[]},"dsseEnvelope":{"payload":"e30=","#
    + #""payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"MAA=","keyid":""}]}}"#

  @Test(arguments: [
    (
      "bundle.v0.3+json", "bundle.v0.4+json",
      "is \"application/vnd.dev.sigstore.bundle.v0.4+json\", not a Sigstore bundle of version 0.3"
    ),
    (
      #""dsseEnvelope""#, #""messageSignature""#,
      "is the signature of a single message, not of the list of a model's files"
    ),
    (#""dsseEnvelope""#, #""envelope""#, #"has a member "envelope", which isn't known"#),
    (#","keyid":"""#, #","keyid":"","x":0"#, #"has a member "x", which isn't known"#),
    (#""keyid":"""#, #""keyid":[]"#, "a string is needed, not an array"),
    ("vnd.in-toto+json", "vnd.other+json", #"is "application/vnd.other+json", not "application/vnd.in-toto+json""#),
    ("[{", "[{},{", "one signature is needed, not 2"),
    (#"[{"sig":"MAA=","keyid":""}]"#, "[]", "one signature is needed, not 0"),
    ("e30=", "e30", "is no Base64"), ("MAA=", "MAB=", "is no Base64"), ("MAA=", "M A A", "is no Base64"),
    ("MAA=", "-_8=", "is no Base64"), (#""MAA=""#, "1", "a string is needed, not 1"),
    (#""tlogEntries":[]"#, #""tlogEntries":[{}]"#, "has entries of a log, which aren't verified here"),
    (#"{"hint":"H"}"#, #"{"hint":"H","key":1}"#, #"has a member "key", which isn't known"#),
    (#""H""#, "7", "a string is needed, not 7"),
    (
      #""publicKey":{"hint":"H"}"#, #""certificate":{"rawBytes":""}"#,
      "is signed without a key of one's own, by Sigstore, which isn't verified here"
    ),
    (#""publicKey":{"hint":"H"},"#, "", #"has no member "publicKey""#),
    (
      #""publicKey":{"hint":"H"}"#, #""x509CertificateChain":{"certificates":[]}"#,
      "has 0 certificates; 1 to 1000 are read"
    ),
    (#""publicKey""#, #""x509CertificateChain":{},"publicKey""#, "both a key and certificates are told"),
    (
      #""publicKey":{"hint":"H"}"#, #""x509CertificateChain":{"certificates":[{"rawBytes":"MAA="}]}"#,
      "is no certificate"
    ),
    (#"{"mediaType""#, #"{"mediaType":1,"mediaType""#, #"duplicate key "mediaType""#),
    (#"{"mediaType""#, #"["mediaType""#, "',' or ']' expected in an array"),
  ])
  func isDamaged(_ old: String, _ new: String, _ reason: String) throws {
    _ = try SignatureBundle(parsing: Array(Self.bundle.utf8))
    let place = try #require(Self.bundle.range(of: old))
    let path = try model.folder.write(
      Array(Self.bundle.replacingCharacters(in: place, with: new).utf8), to: "damaged.sig")
    let found = try #require(refusal(path, key("p256")))
    #expect(found.kind == .badData && found.file == path && found.reason == reason, "\(found)")
    #expect(found.place?.hasPrefix("byte ") == true && found.hint != nil)
  }

  @Test(arguments: [
    (
      "in-toto.io/Statement/v1", "in-toto.io/Statement/v0.1",
      "is \"https://in-toto.io/Statement/v0.1\", not an in-toto statement, which is \"https://in-toto.io/Statement/v1\""
    ),
    ("signature/v1.0", "Digests/v0.1", "is of the form that model-signing had before 1.0, which isn't read"),
    (
      "model_signing/signature/v1.0", "slsa.dev/provenance/v1",
      "is \"https://slsa.dev/provenance/v1\", not the signature of a model, which is "
        + "\"https://model_signing/signature/v1.0\""
    ),
    ("\"subject\":[", "\"subject\":[{},", "one subject is needed, not 2"),
    ("\"name\":\"a.b\"", "\"name\":\"../b\"", "\"../b\" is no path in a folder"),
    ("\"name\":\"a.b\"", "\"name\":\"/b\"", "\"/b\" is no path in a folder"),
    ("\"name\":\"a.b\"", "\"name\":\"b/./c\"", "\"b/./c\" is no path in a folder"),
    ("\"name\":\"a.b\"", "\"name\":\"a/b\"", "\"a/b\" comes twice"),
    ("\"algorithm\":\"sha256\"", "\"algorithm\":\"sha1\"", "is \"sha1\", not a SHA-256, which is \"sha256\""),
    ("\"digest\":\"", "\"digest\":\"0", "64 lower-case hexadecimal digits of a SHA-256 are needed"),
    ("\".git\"", "\".\"", "\".\" is no path in a folder, and can't be left out"),
    ("\"allow_symlinks\":false", "\"allow_symlinks\":0", "true or false is needed, not 0"),
    ("\"resources\":[", "\"resources\":[],\"x\":[", "no file is signed"),
  ])
  func isOfSomethingElse(_ old: String, _ new: String, _ reason: String) throws {
    let own = SigningIdentity(try EllipticKey.private(fixture("p256.pem")))
    let signed = try ModelSignature(of: model.path, at: model.folder.file("a.sig")).sign(by: own)
    let text = String(decoding: signed.manifest.payload, as: UTF8.self)
    let place = try #require(text.range(of: old))
    let payload = Array(text.replacingCharacters(in: place, with: new).utf8)
    let path = try model.folder.write(SignatureBundle(signing: payload, by: own).text, to: "b.sig")
    let found = try #require(refusal(path, key("p256")))
    #expect(found.kind == .badData && found.file == path && found.reason == reason, "\(found)")
    #expect(found.place?.hasPrefix("what is signed, byte ") == true, "\(found)")
  }

  @Test func contradictsItself() throws {
    let own = SigningIdentity(try EllipticKey.private(fixture("p256.pem")))
    let signed = try ModelSignature(of: model.path, at: model.folder.file("a.sig")).sign(by: own)
    let root = signed.manifest.rootDigest
    let text = String(decoding: signed.manifest.payload, as: UTF8.self)
    let payload = Array(text.replacingOccurrences(of: root.description, with: Digest.zero.description).utf8)
    let path = try model.folder.write(SignatureBundle(signing: payload, by: own).text, to: "b.sig")
    #expect(refusal(path, try key("p256"))?.reason == "the digest of the list is \(root), not \(Digest.zero)")
  }

  @Test(
    arguments: [
      ("rsa.pem", nil, "has a key of another sort than those of the curves P-256, P-384 and P-521"),
      ("k256.pem", nil, "has a key of another sort than those of the curves P-256, P-384 and P-521"),
      ("encrypted.pem", nil, "holds an encrypted key"),
      ("encrypted.pem", "another", "holds a private key that has another password"),
      ("p256.pub", nil, "holds a public key where a private one is needed"),
      ("root.crt", nil, "holds no private key in PEM"),
    ] as [(String, String?, String)])
  func keyCantSign(_ file: String, _ password: String?, _ reason: String) {
    let found = failure { _ = try EllipticKey.private(fixture(file), password: password) }
    #expect(found?.kind == .badData && found?.file == fixture(file) && found?.reason == reason)
  }

  @Test func keyCantVerify() throws {
    func reason(_ file: String) -> String? { failure { _ = try EllipticKey.public(file) }?.reason }
    #expect(reason(fixture("p256.pem")) == "holds a private key where a public one is needed")
    #expect(reason(fixture("root.crt")) == "holds no public key in PEM")
    #expect(reason(fixture("rsa.pub")) == "has a key of another sort than those of the curves P-256, P-384 and P-521")
    #expect(reason(try model.folder.write([], to: "empty.pub")) == "holds no public key in PEM")
    let large = try model.folder.write([UInt8](repeating: 32, count: 1 << 20 + 1), to: "large.pub")
    #expect(reason(large) == "has 1048577 bytes; a file of keys or certificates has at most 1048576")
  }

  @Test func certificatesAreDamaged() throws {
    let text = String(decoding: try bytes(of: fixture("root.crt")), as: UTF8.self)
    func reason(_ text: String) throws -> String? {
      let path = try model.folder.write(Array(text.utf8), to: "certificates.crt")
      return failure { _ = try Certificate.read(path) }?.withoutFile
    }
    #expect(try reason("# a comment\r\n" + text + text) == nil)
    #expect(try reason("") == "holds no certificate in PEM")
    #expect(try reason(text + text.replacingOccurrences(of: "-----END", with: "END")) == "certificate 1: has no end")
    #expect(
      try reason(text + text.replacingOccurrences(of: "\nMII", with: "\nMIA")) == "certificate 1: is no certificate")
  }

  @Test func signatureIsMissing() throws {
    let missing = try #require(refusal(model.folder.file("none.sig"), key("p256")))
    #expect(missing.kind == .noInput && missing.hint?.contains("ingot sign") == true)
  }
}
