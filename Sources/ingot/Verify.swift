import ArgumentParser
import Arrays
import Assurance
import Checkpoints
import Families
import NetFile
import Reports

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks a net file's checksums, and its equality with the checkpoint it came from.",
    discussion: "Without a path and parameters, every net file on the shelf is checked.")

  @Argument(help: "Net files.")
  var paths: [String] = []

  @OptionGroup var selection: SelectionOptions

  @Option(help: .init("A checkpoint; every array is compared with it, bit for bit.", valueName: "checkpoint"))
  var source: String?

  @OptionGroup var output: OutputOptions

  func run() throws {
    let checkpoint = try source.map { try openCheckpoint($0) }
    let verifications = try files().map { try Verification($0, source: checkpoint) }
    let progress = ProgressLine("verifying", total: verifications.reduce(0) { $0 + $1.totalBytes })
    defer { progress.finish() }
    let report = VerificationReport(try verifications.map { try $0.run(progress: progress.add) })
    progress.finish()
    output.print(json: report.json, text: report.text)
    if !report.isVerified { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }

  private func files() throws(Failure) -> [NetFile] {
    let shelf = selection.shelfOptions.chosen
    var files: [NetFile] = []
    if !paths.isEmpty {
      for path in paths { files.append(try selection.selection(path: path).file(on: shelf)) }
    } else if !selection.parameters.isEmpty {
      files.append(try selection.selection(path: nil).file(on: shelf))
    } else {
      for family in try selection.givenFamily().map({ [$0] }) ?? Family.known {
        for item in shelf.items(of: family) { files.append(try item.net.get()) }
      }
      guard !files.isEmpty else {
        throw Failure(
          .noInput, file: shelf.folder, "holds no net files", hint: "`ingot convert` makes them from a checkpoint")
      }
    }
    return files
  }
}
