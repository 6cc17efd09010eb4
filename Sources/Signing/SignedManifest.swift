import Arrays

/// What a signature is of: the files of a model with their SHA-256, as an in-toto statement whose predicate is
/// `https://model_signing/signature/v1.0` (OpenSSF model signing, as model-signing 1 writes and reads it).
public struct SignedManifest: Sendable, Equatable {
  public struct Item: Sendable, Equatable {
    /// Path from the model's folder, with slashes; `.` of a model that is one file.
    public let name: String
    public let digest: Digest

    public init(name: String, digest: Digest) { (self.name, self.digest) = (name, digest) }
  }

  /// The model's, which tells nothing but for people.
  public let name: String
  public let items: [Item]
  /// Paths from the model's folder that are not signed, with all that is below them.
  public let ignored: [String]
  /// Whether links were followed to the files that were signed.
  public let followsLinks: Bool

  public init(name: String, items: [Item], ignored: [String], followsLinks: Bool) {
    (self.name, self.items, self.ignored, self.followsLinks) = (name, items, ignored, followsLinks)
  }

  static let payloadType = "application/vnd.in-toto+json"
  private static let statementType = "https://in-toto.io/Statement/v1"
  private static let predicateType = "https://model_signing/signature/v1.0"
  private static let formerPredicateType = "https://model_signing/Digests/v0.1"
  private static let method = "files"
  private static let hash = "sha256"

  /// The SHA-256 of all items' digests, one after the other: names the model where the list would be too long.
  public var rootDigest: Digest {
    var hash = SHA256()
    for item in items { hash.update(item.digest.bytes.rawSpan) }
    return hash.finish()
  }

  /// The statement as JSON: the same bytes for the same manifest.
  public var payload: [UInt8] {
    let resources = items.map { item -> JSONValue in
      .object([
        "name": .string(item.name), "algorithm": .string(Self.hash), "digest": .string(item.digest.description),
      ])
    }
    let statement: JSONValue = .object([
      "_type": .string(Self.statementType),
      "subject": [.object(["name": .string(name), "digest": .object(["sha256": .string(rootDigest.description)])])],
      "predicateType": .string(Self.predicateType),
      "predicate": .object([
        "serialization": .object([
          "method": .string(Self.method), "hash_type": .string(Self.hash), "allow_symlinks": .boolean(followsLinks),
          "ignore_paths": .strings(ignored),
        ]),
        "resources": .array(resources),
      ]),
    ])
    return Array(statement.compactText.utf8)
  }

  /// - Parameter payload: a statement as JSON.
  /// - Throws: `Failure` of kind `badData` naming the byte of the statement: it is no such statement, one of another predicate,
  ///   method or hash, has names that lead out of a folder or come twice, or contradicts itself.
  public init(parsing payload: [UInt8]) throws(Failure) {
    let json = try JSONValue(parsing: payload)
    try Self.check(json.member("_type"), Self.statementType, "an in-toto statement")
    let predicateType = try json.member("predicateType")
    if try predicateType.string() == Self.formerPredicateType {
      var failure = predicateType.failure("is of the form that model-signing had before 1.0, which isn't read")
      failure.hint = "sign the model again by `ingot sign`, or by model-signing 1.0 or newer"
      throw failure
    }
    try Self.check(predicateType, Self.predicateType, "the signature of a model")

    let subjects = try json.member("subject")
    guard let subject = try subjects.array().first, try subjects.array().count == 1 else {
      throw subjects.failure("one subject is needed, not \(try subjects.array().count)")
    }
    name = try subject.member("name").string()
    let expected = try subject.member("digest").member(Self.hash)

    let predicate = try json.member("predicate")
    let serialization = try predicate.member("serialization")
    try Self.check(serialization.member("method"), Self.method, "a list of files")
    try Self.check(serialization.member("hash_type"), Self.hash, "one by SHA-256")
    followsLinks = try serialization["allow_symlinks"]?.boolean() ?? false
    ignored = try Self.ignored(serialization["ignore_paths"])
    items = try Self.items(predicate.member("resources"))
    guard try expected.digest() == rootDigest else {
      throw expected.failure("the digest of the list is \(rootDigest), not \(try expected.digest())")
    }
  }

  private static func check(_ value: JSONValue, _ wanted: String, _ what: String) throws(Failure) {
    let found = try value.string()
    guard found == wanted else {
      var failure = value.failure("is \"\(shortened(found, to: 80))\", not \(what), which is \"\(wanted)\"")
      failure.hint = "what the signature is of isn't known here; model-signing may know it"
      throw failure
    }
  }

  private static func ignored(_ value: JSONValue?) throws(Failure) -> [String] {
    var out: [String] = []
    for path in try value?.array() ?? [] {
      let text = try path.string()
      guard let cleaned = ModelFiles.cleaned(text) else {
        throw path.failure("\"\(shortened(text, to: 200))\" is no path in a folder, and can't be left out")
      }
      out.append(cleaned)
    }
    return out
  }

  private static func items(_ resources: JSONValue) throws(Failure) -> [Item] {
    var items: [Item] = []
    var names: Set<[UInt8]> = []
    for resource in try resources.array() {
      let name = try resource.member("name")
      let text = try name.string()
      guard text == "." || ModelFiles.cleaned(text)?.isSameBytes(as: text) == true else {
        throw name.failure("\"\(shortened(text, to: 200))\" is no path in a folder")
      }
      guard names.insert(Array(text.utf8)).inserted else {
        throw name.failure("\"\(shortened(text, to: 200))\" comes twice")
      }
      try check(resource.member("algorithm"), hash, "a SHA-256")
      items.append(Item(name: text, digest: try resource.member("digest").digest()))
    }
    guard !items.isEmpty else { throw resources.failure("no file is signed") }
    return items
  }
}
