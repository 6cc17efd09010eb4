import ArgumentParser
import Arrays
import Checkpoints
import Families
import Remote
import Reports

struct Pull: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Fetches a net's files from the hub into the cache that its clients share, verified.",
    discussion: """
      The weights are taken in the best form that the repository has, and what is small beside them. What is in the \
      cache is not fetched again, and a pull that was stopped is gone on with. Prints the folder of the files: where \
      transformers finds them, and `ingot convert`.

      $HF_HOME or $HF_HUB_CACHE choose the cache, $HF_ENDPOINT the hub, $HF_TOKEN who asks.
      """)

  @Argument(
    help: .init(
      "hf://ORG/NAME, hf://ORG/NAME@REVISION, or a folder or file of it; or left out, with --set.", valueName: "address"
    ))
  var address: String?

  @OptionGroup var selection: SelectionOptions

  @Option(
    help: .init("Take the files whose paths fit, and no others; * and ? are any; repeatable.", valueName: "pattern"))
  var include: [String] = []

  @Option(help: "A branch, tag or commit. (default: main)")
  var revision: String?

  @Flag(help: "Tell what would be fetched, and fetch nothing.")
  var dryRun = false

  @OptionGroup var fetching: FetchOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let job = try PullJob(address ?? published(), revision: revision, including: include)
    if !dryRun { try job.run(tells: !output.json) }
    let report = PullReport(job.pull, left: job.left, isPlanned: dryRun, place: job.place)
    try output.print(json: report.json, text: report.text)
  }
}

extension Pull {
  /// The address of the weights that were published of the net that parameters name.
  private func published() throws(Failure) -> String {
    let selected = try selection.selection(path: nil)
    guard case .combination(let family, let combination) = selected,
      let publication = family.publication(of: combination)
    else {
      throw Failure(
        .noInput, "nobody published weights of these parameters",
        hint: "`ingot list FAMILY` shows what is published; an address is taken too: ingot pull hf://ORG/NAME")
    }
    let address = "hf://\(publication.repository)" + (publication.revision.map { "@\($0)" } ?? "")
    let isOfHub = (try? RemoteAddress(address)) != nil && !publication.repository.hasPrefix("weights/")
    guard isOfHub else {
      throw Failure(
        .usage, "\(publication.repository) is no repository of the hub",
        hint: publication.note ?? "`ingot list` tells where its files are; fetch them by another program")
    }
    return address
  }
}

/// A pull of what an address means.
struct PullJob {
  let pull: Remote.Pull
  /// What is left on the hub.
  let left: [(path: String, size: Int)]
  /// Where it is then: a folder, or a file.
  let place: String

  /// - Throws: `Failure` of kind `usage` when the address is none of the hub, and what asking throws.
  init(_ address: String, revision given: String? = nil, including included: [String] = []) throws(Failure) {
    guard case .hub(let name, let named, let path) = try RemoteAddress(address) else {
      throw Failure(
        .usage, file: shortened(address, to: 200), "is no address of the hub; only those are kept in its cache",
        hint: "fetch the file by another program, such as curl, and name it here")
    }
    if let given, let named, given != named {
      throw Failure(.usage, "--revision \(given) contradicts the address, which says \(named)")
    }
    let repository = try RemoteRepository(name, revision: given ?? named)
    let choice = try RepositoryChoice(repository, in: path ?? "", including: included)
    pull = try Remote.Pull(repository, choice.files)
    left = choice.left
    let snapshot = pull.snapshot
    place = path.map { Paths.join(snapshot, $0) } ?? snapshot
  }

  /// - Parameter tells: whether to say on standard error what will be fetched.
  func run(tells: Bool = true) throws(Failure) {
    let missing = pull.items.filter { !$0.isThere }
    if tells, !missing.isEmpty { Console.printError(PullReport.plan(pull)) }
    let progress = ProgressLine("fetching", total: pull.bytesToFetch)
    defer { progress.finish() }
    try pull.run(progress: progress.add) { file in
      Console.printError("waiting for another program that fetches \(printable(file))")
    }
  }
}
