import ArgumentParser
import Arrays
import Assurance
import Families
import Kernels
import NetFile
import Tasks
import Reports

struct Quantize: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes int8 nets of float ones: a quarter of the size.",
    discussion: """
      Of nets of known families, every Linear's weight and the word embeddings become 8-bit integers with a scale per row; the rest stays. The nets \
      stand on the shelf as Precision=int8. Named by parameters without the part, all three nets that answer questions \
      are quantized. Of a plain net, every floating-point array of two or more dimensions becomes int8, with a scale for each \
      output: the first dimension, or the last one where Keras, Flax or TensorFlow put it.

      With --questions, or --labelled for a classifier (and --labels for CLIP), the layers' inputs are measured on some of the questions, which \
      need no answers, or images. Weights are then rounded so that the errors cancel in the directions in which inputs vary most, and biases take back what rounding \
      does to the mean input.

      With --max-drop or --min-agreement, all are answered or classified by the float nets and by int8 ones. Where the int8 \
      ones are not good enough, the arrays that hurt most are multiplied with float32, or become float16, or stay as they \
      are: as few as are needed.
      """)

  @Argument(help: "Net files.", completion: .file())
  var paths: [String] = []

  @OptionGroup var selection: SelectionOptions

  @Option(help: .init("int8; or float16 or bfloat16, which every array becomes then.", valueName: "type"))
  var precision = Precision.int8

  @Option(
    help: .init(
      "What int8 weights are multiplied with: int8, float32, or auto: int8 where many vectors go through a layer at once, but in sentence embedders float32.",
      valueName: "type"))
  var activations = ActivationsOption.auto

  @Flag(help: "Leave the word embeddings, and a head tied to them, as they are.")
  var keepEmbeddings = false

  @Option(help: .init("An array that stays as it is; repeatable.", valueName: "array"))
  var keep: [String] = []

  @Option(help: .init("Of biases, norms and whatever else is never int8: float16 or bfloat16.", valueName: "type"))
  var rest: ShorterFloat?

  @Option(
    help: .init(
      "Of plain nets: the least ratio of signal to quantization noise of an int8 array; what falls below stays as it is.",
      valueName: "dB"))
  var minSqnr: Double?

  @Option(help: .init("What falls below --min-sqnr becomes: float16 or bfloat16.", valueName: "type"))
  var fallback: ShorterFloat?

  @Flag(help: "Of plain nets: show the errors of all arrays, not of the worst ones only.")
  var all = false

  @OptionGroup var questions: QuestionOptions
  @OptionGroup var images: LabelledOptions

  @Option(help: .init("Most points of accuracy, of 100, that may be lost on them.", valueName: "points"))
  var maxDrop: Double?

  @Option(help: .init("Fewest answers or classes, of 100, that must stay the same.", valueName: "percent"))
  var minAgreement: Double?

  @OptionGroup var decoding: DecodingOptions
  @OptionGroup var computing: ComputingOptions

  @Flag(help: "Replace nets on the shelf that came from others.")
  var force = false

  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  enum Precision: String, ExpressibleByArgument, CaseIterable {
    case int8, float16, bfloat16

    var elementType: ElementType {
      switch self {
      case .int8: .int8
      case .float16: .float16
      case .bfloat16: .bfloat16
      }
    }
  }

  enum ShorterFloat: String, ExpressibleByArgument, CaseIterable {
    case float16, bfloat16

    var elementType: ElementType { self == .float16 ? .float16 : .bfloat16 }
  }

  enum ActivationsOption: String, ExpressibleByArgument, CaseIterable {
    case auto, int8, float32
  }

  func validate() throws {
    if fallback != nil, minSqnr == nil { throw ValidationError("--fallback goes with --min-sqnr") }
    if let minSqnr, !minSqnr.isFinite { throw ValidationError("--min-sqnr is a number of decibels") }
    try questions.check(labelled: images.isGiven)
    if !isMeasured, computing.kernels != .auto {
      throw ValidationError("--kernels goes with --questions or --labelled: without them, no net is run")
    }
    if maxDrop != nil || minAgreement != nil {
      guard isMeasured else {
        throw ValidationError("--max-drop and --min-agreement need --questions, or --labelled for a classifier")
      }
      guard activations == .auto else {
        throw ValidationError("activations are chosen by --max-drop or by --activations")
      }
    } else if decoding.isGiven {
      throw ValidationError("how answers are made matters with --max-drop or --min-agreement only")
    }
    if let maxDrop, !(0...100).contains(maxDrop) { throw ValidationError("--max-drop is a number from 0 to 100") }
    if let minAgreement, !(0...100).contains(minAgreement) {
      throw ValidationError("--min-agreement is a number from 0 to 100")
    }
    if precision != .int8 {
      guard minSqnr == nil else { throw ValidationError("--min-sqnr is of int8 nets") }
      guard keep.isEmpty, !keepEmbeddings, rest == nil, activations == .auto, !isMeasured else {
        throw ValidationError("of a \(precision.rawValue) net every array is of that type: there is nothing to choose")
      }
    }
  }

  /// Whether the nets are run.
  private var isMeasured: Bool { questions.file != nil || images.isGiven }

  func run() throws {
    let nets = try nets()
    for net in nets { try checkOptions(of: net) }
    if let task = try images.zeroShot({ () throws(Failure) in try ClipNets(files: nets) }, computing) {
      return try quantize(nets, task, images.read(questions, labels: task.classifier.labels) ?? [])
    }
    guard images.labelled == nil else {
      let task = try classifying(nets)
      return try quantize(nets, task, images.read(questions, labels: task.classifier.labels) ?? [])
    }
    if let items = try images.readCaptions(questions) {
      let captioning = try ImageCaptioning(
        CaptionNets(files: nets), threads: computing.threads, level: computing.level)
      let found = items.filter { $0.imageProblem == nil }
      return try quantize(nets, Captioning(captioning, decoding.captionOptions, items: found), found)
    }
    guard let asked = try questions.read() else { return try write(options(for: nets, nil), nil) }
    let vqa = try VisualQuestionAnswering(VQANets(files: nets), threads: computing.threads, level: computing.level)
    try quantize(nets, Answering(vqa, decoding.answerOptions), asked)
  }

  private func classifying(_ nets: [NetFile]) throws(Failure) -> Classifying {
    guard nets.count == 1 else {
      throw Failure(.usage, "--labelled goes with one net at a time", hint: "an image classifier is a net of its own")
    }
    return try Classifying(ImageClassification(nets[0], threads: computing.threads, level: computing.level))
  }

  /// Quantizes by what was measured.
  private func quantize<Task: NetTask>(_ nets: [NetFile], _ task: Task, _ items: [EvaluationItem]) throws {
    let base = try options(for: nets, measured(task, items))
    guard maxDrop != nil || minAgreement != nil else { return try write(base, nil) }
    let search = try BudgetSearch(
      task, on: items, .init(maximumDrop: maxDrop, minimumAgreement: minAgreement),
      base: Dictionary(base.map { ($0.header.net, $1) }) { first, _ in first })
    let status = StatusLine("searching")
    defer { status.finish() }
    let shelf = selection.shelfOptions.chosen
    let found = try search.run(folder: Paths.join(shelf.folder, nets[0].header.family), progress: status.show)
    status.finish()
    try write(base, found)
  }

  private func measured<Task: NetTask>(_ task: Task, _ items: [EvaluationItem]) throws(Failure) -> LayerInputs {
    let some = LayerInputs.some(of: items)
    let progress = ProgressLine("measuring", total: some.count, unit: .things("\(Task.words.item)s"))
    defer { progress.finish() }
    return try LayerInputs(task, on: some, progress: progress.add)
  }

  private func write(
    _ base: [(NetFile, QuantizationOptions)], _ search: QuantizationSearchResult?
  ) throws {
    let quantizations = try base.map { try Quantization($0, search?.options[$0.header.net] ?? $1) }
    let progress = ProgressLine("quantizing", total: quantizations.reduce(0) { $0 + $1.totalBytes })
    defer { progress.finish() }
    let written = try Quantization.run(
      quantizations, on: selection.shelfOptions.chosen, replacing: force, progress: progress.add)
    progress.finish()
    let report = QuantizationReport(written, search: search, listsAll: all)
    try output.print(json: report.json, text: report.text)
  }

  private func nets() throws(Failure) -> [NetFile] {
    guard paths.isEmpty else {
      guard selection.parameters.isEmpty else {
        throw Failure(.usage, "paths and parameters are both given", hint: "name the nets by one of them")
      }
      var files: [NetFile] = []
      for path in paths { files.append(try NetSelection.file(at: path)) }
      return files
    }
    return try selection.nets()
  }

  /// Of a plain net it isn't known what its layers are, and it can't be run; how well a known one runs can be measured.
  private func checkOptions(of net: NetFile) throws(Failure) {
    guard net.header.family == Family.plain.name else {
      guard minSqnr == nil else {
        throw Failure(
          .usage, file: net.path, "--min-sqnr is of plain nets, and this one is of a known family",
          hint: "--max-drop and --min-agreement measure what matters: its answers")
      }
      return
    }
    guard !keepEmbeddings, activations == .auto, !isMeasured else {
      throw Failure(
        .usage, file: net.path, "is a plain net: which arrays are embeddings isn't known, and it can't be run",
        hint: "leave out --keep-embeddings, --activations, --questions and --labelled; "
          + "--keep NAME and --min-sqnr choose arrays")
    }
  }

  /// An array that is to be kept has to be in one of the nets.
  private func options(
    for nets: [NetFile], _ inputs: LayerInputs?
  ) throws(Failure) -> [(NetFile, QuantizationOptions)] {
    let known = nets.map { Set($0.header.arrays.map(\.name)) }
    for name in keep where !known.contains(where: { $0.contains(name) }) {
      throw Failure(.usage, "there is no array \(name)", hint: "`ingot inspect` lists the arrays")
    }
    return zip(nets, known).map { net, names in
      let kept = names.intersection(keep)
      return (
        net,
        QuantizationOptions(
          precision: precision.elementType, keepsEmbeddings: keepEmbeddings,
          kept: Dictionary(uniqueKeysWithValues: kept.map { ($0, nil) }), rest: rest?.elementType,
          activations: Activations(rawValue: activations.rawValue), inputs: inputs?.of(net),
          minimumSQNR: minSqnr, fallback: fallback?.elementType)
      )
    }
  }
}
