import Synchronization

/// Series of numbers in Prometheus' text format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
final class PrometheusText: Sendable {
  enum Kind: String, Sendable {
    case counter, gauge, histogram
  }

  private struct Histogram {
    /// Of values at most as large as each bound, and above all of them.
    var counts: [Int]
    var sum = 0.0
  }

  private enum Value {
    case number(Double)
    case histogram(Histogram)
  }

  private struct Family {
    let kind: Kind
    let help: String
    var series: [[Label]: Value] = [:]
  }

  struct Label: Hashable, Sendable {
    let name: String
    let value: String
  }

  /// Upper bounds in seconds, as Prometheus' own clients have them, and longer ones.
  static let bounds: [Double] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

  private let families = Mutex<[String: Family]>([:])

  func add(_ amount: Double, to name: String, _ labels: [(String, String)], help: String) {
    change(name, labels, .counter, help) { value in
      if case .number(let old)? = value { .number(old + amount) } else { .number(amount) }
    }
  }

  func set(_ amount: Double, of name: String, _ labels: [(String, String)], help: String, _ kind: Kind = .gauge) {
    change(name, labels, kind, help) { _ in .number(amount) }
  }

  func observe(_ amount: Double, in name: String, _ labels: [(String, String)], help: String) {
    change(name, labels, .histogram, help) { value in
      var histogram =
        if case .histogram(let old)? = value { old } else {
          Histogram(counts: [Int](repeating: 0, count: Self.bounds.count + 1))
        }
      histogram.counts[Self.bounds.firstIndex { amount <= $0 } ?? Self.bounds.count] += 1
      histogram.sum += amount
      return .histogram(histogram)
    }
  }

  func forget(_ name: String) { families.withLock { $0[name] = nil } }

  private func change(
    _ name: String, _ labels: [(String, String)], _ kind: Kind, _ help: String, _ make: (Value?) -> Value
  ) {
    let name = Self.legal(name)
    let labels = labels.map { Label(name: Self.legal($0.0), value: $0.1) }.sorted { $0.name < $1.name }
    families.withLock { families in
      var family = families[name] ?? Family(kind: kind, help: help)
      // What is of another kind under the same name can't be told.
      guard family.kind == kind else { return }
      family.series[labels] = make(family.series[labels])
      families[name] = family
    }
  }

  var text: String {
    let all = families.withLock { $0 }
    var out = ""
    for (name, family) in all.sorted(by: { $0.key < $1.key }) {
      if !family.help.isEmpty { out += "# HELP \(name) \(Self.escaped(family.help, quotes: false))\n" }
      out += "# TYPE \(name) \(family.kind.rawValue)\n"
      for (labels, value) in family.series.sorted(by: { Self.text(of: $0.key) < Self.text(of: $1.key) }) {
        switch value {
        case .number(let number): out += "\(name)\(Self.text(of: labels)) \(Self.text(of: number))\n"
        case .histogram(let histogram):
          var count = 0
          for (index, more) in histogram.counts.enumerated() {
            count += more
            let bound = index < Self.bounds.count ? Self.text(of: Self.bounds[index]) : "+Inf"
            out += "\(name)_bucket\(Self.text(of: labels + [Label(name: "le", value: bound)])) \(count)\n"
          }
          out += "\(name)_sum\(Self.text(of: labels)) \(Self.text(of: histogram.sum))\n"
          out += "\(name)_count\(Self.text(of: labels)) \(count)\n"
        }
      }
    }
    return out
  }

  private static func text(of labels: [Label]) -> String {
    if labels.isEmpty { return "" }
    return "{" + labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",") + "}"
  }

  private static func text(of number: Double) -> String {
    number.isNaN ? "NaN" : number.isInfinite ? (number > 0 ? "+Inf" : "-Inf") : "\(number)"
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    var out = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\"" where quotes: out += "\\\""
      default: out.unicodeScalars.append(character)
      }
    }
    return out
  }

  /// `[a-zA-Z_][a-zA-Z0-9_]*`.
  static func legal(_ name: String) -> String {
    var out = name.utf8.map { byte -> UInt8 in
      let isLetter = (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte)
      return isLetter ? byte : UInt8(ascii: "_")
    }
    if out.first.map({ (0x30...0x39).contains($0) }) ?? true { out.insert(UInt8(ascii: "_"), at: 0) }
    return String(decoding: out, as: UTF8.self)
  }
}
