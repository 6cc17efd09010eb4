import Arrays

/// The file of a signature: a Sigstore bundle, version 0.3, that holds a DSSE envelope with one signature by a key or by a
/// certificate's, as model-signing 1 writes and reads it. What is signed is the envelope's payload with its type, as DSSE's
/// pre-authentication encoding joins them.
public struct SignatureBundle: Sendable, Equatable {
  /// What is told of who signed, which nothing proves before the signature is verified.
  enum Material: Sendable, Equatable {
    /// SHA-256 of the public key's PEM text, in hexadecimal; nil where it isn't told.
    case key(hint: String?)
    /// The one whose key signed, and others that lead to one that is trusted.
    case certificates([Certificate])
  }

  let material: Material
  package let payload: [UInt8]
  let signature: [UInt8]

  private static let mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

  /// Signs.
  /// - Throws: `Failure` of kind `io` when libcrypto fails.
  package init(signing payload: [UInt8], by identity: SigningIdentity) throws(Failure) {
    self.payload = payload
    signature = try identity.key.sign(Self.message(payload))
    material =
      identity.certificates.isEmpty
      ? .key(hint: try identity.key.fingerprint().description) : .certificates(identity.certificates)
  }

  /// DSSE's pre-authentication encoding: `DSSEv1`, the type's length and the type, the payload's length and the payload.
  private static func message(_ payload: [UInt8]) -> [UInt8] {
    let type = SignedManifest.payloadType
    return Array("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
  }

  /// The bundle as JSON.
  package var text: [UInt8] {
    let told: JSONValue =
      switch material {
      case .key(let hint): .object(["publicKey": .object(["hint": hint.map { .string($0) }]), "tlogEntries": []])
      case .certificates(let certificates):
        .object([
          "x509CertificateChain": .object([
            "certificates": .array(certificates.map { .object(["rawBytes": .string(base64($0.der))]) })
          ]), "tlogEntries": [],
        ])
      }
    let bundle: JSONValue = .object([
      "mediaType": .string(Self.mediaType), "verificationMaterial": told,
      "dsseEnvelope": .object([
        "payload": .string(base64(payload)), "payloadType": .string(SignedManifest.payloadType),
        "signatures": [.object(["sig": .string(base64(signature)), "keyid": ""])],
      ]),
    ])
    return Array(bundle.compactText.utf8)
  }

  /// - Parameter bytes: a bundle as JSON.
  /// - Throws: `Failure` of kind `badData` naming the byte: it is no such bundle.
  package init(parsing bytes: [UInt8]) throws(Failure) {
    do throws(Failure) {
      self = try Self.parsed(bytes)
    } catch {
      throw error.hinting("it is no signature of a model, or damaged: fetch it again, or ask who signed")
    }
  }

  private init(_ material: Material, _ payload: [UInt8], _ signature: [UInt8]) {
    (self.material, self.payload, self.signature) = (material, payload, signature)
  }

  private static func parsed(_ bytes: [UInt8]) throws(Failure) -> SignatureBundle {
    let json = try JSONValue(parsing: bytes)
    if let message = json["messageSignature"] {
      throw message.failure("is the signature of a single message, not of the list of a model's files")
    }
    try check(json, ["mediaType", "verificationMaterial", "dsseEnvelope"])
    let type = try json.member("mediaType")
    guard try type.string() == mediaType else {
      throw type.failure("is \"\(shortened(try type.string(), to: 80))\", not a Sigstore bundle of version 0.3")
    }
    let envelope = try json.member("dsseEnvelope")
    try check(envelope, ["payload", "payloadType", "signatures"])
    let payloadType = try envelope.member("payloadType")
    guard try payloadType.string() == SignedManifest.payloadType else {
      throw payloadType.failure(
        "is \"\(shortened(try payloadType.string(), to: 80))\", not \"\(SignedManifest.payloadType)\"")
    }
    let signatures = try envelope.member("signatures")
    guard let signature = try signatures.array().first, try signatures.array().count == 1 else {
      throw signatures.failure("one signature is needed, not \(try signatures.array().count)")
    }
    try check(signature, ["sig", "keyid"])
    if let name = signature["keyid"], name != .null { _ = try name.string() }
    return SignatureBundle(
      try material(json.member("verificationMaterial")), try decoded(envelope.member("payload")),
      try decoded(signature.member("sig")))
  }

  /// A member that isn't known could change what is meant.
  private static func check(_ json: JSONValue, _ known: Set<String>) throws(Failure) {
    for member in try json.object() where !known.contains(member.key) {
      throw json.failure("has a member \"\(shortened(member.key, to: 80))\", which isn't known")
    }
  }

  private static func material(_ json: JSONValue) throws(Failure) -> Material {
    let others: Set = ["tlogEntries", "timestampVerificationData"]
    try check(json, others.union(["publicKey", "x509CertificateChain", "certificate"]))
    if let entries = json["tlogEntries"], try !entries.array().isEmpty {
      throw entries.failure("has entries of a log, which aren't verified here")
    }
    if let certificate = json["certificate"] {
      var failure = certificate.failure("is signed without a key of one's own, by Sigstore, which isn't verified here")
      failure.hint = "model_signing verify sigstore verifies it"
      throw failure
    }
    if let chain = json["x509CertificateChain"] {
      if let key = json["publicKey"] { throw key.failure("both a key and certificates are told") }
      try check(chain, ["certificates"])
      let list = try chain.member("certificates")
      var certificates: [Certificate] = []
      for item in try list.array() {
        try check(item, ["rawBytes"])
        let raw = try item.member("rawBytes")
        guard let certificate = Certificate(der: try decoded(raw)) else { throw raw.failure("is no certificate") }
        certificates.append(certificate)
      }
      guard (1...Certificate.most).contains(certificates.count) else {
        throw list.failure("has \(certificates.count) certificates; 1 to \(Certificate.most) are read")
      }
      return .certificates(certificates)
    }
    let key = try json.member("publicKey")
    // The last two are those of model-signing's first releases.
    try check(key, ["hint", "rawBytes", "keyDetails"])
    return .key(hint: try key["hint"]?.string())
  }

  private static func decoded(_ value: JSONValue) throws(Failure) -> [UInt8] {
    let text = try value.string()
    // In one form only: what can be written in two ways, others may read in a third.
    guard let bytes = base64Decoded(Array(text.utf8)), base64(bytes) == text else {
      throw value.failure("is no Base64")
    }
    return bytes
  }

  /// Checks the signature, and only then reads what is signed.
  /// - Returns: what was signed, and by whom.
  /// - Throws: `Failure` of kind `mismatch` when it is another's or wrong, or its certificate isn't trusted; `badData` when what
  ///   is signed isn't the list of a model's files.
  package func verified(trusting trust: SignatureTrust) throws(Failure) -> (manifest: SignedManifest, signer: Signer) {
    let key: EllipticKey
    let signer: Signer
    switch (material, trust) {
    case (.key(let hint), .key(let given, let path)):
      let fingerprint = try given.fingerprint()
      if let hint, !hint.isSameBytes(as: fingerprint.description) {
        throw Failure(
          .mismatch,
          "is by another key than \(path): by that of SHA-256 \(shortened(hint, to: 64)), not \(fingerprint)",
          hint: "ask who signed for the public key")
      }
      (key, signer) = (given, .key(curve: given.curve, fingerprint: fingerprint))
    case (.certificates(let chain), .certificates(let trusted)):
      try Certificate.check(chain, trusting: trusted)
      (key, signer) = (try EllipticKey.of(chain[0]), .certificate(chain[0]))
    case (.certificates(let chain), .key):
      throw Failure(
        .mismatch, "is by a certificate, of \(chain[0].subject), not by a key alone",
        hint: "--certificate-chain names the certificates that are trusted")
    case (.key, .certificates):
      throw Failure(.mismatch, "is by a key alone, not by a certificate", hint: "--key names the public key")
    }
    guard key.isSignature(signature, of: Self.message(payload)) else {
      throw Failure(
        .mismatch, "is wrong: it is not that key's, or what it lists was changed",
        hint: "trust neither it nor the files: fetch both again, or ask who signed")
    }
    do throws(Failure) {
      return (try SignedManifest(parsing: payload), signer)
    } catch {
      var failure = error
      failure.place = ["what is signed", error.place].compactMap(\.self).joined(separator: ", ")
      throw failure
    }
  }
}

/// Who signs: a private key, and the certificate of it where there is one.
public struct SigningIdentity {
  let key: EllipticKey
  /// The key's own first; none: the key alone.
  let certificates: [Certificate]

