import Arrays

/// A signature of a model's files: who makes one, and who looks whether they are still what was signed.
public struct ModelSignature: Sendable {
  /// The folder, or the file, that is signed.
  public let path: String
  /// The signature's file.
  public let signature: String
  private let ignoring: [String]
  private let followsLinks: Bool

  /// - Parameters:
  ///   - path: of a folder or a file.
  ///   - signature: the signature's file; nil: `model.sig` in the folder, or the file's name with `.sig` behind it.
  ///   - ignoring: paths from the folder that are left out, with all that is below them.
  ///   - followsLinks: whether links to files are followed, as the hub's cache needs it.
  /// - Throws: `Failure` of kind `usage` when a path to be left out leads out of the folder, `io` when it can't be said what
  ///   is there.
  public init(
    of path: String, at signature: String? = nil, ignoring: [String] = [], followsLinks: Bool = false
  ) throws(Failure) {
    self.path = path
    let usual = try Paths.isFolder(path) ? Paths.join(path, "model.sig") : "\(path).sig"
    self.signature = signature ?? usual
    self.followsLinks = followsLinks
    var cleaned: [String] = []
    for given in ignoring {
      guard let inside = ModelFiles.cleaned(given) else {
        throw Failure(
          .usage, "\"\(shortened(given, to: 200))\" can't be left out: it is no path in a folder",
          hint: "paths to be left out are given from the folder that is signed")
      }
      cleaned.append(inside)
    }
    self.ignoring = cleaned
  }

  /// The signature's own file, where it is in the folder.
  private var ownName: [String] { ModelFiles.name(of: signature, in: path).map { [$0] } ?? [] }

  // MARK: Signing

  /// What was signed.
  public struct Signed: Sendable {
    public let path: String
    public let signature: String
    public let manifest: SignedManifest
    public let bytes: Int
    public let signer: Signer
  }

  /// Signs what is there, and writes the signature: whole or not at all.
  /// - Parameter beginning: is told how many bytes will be read, and gives what is told of progress.
  /// - Throws: `Failure` of kind `noInput` when there is nothing to sign, `badData` when something can't be signed,
  ///   `cannotCreate` or `io`.
  public func sign(
    by identity: SigningIdentity, beginning: (_ bytes: Int) -> ProgressHandler = { _ in { _, _ in } }
  ) throws -> Signed {
    let isFolder = try Paths.isFolder(path)
    let ignored = isFolder ? unique(ModelFiles.ofGit + ownName + ignoring) : []
    let model = try ModelFiles(path, ignoring: ignored, followsLinks: followsLinks)
    if let obstacle = model.obstacles.first {
      throw Failure(
        .badData, file: Paths.join(path, obstacle.name), "\(obstacle.reason), and can't be signed",
        hint: followsLinks
          ? "leave it out: --ignore NAME"
          : "--allow-symlinks signs what links to files lead to, --ignore NAME leaves it out")
    }
    guard !model.files.isEmpty else {
      throw Failure(.noInput, file: path, "has no files to sign", hint: "name a file, or a folder with files")
    }
    try OutputFile.checkCanBeWritten(signature)
    let (digests, bytes) = try model.digests(beginning: beginning)
    let items = zip(model.files, digests).map { SignedManifest.Item(name: $0.name, digest: $1) }
    let manifest = SignedManifest(name: model.name, items: items, ignored: ignored, followsLinks: followsLinks)
    let text = try SignatureBundle(signing: manifest.payload, by: identity).text
    try Limit.signatureBytes.check(text.count, "bytes", file: signature)
    let file = try OutputFile(signature)
    try file.write(text.rawSpan, at: 0)
    try file.flush()
    try file.commit()
    return Signed(path: path, signature: signature, manifest: manifest, bytes: bytes, signer: try identity.signer)
  }

  private func unique(_ paths: [String]) -> [String] {
    var seen: Set<[UInt8]> = []
    return paths.filter { seen.insert(Array($0.utf8)).inserted }
  }

  // MARK: Verifying

