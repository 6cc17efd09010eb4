import Arrays
import Assurance
import Families
import NetFile

/// What an evaluation found, for people and as JSON (schemas/reports/evaluate.schema.json).
public struct EvaluationReport: Sendable {
  let result: EvaluationResult

  public init(_ result: EvaluationResult) { self.result = result }

  /// Flipped answers, and layers, that are told where all would be too many.
  private static let told = 10

  public var text: String {
    var lines = [Self.heading(result)]
    var names = TextTable([.left, .left])
    if result.failedItems > 0 {
      lines.append(
        "\(grouped(result.failedItems)) not \(result.words.hasTexts ? "asked" : "counted"): "
          + "\(counted(result.failed.count, "image")) could not be read")
    }
    if result.uncounted > 0 {
      lines.append("\(grouped(result.uncounted)) not counted, as the data set's publisher leaves them out")
    }
    names.add("A", Self.name(result.a))
    if let b = result.b { names.add("B", Self.name(b)) }
    lines += names.lines + [""] + measures
    lines += typeLines + flippedLines + layerLines
    return lines.joined(separator: "\n")
  }

  /// `45 questions about 12 images`
  static func heading(_ result: EvaluationResult) -> String {
    counted(result.items.count, result.words.item)
      + (result.words.hasTexts ? " about \(counted(result.images, "image"))" : "")
  }

  /// Parameters without the part: those of all nets.
  static func name(_ nets: [NetFile]) -> String {
    guard let header = nets.first?.header else { return "" }
    let axis = (try? header.definition())?.family.netAxis?.name
    return header.parameters.filter { $0.key != axis }.map { member in
      let value: String
      switch member.value.content {
      case .string(let text): value = text
      default: value = member.value.compactText
      }
      return "\(member.key)=\(value)"
    }.joined(separator: " ")
  }

  private var measure: TaskMeasure { result.words.measure }

  private var measures: [String] {
    var table = TextTable([.left, .right, .left])
    if let accuracy = result.accuracy {
      let name = measure.name
      table.add(result.b == nil ? name : "\(name) of A", measure.told(accuracy.overall.mean), "")
      if let other = result.accuracyB { table.add("\(name) of B", measure.told(other.overall.mean), "") }
    } else {
      table.add(measure.name, "-", "the \(result.words.item)s have no right answers with them")
    }
    if let difference = result.difference {
      let interval = difference.interval
      table.add(
        "A less B", measure.toldSigned(difference.mean) + (measure.most == nil ? " %" : ""),
        "95 % confidence: \(measure.toldSigned(interval.lowerBound)) to \(measure.toldSigned(interval.upperBound))")
    }
    for (name, a, b) in result.further {
      guard let a else { continue }
      table.add(result.b == nil ? name : "\(name) of A", percent(a, 2), "")
      if let b { table.add("\(name) of B", percent(b, 2), "") }
    }
    if let agreement = result.agreement {
      let flipped = result.flipped.count
      let flips = "\(grouped(flipped)) \(flipped == 1 ? result.words.output : result.words.outputs) flipped"
      table.add("same \(result.words.output)", percent(agreement, 2), flips)
    }
    if result.words.hasTexts, let same = result.sameFirstToken {
      table.add("same likeliest first token", percent(same, 2), "")
    }
    if let divergence = result.divergence {
      table.add("KL divergence of \(result.words.distribution)", significant(divergence), "nats, mean")
    }
    return table.lines
  }

  typealias Types = (title: String, a: [String: VQAAccuracy.Tally], b: [String: VQAAccuracy.Tally]?)

  /// By what accuracy is told apart.
  static func types(_ words: TaskWords, _ a: VQAAccuracy, _ b: VQAAccuracy?) -> [Types] {
    guard words.hasTexts else { return [("right class", a.perAnswerType, b?.perAnswerType)] }
    return [
      ("answer type", a.perAnswerType, b?.perAnswerType), ("question type", a.perQuestionType, b?.perQuestionType),
    ]
  }

  private var typeLines: [String] {
    guard let accuracy = result.accuracy else { return [] }
    var lines: [String] = []
    for (title, tallies, others) in Self.types(result.words, accuracy, result.accuracyB) where !tallies.isEmpty {
      var table = TextTable([.left, .right, .right, .right])
      table.add(title, "\(result.words.item)s", result.b == nil ? "accuracy" : "A", result.b == nil ? "" : "B")
      let sorted = tallies.sorted { ($1.value.questions, $0.key) < ($0.value.questions, $1.key) }
      // Types are few, classes may be a thousand: the worst are told then.
      let told =
        result.words.hasTexts || sorted.count <= Self.told
        ? sorted : Array(tallies.sorted { ($0.value.mean, $0.key) < ($1.value.mean, $1.key) }.prefix(Self.told))
      for (type, tally) in told {
        table.add(
          shortened(type, to: 40), grouped(tally.questions), percent(tally.mean, 2),
          others?[type].map { percent($0.mean, 2) } ?? "")
      }
      lines += [""] + table.lines
      if told.count < sorted.count { lines.append("… and \(grouped(sorted.count - told.count)) better ones") }
    }
    return lines
  }

