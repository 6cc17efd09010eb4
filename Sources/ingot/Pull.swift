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
    guard let address = publication.address else {
      throw Failure(
        .usage, "\(publication.repository) is no repository of the hub",
        hint: publication.note ?? "`ingot list` tells where its files are; fetch them by another program")
    }
    return address
  }
}
