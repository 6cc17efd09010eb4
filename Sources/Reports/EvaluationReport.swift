import Arrays
import Assurance
import Families
import Tasks

/// What an evaluation found, for people and as JSON (schemas/reports/evaluate.schema.json).
public struct EvaluationReport: Sendable {
  let result: EvaluationResult

  public init(_ result: EvaluationResult) { self.result = result }

  /// Flipped answers, and layers, that are told where all would be too many.
  private static let told = 10

  public var text: String {
    var lines = [
      "\(counted(result.questions.count, "question")) about \(counted(result.images, "image"))"
    ]
    var names = TextTable([.left, .left])
    if result.failedQuestions > 0 {
      lines.append(
        "\(grouped(result.failedQuestions)) not asked: \(counted(result.failed.count, "image")) could not be read")
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

  /// Parameters without the part: those of all three nets.
  static func name(_ nets: VQANets) -> String {
    let axis = (try? nets.imageEncoder.header.definition())?.family.netAxis?.name
    return nets.imageEncoder.header.parameters.filter { $0.key != axis }.map { member in
      let value: String
      switch member.value.content {
      case .string(let text): value = text
      default: value = member.value.compactText
      }
      return "\(member.key)=\(value)"
    }.joined(separator: " ")
  }

  private var measures: [String] {
    var table = TextTable([.left, .right, .left])
    if let accuracy = result.accuracy {
      table.add(result.b == nil ? "accuracy" : "accuracy of A", percent(accuracy.overall.mean, 2), "")
      if let other = result.accuracyB { table.add("accuracy of B", percent(other.overall.mean, 2), "") }
    } else {
      table.add("accuracy", "-", "the questions have no right answers with them")
    }
    if let difference = result.difference {
      let interval = difference.interval
      table.add(
        "A less B", signed(difference.mean * 100, 2) + " %",
        "95 % confidence: \(signed(interval.lowerBound * 100, 2)) to \(signed(interval.upperBound * 100, 2))")
    }
    if let agreement = result.agreement {
      table.add("same answer", percent(agreement, 2), "\(counted(result.flipped.count, "answer")) flipped")
    }
    if let same = result.sameFirstToken { table.add("same likeliest first token", percent(same, 2), "") }
    if let divergence = result.divergence {
      table.add("KL divergence of first tokens", significant(divergence), "nats, mean")
    }
    return table.lines
  }

  private var typeLines: [String] {
    guard let accuracy = result.accuracy else { return [] }
    var lines: [String] = []
    for (title, tallies, others) in [
      ("answer type", accuracy.perAnswerType, result.accuracyB?.perAnswerType),
      ("question type", accuracy.perQuestionType, result.accuracyB?.perQuestionType),
    ] where !tallies.isEmpty {
      var table = TextTable([.left, .right, .right, .right])
      table.add(title, "questions", result.b == nil ? "accuracy" : "A", result.b == nil ? "" : "B")
      for (type, tally) in tallies.sorted(by: { ($1.value.questions, $0.key) < ($0.value.questions, $1.key) }) {
        table.add(
          type, grouped(tally.questions), percent(tally.mean, 2), others?[type].map { percent($0.mean, 2) } ?? "")
      }
      lines += [""] + table.lines
    }
    return lines
  }

  private var flippedLines: [String] {
    let flipped = result.flipped
    guard !flipped.isEmpty else { return [] }
    var table = TextTable([.left, .left, .left, .left, .left])
    table.add("flipped: image", "question", "A", "B", "right answer")
    for question in flipped.prefix(Self.told) {
      let asked = result.questions[question.index]
      table.add(
        Paths.name(asked.image), asked.question, question.a.answer, question.b?.answer ?? "",
        asked.commonAnswer ?? "")
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
    add("largest errors on \(counted(layers.questions, "question"))", \.alone.sqnr) {
      [decibels($0.alone.sqnr), cosine($0.alone.cosine), decibels($0.inPlace.sqnr), cosine($0.inPlace.cosine)]
    }
    if layers.flippedQuestions > 0 {
      add("… on \(grouped(layers.flippedQuestions)) of those whose answers flipped", \.aloneOnFlipped.sqnr) {
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
    return .object([
      "nets": .object(["a": Self.json(result.a), "b": result.b.map { Self.json($0) }]),
      "questions": .integer(result.questions.count), "images": .integer(result.images),
      "accuracy": .object([
        "a": accuracy.map { .number($0.overall.mean) }, "b": result.accuracyB.map { .number($0.overall.mean) },
        "difference": difference.map { .number($0.mean) },
        "interval": difference.map {
          .array([.number($0.interval.lowerBound), .number($0.interval.upperBound)])
        },
        "perAnswerType": accuracy.map { types($0.perAnswerType, result.accuracyB?.perAnswerType) },
        "perQuestionType": accuracy.map { types($0.perQuestionType, result.accuracyB?.perQuestionType) },
      ]),
      "failedQuestions": result.failed.isEmpty ? nil : .integer(result.failedQuestions), "failed": failed.json,
      "uncounted": result.uncounted > 0 ? .integer(result.uncounted) : nil,
      "agreement": result.agreement.map { .number($0) },
      "sameFirstToken": result.sameFirstToken.map { .number($0) },
      "klDivergence": result.divergence.map { .number($0) },
      "flipped": result.b == nil ? nil : .array(result.flipped.map { json($0) }),
      "layers": result.layers.map { layers in .array(layers.errors.map { json($0) }) },
      "layerQuestions": result.layers.map {
        .object(["spread": .integer($0.questions), "flipped": .integer($0.flippedQuestions)])
      },
    ])
  }

  private static func json(_ nets: VQANets) -> JSONValue {
    .object(["name": .string(name(nets)), "files": .strings(nets.files.map(\.path))])
  }

  private func types(_ a: [String: VQAAccuracy.Tally], _ b: [String: VQAAccuracy.Tally]?) -> JSONValue {
    JSONValue(
      .object(
        a.sorted { $0.key < $1.key }.map { type, tally in
          JSONMember(
            type,
            .object([
              "questions": .integer(tally.questions), "a": .number(tally.mean),
              "b": b?[type].map { .number($0.mean) },
            ]))
        }))
  }

  private func json(_ question: EvaluatedQuestion) -> JSONValue {
    let asked = result.questions[question.index]
    return .object([
      "id": .string(asked.id), "image": .string(asked.image), "question": .string(asked.question),
      "a": .string(question.a.answer), "b": question.b.map { .string($0.answer) }, "answers": .strings(asked.answers),
      "accuracyA": question.a.accuracy.map { .number($0) }, "accuracyB": (question.b?.accuracy).map { .number($0) },
      "klDivergence": (question.firstToken?.divergence).map { .number($0) },
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

extension EvaluationQuestion {
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
