import ArgumentParser
import Arrays
import Assurance
import Checkpoints
import Families
import NetFile
import Tasks
import Reports
import Signing

struct Verify: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Checks a net file's checksums, its equality with its checkpoint, its signature, and what the nets compute.",
    discussion: """
      Without a path and parameters, every net file on the shelf is checked; what didn't come \
      from the source, as int8 nets don't from a checkpoint, is not compared with it. With --reference, the nets that answer \
      questions, make captions or match or compare images and texts together, or the one that embeds texts, are run: their paths, or \
      parameters without the part. With --receipt, the nets that it names are found on the shelf. With --key or --certificate-chain, signatures are verified first, of whatever folders \
      and files; of those that are net files, the rest too.
      """)

  @Argument(help: "Net files; with --key or --certificate-chain, any folders and files.", completion: .file())
  var paths: [String] = []

  @OptionGroup var selection: SelectionOptions

  @Option(
    help: .init(
      "A checkpoint: every array is compared with it, bit for bit; or, of an int8 net, the float net file it came from.",
      valueName: "source"), completion: .file())
  var source: String?

  @Option(
    help: .init(
      "What other software computed, from the scripts of tools/reference, or --trace of `ingot ask` and `ingot caption`: every output is compared.",
      valueName: "file"), completion: .file())
  var reference: String?

  @Option(
    help: .init(
      "What --receipt of `ingot ask`, caption, match, classify or embed wrote: every result is computed again, and must be the same to the bit.",
      valueName: "file"), completion: .file())
  var receipt: String?

  @Option(help: "Most error of an output, as a part of the reference's largest magnitude.")
  var tolerance = ReferenceVerification.usualTolerance

  @OptionGroup var signing: SignatureOptions
  @OptionGroup var part: PartOptions
  @OptionGroup var computing: ComputingOptions
  @OptionGroup var fetching: FetchOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard tolerance.isFinite, tolerance >= 0 else { throw ValidationError("--tolerance is a number from 0") }
    if source == nil, part.given != nil { throw ValidationError("--all and --at go with --source") }
    if reference == nil, receipt == nil, computing.isGiven {
      throw ValidationError("--threads and --kernels go with --reference and --receipt")
    }
    if receipt != nil, reference != nil || source != nil || !selection.parameters.isEmpty {
      throw ValidationError("--receipt names its nets itself: leave --reference, --source and --set out")
    }
    if reference != nil, !paths.isEmpty, !selection.parameters.isEmpty {
      throw ValidationError("paths and parameters are both given")
    }
    try signing.files.check(paths: paths.count)
  }

  func run() throws {
    guard let trust = try signing.trust() else {
      try run(checking: nil)
      return
    }
    let signed = paths.isEmpty ? try files().files.map(\.path) : paths
    if signing.files.signature != nil, signed.count > 1 {
      throw Failure(.usage, "--signature is of one net, and \(signed.count) are meant", hint: "name one by its path")
    }
    var found: [ModelSignature.Findings] = []
    for path in signed {
      let signature = try signing.files.signature(of: path)
      found.append(try showingProgress("verifying") { try signature.verify(trusting: trust, beginning: $0) })
    }
    var others = self
    if !paths.isEmpty, source == nil, reference == nil {
      var nets: [String] = []
      for path in paths where try isNetFile(path) { nets.append(path) }
      if nets.isEmpty {
        try tell(VerificationReport([], signatures: SignatureLines(found)))
        return
      }
      others.paths = nets
    }
    try others.run(checking: SignatureLines(found))
  }

  private func isNetFile(_ path: String) throws(Failure) -> Bool {
    guard try Paths.isRegularFile(path) else { return false }
    return try FileKind.of(InputFile(path)) == .netFile
  }

  /// - Parameter signatures: what was found of them before.
  private func run(checking signatures: SignatureLines?) throws {
    let receipt = try receipt.map { path throws(Failure) in try Receipt(file: path) }
    let (running, files, unreadable) = try receipt.map { (nil, try nets(of: $0), []) } ?? inputs()
    let verifications = try verifications(of: files)
    let progress = ProgressLine("verifying", total: verifications.reduce(0) { $0 + $1.totalBytes })
    defer { progress.finish() }
    let findings = try verifications.map { try $0.run(progress: progress.add) }
    progress.finish()
    try tell(
      VerificationReport(
        findings + unreadable, outputs: try outputs(of: running),
        receipt: try receipt.map { try reproduced($0, files) },
        signatures: signatures))
  }

  /// The nets of a receipt, as they are given or on the shelf.
  private func nets(of receipt: Receipt) throws(Failure) -> [NetFile] {
    var files: [NetFile] = []
    for path in paths { files.append(try NetSelection.file(at: path)) }
    guard files.isEmpty else { return files }
    for net in receipt.nets { files.append(try selection.shelfOptions.chosen.net(withDigest: net.digest)) }
    return files
  }

  private func reproduced(_ receipt: Receipt, _ files: [NetFile]) throws(Failure) -> ReceiptLines {
    let verification = try ReceiptVerification(
      receipt, files: files, threads: computing.threads, level: computing.level)
    let progress = ProgressLine("computing", total: receipt.items.count, unit: .things("results"))
    defer { progress.finish() }
    return ReceiptLines(receipt, try verification.run { progress.add("", 1) })
  }

  private func tell(_ report: VerificationReport) throws {
    try output.print(json: report.json, text: report.text)
    if !report.isVerified { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }

  /// With a net file as its source, an int8 net is quantized again; a checkpoint's arrays are compared with the net's.
  private func verifications(of files: [NetFile]) throws(Failure) -> [Verification] {
    var out: [Verification] = []
    guard let source else {
      for file in files { out.append(try Verification(file, source: nil)) }
      return out
    }
    if let float = try netFile(source) {
      // The nets of a whole shelf, or of all parts, can't all have come from one.
      let areMany = paths.isEmpty && files.count > 1
      for file in files { out.append(try Verification(file, quantizedFrom: float, isLenient: areMany)) }
    } else {
      // Of a whole shelf, some nets may have come another way.
      let isWholeShelf = paths.isEmpty && selection.parameters.isEmpty
      var opened: [CheckpointPart: any Checkpoint] = [:]
      for file in files {
        let part = part.given ?? file.header.checkpointPart
        var checkpoint = opened[part]
        if checkpoint == nil { checkpoint = try sourceCheckpoint(source, part) }
        opened[part] = checkpoint
        guard let checkpoint else { continue }
        out.append(try Verification(file, source: checkpoint, isLenient: isWholeShelf))
      }
    }
    guard files.isEmpty || out.contains(where: \.compares) else {
      throw Failure(
        .badData, file: source, "none of the nets came from it", hint: "`ingot list` shows what is on the shelf")
    }
    return out
  }

  /// - Parameter part: given, or what the net says of itself, which another checkpoint may not have.
  private func sourceCheckpoint(_ path: String, _ part: CheckpointPart) throws(Failure) -> any Checkpoint {
    do throws(Failure) { return try openCheckpoint(path, part) } catch {
      guard self.part.given == nil, error.kind == .noInput, part != .weights else { throw error }
      return try openCheckpoint(path)
    }
  }

  /// nil when the path is of something else.
  private func netFile(_ path: String) throws(Failure) -> NetFile? {
    guard path.hasSuffix(".ingot") else { return nil }
    return try NetFile(path)
  }

  /// Nets that are run, with what they are compared with.
  private enum Running {
    case answering(VQANets, ReferenceFile)
    case captioning(CaptionNets, ReferenceFile)
    case embedding(NetFile, path: String)
    case comparing(ClipNets, ReferenceFile)
    case matching(MatchNets, ReferenceFile)
    case looking(NetFile, ReferenceFile)

    var files: [NetFile] {
      switch self {
      case .answering(let nets, _): nets.files
      case .captioning(let nets, _): nets.files
      case .embedding(let net, _): [net]
      case .comparing(let nets, _): nets.files
      case .matching(let nets, _): nets.files
      case .looking(let net, _): [net]
      }
    }
  }

  /// The nets to run, where they are to be run, and what else is to be checked.
  private func inputs() throws(Failure) -> (Running?, files: [NetFile], unreadable: [Verification.Findings]) {
    guard let reference else {
      let (files, unreadable) = try files()
      return (nil, files, unreadable)
    }
    var opened: [NetFile] = []
    for path in paths { opened.append(try NetSelection.file(at: path)) }
    if try EmbeddingVerification.isReference(reference) {
      let net = try only(opened, TextEmbedding.isFamily, "embeds texts")
      return (.embedding(net, path: reference), [net], [])
    }
    let file = try ReferenceFile(reference)
    let (family, parameters, shelf) = (
      selection.family, try selection.parsedParameters(), selection.shelfOptions.chosen
    )
    let running: Running
    switch file.kind {
    case .questions:
      let nets =
        opened.isEmpty
        ? try VQANets(family: family, parameters: parameters, on: shelf) : try VQANets(files: opened)
      running = .answering(nets, file)
    case .captions:
      let nets =
        opened.isEmpty
        ? try CaptionNets(family: family, parameters: parameters, on: shelf) : try CaptionNets(files: opened)
      running = .captioning(nets, file)
    case .texts:
      let nets =
        opened.isEmpty
        ? try ClipNets(family: family, parameters: parameters, on: shelf) : try ClipNets(files: opened)
      running = .comparing(nets, file)
    case .matches:
      let nets =
        opened.isEmpty ? try MatchNets(family: family, parameters: parameters, on: shelf) : try MatchNets(files: opened)
      running = .matching(nets, file)
    case .images: running = .looking(try only(opened, ImageNet.isFamily, "looks at images"), file)
    }
    return (running, running.files, [])
  }

  /// The one net that is given, or that parameters pick.
  /// - Parameter does: what it does.
  private func only(
    _ opened: [NetFile], _ fit: (Family) -> Bool, _ does: String
  ) throws(Failure) -> NetFile {
    guard let net = opened.first else {
      let families = try Family.meant(selection.family, by: selection.parsedParameters(), fit: fit)
      let shelf = selection.shelfOptions.chosen
      let (family, combination) = try shelf.choice(of: families, selection.parsedParameters())
      return try NetSelection.combination(family, combination).file(on: shelf)
    }
    guard opened.count == 1 else {
      throw Failure(.usage, "the reference is of one net that \(does)", hint: "name that net alone")
    }
    return net
  }

  private func outputs(of running: Running?) throws(Failure) -> [OutputComparison] {
    switch running {
    case nil: return []
    case .answering(let nets, let reference):
      let vqa = try VisualQuestionAnswering(nets, threads: computing.threads, level: computing.level)
      return try ReferenceVerification(vqa, reference, tolerance: tolerance).run()
    case .captioning(let nets, let reference):
      let captioning = try ImageCaptioning(nets, threads: computing.threads, level: computing.level)
      return try CaptionVerification(captioning, reference, tolerance: tolerance).run()
    case .embedding(let net, let path):
      let embedder = try TextEmbedding(net, threads: computing.threads, level: computing.level)
      return try EmbeddingVerification(embedder, path, tolerance: tolerance).run()
    case .comparing(let nets, let reference):
      let embedding = try ImageTextEmbedding(nets, threads: computing.threads, level: computing.level)
      return try ClipVerification(embedding, reference, tolerance: tolerance).run()
    case .matching(let nets, let reference):
      let matching = try ImageTextMatching(nets, threads: computing.threads, level: computing.level)
      return try MatchVerification(matching, reference, tolerance: tolerance).run()
    case .looking(let file, let reference):
      let net = try ImageNet(file, side: reference.side, threads: computing.threads, level: computing.level)
      return try ImageNetVerification(net, reference, tolerance: tolerance).run()
    }
  }

  /// The net files meant, and on a whole shelf those that can't even be opened: they are findings, and the rest is
  /// checked all the same.
  private func files() throws(Failure) -> (files: [NetFile], unreadable: [Verification.Findings]) {
    let shelf = selection.shelfOptions.chosen
    var files: [NetFile] = []
    var unreadable: [Verification.Findings] = []
    if !paths.isEmpty {
      for path in paths { files.append(try selection.selection(path: path).file(on: shelf)) }
    } else if !selection.parameters.isEmpty {
      files = try selection.nets()
    } else {
      for family in try selection.givenFamily().map({ [$0] }) ?? (Family.known + [.plain]) {
        for item in try shelf.items(of: family) {
          switch item.net {
          case .success(let net): files.append(net)
          case .failure(let failure): unreadable.append(.init(unreadable: item.path, failure))
          }
        }
      }
      guard !files.isEmpty || !unreadable.isEmpty else {
        throw Failure(
          .noInput, file: shelf.folder, "holds no net files", hint: "`ingot convert` makes them from a checkpoint")
      }
    }
    return (files, unreadable)
  }
}
