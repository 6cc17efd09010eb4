import ArgumentParser
import Arrays
import Assurance
import Checkpoints
import Families
import Kernels
import NetFile
import Media
import Tasks
import Reports

/// Which net, of which shelf.
struct SelectionOptions: ParsableArguments {
  @Option(name: .customLong("set"), help: .init("A parameter of the net; repeatable.", valueName: "name=value"))
  var parameters: [String] = []

  @Option(help: "The family that the parameters are of.", completion: .families)
  var family: String?

  @OptionGroup var shelfOptions: ShelfOptions

  func parsedParameters() throws(Failure) -> [Combination.Parameter] {
    var out: [Combination.Parameter] = []
    for argument in parameters { out.append(try Combination.Parameter(argument: argument)) }
    return out
  }

  func selection(path: String?) throws(Failure) -> NetSelection {
    try NetSelection(path: path, family: family, parameters: parsedParameters())
  }

  /// The same, where parameters that don't say all mean the net on the shelf that fits them.
  func selectionOnShelf(
    path: String?, fit: (Family) -> Bool = { _ in true }, part: (Family) -> Family.NetKind? = { _ in nil }
  ) throws(Failure) -> NetSelection {
    guard case .combination = try selection(path: path) else { return try selection(path: path) }
    let parameters = try parsedParameters()
    let (family, combination) = try shelfOptions.chosen.choice(
      of: Family.meant(family, by: parameters, fit: fit), parameters, part: part)
    return .combination(family, combination)
  }

  /// The net that parameters name. Where they name no part, it is the first one that is fit.
  func net(path: String? = nil, fit: (Family.NetKind) -> Bool) throws(Failure) -> NetFile {
    try selectionOnShelf(path: path, part: { $0.nets.first(where: fit) }).file(on: shelfOptions.chosen)
  }

  /// The nets that parameters name: where they name no part, all parts.
  /// - Throws: `Failure` of kind `noInput` when one isn't on the shelf.
  func nets() throws(Failure) -> [NetFile] {
    let shelf = shelfOptions.chosen
    let selected = try selectionOnShelf(path: nil)
    guard case .combination(let family, let combination) = selected, family.netAxis != nil,
      try !namesPart(of: family)
    else { return [try selected.file(on: shelf)] }
    return try shelf.nets(family.nets, of: family, combination)
  }

  func namesPart(of family: Family) throws(Failure) -> Bool {
    try parsedParameters().contains { $0.name == family.netAxis?.name }
  }

  func givenFamily() throws(Failure) -> Family? {
    if let family { try Family.named(family) } else { nil }
  }
}

/// Which arrays of a checkpoint.
struct PartOptions: ParsableArguments {
  @Flag(help: "Take all arrays of a checkpoint, by their paths in the file, and not those of its net alone.")
  var all = false

  @Option(
    help: .init(
      "Take the arrays of a checkpoint that stand at this path in the file, such as model_ema.", valueName: "path"))
  var at: String?

  /// nil where neither is given.
  var given: CheckpointPart? { at.map(CheckpointPart.at) ?? (all ? .all : nil) }
  var chosen: CheckpointPart { given ?? .weights }

  func validate() throws {
    if all, at != nil { throw ValidationError("--all and --at are both given") }
    if at?.isEmpty == true { throw ValidationError("--at needs a path") }
  }
}

struct ShelfOptions: ParsableArguments {
  @Option(
    help: .init("Folder of net files. (default: $INGOT_SHELF, else weights/shelf)", valueName: "dir"),
    completion: .directory)
  var shelf: String?

  var chosen: Shelf { .chosen(shelf) }
}

struct OutputOptions: ParsableArguments {
  @Flag(help: "Print one JSON object on standard output and nothing else there.")
  var json = false

  func print(json value: @autoclosure () -> JSONValue, text: @autoclosure () -> String) throws(Failure) {
    try Console.print(json ? printableJSON(value().prettyText) : text())
  }
}

/// How answers are made.
struct DecodingOptions: ParsableArguments {
  @Option(help: "Most tokens of an answer, its end included. (default: 25; with beams: as the profile says)")
  var maxTokens: Int?

  @Option(help: "Fewest tokens before an answer's end. (default: as the profile says)")
  var minTokens: Int?

  @Option(help: "Answers followed up at once; 1 is greedy. (default: as the profile says)")
  var beams: Int?

  @Option(help: "0: take the likeliest token; above: draw from softmax(scores / temperature).")
  var temperature: Double = 0

  @Option(help: "Of the random numbers of a temperature. (default: 0)")
  var seed: UInt64?

  /// Whether anything is.
  var isGiven: Bool { maxTokens != nil || minTokens != nil || beams != nil || temperature != 0 || seed != nil }

