import Arrays
import Families
import Kernels
import NetFile
import Nets
import Media
import Tasks

/// What quantizing may cost.
public struct QuantizationBudget: Sendable {
  /// Most points (of 100) of accuracy that may be lost.
  public var maximumDrop: Double?
  /// Fewest answers, of 100, that must stay the same.
  public var minimumAgreement: Double?

  public init(maximumDrop: Double? = nil, minimumAgreement: Double? = nil) {
    self.maximumDrop = maximumDrop
    self.minimumAgreement = minimumAgreement
  }
}

/// Finds the smallest nets within a budget: which arrays are better left in higher precision, and which int8 ones better
/// multiplied with float32.
///
/// Arrays are put in the order of what they cost alone (`Sensitivity`), and helped in this order: first those whose float32
/// activations cost no byte, then as float16 by what they cost per byte, then as they are. How many have to be helped is
/// found by halving, each try being answered on all the questions.
public struct BudgetSearch {
  /// An array that was helped.
  public struct Help: Sendable {
    public enum Kind: String, Sendable {
      case floatActivations, float16, unchanged
    }

    public let net: String
    public let array: String
    public let kind: Kind
    /// Mean divergence in nats of answers' tokens that this array alone causes as it was before.
    public let divergence: Double
  }

  /// Nets that were tried.
  public struct Trial: Sendable {
    public let helped: Int
    public let accuracy: Double?
    public let agreement: Double
    /// Of all arrays of the three nets.
    public let bytes: Int
    public let isWithin: Bool
  }

  public struct Result: Sendable {
    /// By net.
    public let options: [String: QuantizationOptions]
    /// Which arrays were helped, in the order of how much that was needed.
    public let helps: [Help]
    public let trials: [Trial]
    /// The one whose nets these are.
    public let best: Trial
    /// Accuracy of the float nets; nil where the right answers are not known.
    public let floatAccuracy: Double?
    public let questions: Int
  }

  private let nets: VQANets
  fileprivate let questions: [EvaluationQuestion]
  private let budget: QuantizationBudget
  private let answerOptions: AnswerOptions
  fileprivate let base: [String: QuantizationOptions]
  private let threads: Int?
  private let level: Engine.Level?

  /// - Parameter base: by net: the options without any help.
  /// - Throws: `Failure` of kind `usage` when a drop of accuracy is limited but the questions have no right answers.
  public init(
    _ nets: VQANets, on questions: [EvaluationQuestion], _ budget: QuantizationBudget,
    base: [String: QuantizationOptions], answerOptions: AnswerOptions = AnswerOptions(), threads: Int? = nil,
    level: Engine.Level? = nil
  ) throws(Failure) {
    guard budget.maximumDrop == nil || questions.contains(where: { !$0.answers.isEmpty }) else {
      throw Failure(
        .usage, "a drop of accuracy is limited, but the questions have no right answers",
        hint: "give --annotations, or limit the answers that change by --min-agreement")
    }
    self.nets = nets
    self.questions = questions
    self.budget = budget
    self.base = base
    self.answerOptions = answerOptions
    self.threads = threads
    self.level = level
  }

  /// - Parameters:
  ///   - folder: on whose disk int8 nets are put meanwhile.
  ///   - progress: is told what is being done.
  /// - Throws: `Failure` of kind `mismatch` when no choice is within the budget.
  public func run(folder: String, progress: (_ what: String) -> Void = { _ in }) throws -> Result {
    let vqa = try VisualQuestionAnswering(nets, threads: threads, level: level)
    progress("quantizing")
    let int8 = try VQANets(files: int8Nets(in: folder))

    var reference = Answers()
    try answer(vqa, &reference) { progress("float32: \($0) of \(questions.count) questions") }
    let search = Search(owner: self, vqa: vqa, int8: int8, reference: reference)
    var trials = [try search.attempt([], progress)]
    var helps: [Help] = []
    var ladder: [Help] = []
    if !trials[0].isWithin {
      ladder = try search.ladder(progress)
      // The smallest number of helped arrays, as if more help were never worse.
      var (failing, within) = (0, ladder.count)
      trials.append(try search.attempt(ladder, progress))
      guard trials[1].isWithin else {
        throw Failure(
          .mismatch,
          "no int8 net is within the budget: with every array as it is, "
            + "\(Int((trials[1].agreement * 10000).rounded()) / 100) % of the answers agree",
          hint: "allow more, or give more questions: a few answers are a large part of a small set")
      }
      while within - failing > 1 {
        let middle = (failing + within) / 2
        let trial = try search.attempt(Array(ladder.prefix(middle)), progress)
        trials.append(trial)
        if trial.isWithin { within = middle } else { failing = middle }
      }
      helps = search.effective(ladder.prefix(within))
    }
    let best = trials.filter(\.isWithin).min { $0.helped < $1.helped } ?? trials[0]
    return Result(
      options: search.options(helps), helps: helps, trials: trials, best: best,
      floatAccuracy: reference.accuracy, questions: questions.count)
  }

  private func int8Nets(in folder: String) throws -> [NetFile] {
    try nets.files.map { net in
      let written = try Quantization(net, base[net.header.net] ?? .init()).write(to: Paths.join(folder, "search.ingot"))
      // It is never put in its place: an open file stays readable without its name, and is gone with the process.
      defer { withExtendedLifetime(written) {} }
      return try NetFile(written.file.temporary)
    }
  }

