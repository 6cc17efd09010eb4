import Arrays
import Assurance
import Checkpoints
import Families
import NetFile
import Media
import Tasks
import TestSupport
import Testing

@Suite struct EvaluationTests {
  private let folder = TemporaryFolder()
  private var shelf: Shelf { Shelf(folder.file("shelf")) }

  private func floats(_ checkpoint: String = "weights/demo", _ release: String = "demo") throws -> VQANets {
    try VQANets(
      files: ConversionPlan(
        openCheckpoint(packageFile(checkpoint)), ConversionRequest(parameters: [.init(argument: "Release=\(release)")])
      ).run(on: shelf, replacing: true, compress: false).map { try NetFile($0.path) })
  }

  private func int8(_ nets: VQANets, _ options: QuantizationOptions = .init()) throws -> VQANets {
    try VQANets(files: nets.files.map { try NetFile(Quantization($0, options).run(on: shelf, replacing: true).path) })
  }

  private func questions() throws -> [EvaluationItem] {
    try EvaluationItem.read(packageFile("weights/demo/questions.jsonl"))
  }

  /// Of right and wrong answers, b of 100 right with the first net only and c with the second only, the interval is that of
  /// Agresti and Min: (b − c)/(n + 2) ± 1.96 √(b + c + 1 − (b − c)²/(n + 2))/(n + 2).
  @Test func differencesHaveTheIntervalThatWasPublished() {
    var difference = PairedDifference()
    #expect(difference.mean == 0 && difference.questions == 0)
    for _ in 0..<80 { difference.add(1, 1) }
    for _ in 0..<16 { difference.add(0, 0) }
    for _ in 0..<3 { difference.add(1, 0) }
    difference.add(0, 1)
    #expect(difference.questions == 100 && abs(difference.mean - 0.02) < 1e-15)
    #expect(abs(difference.interval.lowerBound - -0.023190) < 1e-6)
    #expect(abs(difference.interval.upperBound - 0.062406) < 1e-6)
    // Where nothing differs one is still not certain.
    var none = PairedDifference()
    for _ in 0..<10 { none.add(1, 1) }
    #expect(none.interval.lowerBound < -0.1 && none.interval.upperBound == -none.interval.lowerBound)
  }

  @Test func aNetAgreesWithItself() throws {
    let nets = try floats()
    let vqa = try VisualQuestionAnswering(nets)
    let result = try Evaluation(
      Answering(vqa), against: Answering(VisualQuestionAnswering(nets)), on: questions(), .init(layerItems: 3)
    ).run()
    // The publisher's library answers as many of them rightly (tools/checks/check_answers.py).
    #expect(result.accuracy?.overall.questions == 45)
    #expect(abs((result.accuracy?.overall.mean ?? 0) - 42.0 / 45) < 1e-12)
    #expect(result.accuracyB?.overall.mean == result.accuracy?.overall.mean && result.difference?.mean == 0)
    #expect(result.agreement == 1 && result.sameFirstToken == 1 && result.flipped.isEmpty)
    #expect((result.divergence ?? 1) == 0)
    let layers = try #require(result.layers)
    // Every Linear, in the order in which they run.
    #expect(layers.errors.count == 16 + 20 + 22 && layers.items == 3)
    #expect(layers.errors[0].name == "ImageEncoder.blocks.0.attention.qkv")
    #expect(layers.errors.last?.name == "TextDecoder.head.projection")
    #expect(layers.errors.allSatisfy { $0.inPlace.sqnr == .infinity && $0.alone.sqnr == .infinity })
  }

