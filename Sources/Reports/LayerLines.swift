import Arrays
import Families
import Nets

extension LayerListing {
  /// A table per net for people; T stands for the tokens of a text, C for the vectors that are attended over.
  /// - Parameter folds: whether blocks that are alike share lines.
  func lines(folds: Bool) -> [String] {
    if let whyUnknown { return ["layers       \(whyUnknown)"] }
    var lines: [String] = []
    for net in nets {
      if !lines.isEmpty { lines.append("") }
      lines += [net.heading] + net.lines(folds: folds)
    }
    return lines
  }

  /// The same of a page.
  var section: HTML {
    if let whyUnknown { return .section("Layers as they run", "<p>\(whyUnknown)</p>") }
    let tables = nets.map { net -> HTML in "<h3>\(net.heading)</h3>\n\(net.table)\n" }
    return .section(
      "Layers as they run",
      note: "Multiply-adds are of matrix products, convolutions and attention; two floating-point operations each.",
      "\(tables)")
  }
}

extension LayerListing.Net {
  /// `TextEncoder as it runs, for T = 512 tokens and C = 577 vectors of ImageEncoder`
  fileprivate var heading: String {
    var lengths: [String] = []
    if let tokens { lengths.append("T = \(grouped(tokens)) tokens") }
    if let attended {
      let vectors = "C = \(grouped(attended.count)) vectors of \(attended.net)"
      switch attended.origin {
      case .given, .configuration: lengths.append(vectors)
      case .published: lengths.append(vectors + " as published")
      case .tokens: lengths.append(vectors + ", one a token")
      }
    }
    return "\(name) as it runs" + (lengths.isEmpty ? "" : ", for " + lengths.joined(separator: " and "))
  }

  private static let columns: [(title: String, isNumber: Bool)] = [
    ("layer", false), ("", true), ("type", false), ("input", false), ("output", false), ("parameters", true),
    ("multiply-adds", true), ("share", true),
  ]

  /// Of a row; the figures are those of each layer, the share that of all of them.
  private func cells(_ row: LayerRow) -> [String] {
    let record = row.record
    var input = record.input.text
    if let over = record.over, over != record.input.first { input += " over \(over.text)" }
    let work = row.multiplyAdds > 0 ? grouped(row.multiplyAdds) : record.isRun ? "" : "not run"
    return [
      row.path, row.count > 1 ? "\(grouped(row.count))×" : "", record.type?.rawValue ?? "", input,
      record.output.text, record.parameters > 0 ? grouped(record.parameters) : "", work, share(row),
    ]
  }

  private func share(_ row: LayerRow) -> String {
    guard row.multiplyAdds > 0 else { return "" }
    return percent(Double(row.multiplyAdds) * Double(row.count) / Double(multiplyAdds), 1)
  }

  private var total: [String] {
    let count = layers.count { $0.record.type != nil }
    return [
      "total", "", counted(count, "layer"), "", "", grouped(parameters), grouped(multiplyAdds), inUnits(multiplyAdds),
    ]
  }

  fileprivate func lines(folds: Bool) -> [String] {
    var table = TextTable(Self.columns.map { $0.isNumber ? .right : .left })
    table.add(Self.columns.map(\.title))
    for row in LayerRow.rows(self, folds: folds) { table.add(cells(row)) }
    table.add(total)
    return table.lines
  }

  fileprivate var table: HTML {
    var table = HTMLTable(Self.columns.map { ($0.title, $0.isNumber ? .right : .left) }, isTall: true)
    func add(_ cells: [String], _ keys: [Double?]) {
      table.add(
        zip(cells, zip(Self.columns, keys)).map { text, column in
          column.0.isNumber ? .number(text, column.1) : .text(text)
        })
    }
    for row in LayerRow.rows(self, folds: true) {
      let work = Double(row.multiplyAdds)
      add(
        cells(row),
        [nil, Double(row.count), nil, nil, nil, Double(row.record.parameters), work, work * Double(row.count)])
    }
    add(total, [nil, nil, nil, nil, nil, Double(parameters), Double(multiplyAdds), nil])
    return table.html("layers of \(name) in the order in which they run")
  }

  /// See schemas/reports/inspect.schema.json.
  var json: [JSONMember] {
    var members = [
      JSONMember(
        "layers",
        .array(
          layers.map { layer in
            let record = layer.record
            return .object([
              "path": .string(record.path), "type": record.type.map { .string($0.rawValue) } ?? .null,
              "input": record.input.json, "over": record.over?.json, "output": record.output.json,
              "parameters": .integer(record.parameters), "multiplyAdds": .integer(layer.multiplyAdds),
              "isRun": .boolean(record.isRun),
            ])
          })), JSONMember("multiplyAdds", .integer(multiplyAdds)),
    ]
    if let tokens { members.append(JSONMember("tokens", .integer(tokens))) }
    if let attended {
      members.append(
        JSONMember("context", .object(["net": .string(attended.net), "vectors": .integer(attended.count)])))
    }
    return members
  }
}

extension Extent {
  fileprivate var text: String {
    switch self {
    case .fixed(let count): "\(count)"
    case .tokens: "T"
    case .context: "C"
    }
  }

  fileprivate var json: JSONValue {
    if case .fixed(let count) = self { .integer(count) } else { .string(text) }
  }
}

extension [Extent] {
  /// `577×768`
  fileprivate var text: String { map(\.text).joined(separator: "×") }

  fileprivate var json: JSONValue { .array(map(\.json)) }
}
