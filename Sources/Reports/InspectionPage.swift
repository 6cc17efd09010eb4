import Arrays
import Assurance
import Families
import NetFile

/// What is in a net file, combination or checkpoint, as a page: figures, a map of its arrays, layers, provenance and, where
/// they were measured, the values.
public struct InspectionPage: Sendable {
  let inspection: Inspection
  /// By the arrays' names.
  let statistics: MeasuredArrays
  /// In the order in which they run; nil: not asked for.
  let listing: LayerListing?
  /// Arrays that are listed and drawn each by itself, in their order.
  let listed: [Inspection.ArrayLine]

  /// Arrays on a page: the largest ones.
  private static let mostArrays = 1200
  /// Ties and ignored arrays that are named.
  private static let told = 100
  /// Bytes of an array's name.
  static let nameLength = 160

  /// - Parameters:
  ///   - statistics: nil where there are no weights.
  ///   - layers: in the order in which they run; nil: they aren't listed.
  public init(_ inspection: Inspection, statistics: MeasuredArrays?, layers: LayerListing? = nil) {
    self.inspection = inspection
    listing = layers
    self.statistics = statistics ?? MeasuredArrays()
    let largest = inspection.arrays.enumerated()
      .sorted { ($1.element.shape.elements, $0.offset) < ($0.element.shape.elements, $1.offset) }
      .prefix(Self.mostArrays).sorted { $0.offset < $1.offset }
    listed = largest.map(\.element)
  }

  public var page: HTMLPage {
    var body: HTML = "<h1>\(title)</h1>\n<p class=\"lead\">\(kind)</p>\n\(figures)\n"
    if !inspection.notes.isEmpty {
      body += "<ul>\(inspection.notes.prefix(Self.told).map { note -> HTML in "<li>\(shortened(note))</li>\n" })</ul>\n"
    }
    if !inspection.besides.isEmpty {
      body += "<ul>\(inspection.besides.map { line -> HTML in "<li>\(shortened(line.trimmed))</li>\n" })</ul>\n"
    }
    body += map
    let values = ValueSections(self)
    body += values.findings
    body += .section("All arrays", note: values.note, values.table)
    body += layers
    if let listing { body += listing.section }
    body += coverage
    body += .section("What it is", .facts(inspection.facts.map { ($0.label.trimmed, $0.value) }))
    return HTMLPage(
      title: "\(title) – inspection", body: body, data: .object(["items": .array(listed.map(item))]),
      script: PageScript.inspection)
  }

  private var title: String {
    switch inspection.subject {
    case .netFile(let net): Paths.name(net.path)
    case .checkpoint(let checkpoint): Paths.name(checkpoint.path)
    case .combination: inspection.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    }
  }

  private var kind: String {
    let family = inspection.family.map { " of \($0.name)" } ?? " of no known family"
    switch inspection.subject {
    case .netFile(let net): return (net.header.isInitialized ? "net file" : "net file without weights") + family
    case .checkpoint(let checkpoint):
      return "\(checkpoint.format) checkpoint\(family)" + (inspection.layout.map { ", layout \($0.name)" } ?? "")
    case .combination(let status): return "combination\(family): \(status.word), not on the shelf"
    }
  }

  private var figures: HTML {
    var figures: [(label: String, value: String, note: String)] = []
    if let count = inspection.parameterCount {
      figures.append(("parameters", inUnits(count), grouped(count)))
    }
    figures.append(("arrays", grouped(inspection.arrays.count), ""))
    figures.append(("elements stored", inUnits(inspection.elements), grouped(inspection.elements)))
    if inspection.bytes > 0 {
      figures.append(("bytes", sized(inspection.bytes), grouped(inspection.bytes)))
    }
    let types = inspection.elementTypes
    if let first = types.first {
      let rest = types.dropFirst().map { "\($0.type.rawValue) \(ArrayMap.share($0.elements, of: inspection.elements))" }
      figures.append(
        ("precision", first.type.rawValue, rest.isEmpty ? "" : "and " + rest.prefix(4).joined(separator: ", ")))
    }
    if !statistics.isEmpty {
      let zeros = statistics.values.reduce(0) { $0 + $1.zeros }
      figures.append(("zeros", ArrayMap.share(zeros, of: inspection.elements), grouped(zeros)))
      let odd = statistics.values.reduce(0) { $0 + $1.notNumbers + $1.infinities }
      figures.append(("not finite", grouped(odd), "NaN and infinities"))
    }
    return .figures(figures)
  }

  // MARK: Map

