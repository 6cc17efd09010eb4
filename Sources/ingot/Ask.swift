import ArgumentParser
import Arrays
import Assurance
import Media
import Tasks
import Reports

struct Ask: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Answers questions about an image or a video.",
    discussion: """
      The nets are those of a parameter combination on the shelf, all parts together: --set Release=NAME.

      Of a video, frames are looked at that are shown at the centres of equal intervals of its length, and what the image \
      encoder makes of them is averaged. They are decoded by FFmpeg's libraries.

      Without an image, questions are read from standard input as JSON Lines, {"image": PATH, "question": TEXT}, and \
      answered as they come, a line for a line; members id and question_id come back. A line that can't be answered gives \
      an object with an error, and the exit status 1 at the end. So does one of several images that can't be read.
      """)

  @Argument(
    help:
      "A JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC file, a data: address, or - for standard input; or a video's file.",
    completion: .file())
  var image: String?

  @Argument(help: "What to ask.")
  var questions: [String] = []

  @Option(
    name: .customLong("image"),
    help: .init("A further image or video that is asked the same; repeatable.", valueName: "file"), completion: .file())
  var furtherImages: [String] = []

  @Option(
    help: .init(
      "Frames of a video that are looked at; with this, an animated GIF or WebP counts as one. (default: 16)",
      valueName: "number"))
  var frames: Int?

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var pulling: PullOption
  @OptionGroup var options: DecodingOptions
  @OptionGroup var computing: ComputingOptions

  @Option(
    help: .init(
      "A closed list, one answer per line or in JSON: the best of these is told, by the original evaluation's ranking.",
      valueName: "file"), completion: .file())
  var answers: String?

  @Option(
    help: .init(
      "Write the answers to JSON Lines as data sets' servers take them: [{\"question_id\", \"answer\"}].",
      valueName: "file"), completion: .file())
  var results: String?

  @Option(help: .init("Write all that was computed into a safetensors file.", valueName: "file"), completion: .file())
  var trace: String?

  @OptionGroup var receipts: ReceiptOption
  @OptionGroup var pictures: PictureOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if image != nil, questions.isEmpty { throw ValidationError("there is no question") }
    if image == nil, !furtherImages.isEmpty { throw ValidationError("--image goes with an image and a question") }
    if image == nil, Paths.standardInputIsTerminal { throw ValidationError("there is no image") }
    if image != nil, results != nil {
      throw ValidationError("--results goes with JSON Lines on standard input, whose questions have a question_id")
    }
    if let frames, !(1...Video.mostFrames).contains(frames) {
      throw ValidationError("--frames is a number from 1 to \(Video.mostFrames)")
    }
    if answers != nil, options.isGiven {
      throw ValidationError("--answers ranks a list: tokens, beams and temperature are no choice then")
    }
  }

  /// Questions that are none: pictures that were meant to be asked too. Several of one word are told of.
  private func checkQuestions() throws(Failure) {
    for question in questions where isImage(question) {
      throw Failure(
        .usage, "\(shortened(question, to: 200)) is an image, not a question",
        hint: "a further image is given as --image \(shortened(question, to: 200))")
    }
    if questions.count > 1, questions.allSatisfy({ !$0.contains(where: \.isWhitespace) }) {
      Console.printError(
        "ingot: note: these are \(questions.count) questions of one word each; a question of several stands in quotes: "
          + "\"\(printable(shortened(questions.joined(separator: " "), to: 200)))\"")
    }
  }

  func run() throws {
    try checkQuestions()
    let list = try answers.map { file throws(Failure) in try AnswerList(file: file) }
    if let note = list?.note { Console.printError("ingot: note: \(printable(note))") }
    if let trace {
      guard try !Paths.exists(trace) else {
        throw Failure(.cannotCreate, file: trace, "exists already", hint: "choose another name, or remove it first")
      }
      try OutputFile.checkCanBeWritten(trace)
    }
    if let results { try OutputFile.checkCanBeWritten(results) }
    let shelf = selection.shelfOptions.chosen
    let nets = try pulling.opening(on: shelf) {
      try VQANets(family: selection.family, parameters: selection.parsedParameters(), on: shelf)
    }
    let vqa = try VisualQuestionAnswering(nets, threads: computing.threads, level: computing.level)
    let answerOptions = try options.answerOptions
    try vqa.check(answerOptions, list)
    try receipts.check(vqa.level)
    let record = trace.map { _ in AnswerTrace() }
    let receipt = receipts.record
    let progress = FrameProgress()
    defer { progress.finish() }
    let asking = AskingRun(
      vqa, options: answerOptions, from: list, trace: record, receipt: receipt, frames: frames,
      isUpright: pictures.upright,
      progress: progress.tell)
    let failed: Int
    if let image {
      failed = try ask([image] + furtherImages, asking, list, record)
    } else {
      failed = try answerLines(asking, list)
      if let trace { try record?.write(trace) }
    }
    var settings = options.settings(pictures, frames: frames)
    settings.answers = list?.answers
    try receipts.write(.ask, nets.files, settings, receipt)
    if failed > 0 { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }

  /// Asks about images, and prints the answers.
  /// - Returns: how many could not be read.
  private func ask(
    _ paths: [String], _ asking: AskingRun, _ list: AnswerList?, _ record: AnswerTrace?
  ) throws -> Int {
    var asking = asking
    var failed = FailedInputs()
    var images: [(path: String, answers: [Answer])] = []
    for path in paths {
      do throws(Failure) {
        try asking.look(at: path)
      } catch {
        guard paths.count > 1 else { throw error }
        failed.add(PictureSource(path).name, error)
        continue
      }
      images.append((PictureSource(path).name, try asking.ask(path, questions)))
    }
    // Nothing is told that a trace is missing of.
    if let trace { try record?.write(trace) }
    let report = AnswerReport(images, list: list, kernels: asking.vqa.level, failed: failed)
    if output.json || !images.isEmpty { try output.print(json: report.json, text: report.text) }
    if let note = noteOnTurned(asking.turned) { Console.printError(note) }
    failed.tell(of: paths.count)
    return failed.count
  }

  /// Answers lines of standard input as they come.
  /// - Returns: how many could not be answered.
  private func answerLines(_ asking: AskingRun, _ list: AnswerList?) throws(Failure) -> Int {
    var lines = AnswerLines(asking, list: list, results: results.map { _ in ResultsFile(.vqa) })
    var input = InputLines()
    while let line = try input.next() {
      if let answer = lines.answer(line) { try Console.print(answer) }
    }
    if let results { try lines.results?.write(to: OutputFile(results)) }
    if let note = noteOnTurned(lines.turned) { Console.printError(note) }
    return lines.failed
  }
}