  /// Of captions, for which the profile says what isn't given.
  var captionOptions: CaptionOptions {
    CaptionOptions(
      maximumTokens: maxTokens, minimumTokens: minTokens, beams: beams, temperature: temperature, seed: seed ?? 0)
  }

  var answerOptions: AnswerOptions {
    get throws(Failure) {
      AnswerOptions(
        maximumTokens: maxTokens, minimumTokens: minTokens, beams: beams, temperature: temperature, seed: seed ?? 0)
    }
  }
}

/// What a net runs with.
struct ComputingOptions: ParsableArguments {
  @Option(help: "Threads that compute together. (default: one per core)")
  var threads: Int?

  @Option(help: "What kernels compute with: the processor's instructions, or OpenBLAS's products.")
  var kernels = Kernels.auto

  @Flag(
    help: """
      Computes as is fastest, which may differ in the last bits by processor and by what is computed together. Otherwise the \
      same bits come out on every machine.
      """)
  var fast = false

  enum Kernels: String, ExpressibleByArgument, CaseIterable {
    case auto, avx512, avx2, neon, openblas, portable
  }

  /// nil: the best there is.
  var level: Engine.Level? { fast ? .fast : Engine.Level(rawValue: kernels.rawValue) }

  var isGiven: Bool { threads != nil || kernels != .auto || fast }

  func validate() throws {
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is a number from 1 to 1024") }
    if fast, kernels != .auto {
      throw ValidationError("--fast takes the kernels that are fastest: leave --kernels out")
    }
  }
}

/// Questions to measure on.
struct QuestionOptions: ParsableArguments {
  @Option(
    name: .customLong("questions"),
    help: .init(
      "A data set's questions as they are downloaded (.json, .zip, .gz), or .csv, or .jsonl.", valueName: "file"),
    completion: .file())
  var file: String?

  @Option(help: .init("VQA v2's or OK-VQA's annotations.", valueName: "file"), completion: .file())
  var annotations: String?

  @Option(
    help: .init("Folder of the images. (default: that of the questions)", valueName: "dir"), completion: .directory)
  var images: String?

  @Option(help: "Take the first so many questions only.")
  var limit: Int?

  @Option(
    help:
      "How answers are counted: single, vqa, vizwiz, textvqa, aokvqa or gqa. (default: as the data set's publisher does)"
  )
  var metric: AnswerMetric?

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit is a number from 1") }
  }

  /// - Parameter labelled: whether there are images with labels or captions in place of questions.
  func check(labelled: Bool) throws {
    guard file == nil else {
      if labelled {
        throw ValidationError("--questions, --labelled and --captions are of different nets: give one of them")
      }
      return
    }
    if annotations != nil || metric != nil { throw ValidationError("--annotations and --metric go with --questions") }
    if !labelled, images != nil || limit != nil {
      throw ValidationError("--images and --limit go with --questions, --labelled or --captions")
    }
  }

  /// nil when none are given. What is to be noted about them is told on standard error.
  func data() throws(Failure) -> EvaluationData? {
    guard let file else { return nil }
    var data = try EvaluationData.read(file, annotations: annotations, images: images)
    if let limit { data.questions = Array(data.questions.prefix(limit)) }
    if let metric { data.count(by: metric) }
    for note in data.notes { Console.printError("ingot: note: \(printable(note))") }
    return data
  }

  /// Questions whose images are there; nil when none are given.
  func read() throws(Failure) -> [EvaluationItem]? {
    guard let questions = try data()?.questions else { return nil }
    let found = questions.filter { $0.imageProblem == nil }
    if found.count < questions.count {
      Console.printError(
        "ingot: note: \(questions.count - found.count) of \(questions.count) questions are left out: their images are missing"
      )
    }
    return found
  }
}

extension AnswerMetric: ExpressibleByArgument {}

/// Images whose classes are known, for classifiers.
struct LabelledOptions: ParsableArguments {
  @Option(
    help: .init(
      "Of a classifier: a folder with a folder of images for each class, or a CSV file with columns image and label.",
      valueName: "path"), completion: .file())
  var labelled: String?

  @Option(
    help: .init(
      "Of a captioning net: COCO's captions, an array or lines of {\"image\", \"caption\"}, or CSV with these columns.",
      valueName: "file"), completion: .file())
  var captions: String?

  @Flag(help: "Folders, sorted by name, are the classes in their order, whatever they are called.")
  var byOrder = false

  @Option(
    help: .init("With --labelled, of CLIP: a file of labels, one a line, that it chooses from.", valueName: "file"),
    completion: .file())
  var labels: String?

