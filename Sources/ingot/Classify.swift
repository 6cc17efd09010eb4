import ArgumentParser
import Arrays
import Tasks
import Reports

struct Classify: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says what images show, with a Vision Transformer classifier.",
    discussion: """
      An image that can't be read costs itself only: it is named, the others are told, and the exit status is 1.
      """)

  @Argument(help: "JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC files.", completion: .file())
  var images: [String]

  @Option(help: .init("The net file, where it isn't named by --set.", valueName: "file"), completion: .file())
  var net: String?

  @OptionGroup var selection: SelectionOptions

  @Option(help: "How many classes of each image are told.")
  var top = 5

  @OptionGroup var computing: ComputingOptions

  @OptionGroup var pictures: PictureOptions
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
    let read = try pictures.forEach(images) { path, picture in
      out.append((path, Array(try classifier.classes(picture).prefix(top))))
    }
    let report = ClassificationReport(out, function: classifier.function, failed: read.failed)
    if output.json || !out.isEmpty { try output.print(json: report.json, text: report.text) }
    read.tell()
    if read.failed.count > 0 { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }
}
