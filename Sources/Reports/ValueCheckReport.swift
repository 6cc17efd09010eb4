import Arrays
import Assurance

extension ValueCheck {
  /// Findings that are told to people; JSON has all.
  private static let told = 100

  var lines: [String] {
    guard !findings.isEmpty else { return ["check  \(counted(arrays, "array")), no NaN, no infinity, none all zeros"] }
    var lines = ["check  \(counted(arrays, "array")), of which \(grouped(findings.count)) can't be right"]
    for finding in findings.prefix(Self.told) {
      var parts: [String] = []
      if finding.notNumbers > 0 { parts.append("\(grouped(finding.notNumbers)) NaN") }
      if finding.infinities > 0 {
        parts.append(finding.infinities == 1 ? "1 infinity" : "\(grouped(finding.infinities)) infinities")
      }
      if finding.isAllZeros { parts.append("all zeros") }
      lines.append("  \(printable(finding.name)): \(parts.joined(separator: ", ")), of \(grouped(finding.elements))")
    }
    if findings.count > Self.told {
      lines.append("  … and \(grouped(findings.count - Self.told)) more (--json lists them)")
    }
    return lines
  }

  var json: JSONValue {
    .object([
      "arrays": .integer(arrays),
      "findings": .array(
        findings.map {
          .object([
            "array": .string($0.name), "elements": .integer($0.elements), "notNumbers": .integer($0.notNumbers),
            "infinities": .integer($0.infinities), "allZeros": .boolean($0.isAllZeros),
          ])
        }),
    ])
  }
}
