import ArgumentParser
import Arrays
import Families
import Reports
import Tasks

struct Classify: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says what images show, with a classifier, or of any labels with CLIP.",
    discussion: """
      With --labels, the nets are those of a parameter combination of the family clip on the shelf, both parts together: \
      which label fits an image best is told by the likeness of its vector and those of the texts that templates make of \
      the labels. Without, the net is a Vision Transformer classifier with classes of its own.

      An image that can't be read costs itself only: it is named, the others are told, and the exit status is 1.

      Without images, JSON Lines are read from standard input, {"image": PATH}, and answered as they come, a line for a \
      line; members id and question_id come back. With --labels or --family clip, a line may have labels of its own, {"image": PATH, \
      "labels": [TEXT, …]}. A line that can't be answered gives an object with an error, and the exit status 1 at the end.
      """)

  @Argument(help: "JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC files.", completion: .file())
  var images: [String] = []

  @Option(help: .init("The net file, where it isn't named by --set.", valueName: "file"), completion: .file())
  var net: String?

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var pulling: PullOption

  @Option(
    help: .init("A file of labels, one a line, that a CLIP net chooses from.", valueName: "file"), completion: .file())
  var labels: String?

  @Option(
    help: .init(
      "What is made of a label, which stands for {} in it; repeatable, then their vectors are averaged. (default: \(ZeroShotClassification.usualTemplate))",
      valueName: "text"))
  var template: [String] = []

  @OptionGroup var size: SideOptions

  @Option(help: "How many classes of each image are told.")
  var top = 5

  @OptionGroup var computing: ComputingOptions
  @OptionGroup var receipts: ReceiptOption

  @OptionGroup var pictures: PictureOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if images.isEmpty, Paths.standardInputIsTerminal { throw ValidationError("there is no image") }
    if images.isEmpty, receipts.receipt != nil { throw ValidationError("--receipt goes with images, not with lines") }
    if top < 1 { throw ValidationError("--top is a number from 1") }
    if labels != nil || isOfLabels, size.side != nil {
      throw ValidationError("--side goes with a classifier, not with labels")
    }
    if labels == nil, !isOfLabels, !template.isEmpty { throw ValidationError("--template goes with --labels") }
    if labels != nil, net != nil {
      throw ValidationError("--labels takes both nets of a combination: name it by --set")
    }
  }

  /// Whether lines may have labels of their own: where the family is one that takes any.
  private var isOfLabels: Bool {
    images.isEmpty && Family.known.contains { $0.name == selection.family && ClipNets.isFamily($0) }
  }

  func run() throws {
    let labels = try labels.map { file throws(Failure) in try LabelFile(file).labels }
    var run = try labels == nil && !isOfLabels ? ofClasses() : ofLabels(labels)
    guard !images.isEmpty else { return try classifyLines(run) }
    try receipts.check(run.level)
    let receipt = receipts.record
    var out: [(path: String, classes: [ImageClassification.Class])] = []
    let read = try pictures.forEach(images) { path, picture in
      let classes = try run.classes(picture)
      try receipt?.add(path, classes)
      out.append((path, Array(classes.prefix(top))))
    }
    var settings = ReceiptSettings()
    (settings.isUpright, settings.side) = (pictures.upright, size.side)
    (settings.labels, settings.templates) = (labels, run.templates)
    try receipts.write(.classify, run.files, settings, receipt)
    let report = ClassificationReport(out, function: run.function, templates: run.templates, failed: read.failed)
    if output.json || !out.isEmpty { try output.print(json: report.json, text: report.text) }
    read.tell()
    if read.failed.count > 0 { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }

  private func ofClasses() throws -> ClassificationRun {
    let shelf = selection.shelfOptions.chosen
    let file = try pulling.opening(on: shelf) {
      try selection.selectionOnShelf(path: net, fit: ImageClassification.isFamily).file(on: shelf)
    }
    return ClassificationRun(
      try ImageClassification(file, side: size.side, threads: computing.threads, level: computing.level))
  }

  private func ofLabels(_ labels: [String]?) throws -> ClassificationRun {
    let shelf = selection.shelfOptions.chosen
    let nets = try pulling.opening(on: shelf) {
      try ClipNets(family: selection.family, parameters: selection.parsedParameters(), on: shelf)
    }
    let embedding = try ImageTextEmbedding(nets, threads: computing.threads, level: computing.level)
    let templates = template.isEmpty ? [ZeroShotClassification.usualTemplate] : template
    guard let labels else { return ClassificationRun(embedding, templates: templates) }
    let progress = ProgressLine("reading", total: labels.count, unit: .things("labels"))
    var told = 0
    let classifier = try ZeroShotClassification(embedding, labels: labels, templates: templates) { done, _ in
      progress.add("", done - told)
      told = done
    }
    progress.finish()
    for label in classifier.cut.prefix(3) {
      Console.printError(
        "ingot: note: the label \"\(printable(shortened(label, to: 60)))\" makes a text of more than "
          + "\(embedding.mostTokens) tokens: its end is cut off")
    }
    return ClassificationRun(embedding, classifier, templates: templates)
  }

  /// Answers lines of standard input as they come.
  private func classifyLines(_ run: ClassificationRun) throws {
    var lines = ClassificationLines(run, top: top, isUpright: pictures.upright)
    var input = InputLines()
    while let line = try input.next() {
      if let classes = lines.classes(line) { try Console.print(classes) }
    }
    if let note = noteOnTurned(lines.turned) { Console.printError(note) }
    if lines.failed > 0 { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }
}