  private var map: HTML {
    guard inspection.elements > 0 else { return "" }
    let names = inspection.arrays.map { ArrayMap.Place.words($0.name) }
    // Words that every name begins with.
    let first = names[0]
    let common = first.indices.prefix { index in
      names.allSatisfy { $0.count > index + 2 && $0[index] == first[index] }
    }.count
    let isNetFile = if case .checkpoint = inspection.subject { false } else { true }
    let hasParts = !isNetFile && Set(names.map { $0.count > common + 1 ? $0[common] : "" }).count > 1
    func place(_ name: String) -> ArrayMap.Place { .init(name, hasPart: hasParts, common: common) }

    var leaves = listed.enumerated().map { index, array in
      ArrayMap.Leaf(elements: array.shape.elements, place: place(array.name), item: index)
    }
    let drawn = Set(listed.map(\.name))
    var rest: [ArrayMap.Place: Int] = [:]
    for array in inspection.arrays where !drawn.contains(array.name) {
      rest[place(array.name), default: 0] += array.shape.elements
    }
    leaves += rest.map { ArrayMap.Leaf(elements: $0.value, place: $0.key, item: nil) }
      .sorted { ($1.elements, $0.place.block) < ($0.elements, $1.place.block) }.prefix(Self.mostArrays)
    return .section(
      "Where the elements are",
      """
      \(ArrayMap(leaves).html)
      <div class="detail" aria-live="polite"><p class="note">Point at an array, or tap it, for what it holds; arrow keys \
      go from one to the next.</p></div>
      """)
  }

  /// What the script shows of an array.
  private func item(_ array: Inspection.ArrayLine) -> JSONValue {
    var values = [
      ("shape", array.shape.description), ("type", array.typeText),
      (
        "elements",
        "\(grouped(array.shape.elements)) (\(ArrayMap.share(array.shape.elements, of: inspection.elements)))"
      ),
    ]
    if array.bytes > 0 { values.append(("bytes", sized(array.bytes))) }
    let found = statistics[array.name]
    if let found {
      values += [
        ("min", measured(found.minimum)), ("max", measured(found.maximum)), ("mean", measured(found.mean)),
        ("std", measured(found.deviation)), ("zeros", ArrayMap.share(found.zeros, of: found.elements)),
      ]
      if found.deadRows > 0 { values.append(("rows of zeros", "\(grouped(found.deadRows)) of \(grouped(found.rows))")) }
      if found.notNumbers > 0 { values.append(("NaN", grouped(found.notNumbers))) }
      if found.infinities > 0 { values.append(("infinite", grouped(found.infinities))) }
    }
    let histogram = found.flatMap { $0.histogram.isEmpty ? nil : JSONValue.integers($0.histogram) }
    return .object([
      "name": .string(printable(shortened(array.name, to: Self.nameLength))),
      "values": .array(values.map { .strings([$0.0, $0.1]) }), "histogram": histogram,
    ])
  }

  // MARK: Layers and coverage

  private var layers: HTML {
    guard !inspection.nets.isEmpty else { return inspection.inferredLayers?.section ?? "" }
    let types = (inspection.layerTypes ?? []).map(\.type)
    var table = HTMLTable(
      [("net", .left), ("arrays", .right), ("parameters", .right)] + types.map { ($0.rawValue, .right) })
    for net in inspection.nets {
      table.add(
        [.text(net.name), .count(net.arrays), .count(net.parameters)]
          + types.map { type in .count(net.layerTypes.first { $0.type == type }?.count ?? 0) })
    }
    let ties = inspection.ties.prefix(Self.told).map { tie -> HTML in
      "<p><span class=\"name\">\(tie.name)</span> is <span class=\"name\">\(tie.same)</span>, stored once.</p>\n"
    }
    return .section("Layers", "\(table.html("layers of each type"))\(ties)")
  }

  private var coverage: HTML {
    guard let coverage = inspection.coverage else { return "" }
    var table = HTMLTable([("array", .left), ("what becomes of it", .left)], isTall: true)
    for tie in coverage.tied.prefix(Self.told) {
      table.add([.html("<code>\(shortened(tie.name))</code>"), .text("the same as \(tie.same)")])
    }
    for array in coverage.ignored.prefix(Self.told) {
      table.add([.html("<code>\(shortened(array.name))</code>"), .text("ignored: \(array.reason)")])
    }
    let list: HTML = table.isEmpty ? "" : table.html("arrays that are not used")
    return .section("Coverage", "<p>\(coverage.text)</p>\n\(list)")
  }
}

extension String {
  fileprivate var trimmed: String { String(drop { $0 == " " }) }
}
