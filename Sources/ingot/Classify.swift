import ArgumentParser
import Arrays
import QuestionAnswering
import Reports

struct Classify: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says what images show, with a Vision Transformer classifier.")

  @Argument(help: "JPEG, PNG, WebP, BMP, GIF or TIFF files.")
  var images: [String]

  @Option(help: .init("The net file, where it isn't named by --set.", valueName: "file"))
  var net: String?

  @OptionGroup var selection: SelectionOptions

  @Option(help: "How many classes of each image are told.")
  var top = 5

  @OptionGroup var computing: ComputingOptions

  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if images.isEmpty { throw ValidationError("there is no image") }
    if top < 1 { throw ValidationError("--top is a number from 1") }
  }

  func run() throws {
    let file = try selection.selectionOnShelf(path: net, fit: ImageClassification.isFamily).file(
      on: selection.shelfOptions.chosen)
    let classifier = try ImageClassification(file, threads: computing.threads, level: computing.level)
    var out: [(path: String, classes: [ImageClassification.Class])] = []
    for path in images { out.append((path, Array(try classifier.classes(Picture(path)).prefix(top)))) }
    let report = ClassificationReport(out)
    try output.print(json: report.json, text: report.text)
  }
}