  fileprivate struct Answers {
    var texts: [String] = []
    var sum = 0.0
    var judged = 0
    var accuracy: Double? { judged > 0 ? sum / Double(judged) : nil }
  }

  /// Answers all questions.
  fileprivate func answer(
    _ vqa: VisualQuestionAnswering, _ answers: inout Answers, progress: (Int) -> Void
  ) throws(Failure) {
    var texts = [String](repeating: "", count: questions.count)
    var done = 0
    for (path, indices) in EvaluationQuestion.byImage(questions) {
      do throws(Failure) {
        let found = try vqa.answer(
          indices.map { questions[$0].question }, about: vqa.look(at: Picture(path)), options: answerOptions)
        for (index, answer) in zip(indices, found) { texts[index] = answer.text }
      } catch {
        throw error.inFile(path)
      }
      done += indices.count
      progress(done)
    }
    answers.texts = texts
    for (question, text) in zip(questions, texts) {
      guard let accuracy = question.accuracy(of: text) else { continue }
      answers.sum += accuracy
      answers.judged += 1
    }
  }

  fileprivate func isWithin(accuracy: Double?, floatAccuracy: Double?, agreement: Double) -> Bool {
    // Sums of exact numbers, compared with a little room for their rounding.
    if let most = budget.maximumDrop, let accuracy, let floatAccuracy, (floatAccuracy - accuracy) * 100 > most + 1e-9 {
      return false
    }
    if let least = budget.minimumAgreement, agreement * 100 < least - 1e-9 { return false }
    return true
  }
}

/// A search that has its float nets' answers and int8 nets.
private struct Search {
  let owner: BudgetSearch
  let vqa: VisualQuestionAnswering
  let int8: VQANets
  let reference: BudgetSearch.Answers

  /// Everything that could help, in the order in which it is to be tried.
  func ladder(_ progress: (String) -> Void) throws -> [BudgetSearch.Help] {
    let sensitivity = try Sensitivity(vqa, int8: int8, on: owner.questions) { path, _ in progress("looking: \(path)")
    }
    let total = int8.files.reduce(0) { $0 + $1.header.arrays.count { $0.scales != nil } }
    var done = 0
    let items = try sensitivity.items { name, more in
      done += more
      progress("array \(done) of \(total): \(name)")
    }
    func helps(_ items: [Sensitivity.Item], _ kind: BudgetSearch.Help.Kind) -> [BudgetSearch.Help] {
      items.map { .init(net: $0.net, array: $0.array, kind: kind, divergence: $0.divergence) }
    }
    let activations = items.filter { $0.activations == .int8 }.sorted { $0.divergence > $1.divergence }
    let costly = items.sorted { $0.divergence / Double($0.elements) > $1.divergence / Double($1.elements) }
    return helps(activations, .floatActivations) + helps(costly, .float16) + helps(costly, .unchanged)
  }

  /// One kind of help per array: the last.
  func effective(_ helps: some Sequence<BudgetSearch.Help>) -> [BudgetSearch.Help] {
    var places: [[String]: Int] = [:]
    var out: [BudgetSearch.Help] = []
    for help in helps {
      if let place = places[[help.net, help.array]] {
        out[place] = help
      } else {
        places[[help.net, help.array]] = out.count
        out.append(help)
      }
    }
    return out
  }

  func options(_ helps: [BudgetSearch.Help]) -> [String: QuantizationOptions] {
    var out = owner.base
    for help in effective(helps) {
      var options = out[help.net] ?? .init()
      switch help.kind {
      case .floatActivations: options.floatActivations.insert(help.array)
      case .float16: options.kept.updateValue(.float16, forKey: help.array)
      case .unchanged: options.kept.updateValue(nil, forKey: help.array)
      }
      out[help.net] = options
    }
    return out
  }

  /// Answers all questions with nets so helped.
  func attempt(_ helps: [BudgetSearch.Help], _ progress: (String) -> Void) throws -> BudgetSearch.Trial {
    var nets = vqa
    var bytes = 0
    let options = options(helps)
    for (file, quantized) in zip(vqa.nets.files, int8.files) {
      let plan = try Quantization(file, options[file.header.net] ?? .init())
      bytes += plan.header.arrays.reduce(0) { $0 + $1.bytes }
      nets = try VisualQuestionAnswering(
        nets, file, weights: MixedWeights(file, int8: quantized, choices(plan)))
    }
    var answers = BudgetSearch.Answers()
    try owner.answer(nets, &answers) {
      progress("\(helps.count) arrays helped: \($0) of \(owner.questions.count) questions")
    }
    let same = zip(answers.texts, reference.texts).count { $0 == $1 }
    let agreement = Double(same) / Double(answers.texts.count)
    return .init(
      helped: helps.count, accuracy: answers.accuracy, agreement: agreement, bytes: bytes,
      isWithin: owner.isWithin(
        accuracy: answers.accuracy, floatAccuracy: reference.accuracy, agreement: agreement))
  }

  private func choices(_ plan: Quantization) -> [String: ArrayChoice] {
    let profile = (try? QuantizationProfile(profile: plan.header.profile)) ?? .init()
    let sources = Dictionary(plan.net.header.arrays.map { ($0.name, $0.elementType) }) { first, _ in first }
    var out: [String: ArrayChoice] = [:]
    for array in plan.header.arrays {
      if array.scales != nil {
        out[array.name] = .int8(profile.activations(of: array.name))
      } else if array.elementType == .float16, let source = sources[array.name], source != .float16 {
        out[array.name] = .float16
      }
    }
    return out
  }
}
