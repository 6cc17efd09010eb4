import Arrays
import Assurance

extension Difference {
  /// For people.
  public var text: String {
    var lines = [
      isIdentical ? (configuration.isEmpty ? "same arrays" : "same arrays, configured differently") : "DIFFERENT"
    ]
    lines.append("  a  \(printable(paths.a))")
    lines.append("  b  \(printable(paths.b))")
    var parts = ["\(counted(equal, "array")) equal"]
    for how in Set(equivalent.map(\.how)).sorted() {
      parts.append("\(grouped(equivalent.filter { $0.how == how }.count)) of them once \(how)")
    }
    lines.append(parts.joined(separator: ", "))
    lines += names("only in a", onlyInA) + names("only in b", onlyInB)
    var table = TextTable([.left, .left, .left], indent: 2)
    for item in different { table.add(item.name, item.kind.rawValue, item.detail) }
    if !table.isEmpty { lines += ["\(counted(different.count, "array")) different:"] + table.lines }
    for (side, ties) in [("a", tied.a), ("b", tied.b)] {
      lines += ties.map { "tied in \(side): \(printable($0.name)) = \(printable($0.same))" }
    }
    lines += configuration.map {
      "configuration: \(printable($0.field)) is \(printable($0.a?.plain ?? "not there")) in a, \(printable($0.b?.plain ?? "not there")) in b"
    }
    return lines.joined(separator: "\n")
  }

  private func names(_ title: String, _ names: [String]) -> [String] {
    names.isEmpty ? [] : ["\(title): \(counted(names.count, "array"))"] + names.map { "  \(printable($0))" }
  }

  /// See schemas/reports/diff.schema.json.
  public var json: JSONValue {
    let configuration: [JSONValue] = configuration.map {
      .object(["field": .string($0.field), "a": $0.a ?? .null, "b": $0.b ?? .null])
    }
    return .object([
      "identical": .boolean(isIdentical), "equal": .integer(equal), "onlyInA": .strings(onlyInA),
      "onlyInB": .strings(onlyInB), "different": .array(different.map(\.json)),
      "equivalent": .array(equivalent.map { .object(["name": .string($0.name), "how": .string($0.how)]) }),
      "tiedInA": .array(tied.a.map { .object(["name": .string($0.name), "same": .string($0.same)]) }),
      "tiedInB": .array(tied.b.map { .object(["name": .string($0.name), "same": .string($0.same)]) }),
      "configuration": .array(configuration),
    ])
  }
}

extension Difference.Item {
  fileprivate var detail: String {
    switch kind {
    case .shape: return "\(shapes.0) in a, \(shapes.1) in b"
    case .elementType:
      return "\(elementTypes.0.rawValue) in a, \(elementTypes.1.rawValue) in b" + (values.map { "; \($0)" } ?? "")
    case .values: return values ?? ""
    }
  }

  private var values: String? {
    guard let count, let maxError, let meanError else { return nil }
    return "\(counted(count, "element")), max \(measured(maxError)), mean \(measured(meanError))"
      + (sqnr.map { ", SQNR \(decibelText($0))" } ?? "")
  }

  fileprivate var json: JSONValue {
    .object([
      "name": .string(name), "kind": .string(kind.rawValue), "maxError": maxError.map { .number($0) },
      "meanError": meanError.map { .number($0) }, "sqnr": sqnr.map { decibelValue($0) },
      "count": count.map { .integer($0) },
      "shapes": .array([.integers(shapes.0.dimensions), .integers(shapes.1.dimensions)]),
      "elementTypes": .strings([elementTypes.0.rawValue, elementTypes.1.rawValue]),
    ])
  }
}
