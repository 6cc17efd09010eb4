import Arrays
import Assurance
import Kernels

/// What was quantized, for people and as JSON (schemas/reports/quantize.schema.json).
public struct QuantizationReport: Sendable {
  private let items: [QuantizedNet]
  private let search: QuantizationSearchResult?
  private let listsAll: Bool

  /// - Parameters:
  ///   - search: that decided what is quantized.
  ///   - listsAll: whether the errors of all arrays of plain nets are told.
  public init(_ items: [QuantizedNet], search: QuantizationSearchResult? = nil, listsAll: Bool = false) {
    self.items = items
    self.search = search
    self.listsAll = listsAll
  }

  public var text: String {
    var table = TextTable([.left, .right, .right, .left])
    for item in items {
      let share = Double(item.net.storedBytes) / Double(max(1, item.quantization.totalBytes))
      let (count, precision) = (item.quantization.quantizedArrays.count, item.quantization.precision)
      table.add(
        item.net.header.net,
        count > 0
          ? "\(counted(count, "array")) to int8"
          : "all \(item.quantization.isPlain ? "floating-point " : "")arrays to \(precision)",
        "\(sized(item.net.storedBytes)), \(rounded(share * 100, 1)) % of before", item.net.path)
    }
    let errors = items.filter { $0.quantization.isPlain }.flatMap { $0.errorLines(listsAll: listsAll) }
    return (searchLines + table.lines + errors).joined(separator: "\n")
  }

  /// Helped arrays that are told where all would be too many.
  private static let told = 20

  private var searchLines: [String] {
    guard let search else { return [] }
    var lines: [String] = []
    if let accuracy = search.floatAccuracy {
      lines.append(
        "on \(counted(search.items, search.words.item)), of which the float nets "
          + (search.words.hasTexts
            ? "answer \(percent(accuracy, 2)) right:"
            : search.words.measure.most == nil
              ? "find \(percent(accuracy, 2)) right:"
              : "have \(search.words.measure.name) \(search.words.measure.told(accuracy)):"))
    } else {
      lines.append("on \(counted(search.items, search.words.item)):")
    }
    var table = TextTable([.right, .right, .right, .right, .left], indent: 2)
    table.add("helped", search.words.measure.name, "same \(search.words.output)", "size", "")
    for trial in search.trials {
      table.add(
        grouped(trial.helped), trial.accuracy.map(search.words.measure.told) ?? "-", percent(trial.agreement, 2),
        sized(trial.bytes), trial.isWithin ? "within" : "")
    }
    lines += table.lines
    guard !search.helps.isEmpty else { return lines + ["no array needs help", ""] }
    lines.append(
      "arrays that hurt most alone, by the divergence of \(search.words.hasTexts ? "the answers' tokens" : search.words.distribution):"
    )
    var helps = TextTable([.left, .right, .left], indent: 2)
    for help in search.helps.prefix(Self.told) {
      helps.add("\(help.net).\(help.array)", "\(significant(help.divergence)) nats", help.kind.text)
    }
    lines += helps.lines
    let rest = search.helps.count - Self.told
    return lines + (rest > 0 ? ["  … and \(grouped(rest)) more: --json has all", ""] : [""])
  }

  public var json: JSONValue {
    .object([
      "nets": .array(items.map(\.net.json)),
      "quantized": .array(
        items.map { item in
          .object([
            "file": .string(item.net.path), "arrays": .strings(item.quantization.quantizedArrays),
            "bytesBefore": .integer(item.quantization.totalBytes), "sqnr": decibelValue(item.sqnr),
            "errors": .array(item.errors.map { $0.error.json($0.array) }),
            "left": .array(
              item.quantization.left.map { .object(["array": .string($0.name), "reason": .string($0.reason.text)]) }),
          ])
        }),
      "search": search.map { search in
        .object([
          "\(search.words.item)s": .integer(search.items), "floatAccuracy": search.floatAccuracy.map { .number($0) },
          "trials": .array(search.trials.map(\.json)), "best": search.best.json,
          "helped": .array(
            search.helps.map {
              .object([
                "net": .string($0.net), "array": .string($0.array), "kind": .string($0.kind.rawValue),
                "divergence": .number($0.divergence),
              ])
            }),
        ])
      },
    ])
  }
}

extension QuantizationTrial {
  fileprivate var json: JSONValue {
    .object([
      "helped": .integer(helped), "accuracy": accuracy.map { .number($0) }, "agreement": .number(agreement),
      "bytes": .integer(bytes), "isWithin": .boolean(isWithin),
    ])
  }
}

extension QuantizationHelp.Kind {
  fileprivate var text: String {
    switch self {
    case .floatActivations: "int8, multiplied with float32"
    case .float16: "float16"
    case .unchanged: "as it was"
    }
  }
}
