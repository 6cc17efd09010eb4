import Arrays
import Assurance
import NetFile

/// What was checked of some net files, for people and as JSON (schemas/reports/verify.schema.json).
public struct VerificationReport: Sendable {
  private let items: [Verification.Findings]

  public init(_ items: [Verification.Findings]) {
    self.items = items
  }

  public var isVerified: Bool { items.allSatisfy(\.isVerified) }

  public var text: String {
    items.map { item in
      var lines = ["\(item.isVerified ? "verified" : "FAILED")  \(printable(item.path))"]
      lines.append(
        "  checksums: header and \(counted(item.arrays, "array")), "
          + (item.damage.isEmpty ? "all right" : "\(item.damage.count) wrong"))
      lines += item.damage.map { "    \(printable($0.array)): \(printable(shortened($0.reason)))" }
      if let source = item.source {
        lines.append(
          "  source \(printable(source.path)): \(counted(source.arrays, "array")) compared, "
            + (source.differences.isEmpty ? "all bit-identical" : "\(source.differences.count) different"))
        lines += source.differences.map { "    \(printable($0.array)): \(printable(shortened($0.reason)))" }
      }
      return lines.joined(separator: "\n")
    }.joined(separator: "\n")
  }

  public var json: JSONValue {
    .object([
      "verified": .boolean(isVerified),
      "arrays": .object([
        "checked": .integer(items.reduce(0) { $0 + $1.arrays }),
        "failed": .array(
          items.flatMap { item in (item.damage + (item.source?.differences ?? [])).map { failure(item.path, $0) } }),
      ]),
      "outputs": [],
      "files": .array(
        items.map { item in
          .object([
            "file": .string(item.path), "verified": .boolean(item.isVerified), "arrays": .integer(item.arrays),
            "source": item.source.map {
              .object([
                "path": .string($0.path), "arrays": .integer($0.arrays), "different": .integer($0.differences.count),
              ])
            },
          ])
        }),
    ])
  }

  private func failure(_ path: String, _ damage: Damage) -> JSONValue {
    .object(["file": .string(path), "name": .string(damage.array), "reason": .string(damage.reason)])
  }
}
