import ArgumentParser
import Arrays
import Families
import Media
import Reports
import Tasks

struct CaptionCommand: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "caption",
    abstract: "Says what images and videos show.",
    discussion: """
      The nets are those of a parameter combination of the family blip-caption on the shelf, both parts together. \
      A caption can be made to begin with words: --prompt "a photography of".

      Of a video, frames are looked at that are shown at the centres of equal intervals of its length, and what the image \
      encoder makes of them is averaged.

      Without an image, standard input has JSON Lines, {"image": PATH} or {"image": PATH, "prompt": TEXT}, and a line is \
      written for a line, as they come; members id and question_id come back. A line without a caption gives an object \
      with an error, and the exit status 1 at the end. So does one of several images that can't be read.
      """)

  @Argument(
    help:
      "JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC files, a data: address, or - for standard input; or videos' files.",
    completion: .file())
  var images: [String] = []

  @Option(help: .init("What captions begin with. (default: as the profile says)", valueName: "text"))
  var prompt: String?

  @Option(
    help: .init(
      "Frames of a video that are looked at; with this, an animated GIF or WebP counts as one. (default: 16)",
      valueName: "number"))
  var frames: Int?

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var pulling: PullOption

  @Option(help: "Most new tokens of a caption, its end included. (default: as the profile says)")
  var maxTokens: Int?

  @Option(help: "Fewest new tokens before a caption's end. (default: as the profile says)")
  var minTokens: Int?

  @Option(help: "Captions followed up at once; 1 is greedy. (default: as the profile says)")
  var beams: Int?

  @Option(help: "Divides the scores of tokens that are there already, so that they come less often. 1: none.")
  var repetitionPenalty: Double = 1

  @Option(help: "0: take the likeliest token; above: draw from softmax(scores / temperature).")
  var temperature: Double = 0

  @Option(help: "Of the random numbers of a temperature. (default: 0)")
  var seed: UInt64?

  @OptionGroup var computing: ComputingOptions

  @Option(help: .init("Write all that was computed into a safetensors file.", valueName: "file"), completion: .file())
  var trace: String?

  @OptionGroup var receipts: ReceiptOption
  @OptionGroup var pictures: PictureOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if images.isEmpty, Paths.standardInputIsTerminal { throw ValidationError("there is no image") }
    if let frames, !(1...Video.mostFrames).contains(frames) {
      throw ValidationError("--frames is a number from 1 to \(Video.mostFrames)")
    }
  }

  func run() throws {
    if let trace {
      guard try !Paths.exists(trace) else {
        throw Failure(.cannotCreate, file: trace, "exists already", hint: "choose another name, or remove it first")
      }
      try OutputFile.checkCanBeWritten(trace)
    }
    let shelf = selection.shelfOptions.chosen
    let nets = try pulling.opening(on: shelf) {
      try CaptionNets(family: selection.family, parameters: selection.parsedParameters(), on: shelf)
    }
    let captioning = try ImageCaptioning(nets, threads: computing.threads, level: computing.level)
    let options = CaptionOptions(
      prompt: prompt, maximumTokens: maxTokens, minimumTokens: minTokens, beams: beams, temperature: temperature,
      seed: seed ?? 0, repetitionPenalty: repetitionPenalty)
    try captioning.check(options)
    try receipts.check(captioning.level)
    let record = trace.map { _ in CaptionTrace() }
    let receipt = receipts.record
    let progress = FrameProgress()
    defer { progress.finish() }
    let run = CaptioningRun(
      captioning, options: options, trace: record, receipt: receipt, frames: frames, isUpright: pictures.upright,
      progress: progress.tell)
    let failed: Int
    if images.isEmpty {
      failed = try captionLines(run)
      if let trace { try record?.write(trace) }
    } else {
      failed = try captions(run, record)
    }
    var settings = ReceiptSettings()
    (settings.isUpright, settings.frames) = (pictures.upright, frames)
    (settings.maximumTokens, settings.minimumTokens, settings.beams) = (maxTokens, minTokens, beams)
    (settings.temperature, settings.seed) = (temperature, seed ?? 0)
    settings.repetitionPenalty = repetitionPenalty == 1 ? nil : repetitionPenalty
    try receipts.write(.caption, nets.files, settings, receipt)
    if failed > 0 { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }

  /// - Returns: how many images could not be read.
  private func captions(_ run: CaptioningRun, _ record: CaptionTrace?) throws -> Int {
    var run = run
    var failed = FailedInputs()
    var captions: [(path: String, caption: Caption)] = []
    for path in images {
      do throws(Failure) {
        try run.look(at: path)
      } catch {
        guard images.count > 1 else { throw error }
        failed.add(PictureSource(path).name, error)
        continue
      }
      captions.append((PictureSource(path).name, try run.caption(path)))
    }
    // Nothing is told that a trace is missing of.
    if let trace { try record?.write(trace) }
    let report = CaptionReport(captions, kernels: run.captioning.level, failed: failed)
    if output.json || !captions.isEmpty { try output.print(json: report.json, text: report.text) }
    if let note = noteOnTurned(run.turned) { Console.printError(note) }
    failed.tell(of: images.count)
    return failed.count
  }

  /// Lines of standard input as they come.
  /// - Returns: how many have no caption.
  private func captionLines(_ run: CaptioningRun) throws(Failure) -> Int {
    var lines = CaptionLines(run)
    var input = InputLines()
    while let line = try input.next() {
      if let caption = lines.caption(line) { try Console.print(caption) }
    }
    if let note = noteOnTurned(lines.turned) { Console.printError(note) }
    return lines.failed
  }
}