  @Option(
    help: .init(
      "What is made of such a label, which stands for {} in it; repeatable, then their vectors are averaged. (default: \(ZeroShotClassification.usualTemplate))",
      valueName: "text"))
  var template: [String] = []

  func validate() throws {
    if labelled == nil, byOrder { throw ValidationError("--by-order goes with --labelled") }
    if labelled == nil, labels != nil { throw ValidationError("--labels goes with --labelled") }
    if labels == nil, !template.isEmpty { throw ValidationError("--template goes with --labels") }
    if labelled != nil, captions != nil {
      throw ValidationError("--labelled and --captions are of different nets: give one of them")
    }
  }

  var isGiven: Bool { labelled != nil || captions != nil }

  /// Images with people's captions; nil when none are given.
  func readCaptions(_ questions: QuestionOptions) throws(Failure) -> [EvaluationItem]? {
    guard let captions else { return nil }
    let items = try CaptionedImages.read(captions, images: questions.images)
    return questions.limit.map { Array(items.prefix($0)) } ?? items
  }

  /// Images whose right class is known; nil when none are given.
  func read(_ questions: QuestionOptions, labels: [String]) throws(Failure) -> [EvaluationItem]? {
    guard let labelled else { return nil }
    let items = try LabelledImages.read(labelled, images: questions.images, labels: labels, isByOrder: byOrder)
    return questions.limit.map { Array(items.prefix($0)) } ?? items
  }

  /// The task of choosing from the labels; nil when none are given.
  func zeroShot(_ nets: () throws(Failure) -> ClipNets, _ computing: ComputingOptions) throws(Failure)
    -> ZeroShotClassifying?
  {
    guard let labels else { return nil }
    let known = try LabelFile(labels).labels
    let embedding = try ImageTextEmbedding(nets(), threads: computing.threads, level: computing.level)
    let templates = template.isEmpty ? [ZeroShotClassification.usualTemplate] : template
    return ZeroShotClassifying(try ZeroShotClassification(embedding, labels: known, templates: templates))
  }
}

/// Of which size pictures are looked at.
struct SideOptions: ParsableArguments {
  @Option(
    help: .init(
      "Look at pictures of this side, a multiple of the net's patches: its positions are interpolated, as transformers does with interpolate_pos_encoding. (default: as the net's profile says)",
      valueName: "pixels"))
  var side: Int?

  func validate() throws {
    if let side, side < 1 { throw ValidationError("--side is a number from 1") }
  }
}

/// How pictures are looked at.
struct PictureOptions: ParsableArguments {
  @Flag(
    help:
      "Turn pictures as the camera noted (EXIF orientation). Without it they are looked at as stored, as the publisher's code does."
  )
  var upright = false

  /// - Throws: `Failure` as `Picture` does.
  func picture(_ path: String) throws(Failure) -> Picture {
    let picture = try Picture(path)
    return upright ? picture.upright() : picture
  }

  /// Reads pictures one after the other. One that can't be read costs itself only, unless it is the only one.
  /// - Parameter beginning: is told of each, whether it can be read or not.
  func forEach(
    _ paths: [String], beginning: (String) -> Void = { _ in }, _ body: (String, Picture) throws -> Void
  ) throws -> ReadPictures {
    var out = ReadPictures(total: paths.count)
    for path in paths {
      beginning(path)
      let picture: Picture
      do throws(Failure) {
        picture = try self.picture(path)
      } catch {
        guard paths.count > 1 else { throw error }
        out.failed.add(path, error)
        continue
      }
      if picture.isTurned { out.turned.append(path) }
      do {
        try body(path, picture)
      } catch let error as Failure where error.kind == .badData && error.file == nil {
        // Of this picture, such as its size.
        guard paths.count > 1 else { throw error.inFile(path) }
        out.failed.add(path, error.inFile(path))
      }
    }
    return out
  }
}

/// What is to be said of pictures that were read.
struct ReadPictures {
  let total: Int
  fileprivate(set) var failed = FailedInputs()
  /// Taken with the camera turned, and looked at as stored.
  fileprivate(set) var turned: [String] = []

  /// On standard error.
  func tell() {
    if let note = noteOnTurned(turned) { Console.printError(note) }
    failed.tell(of: total)
  }
}

extension FailedInputs {
  /// Names them on standard error, and says how many there are.
  /// - Parameter total: of which they are.
  func tell(of total: Int, lost: String? = nil) {
    for line in lines(of: total, lost: lost) { Console.printError(line) }
  }
}

extension CompletionKind {
  /// The names of families: the shell asks the program.
  static var families: CompletionKind { .custom { _, _, _ in (Family.known + [.plain]).map(\.name) } }
}
