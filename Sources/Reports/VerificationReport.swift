import Arrays
import Assurance
import NetFile

/// What was checked of some net files, for people and as JSON (schemas/reports/verify.schema.json).
public struct VerificationReport: Sendable {
  private let items: [Verification.Findings]
  private let outputs: [OutputComparison]
  private let receipt: ReceiptLines?
  private let signatures: SignatureLines?

  /// - Parameters:
  ///   - outputs: what the nets computed, compared with a reference.
  ///   - receipt: what was found of results that were computed again; nil: none were.
  ///   - signatures: what was found of signatures; nil: none was looked at.
  public init(
    _ items: [Verification.Findings], outputs: [OutputComparison] = [], receipt: ReceiptLines? = nil,
    signatures: SignatureLines? = nil
  ) {
    self.items = items
    self.outputs = outputs
    self.receipt = receipt
    self.signatures = signatures
  }

  public var isVerified: Bool {
    items.allSatisfy(\.isVerified) && outputs.allSatisfy(\.passed) && receipt?.isVerified != false
      && signatures?.isVerified != false
  }

  public var text: String {
    ((signatures?.text ?? []) + items.map(text(of:)) + (outputs.isEmpty ? [] : [outputsText]) + (receipt?.text ?? []))
      .joined(separator: "\n")
  }

  private func text(of item: Verification.Findings) -> String {
    var lines = ["\(item.isVerified ? "verified" : "FAILED")  \(printable(item.path))"]
    lines.append(
      "  checksums: header and \(counted(item.arrays, "array")), "
        + (item.damage.isEmpty ? "all right" : "\(item.damage.count) wrong"))
    lines += item.damage.map { "    \(printable($0.array)): \(printable(shortened($0.reason)))" }
    if let obstacle = item.obstacle { lines.append("  source: not compared: \(printable(obstacle))") }
    if let source = item.source {
      lines.append(
        "  source \(printable(source.path)): \(counted(source.arrays, "array")) compared, "
          + (source.differences.isEmpty ? "all bit-identical" : "\(source.differences.count) different"))
      lines += source.differences.map { "    \(printable($0.array)): \(printable(shortened($0.reason)))" }
    }
    return lines.joined(separator: "\n")
  }

  private var outputsText: String {
    let passed = outputs.allSatisfy(\.passed)
    var table = TextTable([.left, .right, .right, .right, .right, .left], indent: 2)
    table.add("output", "cases", "max error", "mean error", "cosine", "")
    for output in outputs {
      let verdict = output.reason ?? (output.passed ? "same" : "DIFFERS")
      table.add(
        output.name, grouped(output.cases), scientific(output.maxError), scientific(output.meanError),
        output.cosine.map { rounded($0, 8) } ?? "", output.passed && output.maxError > 0 ? "within tolerance" : verdict)
    }
    return "\(passed ? "verified" : "FAILED")  outputs against the reference, as parts of its largest magnitude\n"
      + table.lines.joined(separator: "\n")
  }

  public var json: JSONValue {
    .object([
      "verified": .boolean(isVerified),
      "arrays": .object([
        "checked": .integer(items.reduce(0) { $0 + $1.arrays }),
        "failed": .array(
          items.flatMap { item in (item.damage + (item.source?.differences ?? [])).map { failure(item.path, $0) } }),
      ]),
      "outputs": .array(outputs.map(\.json)),
      "files": .array(
        items.map { item in
          .object([
            "file": .string(item.path), "verified": .boolean(item.isVerified), "arrays": .integer(item.arrays),
            "source": item.source.map {
              .object([
                "path": .string($0.path), "arrays": .integer($0.arrays), "different": .integer($0.differences.count),
              ])
            },
            "notCompared": item.obstacle.map { .string($0) },
          ])
        }),
      "receipt": receipt?.json,
      "signatures": signatures?.json,
    ])
  }

  private func failure(_ path: String, _ damage: Damage) -> JSONValue {
    .object(["file": .string(path), "name": .string(damage.array), "reason": .string(damage.reason)])
  }
}

extension OutputComparison {
  fileprivate var json: JSONValue {
    .object([
      "name": .string(name), "cases": .integer(cases), "maxError": reason == nil ? .number(maxError) : .null,
      "meanError": reason == nil ? .number(meanError) : .null, "cosine": cosine.map(JSONValue.number) ?? .null,
      "tolerance": .number(tolerance), "passed": .boolean(passed), "reason": reason.map(JSONValue.string),
    ])
  }
}

/// A small number for people: `3.2e-06`.
private func scientific(_ value: Double) -> String {
  guard value > 0, value.isFinite else { return value == 0 ? "0" : "\(value)" }
  var exponent = 0
  var mantissa = value
  while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
  while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
  return "\(rounded(mantissa, 1))e\(exponent)"
}