  /// A file that isn't what was signed.
  public struct Difference: Sendable, Equatable {
    public enum Kind: String, Sendable {
      case changed, missing, unsigned
    }

    /// Path from the model's folder; `.` of a model that is one file.
    public let name: String
    public let kind: Kind
    public let reason: String
  }

  /// What was found; no differences in it mean that all is as it was signed.
  public struct Findings: Sendable {
    public let path: String
    public let signature: String
    public let signer: Signer
    public let manifest: SignedManifest
    /// Bytes of the files that were read.
    public let bytes: Int
    /// Left out beyond what the signature says.
    public let ignoring: [String]
    /// Those of signed files first, in the order of the signature.
    public let differences: [Difference]

    public var isVerified: Bool { differences.isEmpty }
  }

  /// Checks the signature, then every file. Files that the signature doesn't list are differences, unless they are left out.
  /// - Parameter beginning: is told how many bytes will be read, and gives what is told of progress.
  /// - Throws: `Failure` of kind `mismatch` when the signature is another's or wrong, `badData` when it is damaged or of
  ///   something else, `noInput` when it or the model isn't there, `io`.
  public func verify(
    trusting trust: SignatureTrust, beginning: (_ bytes: Int) -> ProgressHandler = { _ in { _, _ in } }
  ) throws -> Findings {
    guard try Paths.exists(path) else { throw Failure(.noInput, file: path, "no such file or folder") }
    let (manifest, signer) = try verifiedManifest(trust)
    let model = try ModelFiles(
      path, ignoring: manifest.ignored + ownName + ignoring, followsLinks: followsLinks || manifest.followsLinks)
    let (digests, bytes) = try model.digests(beginning: beginning)
    return Findings(
      path: path, signature: signature, signer: signer, manifest: manifest, bytes: bytes, ignoring: ignoring,
      differences: differences(model, digests, manifest))
  }

  private func verifiedManifest(_ trust: SignatureTrust) throws(Failure) -> (SignedManifest, Signer) {
    do throws(Failure) {
      let bundle = try SignatureBundle(parsing: contents(of: signature, limit: .signatureBytes))
      return try bundle.verified(trusting: trust)
    } catch {
      let hint = "`ingot sign` makes it; --signature names one that is elsewhere"
      throw error.kind == .noInput ? error.hinting(hint) : error.inFile(signature)
    }
  }

  private func differences(
    _ model: ModelFiles, _ digests: [Digest], _ manifest: SignedManifest
  ) -> [Difference] {
    var found: [[UInt8]: Digest] = [:]
    for (file, digest) in zip(model.files, digests) { found[Array(file.name.utf8)] = digest }
    let obstacles = Dictionary(
      model.obstacles.map { (Array($0.name.utf8), $0.reason) }, uniquingKeysWith: { first, _ in first })
    let leftOut = ignoring.map { Array($0.utf8) }
    var out: [Difference] = []
    var signed: Set<[UInt8]> = []
    for item in manifest.items {
      let name = Array(item.name.utf8)
      signed.insert(name)
      if let digest = found[name] {
        guard digest != item.digest else { continue }
        out.append(
          Difference(
            name: item.name, kind: .changed, reason: "was changed: its SHA-256 is \(digest), not \(item.digest)"))
      } else if let reason = obstacles[name] {
        out.append(Difference(name: item.name, kind: .changed, reason: "was changed: it \(reason)"))
      } else if !leftOut.contains(where: { name == $0 || name.starts(with: $0 + [UInt8(ascii: "/")]) }) {
        out.append(Difference(name: item.name, kind: .missing, reason: "was signed, and is missing"))
      }
    }
    for name in model.files.map(\.name) where !signed.contains(Array(name.utf8)) {
      out.append(Difference(name: name, kind: .unsigned, reason: "was not signed"))
    }
    for obstacle in model.obstacles where !signed.contains(Array(obstacle.name.utf8)) {
      out.append(Difference(name: obstacle.name, kind: .unsigned, reason: "was not signed: it \(obstacle.reason)"))
    }
    return out
  }
}
