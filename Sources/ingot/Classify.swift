import ArgumentParser
import Arrays
import Tasks
import Reports

struct Classify: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says what images show, with a classifier, or of any labels with CLIP.",
    discussion: """
      With --labels, the nets are those of a parameter combination of the family clip on the shelf, both parts together: \
      which label fits an image best is told by the likeness of its vector and those of the texts that templates make of \
      the labels. Without, the net is a Vision Transformer classifier with classes of its own.

      An image that can't be read costs itself only: it is named, the others are told, and the exit status is 1.
      """)

  @Argument(help: "JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC files.", completion: .file())
  var images: [String]

  @Option(help: .init("The net file, where it isn't named by --set.", valueName: "file"), completion: .file())
  var net: String?

  @OptionGroup var selection: SelectionOptions

  @Option(
    help: .init("A file of labels, one a line, that a CLIP net chooses from.", valueName: "file"), completion: .file())
  var labels: String?

  @Option(
    help: .init(
      "What is made of a label, which stands for {} in it; repeatable, then their vectors are averaged. (default: \(ZeroShotClassification.usualTemplate))",
      valueName: "text"))
  var template: [String] = []

  @Option(help: "How many classes of each image are told.")
  var top = 5

  @OptionGroup var computing: ComputingOptions

  @OptionGroup var pictures: PictureOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if images.isEmpty { throw ValidationError("there is no image") }
    if top < 1 { throw ValidationError("--top is a number from 1") }
    if labels == nil, !template.isEmpty { throw ValidationError("--template goes with --labels") }
    if labels != nil, net != nil {
      throw ValidationError("--labels takes both nets of a combination: name it by --set")
    }
  }

  func run() throws {
    if let labels { return try classify(by: labels) }
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

  private func classify(by file: String) throws {
    let labels = try LabelFile(file).labels
    let nets = try ClipNets(
      family: selection.family, parameters: selection.parsedParameters(), on: selection.shelfOptions.chosen)
    let embedding = try ImageTextEmbedding(nets, threads: computing.threads, level: computing.level)
    let progress = ProgressLine("reading", total: labels.count, unit: .things("labels"))
    let templates = template.isEmpty ? [ZeroShotClassification.usualTemplate] : template
    let classifier = try ZeroShotClassification(embedding, labels: labels, templates: templates) { _, _ in
      progress.add("", 1)
    }
    progress.finish()
    for label in classifier.cut.prefix(3) {
      Console.printError(
        "ingot: note: the label \"\(printable(shortened(label, to: 60)))\" makes a text of more than "
          + "\(embedding.mostTokens) tokens: its end is cut off")
    }
    var out: [(path: String, classes: [ImageClassification.Class])] = []
    let read = try pictures.forEach(images) { path, picture in
      out.append((path, Array(try classifier.classes(picture).prefix(top))))
    }
    let report = ClassificationReport(
      out, function: .softmax, templates: classifier.templates, failed: read.failed)
    if output.json || !out.isEmpty { try output.print(json: report.json, text: report.text) }
    read.tell()
    if read.failed.count > 0 { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }
}
