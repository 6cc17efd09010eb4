import ArgumentParser
import Arrays
import Families
import Reports

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tells what is in a net file, a combination, or any checkpoint before it is converted.",
    discussion: "Reads headers only: a file of gigabytes takes no longer than a small one.")

  @Argument(help: "A net file, a weights file, or a checkpoint's folder.")
  var path: String?

  @OptionGroup var selection: SelectionOptions

  @Flag(help: "Give every array a line of its own.")
  var arrays = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    let inspection = try Inspection(selection.selection(path: path), shelf: selection.shelfOptions.chosen)
    try output.print(json: inspection.json, text: inspection.text(listsEveryArray: arrays))
  }
}
