import ArgumentParser
import Arrays
import Assurance
import Families
import Tasks
import Reports

struct Evaluate: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs nets on many questions or images: how much is right, and what differs from other nets.",
    discussion: """
      Questions are those of VQA v2 or OK-VQA (the questions file, with --annotations and --images), of A-OKVQA, VizWiz, \
      TextVQA or GQA, as they are downloaded; or a file of their own: CSV whose first line names the columns image, \
      question and answer, JSON Lines of {"image", "question", "answer"}, or an array of these. Answers are counted by \
      the data set's official metric; a single answer is right or wrong. --results writes them for the data set's server.

      Of an image classifier, --labelled names images whose classes are known: how often the likeliest class is the right \
      one, and one of the five likeliest. With --labels, it is CLIP that chooses from these.

      Of a captioning net, --captions names images with people's captions: CIDEr-D, as COCO's evaluation computes it.

      Of CLIP and of nets that match images and texts, --captions tells retrieval: how many captions are found by an image, and \
      images by a caption, among the first 1, 5 and 10 of all.

      An image that is missing or can't be read costs the questions about it: it is named, and the exit status is 1.

      Of a sentence embedder, --pairs names pairs of texts with scores, how alike people found them: Spearman's correlation \
      of the vectors' similarities with these. --against compares vectors, and neighbours among all texts; then --texts, \
      a file of a text a line, will do too.

      --against compares with nets of other parameters, e.g. --set Precision=int8 --against Precision=float32: accuracy \
      with its confidence interval, answers that flipped, and how far each layer's output is off.
      """)

  @OptionGroup var selection: SelectionOptions

  @Option(
    help: .init(
      "A parameter of the nets to compare with, in place of --set's; repeatable.", valueName: "name=value"))
  var against: [String] = []

  @OptionGroup var questions: QuestionOptions
  @OptionGroup var images: LabelledOptions

  @Option(
    help: .init(
      "Of a sentence embedder: a CSV or TSV file with columns sentence1, sentence2 and score.", valueName: "file"),
    completion: .file())
  var pairs: String?

  @Option(
    help: .init("Of a sentence embedder, with --against: a file of texts, one a line.", valueName: "file"),
    completion: .file())
  var texts: String?

  @Option(help: "Compare layers on so many questions or images, and on as many flipped ones; 0: not at all.")
  var layers = 50

  @OptionGroup var options: DecodingOptions
  @OptionGroup var computing: ComputingOptions

  @Option(
    help: .init("A closed list of answers, one per line, to choose from.", valueName: "file"), completion: .file())
  var answers: String?

  @Option(
    help: .init(
      "Keep answers in this file, and go on from there when the evaluation was stopped.", valueName: "file"),
    completion: .file())
  var journal: String?

  @Option(
    help: .init(
      "Write the answers as the data set's server takes them: [{\"question_id\", \"answer\"}].", valueName: "file"),
    completion: .file())
  var results: String?

  @Option(help: .init("Write a page with all that was found.", valueName: "file"), completion: .file())
  var html: String?

  @OptionGroup var pictures: PictureOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard pairs == nil, texts == nil else { return try validateEmbedding() }
    try questions.check(labelled: images.isGiven)
    if questions.file == nil, !images.isGiven {
      throw ValidationError(
        "there are no questions: give --questions FILE; --labelled PATH for a classifier; --captions FILE for a captioning net; --pairs FILE for an embedder"
      )
    }
    if images.captions != nil, answers != nil || results != nil {
      throw ValidationError("--answers and --results go with --questions")
    }
    if images.labelled != nil, answers != nil || results != nil || options.isGiven {
      throw ValidationError("--answers, --results and how answers are made go with --questions")
    }
    if layers < 0 { throw ValidationError("--layers is a number from 0") }
    if answers != nil, options.isGiven {
      throw ValidationError("--answers ranks a list: tokens, beams and temperature are no choice then")
    }
  }

  private func validateEmbedding() throws {
    if pairs != nil, texts != nil { throw ValidationError("--pairs and --texts are both given: give one of them") }
    let others =
      questions.file != nil || questions.annotations != nil || questions.metric != nil || questions.images != nil
      || images.isGiven || answers != nil || results != nil || options.isGiven
    if others { throw ValidationError("--pairs and --texts are of embedders, which take no questions and no images") }
    if journal != nil || html != nil || questions.limit != nil {
      throw ValidationError("--journal, --html and --limit don't go with --pairs and --texts")
    }
  }

  func run() throws {
    guard pairs == nil, texts == nil else { return try evaluateEmbedder() }
    let shelf = selection.shelfOptions.chosen
    let parameters = try selection.parsedParameters()
    let other = against.isEmpty ? nil : try compared(with: parameters)
    if let a = try zeroShot(parameters, on: shelf) {
      let b = try other.flatMap { try zeroShot($0, on: shelf) }
      return try evaluate(a, b, on: images.read(questions, labels: a.classifier.labels) ?? [])
    }
    guard images.labelled == nil else {
      let a = try classifier(parameters, on: shelf)
      let b = try other.map { try classifier($0, on: shelf) }
      _ = try evaluate(a, b, on: images.read(questions, labels: a.classifier.labels) ?? [])
      return
    }
    if let items = try images.readCaptions(questions) {
      if try comparesVectors(parameters, on: shelf) {
        return try evaluateRetrieval(items, parameters, other, on: shelf)
      }
      let a = try captioning(parameters, items, on: shelf)
      let b = try other.map { try captioning($0, items, on: shelf) }
      return try evaluate(a, b, on: items)
    }
    guard let data = try questions.data() else { return }
    let list = try answers.map { file throws(Failure) in try AnswerList(file: file) }
    if let note = list?.note { Console.printError("ingot: note: \(printable(note))") }
    let a = try Answering(nets(parameters, on: shelf), options.answerOptions, from: list)
    let b = try other.map { try Answering(nets($0, on: shelf), options.answerOptions, from: list) }
    try evaluate(a, b, on: data.questions, results: data.form)
  }

  private func evaluateEmbedder() throws {
    let shelf = selection.shelfOptions.chosen
    let parameters = try selection.parsedParameters()
    let measured: EmbeddingEvaluation.Texts
    if let pairs {
      measured = .pairs(try TextPairs(pairs))
    } else {
      measured = .alone(try TextLines.read(texts ?? ""))
    }
    let a = try embedder(parameters, on: shelf)
    let b = against.isEmpty ? nil : try embedder(compared(with: parameters), on: shelf)
    let evaluation = try EmbeddingEvaluation(a, against: b, on: measured)
    let progress = ProgressLine("embedding", total: evaluation.total, unit: .things("texts"))
    defer { progress.finish() }
    let result = try evaluation.run { progress.add("", $0) }
    progress.finish()
    let report = EmbeddingEvaluationReport(result)
    try output.print(json: report.json, text: report.text)
  }

  private func embedder(_ parameters: [Combination.Parameter], on shelf: Shelf) throws(Failure) -> TextEmbedding {
    let (family, combination) = try shelf.choice(
      of: Family.meant(selection.family, by: parameters, fit: TextEmbedding.isFamily), parameters)
    let file = try NetSelection.combination(family, combination).file(on: shelf)
    return try TextEmbedding(file, threads: computing.threads, level: computing.level)
  }

  /// - Parameter form: of the results that are to be written, if they are.
  private func evaluate<Task: NetTask>(
    _ a: Task, _ b: Task?, on items: [EvaluationItem], results form: EvaluationData.Form? = nil
  ) throws {
    let evaluation = try Evaluation(
      a, against: b, on: items, .init(layerItems: layers, isUpright: pictures.upright))
    let journal = try journal.map { path throws(Failure) in try EvaluationJournal(path, of: evaluation) }
    // Now, not after hours of work, it turns out that a file can't be written.
    let file = try html.map { path throws(Failure) in try OutputFile(path) }
    let answersFile = try results.map { path throws(Failure) in try OutputFile(path) }
    let progress = ProgressLine("evaluating", total: items.count, unit: .things("\(Task.words.item)s"))
    defer { progress.finish() }
    let result = try evaluation.run(journal: journal, progress: progress.add)
    progress.finish()
    if let file { try EvaluationPage(result).page.write(to: file) }
    if let answersFile, let form {
      var answers = ResultsFile(form)
      answers.add(result)
      try answers.write(to: answersFile)
    }
    let report = EvaluationReport(result)
    try output.print(json: report.json, text: report.text)
    if let note = noteOnTurned(pictures.upright ? 0 : result.turned, first: nil) { Console.printError(note) }
    guard report.failed.count > 0 else { return }
    report.failed.tell(
      of: result.images,
      lost: Task.words.hasTexts ? "\(result.failedItems) of \(items.count) questions were not asked" : nil)
    throw ExitCode(Failure.Kind.mismatch.exitStatus)
  }

  private func nets(_ parameters: [Combination.Parameter], on shelf: Shelf) throws(Failure) -> VisualQuestionAnswering {
    try VisualQuestionAnswering(
      VQANets(family: selection.family, parameters: parameters, on: shelf), threads: computing.threads,
      level: computing.level)
  }

  private func classifier(_ parameters: [Combination.Parameter], on shelf: Shelf) throws(Failure) -> Classifying {
    let (family, combination) = try shelf.choice(
      of: Family.meant(selection.family, by: parameters, fit: ImageClassification.isFamily), parameters)
    let file = try NetSelection.combination(family, combination).file(on: shelf)
    return try Classifying(ImageClassification(file, threads: computing.threads, level: computing.level))
  }

  private func zeroShot(_ parameters: [Combination.Parameter], on shelf: Shelf) throws(Failure) -> ZeroShotClassifying?
  {
    try images.zeroShot(
      { () throws(Failure) in try ClipNets(family: selection.family, parameters: parameters, on: shelf) }, computing)
  }

  private func captioning(
    _ parameters: [Combination.Parameter], _ items: [EvaluationItem], on shelf: Shelf
  ) throws(Failure) -> Captioning {
    let nets = try CaptionNets(family: selection.family, parameters: parameters, on: shelf)
    let captioning = try ImageCaptioning(nets, threads: computing.threads, level: computing.level)
    return try Captioning(captioning, options.captionOptions, items: items)
  }

  private func compared(with parameters: [Combination.Parameter]) throws(Failure) -> [Combination.Parameter] {
    var out = parameters
    for argument in against {
      let parameter = try Combination.Parameter(argument: argument)
      out.removeAll { $0.name == parameter.name }
      out.append(parameter)
    }
    return out
  }
}
