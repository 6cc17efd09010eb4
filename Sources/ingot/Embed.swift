import ArgumentParser
import Arrays
import Families
import Reports
import Tasks

struct Embed: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes vectors of texts with a sentence embedder, and finds the texts most alike to others.",
    discussion: """
      Texts are given, or are the lines of a file (--lines); their vectors are told, or written to --output.

      Without texts, JSON Lines are read from standard input, {"text": TEXT}, and answered as they come, a line for a \
      line, by {"embedding": […]}; a member id comes back. A line that can't be answered gives an object with an error, \
      and the exit status 1 at the end.

      With --search, the texts most alike to each query are told: of those given, of --lines, or of --vectors, a file that \
      --output wrote before, whose texts are in it (.safetensors) or in --lines.

      Texts and queries get the prompts that the net's publisher puts before them; ingot inspect shows them.
      """)

  @Argument(help: "Texts.")
  var texts: [String] = []

  @Option(help: .init("A file of texts, one a line.", valueName: "file"), completion: .file())
  var lines: String?

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
    parsing: .upToNextOption, help: .init("Find the texts that are most alike to these.", valueName: "query"))
  var search: [String] = []

  @Option(help: .init("Search in these vectors: .npy or .safetensors.", valueName: "file"), completion: .file())
  var vectors: String?

  @Option(help: .init("The net's prompt for the queries. (default: query, where the net has it)", valueName: "name"))
  var queryPrompt: String?

  @Option(help: "How many texts are told of each query. (default: 5)")
  var top: Int?

  @Option(help: .init("The net file, where it isn't named by --set.", valueName: "file"), completion: .file())
  var net: String?

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var computing: ComputingOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  private var form: VectorTable.Form? { file.flatMap { VectorTable.Form(file: $0) } }

  func validate() throws {
    if file != nil, form == nil { throw ValidationError("--output ends in .npy, .safetensors or .csv") }
    if lines != nil, !texts.isEmpty { throw ValidationError("texts are given, and --lines too: give one of them") }
    if let top, top < 1 { throw ValidationError("--top is a number from 1") }
    guard search.isEmpty else {
      if file != nil { throw ValidationError("--output and --search are two things: write vectors first, then search") }
      if vectors != nil, !texts.isEmpty {
        throw ValidationError("texts are given, and --vectors too: give one of them")
      }
      if vectors != nil, prompt != nil {
        throw ValidationError("--prompt is for texts, which --vectors has no use for")
      }
      if vectors == nil, lines == nil, texts.isEmpty {
        throw ValidationError("there is nothing to search in: give --vectors, --lines or texts")
      }
      return
    }
    if vectors != nil || top != nil || queryPrompt != nil {
      throw ValidationError("--vectors, --top and --query-prompt go with --search")
    }
    if lines != nil, file == nil, !output.json {
      throw ValidationError("--lines goes with --output, --search or --json")
    }
    guard texts.isEmpty, lines == nil else { return }
    if file != nil { throw ValidationError("--output goes with texts or --lines") }
    if Paths.standardInputIsTerminal { throw ValidationError("there is no text") }
  }

  func run() throws {
    var selection = selection
    if net == nil, selection.parameters.isEmpty, selection.family == nil {
      // Where one embedder is on the shelf, it is meant.
      selection.family = Family.known.first(where: TextEmbedding.isFamily)?.name
    }
    let net = try selection.selectionOnShelf(path: net, fit: TextEmbedding.isFamily).file(
      on: selection.shelfOptions.chosen)
    let embedder = try TextEmbedding(net, threads: computing.threads, level: computing.level)
    if !search.isEmpty { return try find(embedder) }
    let prompt = try embedder.rules.prompt(prompt)
    guard !texts.isEmpty || lines != nil else { return try answerLines(embedder, prompt) }
    if let file { try OutputFile.checkCanBeWritten(file) }
    let texts = try lines.map { file throws(Failure) in try TextLines.read(file) } ?? texts
    let vectors = try embedded(texts, embedder, prompt)
    if let file, let form { try VectorTable(vectors, size: embedder.size, texts: texts).write(to: file, as: form) }
    let items = zip(texts, vectors).map { text, vector in
      EmbeddingReport.Item(text: text, tokens: embedder.tokens(text, prompt: prompt).count, vector: vector)
    }
    let report = EmbeddingReport(items, rules: embedder.rules, size: embedder.size, output: file)
    try output.print(json: report.json, text: report.text)
  }

  private func embedded(_ texts: [String], _ embedder: TextEmbedding, _ prompt: String) throws(Failure) -> [[Float]] {
    let progress = ProgressLine("embedding", total: texts.count, unit: .things("texts"))
    defer { progress.finish() }
    return try embedder.vectors(of: texts, prompt: prompt) { progress.add("", $0) }
  }

  private func find(_ embedder: TextEmbedding) throws {
    let rules = embedder.rules
    let table: VectorTable
    if let vectors {
      let found = try VectorTable(vectors)
      table =
        try lines.map { file throws(Failure) in try found.with(texts: TextLines.read(file), of: file) } ?? found
    } else {
      let texts = try lines.map { file throws(Failure) in try TextLines.read(file) } ?? texts
      let prompt = try rules.prompt(prompt ?? rules.firstPrompt(of: ["document", "passage", "corpus"]))
      table = VectorTable(try embedded(texts, embedder, prompt), size: embedder.size, texts: texts)
    }
    let prompt = try rules.prompt(queryPrompt ?? rules.firstPrompt(of: ["query"]))
    let queries = try embedder.vectors(of: search, prompt: prompt)
    var searches: [(query: String, matches: [VectorTable.Match])] = []
    for (query, vector) in zip(search, queries) {
      do throws(Failure) {
        searches.append((query, try table.nearest(to: vector, by: rules.similarity, top: top ?? 5)))
      } catch {
        throw vectors.map { error.inFile($0) } ?? error
      }
    }
    let report = SearchReport(searches, in: table, by: rules.similarity)
    try output.print(json: report.json, text: report.text)
  }

  /// Answers lines of standard input as they come; those that have come together are run together.
  private func answerLines(_ embedder: TextEmbedding, _ prompt: String) throws {
    var lines = EmbeddingLines(embedder, prompt: prompt)
    var input = InputLines()
    while let first = try input.next() {
      var batch = [first]
      while batch.count < 256, input.hasWaitingLine, let next = try input.next() { batch.append(next) }
      for answer in lines.answers(batch) { try Console.print(answer) }
    }
    if lines.failed > 0 { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }
}
