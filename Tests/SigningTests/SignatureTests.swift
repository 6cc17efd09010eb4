import Arrays
import Foundation
import Signing
import TestSupport
import Testing

func fixture(_ name: String) -> String { packageFile("Tests/SigningTests/Fixtures/\(name)") }

/// The model that the fixtures are signatures of, as tools/fixtures/fixtures_signing.py has it.
struct SampleModel {
  let folder = TemporaryFolder()
  var path: String { folder.file("model") }

  init() throws {
    for (name, content) in [
      ("model.safetensors", "weights"), ("config.json", "{}"), ("a/b", "below"), ("a.b", "beside"), ("empty", ""),
      ("\u{e9}t\u{e9}.txt", "name in NFC"), (".git/HEAD", "ref"), (".gitignore", "*.tmp"),
    ] {
      try folder.write(Array(content.utf8), to: "model/\(name)")
    }
  }

  func differences(
    _ signature: String, _ trust: SignatureTrust, ignoring: [String] = [], followsLinks: Bool = false
  ) throws -> [String] {
    let signature = try ModelSignature(of: path, at: signature, ignoring: ignoring, followsLinks: followsLinks)
    return try signature.verify(trusting: trust).differences.map { "\($0.kind.rawValue) \($0.name): \($0.reason)" }
  }
}

func key(_ name: String) throws -> SignatureTrust {
  .key(try EllipticKey.public(fixture("\(name).pub")), path: "\(name).pub")
}

func root(_ name: String = "root") throws -> SignatureTrust {
  .certificates(try Certificate.read(fixture("\(name).crt")))
}

@Suite struct SignatureTests {
  private let model: SampleModel

  init() throws { model = try SampleModel() }

  @Test(arguments: ["p256", "p384", "p521"])
  func verifiesWhatModelSigningSignedByKeys(_ name: String) throws {
    let signature = try ModelSignature(of: model.path, at: fixture("\(name).sig"))
    let findings = try signature.verify(trusting: key(name))
    #expect(findings.isVerified && findings.manifest.items.count == 6 && findings.bytes == 31)
    #expect(findings.manifest.name == "model" && !findings.manifest.followsLinks)
    guard case .key(let curve, let fingerprint) = findings.signer else {
      Issue.record("no key")
      return
    }
    #expect(curve == "P-" + name.dropFirst())
    #expect(fingerprint == SHA256.digest(try bytes(of: fixture("\(name).pub"))))
  }

  @Test(arguments: ["certificate", "code"])
  func verifiesWhatModelSigningSignedByCertificates(_ name: String) throws {
    let findings = try ModelSignature(of: model.path, at: fixture("\(name).sig")).verify(trusting: root())
    #expect(findings.isVerified)
    guard case .certificate(let certificate) = findings.signer else {
      Issue.record("no certificate")
      return
    }
    #expect(certificate.subject == (name == "code" ? "CN=Code,O=Tests" : "CN=Signer \u{e9},O=Tests"))
    #expect(certificate.issuer == "CN=Between,O=Tests")
  }

