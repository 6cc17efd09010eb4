import Arrays

/// Lines of columns, as wide as their widest cell; numbers stand to the right.
struct TextTable {
  enum Alignment { case left, right }

  private let alignments: [Alignment]
  private let indent: String
  private var rows: [[String]] = []

  init(_ alignments: [Alignment], indent: Int = 0) {
    self.alignments = alignments
    self.indent = String(repeating: " ", count: indent)
  }

  mutating func add(_ cells: String...) { add(cells) }

  mutating func add(_ cells: [String]) { rows.append(cells.map { printable(shortened($0, to: 400)) }) }

  var isEmpty: Bool { rows.isEmpty }

  /// The table's lines, without trailing spaces.
  var lines: [String] {
    let widths = alignments.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      var line = indent
      for (column, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        line += (column == 0 ? "" : "  ") + (alignments[column] == .left ? cell + padding : padding + cell)
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}

/// 86090496 as `86,090,496`.
func grouped(_ number: Int) -> String {
  var digits = Array(String(number.magnitude))
  for position in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: position) }
  return (number < 0 ? "-" : "") + String(digits)
}

/// A size for people, in decimal units: `1.54 GB`.
func sized(_ bytes: Int) -> String {
  var value = Double(bytes)
  for unit in ["bytes", "kB", "MB", "GB", "TB"] {
    if value < 999.5 || unit == "TB" {
      if unit == "bytes" { return bytes == 1 ? "1 byte" : "\(bytes) bytes" }
      return "\(rounded(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0)) \(unit)"
    }
    value /= 1000
  }
  return "\(bytes) bytes"
}

/// 137258496 as `137 M`.
func inUnits(_ count: Int) -> String {
  for (unit, name) in [(1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1000, "k")]
  where count >= unit {
    let value = Double(count) / Double(unit)
    return rounded(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0) + " \(name)"
  }
  return grouped(count)
}

/// A number with so many decimals.
func rounded(_ value: Double, _ decimals: Int) -> String {
  guard value.magnitude < 1e15 else { return "\(value)" }
  if value < 0 { return "-" + rounded(-value, decimals) }
  let scale = (0..<decimals).reduce(1) { scale, _ in scale * 10 }
  let scaled = Int((value * Double(scale)).rounded())
  guard decimals > 0 else { return String(scaled) }
  let fraction = String(scaled % scale)
  return "\(scaled / scale)." + String(repeating: "0", count: decimals - fraction.count) + fraction
}

/// `1 array`, `2 arrays`.
func counted(_ count: Int, _ noun: String) -> String { "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")" }