  @Test func int8NetsAreCompared() throws {
    let nets = try floats()
    let asked = try questions()
    let (a, b) = (try VisualQuestionAnswering(int8(nets)), try VisualQuestionAnswering(nets))
    let result = try Evaluation(Answering(a), against: Answering(b), on: asked, .init(layerItems: 4)).run()
    for question in result.evaluated {
      let picture = try Picture(asked[question.index].image)
      let text = asked[question.index].question
      #expect(try a.answer([text], about: a.look(at: picture))[0].text == question.a.answer)
      #expect(try b.answer([text], about: b.look(at: picture))[0].text == question.b?.answer)
    }
    let layers = try #require(result.layers)
    // All that comes before the first layer is the same in both: alone and in place it has the same error.
    #expect(layers.errors[0].inPlace.sqnr == layers.errors[0].alone.sqnr)
    for error in layers.errors {
      let (alone, inPlace) = (try #require(error.alone.sqnr), try #require(error.inPlace.sqnr))
      // Eight bits give about 40 dB.
      #expect((30...70).contains(alone) && inPlace < alone + 3, "\(error.name) \(alone) \(inPlace)")
      #expect(try #require(error.inPlace.cosine) > 0.999)
    }
  }

  @Test func questionsWithoutAnswersAndNetsAlone() throws {
    let vqa = try VisualQuestionAnswering(floats())
    let picture = packageFile("weights/demo/pictures/red-circle-0004.png")
    let result = try Evaluation(
      Answering(vqa), on: [EvaluationItem(id: "1", image: picture, question: "what shape is present?")]
    ).run()
    #expect(result.accuracy == nil && result.agreement == nil && result.layers == nil && result.divergence == nil)
    #expect(result.evaluated[0].a.answer == "circle")
    #expect(failure { _ = try Evaluation(Answering(vqa), on: []) }?.kind == .usage)
    let missing = EvaluationItem(id: "1", image: folder.file("none.png"), question: "what?")
    #expect(failure { _ = try Evaluation(Answering(vqa), on: [missing]).run() }?.kind == .noInput)
  }

  @Test func otherVocabulariesAreNotCompared() throws {
    let (demo, tiny) = (
      try floats(), try floats("Tests/FamiliesTests/Fixtures/layouts/huggingface", "tiny")
    )
    let failure = failure {
      _ = try Evaluation(
        Answering(VisualQuestionAnswering(demo)), against: Answering(VisualQuestionAnswering(tiny)), on: questions())
    }
    #expect(failure?.kind == .badData && failure?.reason.hasPrefix("has another vocabulary") == true)
  }

  // MARK: Journals

  @Test func anEvaluationGoesOnFromItsJournal() throws {
    let nets = try floats()
    let vqa = try VisualQuestionAnswering(nets)
    let evaluation = try Evaluation(Answering(vqa), on: questions())
    let path = folder.file("journal.jsonl")
    let whole = try evaluation.run(journal: EvaluationJournal(path, of: evaluation))
    let lines = try bytes(of: path).split(separator: 0x0a)
    #expect(lines.count == 46)
    // As if the process had been stopped in the middle of the 20th line; a line is what it is believed to be.
    var stopped = Array(lines[..<19].joined(separator: [0x0a]))
    stopped.append(0x0a)
    let changed = String(decoding: stopped, as: UTF8.self).replacing(
      "\"answer\":\"circle\"", with: "\"answer\":\"cube\"")
    let cut = try folder.write(Array(changed.utf8) + lines[19].prefix(10), to: "stopped.jsonl")
    var asked = 0
    let resumed = try evaluation.run(journal: EvaluationJournal(cut, of: evaluation)) { asked += $0.isEmpty ? 0 : $1 }
    #expect(asked == 45 - 18)
    #expect(resumed.evaluated.count == 45 && resumed.evaluated.contains { $0.a.answer == "cube" })
    #expect(try bytes(of: cut).split(separator: 0x0a).count == 46)
    for (one, other) in zip(whole.evaluated, resumed.evaluated) where other.a.answer != "cube" { #expect(one == other) }
  }

  @Test func journalsOfSomethingElseAreLeftAlone() throws {
    let vqa = try VisualQuestionAnswering(floats())
    let evaluation = try Evaluation(Answering(vqa), on: questions())
    let other = try Evaluation(Answering(vqa), on: Array(questions().prefix(3)))
    let path = folder.file("journal.jsonl")
    _ = try other.run(journal: EvaluationJournal(path, of: other))
    let before = try bytes(of: path)
    for (name, content) in [("journal", before), ("text", Array("a text\n".utf8)), ("json", Array("{}\n".utf8))] {
      let file = try folder.write(content, to: "\(name).txt")
      let failure = failure { _ = try EvaluationJournal(file, of: evaluation) }
      #expect(failure?.kind == .cannotCreate && failure?.file == file)
      #expect(try bytes(of: file) == content)
    }
    let first = before.prefix { $0 != 0x0a } + [0x0a]
    for line in ["nonsense", "{}", #"{"question":99,"a":{"answer":"x","tokens":[]}}"#, #"{"question":1,"a":{}}"#] {
      let file = try folder.write(Array(first) + Array((line + "\n").utf8), to: "bad.jsonl")
      let failure = failure { _ = try EvaluationJournal(file, of: other) }
      #expect(failure?.kind == .badData && failure?.place?.hasPrefix("line 2") == true, "\(line)")
    }
    // While one has it open, nobody else may write.
    let open = try EvaluationJournal(path, of: other)
    #expect(failure { _ = try EvaluationJournal(path, of: other) }?.kind == .cannotCreate)
    _ = open
    #expect(failure { _ = try EvaluationJournal(folder.path, of: other) }?.kind == .cannotCreate)
  }

  // MARK: Budgets

  @Test func aNetWithinItsBudgetNeedsNoHelp() throws {
    let task = try Answering(VisualQuestionAnswering(floats()))
    let result = try BudgetSearch(task, on: questions(), .init(maximumDrop: 5, minimumAgreement: 90), base: [:])
      .run(folder: folder.path)
    #expect(result.helps.isEmpty && result.trials.count == 1 && result.best.isWithin)
    #expect(abs((result.floatAccuracy ?? 0) - 42.0 / 45) < 1e-12)
    #expect(try Paths.names(in: folder.path) == ["shelf"])
    let unjudged = try questions().map { EvaluationItem(id: $0.id, image: $0.image, question: $0.question) }
    #expect(failure { _ = try BudgetSearch(task, on: unjudged, .init(maximumDrop: 1), base: [:]) }?.kind == .usage)
  }

  /// A net with random weights says something else at once: all its answers stay the same only with much help.
  @Test func whatHurtsIsLeftInHigherPrecision() throws {
    let nets = try floats("Tests/FamiliesTests/Fixtures/layouts/huggingface", "tiny")
    let asked = try questions().prefix(20).map {
      EvaluationItem(
        id: $0.id, image: $0.image, question: String(repeating: "the what ", count: 1 + $0.id.count % 3))
    }
    let task = try Answering(VisualQuestionAnswering(nets))
    let search = try BudgetSearch(task, on: asked, .init(minimumAgreement: 100), base: [:])
    let result = try search.run(folder: folder.path)
    #expect(result.best.agreement == 1 && result.trials.filter(\.isWithin).map(\.bytes).min() == result.best.bytes)
    #expect(Set(result.helps.map { "\($0.net) \($0.array)" }).count == result.helps.count)
    // What was tried in memory is what the files are.
    let files = try nets.files.map { net in
      let options = result.options[net.header.net] ?? .init()
      return try NetFile(Quantization(net, options).run(on: shelf, replacing: true).path)
    }
    #expect(files.reduce(0) { $0 + $1.header.arrays.reduce(0) { $0 + $1.bytes } } == result.best.bytes)
    let made = try Evaluation(
      Answering(VisualQuestionAnswering(VQANets(files: files))), against: task, on: asked, .init(layerItems: 0)
    ).run()
    #expect(made.agreement == 1)
    for (file, net) in zip(files, nets.files) {
      #expect(try Verification(file, quantizedFrom: net).run().isVerified)
    }
  }
}