  @Test func verifiesOtherListsOfModelSigning() throws {
    let file = try ModelSignature(of: Paths.join(model.path, "model.safetensors"), at: fixture("file.sig"))
    #expect(try file.verify(trusting: key("p256")).isVerified)
    // With git's files, but for a folder and a file.
    #expect(try model.differences(fixture("ignoring.sig"), key("p256")) == [])
    try model.folder.write([1], to: "model/.gitignore")
    #expect(
      try model.differences(fixture("ignoring.sig"), key("p256")).map { String($0.prefix(31)) }
        == ["changed .gitignore: was changed"])
    #expect(
      failure { _ = try model.differences(fixture("shards.sig"), key("p256")) }?.reason
        == "is \"shards\", not a list of files, which is \"files\"")
    #expect(
      failure { _ = try model.differences(fixture("blake2.sig"), key("p256")) }?.reason
        == "is \"blake2b\", not one by SHA-256, which is \"sha256\"")
  }

  @Test(arguments: ["p256", "p384", "p521", "sec1", "encrypted"])
  func signsAsModelSigningDoes(_ name: String) throws {
    let (curve, password) = name == "sec1" ? ("p384", nil) : name == "encrypted" ? ("p256", "a password") : (name, nil)
    let secret = try EllipticKey.private(fixture("\(name).pem"), password: password)
    let signed = try ModelSignature(of: model.path).sign(by: SigningIdentity(secret))
    #expect(signed.signature == Paths.join(model.path, "model.sig"))
    // The list is that of model-signing, but for the signature's own name.
    let theirs = try ModelSignature(of: model.path, at: fixture("\(curve).sig"), ignoring: ["model.sig"])
    let manifest = try theirs.verify(trusting: key(curve)).manifest
    #expect(signed.manifest.items == manifest.items && signed.manifest.rootDigest == manifest.rootDigest)
    #expect(signed.manifest.ignored == [".git", ".gitattributes", ".github", ".gitignore", "model.sig"])
    let again = try ModelSignature(of: model.path).verify(trusting: key(curve))
    #expect(again.isVerified && again.manifest == signed.manifest)
  }

  @Test func signsByCertificates() throws {
    let secret = try EllipticKey.private(fixture("signer.pem"))
    let identity = try SigningIdentity(
      secret, certificate: fixture("signer.crt"), chain: [fixture("between.crt"), fixture("root.crt")])
    let place = model.folder.file("of-certificate.sig")
    _ = try ModelSignature(of: model.path, at: place).sign(by: identity)
    #expect(try model.differences(place, root()) == [])
    func refused(_ certificate: String, _ key: String = "signer") -> String? {
      failure {
        _ = try SigningIdentity(
          EllipticKey.private(fixture("\(key).pem")), certificate: fixture("\(certificate).crt"), chain: [])
      }?.reason
    }
    #expect(refused("signer", "p256") == "is the certificate of another key")
    #expect(refused("server") == "is not a certificate for signing")
  }

  @Test func tellsEveryDifference() throws {
    let (secret, place) = (try EllipticKey.private(fixture("p256.pem")), model.folder.file("other.sig"))
    _ = try ModelSignature(of: model.path, at: place).sign(by: SigningIdentity(secret))
    #expect(try model.differences(place, key("p256")) == [])
    try model.folder.write(Array("weight5".utf8), to: "model/model.safetensors")
    try FileManager.default.removeItem(atPath: Paths.join(model.path, "a/b"))
    try model.folder.write([], to: "model/a/c")
    // The same name to a String, other bytes to a file system.
    try FileManager.default.moveItem(
      atPath: Paths.join(model.path, "\u{e9}t\u{e9}.txt"), toPath: Paths.join(model.path, "e\u{301}t\u{e9}.txt"))
    try Paths.link("config.json", at: Paths.join(model.path, "z"))
    let changed = "was changed: its SHA-256 is \(SHA256.digest(Array("weight5".utf8))), "
    let found = try model.differences(place, key("p256"))
    #expect(
      found == [
        "missing a/b: was signed, and is missing",
        "changed model.safetensors: \(changed)not \(SHA256.digest(Array("weights".utf8)))",
        "missing \u{e9}t\u{e9}.txt: was signed, and is missing",
        "unsigned a/c: was not signed", "unsigned e\u{301}t\u{e9}.txt: was not signed",
        "unsigned z: was not signed: it is a symbolic link",
      ])
    let others = ["model.safetensors", "\u{e9}t\u{e9}.txt", "e\u{301}t\u{e9}.txt", "z"]
    #expect(try model.differences(place, key("p256"), ignoring: ["./a/"] + others) == [])
    // Below git's folder nothing is signed.
    try model.folder.write([1, 2], to: "model/.git/HEAD")
    #expect(try model.differences(place, key("p256"), ignoring: ["a"] + others) == [])
  }

  @Test func followsLinksWhereAsked() throws {
    let blob = try model.folder.write(Array("weights".utf8), to: "blobs/1")
    let link = Paths.join(model.path, "model.safetensors")
    try FileManager.default.removeItem(atPath: link)
    try Paths.link(blob, at: link)
    let found = try model.differences(fixture("p256.sig"), key("p256"))
    #expect(found == ["changed model.safetensors: was changed: it is a symbolic link"])
    #expect(try model.differences(fixture("p256.sig"), key("p256"), followsLinks: true) == [])
    let identity = SigningIdentity(try EllipticKey.private(fixture("p256.pem")))
    func sign(followsLinks: Bool) -> String? {
      failure { _ = try ModelSignature(of: model.path, followsLinks: followsLinks).sign(by: identity) }?.reason
    }
    #expect(sign(followsLinks: false) == "is a symbolic link, and can't be signed")
    #expect(sign(followsLinks: true) == nil)
    // Signed so, it is verified so.
    #expect(try ModelSignature(of: model.path).verify(trusting: key("p256")).isVerified)
    try Paths.link("a", at: Paths.join(model.path, "folder"))
    #expect(sign(followsLinks: true) == "is a symbolic link to a folder, and can't be signed")
    try Paths.link("nowhere", at: Paths.join(model.path, "folder"))
    #expect(sign(followsLinks: true) == "is a symbolic link that leads nowhere, and can't be signed")
  }

  @Test func boundsWhatIsSigned() throws {
    let identity = SigningIdentity(try EllipticKey.private(fixture("p256.pem")))
    let nothing = model.folder.file("nothing")
    #expect(failure { _ = try ModelSignature(of: nothing).sign(by: identity) }?.kind == .noInput)
    try FileManager.default.createDirectory(atPath: nothing, withIntermediateDirectories: true)
    #expect(failure { _ = try ModelSignature(of: nothing).sign(by: identity) }?.reason == "has no files to sign")
    for path in ["/a", "../a", "a/../b", ".", ""] {
      #expect(failure { _ = try ModelSignature(of: model.path, ignoring: [path]) }?.kind == .usage)
    }
  }
}