  private var flippedLines: [String] {
    let flipped = result.flipped
    guard !flipped.isEmpty else { return [] }
    let hasTexts = result.words.hasTexts
    var table = TextTable([TextTable.Alignment](repeating: .left, count: hasTexts ? 5 : 4))
    table.add(["flipped: image"] + (hasTexts ? ["question"] : []) + ["A", "B", "right \(result.words.output)"])
    for flip in flipped.prefix(Self.told) {
      let item = result.items[flip.index]
      table.add(
        [Paths.name(item.image)] + (hasTexts ? [item.question] : [])
          + [flip.a.answer, flip.b?.answer ?? "", item.commonAnswer ?? ""])
    }
    let rest = flipped.count - Self.told
    return [""] + table.lines + (rest > 0 ? ["… and \(grouped(rest)) more: --json and --html have all"] : [])
  }

  private var layerLines: [String] {
    guard let layers = result.layers, !layers.errors.isEmpty else { return [] }
    var lines: [String] = []
    /// Layers that change nothing are of no interest.
    func add(_ title: String, _ measure: (LayerError) -> Double?, _ value: (LayerError) -> [String]) {
      let worst = layers.errors.compactMap { error in measure(error).map { (error, $0) } }
        .filter { $0.1.isFinite }.sorted { $0.1 < $1.1 }.prefix(Self.told)
      guard !worst.isEmpty else { return }
      var table = TextTable([.left, .right, .right, .right, .right])
      table.add(title, "SQNR alone", "cosine", "in place", "cosine")
      for (error, _) in worst {
        let cells = value(error)
        table.add(error.name, cells[0], cells[1], cells[2], cells[3])
      }
      lines += [""] + table.lines
    }
    add("largest errors on \(counted(layers.items, result.words.item))", \.alone.sqnr) {
      [decibels($0.alone.sqnr), cosine($0.alone.cosine), decibels($0.inPlace.sqnr), cosine($0.inPlace.cosine)]
    }
    if layers.flippedItems > 0 {
      add("… on \(grouped(layers.flippedItems)) of those whose \(result.words.outputs) flipped", \.aloneOnFlipped.sqnr)
      {
        [
          decibels($0.aloneOnFlipped.sqnr), cosine($0.aloneOnFlipped.cosine), decibels($0.inPlaceOnFlipped.sqnr),
          cosine($0.inPlaceOnFlipped.cosine),
        ]
      }
    }
    if lines.isEmpty { return ["", "no layer differs"] }
    return lines + [
      "alone: the layer gets B's input; in place: what A has computed so far, with the errors of all layers before"
    ]
  }

  /// Images that could not be read.
  public var failed: FailedInputs {
    var failed = FailedInputs()
    for image in result.failed { failed.add(image.path, image.failure) }
    return failed
  }

  // MARK: JSON

  public var json: JSONValue {
    let accuracy = result.accuracy
    let difference = result.difference
    let hasTexts = result.words.hasTexts
    let types = accuracy.map { Self.types(result.words, $0, result.accuracyB) } ?? []
    return .object([
      "task": result.words.name.map { .string($0) },
      "nets": .object(["a": Self.json(result.a), "b": result.b.map { Self.json($0) }]),
      "questions": hasTexts ? .integer(result.items.count) : nil, "images": .integer(result.images),
      "accuracy": .object([
        "a": accuracy.map { .number($0.overall.mean) }, "b": result.accuracyB.map { .number($0.overall.mean) },
        "difference": difference.map { .number($0.mean) },
        "interval": difference.map {
          .array([.number($0.interval.lowerBound), .number($0.interval.upperBound)])
        },
        "perAnswerType": hasTexts ? types.first.map { Self.json($0, "questions") } : nil,
        "perQuestionType": hasTexts ? types.last.map { Self.json($0, "questions") } : nil,
        "perClass": result.words.name != Classifying.words.name ? nil : types.first.map { Self.json($0, "images") },
      ]),
      "top5": hasTexts
        ? nil
        : result.further.first.map { further in
          .object(["a": further.a.map { .number($0) }, "b": further.b.map { .number($0) }])
        },
      "ciderD": measure.most.flatMap { most in
        accuracy.map { accuracy in
          .object([
            "a": .number(accuracy.overall.mean * most), "b": result.accuracyB.map { .number($0.overall.mean * most) },
          ])
        }
      },
      "failedQuestions": result.failed.isEmpty || !hasTexts ? nil : .integer(result.failedItems), "failed": failed.json,
      "uncounted": result.uncounted > 0 ? .integer(result.uncounted) : nil,
      "agreement": result.agreement.map { .number($0) },
      "sameFirstToken": hasTexts ? result.sameFirstToken.map { .number($0) } : nil,
      "klDivergence": result.divergence.map { .number($0) },
      "flipped": result.b == nil ? nil : .array(result.flipped.map { json($0) }),
      "layers": result.layers.map { layers in .array(layers.errors.map { json($0) }) },
      "layerQuestions": result.layers.flatMap { hasTexts ? Self.json($0) : nil },
      "layerImages": result.layers.flatMap { hasTexts ? nil : Self.json($0) },
    ])
  }

