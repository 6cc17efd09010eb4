import ArgumentParser
import Arrays
import Assurance
import Reports

struct Diff: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tells what differs between two nets or checkpoints, whatever their layouts.",
    discussion: """
      Arrays are compared under the nets' own names, after what their layouts ask for. Exit status 1 when they differ.
      """)

  @Argument(help: "A net file or checkpoint.", completion: .file())
  var a: String

  @Argument(help: "Another one.", completion: .file())
  var b: String

  @OptionGroup var part: PartOptions
  @OptionGroup var fetching: FetchOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let comparison = try Comparison(a, b, part.chosen)
    let progress = ProgressLine("comparing", total: comparison.totalBytes)
    defer { progress.finish() }
    let difference = try comparison.run(progress: progress.add)
    progress.finish()
    try output.print(json: difference.json, text: difference.text)
    if !difference.isIdentical { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }
}
