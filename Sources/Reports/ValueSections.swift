import Arrays
import Assurance
import Families

/// What a page of an inspection says about values: what is odd, the largest ones, and every array's.
struct ValueSections {
  private let page: InspectionPage

  /// Arrays that are told of each sort.
  private static let told = 10

  init(_ page: InspectionPage) { self.page = page }

  private var arrays: [Inspection.ArrayLine] { page.inspection.arrays }

  private var isMeasured: Bool { !page.statistics.isEmpty }

  // MARK: Findings

  var findings: HTML {
    guard isMeasured else { return "" }
    let measured = arrays.compactMap { array in page.statistics[array.name].map { (array, $0) } }
    var items: [HTML] = []
    func add(
      _ what: String, _ style: String, _ holds: (ArrayStatistics) -> Bool, _ detail: (ArrayStatistics) -> String
    ) {
      let found = measured.filter { holds($0.1) }
      guard !found.isEmpty else { return }
      let names = found.prefix(Self.told).map { array, statistics -> HTML in
        let detail = detail(statistics)
        return "<li>\(Self.name(array)) <span class=\"note\">\(detail)</span></li>\n"
      }
      let rest: HTML = found.count > Self.told ? "<li>… and \(grouped(found.count - Self.told)) more</li>" : ""
      items.append("<h3 class=\"\(style)\">\(counted(found.count, "array")) \(what)</h3><ul>\(names)\(rest)</ul>\n")
    }
    add("with values that are not finite", "bad", { $0.notNumbers + $0.infinities > 0 }) {
      "\(grouped($0.notNumbers)) NaN, \(grouped($0.infinities)) infinite, of \(grouped($0.elements))"
    }
    add("all of zeros", "", { $0.elements > 0 && $0.zeros == $0.elements }) { counted($0.elements, "element") }
    add("with rows of zeros", "", { $0.deadRows > 0 && $0.zeros < $0.elements }) {
      "\(grouped($0.deadRows)) of \(counted($0.rows, "row"))"
    }
    add("of one value throughout", "", { $0.elements > 1 && $0.minimum == $0.maximum && $0.minimum ?? 0 != 0 }) {
      Reports.measured($0.minimum)
    }
    if items.isEmpty { items = ["<p>Nothing odd: every value is finite, and no row or array is all zeros.</p>\n"] }

    var table = HTMLTable([
      ("largest magnitudes: array", .left), ("max |x|", .right), ("std", .right), ("max / std", .right),
    ])
    let sorted = measured.sorted { $0.1.largestMagnitude ?? -1 > $1.1.largestMagnitude ?? -1 }
    for (array, statistics) in sorted.prefix(Self.told) {
      guard let largest = statistics.largestMagnitude else { continue }
      let ratio = statistics.deviation.flatMap { $0 > 0 ? largest / $0 : nil }
      table.add([
        .html(Self.name(array)), .number(Reports.measured(largest), largest),
        .number(Reports.measured(statistics.deviation), statistics.deviation),
        .number(ratio.map { rounded($0, 1) } ?? "–", ratio),
      ])
    }
    return .section(
      "Values worth a look", "\(items)\(table.isEmpty ? "" : table.html("arrays with the largest magnitudes"))")
  }

  private static func name(_ array: Inspection.ArrayLine) -> HTML {
    "<code>\(shortened(array.name, to: InspectionPage.nameLength))</code>"
  }

  // MARK: Every array

  var note: HTML? {
    var sentences: [HTML] = []
    if page.listed.count < arrays.count {
      sentences.append(
        "The \(grouped(page.listed.count)) largest of \(grouped(arrays.count)); <code>--json</code> has all. ")
    }
    if isMeasured {
      sentences.append("The histogram has \(ArrayStatistics.ranges) equal ranges from the least to the largest value. ")
      if arrays.contains(where: { $0.name.hasSuffix(".scales") }) {
        sentences.append("Int8 weights are multiplied by their scales. ")
      }
    }
    return sentences.isEmpty ? nil : "\(sentences)"
  }

  var table: HTML {
    let hasBytes = page.inspection.bytes > 0
    let hasOdd = page.statistics.values.contains { $0.notNumbers + $0.infinities > 0 }
    var columns: [(String, HTMLTable.Alignment)] = [
      ("array", .left), ("shape", .left), ("type", .left), ("elements", .right),
    ]
    if hasBytes { columns.append(("bytes", .right)) }
    if isMeasured {
      columns += [
        ("", .left), ("min", .right), ("max", .right), ("mean", .right), ("std", .right), ("zeros", .right),
        ("zero rows", .right),
      ]
    }
    if hasOdd { columns.append(("NaN, Inf", .right)) }
    var table = HTMLTable(columns, isTall: true)
    for array in page.listed {
      var cells: [HTMLTable.Cell] = [
        .html(Self.name(array)), .text(array.shape.description), .text(array.typeText),
        .count(array.shape.elements),
      ]
      if hasBytes { cells.append(.count(array.bytes)) }
      if isMeasured { cells += self.cells(page.statistics[array.name], hasOdd) }
      table.add(cells)
    }
    return table.html("all arrays")
  }

  private func cells(_ statistics: ArrayStatistics?, _ hasOdd: Bool) -> [HTMLTable.Cell] {
    guard let statistics else { return [HTMLTable.Cell](repeating: .text(""), count: hasOdd ? 8 : 7) }
    var cells: [HTMLTable.Cell] = [.html(Self.histogram(statistics.histogram))]
    cells += [statistics.minimum, statistics.maximum, statistics.mean, statistics.deviation].map {
      .number(Reports.measured($0), $0)
    }
    cells.append(
      .number(
        statistics.zeros == 0 ? "0" : ArrayMap.share(statistics.zeros, of: statistics.elements), statistics.sparsity))
    cells.append(.number(statistics.rows == 0 ? "–" : grouped(statistics.deadRows), Double(statistics.deadRows)))
    if hasOdd { cells.append(.count(statistics.notNumbers + statistics.infinities)) }
    return cells
  }

  /// A histogram as high as a line, in one path.
  private static func histogram(_ counts: [Int]) -> HTML {
    guard let most = counts.max(), most > 0 else { return "" }
    var path = "M0 18"
    var last = 0
    for (index, count) in counts.enumerated() {
      let height = count == 0 ? 0 : max(1, 18 * count / most)
      if height != last { path += "H\(2 * index)V\(18 - height)" }
      last = height
    }
    let width = 2 * counts.count
    path += "H\(width)V18Z"
    return """
      <svg class="spark" width="\(width)" height="18" viewBox="0 0 \(width) 18" aria-hidden="true">\
      <path class="fa" d="\(path)"/></svg>
      """
  }
}
