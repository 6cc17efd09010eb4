import ArgumentParser
import Arrays
import Families
import Media
import Tasks
import Reports

struct Attention: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what the words of a question or a caption look at in an image, or an image encoder itself.",
    discussion: """
      With a question, it is the cross-attention of the text encoder of a net that answers; without one, of the text decoder \
      of a captioning net, which says what is in the image, or the attention of the class token of CLIP's image encoder or \
      another net that looks at images: --family or --set says which.

      Written is a page (.html) in which block, head and word are chosen, a picture (.png) with a panel per token, or the \
      weights themselves (.safetensors). Drawn is how much more than the token that looks there least a token looks at each \
      patch; of a class token, how much it looks there.
      """)

  @Argument(help: "A JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC file.", completion: .file())
  var image: String

  @Argument(help: "What to ask, where it isn't a caption or the class token that is shown.")
  var question: String?

  @Option(
    name: .customLong("output"), help: .init("What to write: .html, .png or .safetensors.", valueName: "file"),
    completion: .file())
  var file: String

  @Option(help: "Block of the net that looks, from 0. (default: the last one)")
  var block: Int?

  @Option(help: "Head of the block, from 0. (default: the mean over all heads)")
  var head: Int?

  @Option(
    help: .init("Tokens of the question or the caption to draw, from 0, e.g. 3,4. (default: all)", valueName: "numbers")
  )
  var tokens: String?

  @Option(help: .init("What a caption begins with.", valueName: "text"))
  var prompt: String?

  @Option(
    help: .init("A net file that looks at images, where it isn't named by --set.", valueName: "file"),
    completion: .file())
  var net: String?

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var pulling: PullOption
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
    if question != nil, prompt != nil { throw ValidationError("--prompt is of captions, and there is a question") }
    if question != nil, net != nil {
      throw ValidationError("--net is of a net that looks at images; those that answer are named by --set")
    }
    if question == nil, net == nil, selection.family == nil, selection.parameters.isEmpty {
      throw ValidationError("there is no question: ask one, or say --family blip-caption, clip or vit-imagenet")
    }
  }

  func run() throws {
    try OutputFile.checkCanBeWritten(file)
    let picture = try pictures.picture(image)
    if let note = noteOnTurned(picture.isTurned ? [image] : []) { Console.printError(note) }
    let attention: ImageAttention
    do {
      attention = try attending(to: picture)
    } catch let error as Failure where error.file == nil && error.kind == .badData {
      throw error.inFile(image)
    }
    let choice = try AttentionChoice(attention, block: block, head: head, tokens: chosenTokens)
    switch form {
    case .safetensors: try attention.write(file)
    case .png: try AttentionPicture(attention, choice, over: picture).picture().writePNG(to: OutputFile(file))
    default: try AttentionPage(attention, choice, over: picture, name: image).page().write(to: OutputFile(file))
    }
    let report = AttentionReport(attention, image: image, output: file)
    try output.print(json: report.json, text: report.text)
  }

  private func attending(to picture: Picture) throws -> ImageAttention {
    let shelf = selection.shelfOptions.chosen
    let parameters = try selection.parsedParameters()
    if let question {
      let nets = try pulling.opening(on: shelf) {
        try VQANets(family: selection.family, parameters: parameters, on: shelf)
      }
      let vqa = try VisualQuestionAnswering(nets, threads: computing.threads, level: computing.level)
      return try vqa.attention(question, about: vqa.look(at: picture), options: options.answerOptions)
    }
    if net == nil, try isCaptioning(parameters, on: shelf) {
      let nets = try pulling.opening(on: shelf) {
        try CaptionNets(family: selection.family, parameters: parameters, on: shelf)
      }
      let captioning = try ImageCaptioning(nets, threads: computing.threads, level: computing.level)
      var captionOptions = options.captionOptions
      captionOptions.prompt = prompt
      return try captioning.attention(about: captioning.look(at: picture), options: captionOptions)
    }
    guard prompt == nil, !options.isGiven else {
      throw Failure(
        .usage, "a net that makes no text takes no prompt, and nothing of how texts are made",
        hint: "leave out --prompt and the options of decoding")
    }
    // Where no part is named, the image encoder is meant.
    let file = try pulling.opening(on: shelf) {
      try selection.net(path: net) { [.blipImageEncoder, .clipImageEncoder].contains($0.definition) }
    }
    return try ImageFeatures(file, threads: computing.threads, level: computing.level).attention(of: picture)
  }

  /// Whether the nets that are named make captions.
  private func isCaptioning(_ parameters: [Combination.Parameter], on shelf: Shelf) throws(Failure) -> Bool {
    let families = try Family.meant(selection.family, by: parameters)
    let named = parameters.filter { parameter in !families.contains { $0.netAxis?.name == parameter.name } }
    guard named.count == parameters.count else { return false }
    return CaptionNets.isFamily(try shelf.choice(of: families, parameters).family)
  }
}
