import ArgumentParser
import Arrays
import Reports

struct Limits: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the limits on what is read of files, and what --allow NAME=VALUE can set them to.",
    discussion: "Every command that reads files of others takes --allow. Sizes may have a unit: 512MiB, 16GB.")

  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  func run() throws { try output.print(json: LimitReport.json, text: LimitReport.text) }
}
