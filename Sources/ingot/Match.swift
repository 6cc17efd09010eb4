import ArgumentParser
import Arrays
import Families
import Media
import Reports
import Tasks

struct Match: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says how well texts match images and videos.",
    discussion: """
      The nets are those of a parameter combination of the family blip-match on the shelf, both parts together. Two scores \
      are told of each image and each text: match, the probability that the text is about the image, for which the net \
      reads the text with the image in view; and cosine, of the angle between the vectors that it makes of each without \
      the other.

      Arguments that are files of images or videos, or are called like pictures, are images, the others texts. What is to be a text \
      whatever it is called is given by --text.

      Without arguments, standard input has JSON Lines, {"image": PATH, "text": TEXT} or {"image": PATH, "texts": [TEXT, …]}, \
      and a line is written for a line, as they come; members id and question_id come back. A line that can't be matched gives an object with an error, and the \
      exit status 1 at the end. So does one of several images that can't be read.
      """)

  @Argument(
    help:
      "JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC files, data: addresses, - for standard input, or videos' files; and texts.",
    completion: .file())
  var arguments: [String] = []

  @Option(name: .customLong("text"), help: .init("A text to match; repeatable.", valueName: "text"))
  var furtherTexts: [String] = []

  @Option(
    help: .init(
      "Frames of a video that are looked at; with this, an animated GIF or WebP counts as one. (default: 16)",
      valueName: "number"))
  var frames: Int?

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var pulling: PullOption
  @OptionGroup var computing: ComputingOptions
  @OptionGroup var pictures: PictureOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var receipts: ReceiptOption
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if arguments.isEmpty, !furtherTexts.isEmpty || Paths.standardInputIsTerminal {
      throw ValidationError("there is no image")
    }
    if let frames, !(1...Video.mostFrames).contains(frames) {
      throw ValidationError("--frames is a number from 1 to \(Video.mostFrames)")
    }
  }

  func run() throws {
    let (images, texts) = try divided()
    let shelf = selection.shelfOptions.chosen
    let nets = try pulling.opening(on: shelf) {
      try MatchNets(family: selection.family, parameters: selection.parsedParameters(), on: shelf)
    }
    let matching = try ImageTextMatching(nets, threads: computing.threads, level: computing.level)
    let progress = FrameProgress()
    defer { progress.finish() }
    try receipts.check(matching.level)
    let receipt = receipts.record
    let run = MatchingRun(
      matching, receipt: receipt, frames: frames, isUpright: pictures.upright, progress: progress.tell)
    let failed = try images.isEmpty ? matchLines(run) : match(images, texts, run)
    var settings = ReceiptSettings()
    (settings.isUpright, settings.frames) = (pictures.upright, frames)
    try receipts.write(.match, nets.files, settings, receipt)
    if failed > 0 { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }

  /// Which arguments are images, which texts.
  /// - Throws: `Failure` of kind `usage` when there is none of either, or one could be a file that isn't there.
  private func divided() throws(Failure) -> (images: [String], texts: [String]) {
    if arguments.isEmpty { return ([], []) }
    var images: [String] = []
    var texts: [String] = []
    for argument in arguments {
      if isLookedAt(argument) {
        images.append(argument)
      } else {
        try checkIsText(argument)
        texts.append(argument)
      }
    }
    texts += furtherTexts
    guard !images.isEmpty else { throw Failure(.usage, "there is no image among the arguments") }
    guard !texts.isEmpty else {
      throw Failure(.usage, "there is no text", hint: "say what to match, for example \"a red car\"")
    }
    return (images, texts)
  }

  /// - Returns: how many images could not be read.
  private func match(_ images: [String], _ texts: [String], _ run: MatchingRun) throws -> Int {
    var run = run
    // Before anything is looked at.
    _ = try run.matching.read(texts)
    var failed = FailedInputs()
    var out: [(path: String, matches: [ImageTextMatch])] = []
    for path in images {
      do throws(Failure) {
        try run.look(at: path)
      } catch {
        guard images.count > 1 else { throw error }
        failed.add(PictureSource(path).name, error)
        continue
      }
      out.append((PictureSource(path).name, try run.match(path, texts)))
    }
    let report = MatchReport(out, kernels: run.matching.level, failed: failed)
    if output.json || !out.isEmpty { try output.print(json: report.json, text: report.text) }
    if let note = noteOnTurned(run.turned) { Console.printError(note) }
    failed.tell(of: images.count)
    return failed.count
  }

  /// Lines of standard input as they come.
  /// - Returns: how many have no match.
  private func matchLines(_ run: MatchingRun) throws(Failure) -> Int {
    var lines = MatchLines(run)
    var input = InputLines()
    while let line = try input.next() {
      if let match = lines.match(line) { try Console.print(match) }
    }
    if let note = noteOnTurned(lines.turned) { Console.printError(note) }
    return lines.failed
  }
}
