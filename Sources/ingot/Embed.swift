import ArgumentParser
import Arrays
import Families
import Media
import Reports
import Tasks

struct Embed: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes vectors of texts and images, and finds those most alike to others.",
    discussion: """
      A sentence embedder makes vectors of texts; CLIP, of images and texts, in one space; DINOv2 and other Vision \
      Transformers, of images: --family, or --set, says which. Where nothing is named, images mean CLIP, or another net of \
      images where the shelf has no CLIP, and texts alone a sentence embedder, or CLIP where the shelf has none.

      Arguments that are files of images, or are called like pictures, are images, the others texts. What is to be a text \
      whatever it is called is given by --text, or by --lines, a file of texts; what is to be an image by --images, which \
      takes folders too, or by --image-lines, a file of paths, which start at the current folder. The vectors are told, or \
      written to --output. One of several images that can't be read is named and left out, and the exit status is 1.

      Without any, JSON Lines are read from standard input, {"text": TEXT} or {"image": PATH}, and answered as they come, a \
      line for a line, by {"embedding": […]}; a member id comes back. A line that can't be answered gives an object with an \
      error, and the exit status 1 at the end.

      With --search, what is most alike to each query, a text or an image, is told: of what is given, or of --vectors, a \
      file that --output wrote before, whose texts and images are named in it (.safetensors) or by --lines or --image-lines.

      Texts and queries get the prompts that the net's publisher puts before them; ingot inspect shows them.
      """)

  @Argument(
    help:
      "Texts; and images: JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC files, data: addresses, - for standard input.",
    completion: .file())
  var arguments: [String] = []

  @Option(
    name: .customLong("text"), help: .init("A text, whatever it is called; repeatable.", valueName: "text"))
  var furtherTexts: [String] = []

  @Option(help: .init("A file of texts, one a line.", valueName: "file"), completion: .file())
  var lines: String?

  @Option(
    parsing: .upToNextOption, help: .init("Images, and folders of images.", valueName: "path"), completion: .file())
  var images: [String] = []

  @Option(help: .init("A file of paths of images, one a line.", valueName: "file"), completion: .file())
  var imageLines: String?

  @Option(
    name: .customLong("output"), help: .init("Write the vectors: .npy, .safetensors or .csv.", valueName: "file"),
    completion: .file())
  var file: String?

  @Option(
    help: .init(
      "The net's prompt for the texts. (default: the one that the net's publisher says, most often none; with --search: document, passage or corpus, where the net has it)",
      valueName: "name"))
  var prompt: String?

  @Option(
    parsing: .upToNextOption,
    help: .init("Find what is most alike to these texts or images.", valueName: "query"), completion: .file())
  var search: [String] = []

  @Option(help: .init("Search in these vectors: .npy or .safetensors.", valueName: "file"), completion: .file())
  var vectors: String?

  @Option(help: .init("The net's prompt for the queries. (default: query, where the net has it)", valueName: "name"))
  var queryPrompt: String?

  @Option(help: "How many texts and images are told of each query. (default: 5)")
  var top: Int?

  @Option(
    help: .init("Of lines of standard input: how many that have come are run together. (default: 256)", valueName: "n"))
  var batch: Int?

  @Option(help: .init("The net file, where it isn't named by --set.", valueName: "file"), completion: .file())
  var net: String?

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var pulling: PullOption
  @OptionGroup var computing: ComputingOptions
  @OptionGroup var pictures: PictureOptions
  @OptionGroup var size: SideOptions
  @OptionGroup var receipts: ReceiptOption
  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  private var form: VectorTable.Form? { file.flatMap { VectorTable.Form(file: $0) } }
  private var isListed: Bool { lines != nil || imageLines != nil }
  private var isNamed: Bool { !arguments.isEmpty || !furtherTexts.isEmpty || !images.isEmpty }

  func validate() throws {
    if file != nil, form == nil { throw ValidationError("--output ends in .npy, .safetensors or .csv") }
    if let batch, !(1...4096).contains(batch) { throw ValidationError("--batch is a number from 1 to 4096") }
    if batch != nil, isNamed || isListed || vectors != nil {
      throw ValidationError("--batch is for lines of standard input")
    }
    if let top, top < 1 { throw ValidationError("--top is a number from 1") }
    if receipts.receipt != nil, !search.isEmpty || !isNamed && !isListed {
      throw ValidationError("--receipt goes with texts or images that are given, or lists of them")
    }
    guard search.isEmpty else { return try validateSearch() }
    if vectors != nil || top != nil || queryPrompt != nil {
      throw ValidationError("--vectors, --top and --query-prompt go with --search")
    }
    if isListed, file == nil, !output.json {
      throw ValidationError("--lines and --image-lines go with --output, --search or --json")
    }
    guard !isNamed, !isListed else { return }
    if file != nil { throw ValidationError("--output goes with texts or images, or lists of them") }
    if Paths.standardInputIsTerminal { throw ValidationError("there is no text, and no image") }
  }

  private func validateSearch() throws {
    if file != nil { throw ValidationError("--output and --search are two things: write vectors first, then search") }
    guard vectors != nil else {
      guard isNamed || isListed else {
        throw ValidationError("there is nothing to search in: give --vectors, lists, texts or images")
      }
      return
    }
    if isNamed { throw ValidationError("texts or images are given, and --vectors too: give one of them") }
    if lines != nil, imageLines != nil {
      throw ValidationError("--vectors are of --lines or of --image-lines, not of both")
    }
    if prompt != nil { throw ValidationError("--prompt is for texts, which --vectors has no use for") }
  }

  func run() throws {
    guard search.isEmpty else { return try find() }
    guard isNamed || isListed else { return try answerLines() }
    let items = try given()
    let embedder = try embedder(looks: items.contains(where: \.isImage))
    let prompt = try embedder.prompt(prompt)
    if let file { try OutputFile.checkCanBeWritten(file) }
    try receipts.check(embedder.level)
    let made = try embedded(items, embedder, prompt)
    try writeReceipt(made, embedder, prompt)
    if let file, let form {
      try VectorTable(made.vectors, size: embedder.size, items: made.items).write(to: file, as: form)
    }
    let told = zip(made.items, made.vectors).map { item, vector in
      EmbeddingReport.Item(
        item, tokens: item.isImage ? nil : embedder.texts?.tokens(item.name, prompt: prompt).count, vector: vector)
    }
    let report = EmbeddingReport(told, by: embedder, output: file, failed: made.read.failed)
    try output.print(json: report.json, text: report.text)
    made.read.tell()
    if made.read.failed.count > 0 { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }

  private func embedder(looks: Bool?) throws -> Embedder {
    let shelf = selection.shelfOptions.chosen
    let embedder = try pulling.opening(on: shelf) {
      try Embedder(
        path: net, family: selection.family, parameters: selection.parsedParameters(), on: shelf, looks: looks,
        side: size.side, threads: computing.threads, level: computing.level)
    }
    if embedder.images != nil {
      for text in arguments + search where !isLookedAt(text) { try checkIsText(text) }
    }
    return embedder
  }

  /// All that there are to be vectors of.
  private func given() throws(Failure) -> [VectorItem] {
    var items = arguments.map(Self.item)
    for path in try PictureFiles.find(images) { items.append(.image(path)) }
    items += furtherTexts.map { .text($0) }
    return try items + listed()
  }

  private static func item(_ argument: String) -> VectorItem {
    isLookedAt(argument) ? .image(argument) : .text(argument)
  }

  private func listed() throws(Failure) -> [VectorItem] {
    var items: [VectorItem] = []
    if let imageLines {
      for path in try TextLines.read(imageLines) where !path.isEmpty {
        guard path != "-" else {
          throw Failure(
            .badData, file: imageLines, "names standard input for an image", hint: "a file of that name is ./-")
        }
        items.append(.image(path))
      }
    }
    if let lines { for text in try TextLines.read(lines) { items.append(.text(text)) } }
    return items
  }

  private typealias Made = (items: [VectorItem], vectors: [[Float]], read: ReadPictures)

  /// The vectors of all that can be read.
  private func embedded(_ items: [VectorItem], _ embedder: Embedder, _ prompt: String) throws -> Made {
    let what = !items.contains(where: \.isImage) ? "texts" : items.allSatisfy(\.isImage) ? "images" : "items"
    let progress = ProgressLine("embedding", total: items.count, unit: .things(what))
    defer { progress.finish() }
    var vectors = [[Float]?](repeating: nil, count: items.count)
    let texts = items.indices.filter { !items[$0].isImage }
    let found = try embedder.vectors(of: texts.map { items[$0].name }, prompt: prompt) { progress.add("", $0) }
    for (index, vector) in zip(texts, found) { vectors[index] = vector }
    var places = items.indices.filter { items[$0].isImage }.makeIterator()
    var place = 0
    let paths: [String] = items.compactMap { if case .image(let path) = $0 { path } else { nil } }
    let read = try pictures.forEach(paths) { path in
      progress.add(PictureSource(path).name, 1)
      place = places.next() ?? 0
    } _: { _, picture in
      vectors[place] = try embedder.vector(of: picture)
    }
    progress.finish()
    let kept = items.indices.filter { vectors[$0] != nil }
    if kept.isEmpty, !items.isEmpty {
      read.tell()
      throw Failure(.badData, "none of the images can be read", hint: "the lines above say why")
    }
    return (kept.map { items[$0] }, vectors.compactMap(\.self), read)
  }

  private func writeReceipt(_ made: Made, _ embedder: Embedder, _ prompt: String) throws(Failure) {
    guard let receipt = receipts.record else { return }
    for (item, vector) in zip(made.items, made.vectors) { try receipt.add(item, vector: vector) }
    var settings = ReceiptSettings()
    (settings.isUpright, settings.side) = (pictures.upright, size.side)
    settings.prompt = prompt.isEmpty ? nil : prompt
    try receipts.write(.embed, embedder.files, settings, receipt)
  }

  private func find() throws {
    let queries = search.map(Self.item)
    var table = try vectors.map { path throws(Failure) in try VectorTable(path) }
    if let vectors, isListed { table = try table?.with(items: listed(), of: vectors) }
    let items = table == nil ? try given() : []
    let looks = (queries + items + (table?.items ?? [])).contains(where: \.isImage)
    let embedder = try embedder(looks: looks)
    var failed = 0
    if table == nil {
      let prompt = try embedder.prompt(prompt, usual: ["document", "passage", "corpus"])
      let made = try embedded(items, embedder, prompt)
      made.read.tell()
      failed += made.read.failed.count
      table = VectorTable(made.vectors, size: embedder.size, items: made.items)
    }
    guard let table else { return }
    let asked = try embedded(queries, embedder, embedder.prompt(queryPrompt, usual: ["query"]))
    var searches: [(query: VectorItem, matches: [VectorTable.Match])] = []
    for (query, vector) in zip(asked.items, asked.vectors) {
      do throws(Failure) {
        searches.append((query, try table.nearest(to: vector, by: embedder.similarity, top: top ?? 5)))
      } catch {
        throw vectors.map { error.inFile($0) } ?? error
      }
    }
    let report = SearchReport(searches, in: table, by: embedder.similarity, failed: asked.read.failed)
    try output.print(json: report.json, text: report.text)
    asked.read.tell()
    failed += asked.read.failed.count
    if failed > 0 { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }

  /// Answers lines of standard input as they come; texts of those that have come together are run together.
  private func answerLines() throws {
    let embedder = try embedder(looks: nil)
    var lines = EmbeddingLines(embedder, prompt: try embedder.prompt(prompt), isUpright: pictures.upright)
    var input = InputLines()
    let most = batch ?? 256
    while let first = try input.next() {
      var together = [first]
      // Lines with pictures may be long, and are no faster together.
      var bytes = first.count
      while together.count < most, bytes < 1 << 20, input.hasWaitingLine, let next = try input.next() {
        together.append(next)
        bytes += next.count
      }
      for answer in lines.answers(together) { try Console.print(answer) }
    }
    if let note = noteOnTurned(lines.turned) { Console.printError(note) }
    if lines.failed > 0 { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }
}