  private static func json(_ layers: EvaluationResult.Layers) -> JSONValue {
    .object(["spread": .integer(layers.items), "flipped": .integer(layers.flippedItems)])
  }

  static func json(_ nets: [NetFile]) -> JSONValue {
    .object(["name": .string(name(nets)), "files": .strings(nets.map(\.path))])
  }

  private static func json(_ types: Types, _ items: String) -> JSONValue {
    JSONValue(
      .object(
        types.a.sorted { $0.key < $1.key }.map { type, tally in
          JSONMember(
            type,
            .object([
              items: .integer(tally.questions), "a": .number(tally.mean), "b": types.b?[type].map { .number($0.mean) },
            ]))
        }))
  }

  private func json(_ evaluated: EvaluatedItem) -> JSONValue {
    let item = result.items[evaluated.index]
    let hasTexts = result.words.hasTexts
    return .object([
      "id": hasTexts ? .string(item.id) : nil, "image": .string(item.image),
      "question": hasTexts ? .string(item.question) : nil,
      "a": .string(evaluated.a.answer), "b": evaluated.b.map { .string($0.answer) },
      "answers": hasTexts ? .strings(item.answers) : nil,
      "right": hasTexts || result.words.measure.most != nil ? nil : item.answers.first.map { .string($0) },
      "captions": result.words.measure.most == nil ? nil : .strings(item.answers),
      "accuracyA": evaluated.a.accuracy.map { .number($0) }, "accuracyB": (evaluated.b?.accuracy).map { .number($0) },
      "klDivergence": (evaluated.firstToken?.divergence).map { .number($0) },
    ])
  }

  /// A layer that changes nothing has no SQNR: it is infinite.
  private func json(_ error: LayerError) -> JSONValue {
    func number(_ value: Double?) -> JSONValue? { value.flatMap { $0.isFinite ? .number($0) : nil } }
    return .object([
      "name": .string(error.name), "sqnr": number(error.inPlace.sqnr), "cosine": number(error.inPlace.cosine),
      "aloneSQNR": number(error.alone.sqnr), "aloneCosine": number(error.alone.cosine),
      "flippedSQNR": number(error.inPlaceOnFlipped.sqnr), "flippedAloneSQNR": number(error.aloneOnFlipped.sqnr),
    ])
  }
}

extension EvaluationItem {
  /// The right answer, or what most annotators said; the first of several.
  var commonAnswer: String? {
    var counts: [String: Int] = [:]
    for answer in answers { counts[answer, default: 0] += 1 }
    guard let most = counts.values.max() else { return nil }
    return answers.first { counts[$0] == most }
  }
}

/// 0.97262 as `97.26 %`.
func percent(_ share: Double, _ decimals: Int) -> String { rounded(share * 100, decimals) + " %" }

/// With its sign, zero without.
func signed(_ number: Double, _ decimals: Int) -> String {
  let text = rounded(number.magnitude, decimals)
  return text.allSatisfy { $0 == "0" || $0 == "." } ? text : (number < 0 ? "-" : "+") + text
}

func decibels(_ ratio: Double?) -> String {
  guard let ratio else { return "-" }
  return ratio.isFinite ? rounded(ratio, 1) + " dB" : "same"
}

func cosine(_ cosine: Double?) -> String { cosine.map { rounded($0, 5) } ?? "-" }

/// A number with three significant digits, however small.
func significant(_ number: Double) -> String {
  guard number != 0, number.isFinite else { return rounded(number, 0) }
  var (scaled, exponent) = (number.magnitude, 0)
  while scaled < 1 { (scaled, exponent) = (scaled * 10, exponent - 1) }
  if exponent >= -3 { return rounded(number, 2 - exponent) }
  return (number < 0 ? "-" : "") + rounded(scaled, 2) + "e\(exponent)"
}

extension TaskMeasure {
  /// `97.26 %`, or of CIDEr-D `1.333`.
  func told(_ share: Double) -> String { most.map { rounded(share * $0, 3) } ?? percent(share, 2) }

  /// The same without its unit, with its sign.
  func toldSigned(_ share: Double) -> String { most.map { signed(share * $0, 3) } ?? signed(share * 100, 2) }
}