  /// By a key alone.
  public init(_ key: EllipticKey) { (self.key, certificates) = (key, []) }

  /// By a key's certificate.
  /// - Parameters:
  ///   - certificate: a path, of the key's own certificate in PEM.
  ///   - chain: paths, of certificates that lead from it to the root.
  /// - Throws: `Failure` of kind `badData` when they are none, or the certificate is of another key or none for signing.
  public init(_ key: EllipticKey, certificate: String, chain: [String]) throws(Failure) {
    let own = try Certificate.read(certificate)
    do throws(Failure) {
      guard own.count == 1 else {
        throw Failure(
          .badData, "holds \(own.count) certificates where one is needed",
          hint: "the key's own stands alone; --certificate-chain names the others")
      }
      guard try EllipticKey.of(own[0]).isSame(as: key) else {
        throw Failure(.badData, "is the certificate of another key", hint: "name the private key that it was made for")
      }
      guard own[0].maySign else {
        throw Failure(
          .badData, "is not a certificate for signing",
          hint: "its key usage needs digitalSignature, or its extended key usage codeSigning")
      }
    } catch {
      throw error.inFile(certificate)
    }
    var all = own
    for path in chain { all += try Certificate.read(path) }
    (self.key, certificates) = (key, all)
  }

  var signer: Signer {
    get throws(Failure) {
      if let first = certificates.first { return .certificate(first) }
      return .key(curve: key.curve, fingerprint: try key.fingerprint())
    }
  }
}

/// Whose signatures are believed.
public enum SignatureTrust {
  /// A public key, and the path that it came from.
  case key(EllipticKey, path: String)
  /// Certificates that are trusted as they are.
  case certificates([Certificate])
}

/// Who signed.
public enum Signer: Sendable {
  /// - Parameter fingerprint: SHA-256 of the public key's PEM text.
  case key(curve: String, fingerprint: Digest)
  case certificate(Certificate)
}
