import ArgumentParser
import Arrays
import Assurance
import Families
import Reports

struct Inspect: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tells what is in a net file, a combination, or any checkpoint before it is converted.",
    discussion: """
      Reads headers only: a file of gigabytes takes no longer than a small one. With --statistics, --check or \
      --html, all values are read and measured too. With --check, the exit status is 1 where an array holds NaN or \
      infinities, or several floats that are all zero.
      """)

  @Argument(
    help: "A net file, a weights file, a checkpoint's folder, or an address: hf://ORG/NAME or https://…",
    completion: .file())
  var path: String?

  @OptionGroup var selection: SelectionOptions

  @Flag(help: "Give every array, and with --layers every layer, a line of its own.")
  var arrays = false

  @Flag(help: "List the layers in the order in which they run, with shapes, parameters and multiply-adds.")
  var layers = false

  @Option(help: .init("With --layers: how many tokens texts have; else the most that the net takes.", valueName: "n"))
  var tokens: Int?

  @Option(
    help: .init(
      "With --layers: how many vectors of another net are attended over; else as many as that one makes.",
      valueName: "n"))
  var context: Int?

  @Flag(help: "Measure every array's values: range, mean, deviation, zeros, histogram.")
  var statistics = false

  @Flag(help: "Look for NaN, infinities and arrays that are all zeros.")
  var check = false

  @Option(help: .init("Write a page with all that was found and measured.", valueName: "file"), completion: .file())
  var html: String?

  @Option(
    help: .init(
      "Write a bill of materials, CycloneDX 1.6, with the SHA-256 of the files; - prints it and nothing else.",
      valueName: "file"), completion: .file())
  var bom: String?

  @OptionGroup var part: PartOptions
  @OptionGroup var fetching: FetchOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard layers || (tokens == nil && context == nil) else {
      throw ValidationError("--tokens and --context go with --layers")
    }
    if bom == "-", output.json { throw ValidationError("--json and --bom - both print on standard output") }
    guard (tokens ?? 1) > 0, (context ?? 1) > 0 else { throw ValidationError("--tokens and --context are at least 1") }
  }

  func run() throws {
    // Where several nets fit, the default combination is shown, as one that isn't on the shelf is.
    let onShelf = try ifFound { () throws(Failure) in try selection.selectionOnShelf(path: path) }
    let selected = try onShelf ?? selection.selection(path: path)
    let inspection = try Inspection(selected, shelf: selection.shelfOptions.chosen, part: part.given)
    if let bom, try writes(inspection, to: bom) { return }
    let file = try html.map { path throws(Failure) in try OutputFile(path) }
    let measured = statistics || check || file != nil ? try measure(inspection) : nil
    let listing = layers ? try inspection.layerListing(tokens: tokens, context: context) : nil
    if let file { try InspectionPage(inspection, statistics: measured, layers: listing).page.write(to: file) }
    let told = statistics ? measured : nil
    let checked = check ? measured.map { ValueCheck(inspection, $0) } : nil
    try output.print(
      json: inspection.json(statistics: told, check: checked, layers: listing),
      text: inspection.text(listsEveryArray: arrays, statistics: told, check: checked, layers: listing))
    if let checked, !checked.findings.isEmpty { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }

  /// - Parameter bom: where the bill of materials goes.
  /// - Returns: whether that is standard output, on which nothing else is printed then.
  private func writes(_ inspection: Inspection, to bom: String) throws -> Bool {
    let file = bom == "-" ? nil : try OutputFile(bom)
    let bill = try showingProgress("SHA-256") {
      try BillOfMaterials(inspection, epoch: Paths.environment("SOURCE_DATE_EPOCH"), beginning: $0)
    }
    let text = printableJSON(bill.json.prettyText)
    guard let file else {
      try Console.print(text)
      return true
    }
    try file.write(Array("\(text)\n".utf8).rawSpan, at: 0)
    try file.flush()
    try file.commit()
    return false
  }

  /// nil where there are no weights.
  private func measure(_ inspection: Inspection) throws -> MeasuredArrays? {
    guard let statistics = try InspectionStatistics(inspection) else { return nil }
    let progress = ProgressLine("measuring", total: statistics.totalBytes)
    defer { progress.finish() }
    return try statistics.run(progress: progress.add)
  }
}
