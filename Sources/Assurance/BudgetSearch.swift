import Arrays
import Media
import NetFile
import Nets

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
/// found by halving, each try being run on all the items.
public struct BudgetSearch<Task: NetTask> {
  fileprivate let task: Task
  fileprivate let items: [EvaluationItem]
  private let budget: QuantizationBudget
  fileprivate let base: [String: QuantizationOptions]

  /// - Parameter base: by net: the options without any help.
  /// - Throws: `Failure` of kind `usage` when a drop of accuracy is limited but it isn't known what is right.
  public init(
    _ task: Task, on items: [EvaluationItem], _ budget: QuantizationBudget, base: [String: QuantizationOptions]
  ) throws(Failure) {
    guard budget.maximumDrop == nil || items.contains(where: { !$0.answers.isEmpty }) else {
      throw Failure(
        .usage, "a drop of accuracy is limited, but the \(Task.words.item)s have no right answers",
        hint: "give --annotations, or limit the answers that change by --min-agreement")
    }
    self.task = task
    self.items = items
    self.budget = budget
    self.base = base
  }

  /// - Parameters:
  ///   - folder: on whose disk int8 nets are put meanwhile.
  ///   - progress: is told what is being done.
  /// - Throws: `Failure` of kind `mismatch` when no choice is within the budget.
  public func run(folder: String, progress: (_ what: String) -> Void = { _ in }) throws -> QuantizationSearchResult {
    progress("quantizing")
    let int8 = try int8Nets(in: folder)
    let reference = try outputs(of: task) { progress("float32: \($0) of \(items.count) \(Task.words.item)s") }
    let search = Search(owner: self, int8: int8, reference: reference)
    var trials = [try search.attempt([], progress)]
    var helps: [QuantizationHelp] = []
    var ladder: [QuantizationHelp] = []
    if !trials[0].isWithin {
      ladder = try search.ladder(progress)
      // The smallest number of helped arrays, as if more help were never worse.
      var (failing, within) = (0, ladder.count)
      trials.append(try search.attempt(ladder, progress))
      guard trials[1].isWithin else {
        throw Failure(
          .mismatch,
          "no int8 net is within the budget: with every array as it is, "
            + "\(Int((trials[1].agreement * 10000).rounded()) / 100) % of the \(Task.words.outputs) agree",
          hint: "allow more, or give more \(Task.words.item)s: a few are a large part of a small set")
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
    return QuantizationSearchResult(
      options: search.options(helps), helps: helps, trials: trials, best: best,
      floatAccuracy: reference.accuracy, items: items.count, words: Task.words)
  }

  private func int8Nets(in folder: String) throws -> [NetFile] {
    try task.files.map { net in
      let written = try Quantization(net, base[net.header.net] ?? .init()).write(to: Paths.join(folder, "search.ingot"))
      // It is never put in its place: an open file stays readable without its name, and is gone with the process.
      defer { withExtendedLifetime(written) {} }
      return try NetFile(written.file.temporary)
    }
  }

  fileprivate struct Outputs {
    var texts: [String]
    var sum = 0.0
    var judged = 0
    var accuracy: Double? { judged > 0 ? sum / Double(judged) : nil }
  }

  /// Runs nets on all items.
  fileprivate func outputs(of task: Task, progress: (Int) -> Void) throws(Failure) -> Outputs {
    var found = [TaskOutput?](repeating: nil, count: items.count)
    var done = 0
    for (path, indices) in EvaluationItem.byImage(items) {
      do throws(Failure) {
        let outputs = try task.outputs(
          of: indices.map { items[$0] }, about: task.look(at: Picture(path)), wantsScores: false)
        for (index, output) in zip(indices, outputs) { found[index] = output }
      } catch {
        throw error.inFile(path)
      }
      done += indices.count
      progress(done)
    }
    var out = Outputs(texts: found.map { $0?.text ?? "" })
    for (item, output) in zip(items, found) {
      guard let output, let accuracy = task.accuracy(of: output, for: item) else { continue }
      out.sum += accuracy.value
      out.judged += 1
    }
    return out
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

/// A search that has its float nets' outputs and int8 nets.
private struct Search<Task: NetTask> {
  let owner: BudgetSearch<Task>
  /// In the order of the float ones.
  let int8: [NetFile]
  let reference: BudgetSearch<Task>.Outputs

  /// Everything that could help, in the order in which it is to be tried.
  func ladder(_ progress: (String) -> Void) throws -> [QuantizationHelp] {
    let sensitivity = try Sensitivity(owner.task, int8: int8, on: owner.items) { path, _ in
      progress("looking: \(path)")
    }
    let total = int8.reduce(0) { $0 + $1.header.arrays.count { $0.scales != nil } }
    var done = 0
    let items = try sensitivity.items { name, more in
      done += more
      progress("array \(done) of \(total): \(name)")
    }
    func helps(_ items: [Sensitivity<Task>.Item], _ kind: QuantizationHelp.Kind) -> [QuantizationHelp] {
      items.map { .init(net: $0.net, array: $0.array, kind: kind, divergence: $0.divergence) }
    }
    let activations = items.filter { $0.activations == .int8 }.sorted { $0.divergence > $1.divergence }
    let costly = items.sorted { $0.divergence / Double($0.elements) > $1.divergence / Double($1.elements) }
    return helps(activations, .floatActivations) + helps(costly, .float16) + helps(costly, .unchanged)
  }

  /// One kind of help per array: the last.
  func effective(_ helps: some Sequence<QuantizationHelp>) -> [QuantizationHelp] {
    var places: [[String]: Int] = [:]
    var out: [QuantizationHelp] = []
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

  func options(_ helps: [QuantizationHelp]) -> [String: QuantizationOptions] {
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

  /// Runs nets so helped on all items.
  func attempt(_ helps: [QuantizationHelp], _ progress: (String) -> Void) throws -> QuantizationTrial {
    var changed = owner.task
    var bytes = 0
    let options = options(helps)
    for (file, quantized) in zip(owner.task.files, int8) {
      let plan = try Quantization(file, options[file.header.net] ?? .init())
      bytes += plan.header.arrays.reduce(0) { $0 + $1.bytes }
      changed = try changed.replacing(file, by: MixedWeights(file, int8: quantized, choices(plan)))
    }
    let outputs = try owner.outputs(of: changed) {
      progress("\(helps.count) arrays helped: \($0) of \(owner.items.count) \(Task.words.item)s")
    }
    let same = zip(outputs.texts, reference.texts).count { $0 == $1 }
    let agreement = Double(same) / Double(outputs.texts.count)
    return .init(
      helped: helps.count, accuracy: outputs.accuracy, agreement: agreement, bytes: bytes,
      isWithin: owner.isWithin(
        accuracy: outputs.accuracy, floatAccuracy: reference.accuracy, agreement: agreement))
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
