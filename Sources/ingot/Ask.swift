import ArgumentParser
import Arrays
import QuestionAnswering
import Reports

struct Ask: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Answers questions about an image or a video.",
    discussion: """
      The nets are those of a parameter combination on the shelf, all parts together: --set Release=NAME.

      Of a video, frames are looked at that are shown at the centres of equal intervals of its length, and what the image \
      encoder makes of them is averaged. They are decoded by FFmpeg's libraries.

      Without an image, questions are read from standard input as JSON Lines, {"image": PATH, "question": TEXT}, and \
      answered as they come, a line for a line. A line that can't be answered gives an object with an error, and the exit \
      status 1 at the end.
      """)

  @Argument(help: "A JPEG, PNG, WebP, BMP, GIF or TIFF file, or a video.", completion: .file())
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
  @OptionGroup var options: DecodingOptions
  @OptionGroup var computing: ComputingOptions

  @Option(
    help: .init(
      "A closed list, one answer per line: the best of these is told, by the original evaluation's ranking.",
      valueName: "file"), completion: .file())
  var answers: String?

  @Option(help: .init("Write all that was computed into a safetensors file.", valueName: "file"), completion: .file())
  var trace: String?

  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if image != nil, questions.isEmpty { throw ValidationError("there is no question") }
    if image == nil, !furtherImages.isEmpty { throw ValidationError("--image goes with an image and a question") }
    if image == nil, Paths.standardInputIsTerminal { throw ValidationError("there is no image") }
    if let frames, !(1...Video.mostFrames).contains(frames) {
      throw ValidationError("--frames is a number from 1 to \(Video.mostFrames)")
    }
    if answers != nil, options.isGiven {
      throw ValidationError("--answers ranks a list: tokens, beams and temperature are no choice then")
    }
  }

  func run() throws {
    let list = try answers.map { file throws(Failure) in try AnswerList(file: file) }
    if let trace {
      guard try !Paths.exists(trace) else {
        throw Failure(.cannotCreate, file: trace, "exists already", hint: "choose another name, or remove it first")
      }
      try OutputFile.checkCanBeWritten(trace)
    }
    let nets = try VQANets(
      family: selection.family, parameters: selection.parsedParameters(), on: selection.shelfOptions.chosen)
    let vqa = try VisualQuestionAnswering(nets, threads: computing.threads, level: computing.level)
    let answerOptions = try options.answerOptions
    try vqa.check(answerOptions, list)
    let record = trace.map { _ in AnswerTrace() }
    let progress = FrameProgress()
    defer { progress.finish() }
    var asking = AskingRun(
      vqa, options: answerOptions, from: list, trace: record, frames: frames, progress: progress.tell)
    var failed = 0
    if let image {
      var images: [(path: String, answers: [Answer])] = []
      for path in [image] + furtherImages { images.append((path, try asking.ask(path, questions))) }
      if let trace { try record?.write(trace) }
      let report = AnswerReport(images, list: list, kernels: vqa.level)
      try output.print(json: report.json, text: report.text)
    } else {
      var lines = AnswerLines(asking, list: list)
      var input = InputLines()
      while let line = try input.next() {
        if let answer = lines.answer(line) { try Console.print(answer) }
      }
      failed = lines.failed
      if let trace { try record?.write(trace) }
    }
    if failed > 0 { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }
}
