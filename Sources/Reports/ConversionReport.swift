import Arrays
import Families
import NetFile

/// What a conversion did, for people and as JSON (schemas/reports/convert.schema.json).
public struct ConversionReport: Sendable {
  private let plan: ConversionPlan
  private let nets: [WrittenNet]

  public init(_ plan: ConversionPlan, _ nets: [WrittenNet]) {
    self.plan = plan
    self.nets = nets
  }

  public var text: String {
    var lines = ["\(plan.family.name), layout \(plan.layout.name): \(plan.coverage.text)"]
    for tie in plan.coverage.tied { lines.append("  tied: \(printable(tie.name)) = \(printable(tie.same))") }
    var table = TextTable([.left, .right, .right, .left], indent: 2)
    for net in nets {
      table.add(
        net.header.net, "\(grouped(net.parameters)) parameters", sized(net.storedBytes), net.path)
    }
    lines += table.lines
    if let published {
      lines.append("the weights are those of \(published.repository) (\(published.name)), by their SHA-256")
    }
    lines += notes.map { "note: \(printable($0))" }
    return lines.joined(separator: "\n")
  }

  public var json: JSONValue {
    .object([
      "nets": .array(nets.map(\.json)),
      "coverage": plan.coverage.json,
      "published": published.map { .object(["repository": .string($0.repository), "file": .string($0.name)]) },
      "notes": .strings(notes),
    ])
  }

  private var notes: [String] { overflowNotes + otherNotes }

  private var overflowNotes: [String] {
    let found = nets.flatMap(\.overflows)
    guard let first = found.first, let type = nets.first?.header.arrays.first(where: { $0.name == first.array }) else {
      return []
    }
    let count = counted(found.reduce(0) { $0 + $1.count }, "number")
    let more = found.count > 1 ? " and \(found.count - 1) more" : ""
    let hint = type.elementType == .float16 ? "; bfloat16 has the range of float32" : ""
    return ["\(count) too large for \(type.elementType.rawValue) became infinite, in \(first.array)\(more)\(hint)"]
  }

  private var otherNotes: [String] {
    guard published == nil, let net = nets.first, let axis = plan.family.axes.first(where: \.isOpen),
      let publication = plan.family.publication(of: net.combination),
      publication.files.contains(where: { $0.sha256 != nil })
    else { return plan.notes }
    return plan.notes + [
      "the file is none of those published as \(publication.repository), by its SHA-256; "
        + "weights of your own are better named by --set \(axis.name)=NAME"
    ]
  }

  /// The published file that was converted, if it is one.
  private var published: (repository: String, name: String)? {
    guard let digest = nets.first?.header.provenance.sources.first?.sha256 else { return nil }
    return plan.family.publishedFile(digest).map { ($0.publication.repository, $0.file.name) }
  }
}

extension WrittenNet {
  /// Elements that training sets.
  public var parameters: Int {
    if let floatParameters { return floatParameters }
    let hidden = header.hiddenArrays
    return header.arrays.reduce(0) { $0 + (hidden.contains($1.name) ? 0 : $1.shape.elements) }
  }

  /// Of all arrays, as they stand in the file.
  var storedBytes: Int { header.arrays.reduce(0) { $0 + $1.storedBytes } }

  /// See schemas/reports/convert.schema.json.
  public var json: JSONValue {
    .object([
      "file": .string(path),
      "parameters": JSONValue(.object(combination.json)),
      "totals": .object([
        "arrays": .integer(header.arrays.count),
        "elements": .integer(header.arrays.reduce(0) { $0 + $1.shape.elements }),
        "parameters": .integer(parameters),
        "bytes": .integer(storedBytes),
      ]),
    ])
  }
}
