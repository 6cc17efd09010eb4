import Arrays
import Assurance
import Kernels
import Tasks

/// What was found of a receipt's results, which were computed again.
public struct ReceiptLines: Sendable {
  private let receipt: Receipt
  private let findings: [ReceiptVerification.Finding]

  public init(_ receipt: Receipt, _ findings: [ReceiptVerification.Finding]) {
    self.receipt = receipt
    self.findings = findings
  }

  public var isVerified: Bool { findings.allSatisfy { $0.reason == nil } }

  private var different: [ReceiptVerification.Finding] { findings.filter { $0.reason != nil } }

  var text: [String] {
    let same = findings.count - different.count
    let first =
      "\(isVerified ? "verified" : "FAILED")  receipt: \(same == findings.count ? "all " : "\(grouped(same)) of ")"
      + "\(counted(findings.count, "result")) of `ingot \(receipt.task.rawValue)` the same to the bit, by arithmetic "
      + "\(Engine.arithmetic)"
    let shown = different.prefix(20).map { finding in
      "    \(printable(shortened(name(finding.item), to: 120))): \(printable(finding.reason ?? ""))"
    }
    return [first] + shown + (different.count > 20 ? ["    and \(grouped(different.count - 20)) more"] : [])
  }

  private func name(_ item: Receipt.Item) -> String {
    [item.image, item.text.map { "\"\($0)\"" }].compactMap(\.self).joined(separator: ", ")
  }

  var json: JSONValue {
    .object([
      "task": .string(receipt.task.rawValue), "arithmetic": .integer(Engine.arithmetic),
      "results": .integer(findings.count), "scoresSHA256": .string(receipt.scores.description),
      "different": .array(
        different.map { finding in
          .object([
            "image": finding.item.image.map(JSONValue.string), "text": finding.item.text.map(JSONValue.string),
            "reason": .string(finding.reason ?? ""),
          ])
        }),
    ])
  }
}
