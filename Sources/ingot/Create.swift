import ArgumentParser
import Arrays
import Families
import Reports

struct Create: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a net without published weights: uninitialized, or with seeded random ones.")

  @OptionGroup var selection: SelectionOptions

  @Flag(help: "No weights at all: the net can be inspected.")
  var uninitialized = false

  @Option(parsing: .unconditional, help: "Random weights: the same for the same number, on every machine.")
  var seed: Int?

  @Flag(help: "Compress the arrays (zstd on byte planes).")
  var compress = false

  @Flag(help: "Replace a net with weights that stands on the shelf.")
  var force = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    guard uninitialized != (seed != nil) else {
      throw Failure(
        .usage,
        uninitialized ? "--uninitialized and --seed exclude each other" : "neither --uninitialized nor --seed is given",
        hint: "choose --uninitialized for a net without weights, or --seed N for random ones")
    }
    guard case .combination(let family, let combination) = try selection.selection(path: nil) else { return }
    let creation = try Creation(family, combination, seed: seed)
    let progress = ProgressLine("creating", total: creation.totalBytes)
    defer { progress.finish() }
    let net = try creation.run(
      on: selection.shelfOptions.chosen, replacing: force, compress: compress, progress: progress.add)
    progress.finish()
    try output.print(json: .object(["nets": [net.json]]), text: "created \(printable(net.path))")
  }
}
