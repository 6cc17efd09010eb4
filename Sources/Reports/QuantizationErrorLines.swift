import Arrays
import Assurance
import Kernels

extension QuantizedNet {
  /// Arrays that are told where all would be too many.
  private static let told = 10

  /// What int8 costs each array, the worst first, and what stays a float.
  func errorLines(listsAll: Bool) -> [String] {
    var lines: [String] = []
    if let sqnr {
      lines.append("signal to quantization noise of all int8 arrays: \(decibelText(sqnr))")
      let sorted = errors.sorted { $0.error.sqnr < $1.error.sqnr }
      let shown = listsAll ? sorted[...] : sorted.prefix(Self.told)
      var table = TextTable([.left, .right, .right, .right], indent: 2)
      table.add("array", "rows", "SQNR", "worst row")
      for item in shown {
        table.add(
          item.array, grouped(item.error.rows), decibelText(item.error.sqnr),
          item.error.worstRow.map { "\(grouped($0.index)): \(decibelText($0.sqnr))" } ?? "")
      }
      lines += table.lines
      if shown.count < sorted.count {
        lines.append("  … and \(grouped(sorted.count - shown.count)) more: --all lists them")
      }
      let lost = errors.filter { $0.error.lostRows > 0 }
      if !lost.isEmpty {
        lines.append("rows below 4.3e-37 throughout became zeros, in \(counted(lost.count, "array"))")
      }
    }
    return lines + leftLines
  }

  /// Arrays that stay floats by their form are counted; those that do so by their values, or because they were to, are named.
  private var leftLines: [String] {
    var counts: [(text: String, count: Int)] = []
    var named: [String] = []
    for (name, reason) in quantization.left {
      switch reason {
      case .kept, .notFinite, .below: named.append("  \(printable(name)): \(reason.text)")
      default:
        if let index = counts.firstIndex(where: { $0.text == reason.text }) {
          counts[index].count += 1
        } else {
          counts.append((reason.text, 1))
        }
      }
    }
    guard !counts.isEmpty || !named.isEmpty else { return [] }
    let summary = counts.map { "\(counted($0.count, "array")) \($0.text)" }.joined(separator: ", ")
    return ["not int8: \(summary.isEmpty ? counted(named.count, "array") : summary)"] + named
  }
}

/// A ratio for people.
func decibelText(_ value: Double) -> String { value.isInfinite ? "exact" : "\(rounded(value, 1)) dB" }

/// A ratio for programs: null where nothing was lost, or nothing is there.
func decibelValue(_ value: Double?) -> JSONValue { value.map { $0.isFinite ? .number($0) : .null } ?? .null }

extension QuantizationError {
  func json(_ array: String) -> JSONValue {
    .object([
      "array": .string(array), "rows": .integer(rows), "sqnr": decibelValue(sqnr), "signal": .number(signal),
      "noise": .number(noise), "lostRows": .integer(lostRows),
      "worstRow": worstRow.map { .object(["row": .integer($0.index), "sqnr": .number($0.sqnr)]) } ?? .null,
    ])
  }
}

extension LeftReason {
  var text: String {
    switch self {
    case .noFloat(let type): "of \(type.rawValue)"
    case .narrow(let type): "of \(type.rawValue), which takes 8 bits already"
    case .fewDimensions: "of fewer than two dimensions"
    case .shortRows: "of rows of fewer than 8 elements"
    case .kept: "kept"
    case .notFinite: "holds numbers that are not finite, or too large"
    case .below(let sqnr): "\(decibelText(sqnr)) as int8"
    }
  }
}
