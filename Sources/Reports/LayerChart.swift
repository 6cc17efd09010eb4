import Arrays
import Assurance

/// The error of each layer, drawn in the order in which layers run, net by net and block by block, and as tables.
struct LayerChart {
  /// Layers of one net, by their block.
  private struct Net {
    let name: String
    /// Places in `errors`.
    var blocks: [(name: String, layers: [Int])] = []

    mutating func add(_ layer: Int, to block: String) {
      // Cross-attention's keys are computed before all blocks run; they stand in their block all the same.
      if let place = blocks.firstIndex(where: { $0.name == block }) {
        blocks[place].layers.append(layer)
      } else {
        blocks.append((block, [layer]))
      }
    }
  }

  private let layers: EvaluationResult.Layers
  private let items: Int
  private let words: TaskWords
  private let nets: [Net]
  /// Decibels at the chart's lower and upper end.
  private let scale: ClosedRange<Double>

  /// Layers that are told as the worst.
  private static let told = 10
  private static let (height, left, top) = (190.0, 44.0, 10.0)

  init(_ layers: EvaluationResult.Layers, of result: EvaluationResult) {
    self.layers = layers
    (items, words) = (result.items.count, result.words)
    var nets: [Net] = []
    for (index, error) in layers.errors.enumerated() {
      let name = Self.words(error.name).first ?? ""
      if nets.last?.name != name { nets.append(Net(name: name)) }
      nets[nets.count - 1].add(index, to: Self.block(error.name))
    }
    self.nets = nets
    let values = layers.errors.flatMap { [$0.alone.sqnr, $0.inPlace.sqnr] }.compactMap(\.self).filter(\.isFinite)
    let (low, high) = (min(0, values.min() ?? 0), max(10, values.max() ?? 10))
    scale = (low / 10).rounded(.down) * 10...(high / 10).rounded(.up) * 10
  }

  var isEmpty: Bool { layers.errors.isEmpty }

  private static func words(_ name: String) -> [String] { name.split(separator: ".").map(String.init) }

  /// The block that a layer is in: its number, or the first word of its path.
  private static func block(_ name: String) -> String {
    let words = words(name).dropFirst()
    return words.first { Int($0) != nil } ?? words.first ?? ""
  }

  var section: HTML {
    .section(
      "Error of each layer",
      note: """
        Ratio of signal to error of each linear layer's output, on \(counted(layers.items, words.item)): more is \
        better, 20 dB are an error of a tenth. <b>Alone</b>: the layer gets B’s input, so that the error is its own. \
        <b>In place</b>: it gets what A has computed so far, with the errors of all layers before.
        """,
      """
      <div class="layers">
      \(HTML.legend([("ma", "alone"), ("mb", "in place"), ("mo", "no error alone")]))
      \(nets.map { chart($0) })
      <div class="detail" aria-live="polite"><p class="note">Point at a bar, or tap it, for its values; arrow keys go \
      from layer to layer.</p></div>
      </div>
      \(table)
      """)
  }

  // MARK: Chart

  private func y(_ decibels: Double) -> Double {
    let part = (decibels - scale.lowerBound) / (scale.upperBound - scale.lowerBound)
    return Self.top + Self.height * (1 - part)
  }

  private func chart(_ net: Net) -> HTML {
    // As wide as a page is, unless bars would get too thin or too broad.
    let count = net.blocks.reduce(0) { $0 + $1.layers.count }
    let step = min(28, max(8, 1060 / (Double(count) + 0.7 * Double(net.blocks.count))))
    var x = Self.left + 4
    var bars: [HTML] = []
    var groups: [(name: String, start: Double, end: Double)] = []
    for block in net.blocks {
      let start = x
      for index in block.layers {
        bars.append(bar(index, x, step))
        x += step
      }
      groups.append((block.name, start, x))
      x += step * 0.7
    }
    let width = x + 4
    let lines = stride(from: scale.lowerBound, through: scale.upperBound, by: gridStep).map { decibels -> HTML in
      """
      <line class="\(decibels == 0 ? "zero" : "axis")" x1="\(Self.left)" x2="\(width)" y1="\(y(decibels))" \
      y2="\(y(decibels))"/>\
      <text x="\(Self.left - 6)" y="\(y(decibels) + 4)" text-anchor="end">\(Int(decibels))</text>
      """
    }
    let bottom = Self.top + Self.height
    let names = groups.map { group -> HTML in
      // Of long names what has room.
      let room = max(1, Int((group.end - group.start + step * 0.6) / 6.5))
      let name = group.name.count <= room ? group.name : String(group.name.prefix(max(1, room - 1))) + "…"
      return """
        <line class="zero" x1="\(group.start)" x2="\(group.end - 1)" y1="\(bottom + 7)" y2="\(bottom + 7)"/>\
        <text x="\((group.start + group.end) / 2)" y="\(bottom + 22)" text-anchor="middle">\(name)</text>
        """
    }
    let size: HTML = "width=\"\(width)\" height=\"\(bottom + 30)\" viewBox=\"0 0 \(width) \(bottom + 30)\""
    return """
      <h3>\(net.name) <span class="note">dB, blocks</span></h3>
      <div class="box plain"><svg \(size) tabindex="0" role="img" aria-label="error of the layers of \(net.name)">
      \(lines)
      \(bars)
      \(names)
      </svg></div>

      """
  }

