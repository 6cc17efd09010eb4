import ArgumentParser
import Arrays
import Tasks
import Reports

struct Attention: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what a question's words look at in an image.",
    discussion: """
      The text encoder's cross-attention: a page (.html) in which block, head and word are chosen, a picture (.png) with a \
      panel per token, or the weights themselves (.safetensors). Drawn is how much more than the token that looks there \
      least a token looks at each patch.
      """)

  @Argument(help: "A JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC file.", completion: .file())
  var image: String

  @Argument(help: "What to ask.")
  var question: String

  @Option(
    name: .customLong("output"), help: .init("What to write: .html, .png or .safetensors.", valueName: "file"),
    completion: .file())
  var file: String

  @Option(help: "Block of the text encoder, from 0. (default: the last one)")
  var block: Int?

  @Option(help: "Head of the block, from 0. (default: the mean over all heads)")
  var head: Int?

  @Option(help: .init("Tokens of the question to draw, from 0, e.g. 3,4. (default: all)", valueName: "numbers"))
  var tokens: String?

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var options: DecodingOptions
  @OptionGroup var pictures: PictureOptions
  @OptionGroup var computing: ComputingOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  private enum Form: String { case html, png, safetensors }

  private var form: Form? {
    Paths.name(file).split(separator: ".", omittingEmptySubsequences: false).dropFirst().last
      .flatMap { Form(rawValue: $0.lowercased()) }
  }

  private var chosenTokens: [Int]? {
    get throws {
      guard let tokens else { return nil }
      let numbers = tokens.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
      guard numbers.allSatisfy({ $0 != nil }) else {
        throw ValidationError("--tokens is a list of numbers with commas between, not \"\(shortened(tokens, to: 60))\"")
      }
      var seen: Set<Int> = []
      return numbers.compactMap(\.self).filter { seen.insert($0).inserted }
    }
  }

  func validate() throws {
    guard let form else { throw ValidationError("--output ends in .html, .png or .safetensors") }
    _ = try chosenTokens
    if form == .safetensors, block != nil || head != nil || tokens != nil {
      throw ValidationError("a .safetensors file gets all weights: --block, --head and --tokens are no choice then")
    }
  }

  func run() throws {
    let nets = try VQANets(
      family: selection.family, parameters: selection.parsedParameters(), on: selection.shelfOptions.chosen)
    let vqa = try VisualQuestionAnswering(nets, threads: computing.threads, level: computing.level)
    try OutputFile.checkCanBeWritten(file)
    let picture = try pictures.picture(image)
    if let note = noteOnTurned(picture.isTurned ? [image] : []) { Console.printError(note) }
    let seen: SeenImage
    do {
      seen = try vqa.look(at: picture)
    } catch {
      throw error.inFile(image)
    }
    let attention = try vqa.attention(question, about: seen, options: options.answerOptions)
    let choice = try AttentionChoice(attention, block: block, head: head, tokens: chosenTokens)
    switch form {
    case .safetensors: try attention.write(file)
    case .png: try AttentionPicture(attention, choice, over: picture).picture().writePNG(to: OutputFile(file))
    default: try AttentionPage(attention, choice, over: picture, name: image).page().write(to: OutputFile(file))
    }
    let report = AttentionReport(attention, image: image, output: file)
    try output.print(json: report.json, text: report.text)
  }
}
