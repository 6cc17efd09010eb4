import ArgumentParser
import Arrays
import Reports
import Signing

struct Sign: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Signs a checkpoint, a file, or nets of the shelf, so that others see whether a byte was changed.",
    discussion: """
      The signature is that of OpenSSF model signing, which `ingot verify` and the Python package model-signing verify: a list \
      of all files with their SHA-256, signed by a key of an elliptic curve, or by a certificate's. Of a folder it is \
      model.sig in it, of a file the file's name with .sig behind it; each net that parameters name has one of its own.
      """)

  @Argument(help: "Folders and files; each is signed for itself.", completion: .file())
  var paths: [String] = []

  @OptionGroup var selection: SelectionOptions

  @Option(
    help: .init("The private key, of the curve P-256, P-384 or P-521, in PEM.", valueName: "file"),
    completion: .file())
  var key: String

  @Option(
    help: .init("A file whose first line is the password of an encrypted key.", valueName: "file"),
    completion: .file())
  var passwordFile: String?

  @Option(help: .init("The key's certificate, in PEM.", valueName: "file"), completion: .file())
  var certificate: String?

  @Option(
    help: .init("Certificates that lead from it to the root, in PEM; repeatable.", valueName: "file"),
    completion: .file())
  var certificateChain: [String] = []

  @OptionGroup var files: SignedFilesOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if certificate == nil, !certificateChain.isEmpty {
      throw ValidationError("--certificate-chain goes with --certificate")
    }
    if !paths.isEmpty, !selection.parameters.isEmpty || selection.family != nil {
      throw ValidationError("paths and parameters are both given")
    }
    try files.check(paths: paths.count)
  }

  func run() throws {
    let password = try passwordFile.map(SignedFilesOptions.firstLine)
    let key = try EllipticKey.private(key, password: password)
    let identity =
      if let certificate {
        try SigningIdentity(key, certificate: certificate, chain: certificateChain)
      } else {
        SigningIdentity(key)
      }
    let nets = paths.isEmpty ? try selection.nets() : []
    var signed: [ModelSignature.Signed] = []
    for path in paths.isEmpty ? nets.map(\.path) : paths {
      let signature = try files.signature(of: path)
      signed.append(try showingProgress("signing") { try signature.sign(by: identity, beginning: $0) })
    }
    let report = SigningReport(signed)
    try output.print(json: report.json, text: report.text)
  }
}

/// Which files of a model a signature is of, and where it is.
struct SignedFilesOptions: ParsableArguments {
  @Option(
    help: .init(
      "The signature's file. (default: model.sig in a folder, else the file's name with .sig behind it)",
      valueName: "file"), completion: .file())
  var signature: String?

  @Option(help: .init("A path in the folder that is left out, with all below it; repeatable.", valueName: "path"))
  var ignore: [String] = []

  @Flag(help: "Follow symbolic links to files, which the hub's cache is made of.")
  var allowSymlinks = false

  func check(paths: Int) throws {
    if signature != nil, paths > 1 { throw ValidationError("--signature is of one folder or file") }
  }

  func signature(of path: String) throws(Failure) -> ModelSignature {
    try ModelSignature(of: path, at: signature, ignoring: ignore, followsLinks: allowSymlinks)
  }

  /// Without its end; the rest of the file is nobody's matter.
  static func firstLine(_ path: String) throws(Failure) -> String {
    let bytes = try contents(of: path, limit: .lineBytes)
    let line = bytes.prefix { $0 != 0x0a && $0 != 0x0d }
    guard let text = String(validating: line, as: UTF8.self), !line.contains(0) else {
      throw Failure(.badData, file: path, "begins with a line that is no text")
    }
    return text
  }
}

/// What is looked at of a signature.
struct SignatureOptions: ParsableArguments {
  @Option(
    help: .init("The public key, in PEM, of whom signed what is verified.", valueName: "file"), completion: .file())
  var key: String?

  @Option(
    help: .init(
      "Certificates that are trusted, in PEM: the root to which that of the signature leads; repeatable.",
      valueName: "file"), completion: .file())
  var certificateChain: [String] = []

  @OptionGroup var files: SignedFilesOptions

  var isGiven: Bool { key != nil || !certificateChain.isEmpty }

  func validate() throws {
    if key != nil, !certificateChain.isEmpty { throw ValidationError("--key and --certificate-chain are both given") }
    if !isGiven, files.signature != nil || !files.ignore.isEmpty || files.allowSymlinks {
      throw ValidationError("--signature, --ignore and --allow-symlinks go with --key or --certificate-chain")
    }
  }

  /// nil when no signature is to be verified.
  func trust() throws(Failure) -> SignatureTrust? {
    if let key { return .key(try EllipticKey.public(key), path: key) }
    guard isGiven else { return nil }
    var certificates: [Certificate] = []
    for path in certificateChain { certificates += try Certificate.read(path) }
    return .certificates(certificates)
  }
}

/// Runs something that tells, once it is known, how many bytes it reads.
func showingProgress<Result>(
  _ title: String, _ body: (_ beginning: (Int) -> ProgressHandler) throws -> Result
) throws -> Result {
  var line: ProgressLine?
  defer { line?.finish() }
  return try body { total in
    let started = ProgressLine(title, total: total)
    line = started
    return started.add
  }
}