  private var gridStep: Double { scale.upperBound - scale.lowerBound > 80 ? 20 : 10 }

  private func bar(_ index: Int, _ x: Double, _ step: Double) -> HTML {
    let error = layers.errors[index]
    let width = step * 0.78
    var marks: HTML = ""
    if let alone = error.alone.sqnr {
      let base = y(max(0, scale.lowerBound))
      if alone.isFinite {
        let (top, bottom) = (min(y(alone), base), max(y(alone), base))
        marks += "<rect class=\"fa\" x=\"\(x)\" y=\"\(top)\" width=\"\(width)\" height=\"\(max(0.5, bottom - top))\"/>"
      } else {
        marks += """
          <rect class="none" x="\(x + 0.5)" y="\(Self.top)" width="\(width - 1)" height="\(base - Self.top)"/>
          """
      }
    }
    if let inPlace = error.inPlace.sqnr, inPlace.isFinite {
      let radius = min(4, max(2.4, step * 0.3))
      marks += "<circle class=\"fb dot\" cx=\"\(x + width / 2)\" cy=\"\(y(inPlace))\" r=\"\(radius)\"/>"
    }
    return """
      \(marks)<rect class="hit" data-i="\(index)" x="\(x - step * 0.11)" y="\(Self.top)" width="\(step)" \
      height="\(Self.height + 8)"/>

      """
  }

  /// What the script shows of each layer.
  var data: [JSONValue] {
    layers.errors.map { error in
      var values: [(String, String)] = [
        ("alone", decibels(error.alone.sqnr)), ("cosine", cosine(error.alone.cosine)),
        ("in place", decibels(error.inPlace.sqnr)), ("cosine", cosine(error.inPlace.cosine)),
      ]
      if layers.flippedItems > 0 {
        values += [
          ("on flipped, alone", decibels(error.aloneOnFlipped.sqnr)),
          ("in place", decibels(error.inPlaceOnFlipped.sqnr)),
        ]
      }
      return .object([
        "name": .string(printable(error.name)), "values": .array(values.map { .strings([$0.0, $0.1]) }),
      ])
    }
  }

  // MARK: Tables

  private var table: HTML {
    let isFlipped = layers.flippedItems > 0
    var columns: [(String, HTMLTable.Alignment)] = [
      ("layer", .left), ("order", .right), ("alone", .right), ("cosine", .right), ("in place", .right),
      ("cosine", .right),
    ]
    if isFlipped { columns += [("flipped, alone", .right), ("flipped, in place", .right)] }
    var table = HTMLTable(columns, isTall: true)
    for (index, error) in layers.errors.enumerated() {
      var cells: [HTMLTable.Cell] = [
        .html("<code>\(error.name)</code>"), .count(index + 1), .number(decibels(error.alone.sqnr), error.alone.sqnr),
        .number(cosine(error.alone.cosine), error.alone.cosine),
        .number(decibels(error.inPlace.sqnr), error.inPlace.sqnr),
        .number(cosine(error.inPlace.cosine), error.inPlace.cosine),
      ]
      if isFlipped {
        cells += [error.aloneOnFlipped.sqnr, error.inPlaceOnFlipped.sqnr].map { .number(decibels($0), $0) }
      }
      table.add(cells)
    }
    return "<h3>All layers</h3>\n" + table.html("error of each layer")
  }

  /// The layers whose own error was largest where answers flipped.
  var flippedSection: HTML {
    guard layers.flippedItems > 0 else { return "" }
    let worst = layers.errors.compactMap { error in error.aloneOnFlipped.sqnr.map { (error, $0) } }
      .filter { $0.1.isFinite }.sorted { $0.1 < $1.1 }.prefix(Self.told)
    guard !worst.isEmpty else { return "" }
    var table = HTMLTable([
      ("layer", .left), ("alone, on flipped", .right), ("on others", .right), ("in place, on flipped", .right),
      ("on others", .right),
    ])
    for (error, sqnr) in worst {
      table.add([
        .html("<code>\(error.name)</code>"), .number(decibels(sqnr), sqnr),
        .number(decibels(error.alone.sqnr), error.alone.sqnr),
        .number(decibels(error.inPlaceOnFlipped.sqnr), error.inPlaceOnFlipped.sqnr),
        .number(decibels(error.inPlace.sqnr), error.inPlace.sqnr),
      ])
    }
    return .section(
      "Layers with the largest error on flipped answers",
      note: """
        Measured on \(grouped(layers.flippedItems)) of the \(words.item)s whose \(words.outputs) flipped, beside \
        \(counted(layers.items, words.item)) spread over all \(grouped(items)). More is better.
        """, table.html("layers with the largest error on flipped answers"))
  }
}
