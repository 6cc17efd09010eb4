import Arrays
import Assurance
import Checkpoints
import Families
import NetFile
import Nets

extension Inspection {
  /// For people. Arrays that differ only in their block's number share a line unless `listsEveryArray`.
  /// - Parameters:
  ///   - statistics: of every array, where they were measured.
  ///   - check: what is wrong with the values, where that was looked for.
  ///   - layers: in the order in which they run, where they are asked for; blocks that are alike share lines unless
  ///     `listsEveryArray`.
  public func text(
    listsEveryArray: Bool, statistics: MeasuredArrays? = nil, check: ValueCheck? = nil, layers: LayerListing? = nil
  ) -> String {
    var lines = heading
    lines.append("")
    lines += arrayLines(listsEveryArray)
    lines.append("")
    lines += totals
    if let layers { lines += [""] + layers.lines(folds: !listsEveryArray) }
    if let statistics { lines += [""] + statisticsLines(statistics) }
    if let check { lines += [""] + check.lines }
    if !besides.isEmpty { lines += [""] + besides }
    if !notes.isEmpty { lines += [""] + notes.map { "note: \(printable($0))" } }
    return lines.joined(separator: "\n")
  }

  private var heading: [String] {
    var table = TextTable([.left, .left])
    for fact in facts { table.add(fact.label, fact.value) }
    return table.lines
  }

  /// What it is, how it is run and where it came from; a label that is indented belongs to the one before.
  var facts: [(label: String, value: String)] {
    var facts: [(label: String, value: String)] = []
    switch subject {
    case .netFile(let net):
      facts.append(("net file", "\(net.path) (\(sized(net.file.size)))"))
    case .combination(let status):
      facts.append(("combination", "\(status.word), not on the shelf"))
    case .checkpoint(let checkpoint):
      for file in checkpoint.files {
        facts.append(("checkpoint", "\(file.path) (\(checkpoint.format), \(sized(file.size)))"))
      }
      if let fetched {
        let all = checkpoint.files.reduce(0) { $0 + $1.size }
        let requests = "\(fetched.requests) \(fetched.requests == 1 ? "request" : "requests")"
        facts.append(("fetched", "\(sized(fetched.bytes)) of \(sized(all)), by \(requests)"))
      }
      for entry in checkpoint.metadata.prefix(20) { facts.append(("metadata", "\(entry.name): \(entry.value)")) }
      if checkpoint.metadata.count > 20 {
        facts.append(("metadata", "… and \(checkpoint.metadata.count - 20) more (--json lists them)"))
      }
    }
    facts.append(("family", family.map { $0.name + (layout.map { ", layout \($0.name)" } ?? "") } ?? "unknown family"))
    if !parameters.isEmpty {
      facts.append(("parameters", parameters.map { "\($0.name)=\($0.value)" }.joined(separator: " ")))
    }
    if !configuration.isEmpty {
      facts.append(("configuration", configuration.map { "\($0.key) \($0.value.plain)" }.joined(separator: ", ")))
    }
    if let profile, case .object(let members) = profile.content {
      for member in members {
        if case .object(let values) = member.value.content {
          facts.append(("  \(member.key)", values.map { "\($0.key) \($0.value.plain)" }.joined(separator: ", ")))
        } else {
          facts.append((member.key == "name" ? "profile" : "  \(member.key)", member.value.plain))
        }
      }
    }
    if case .netFile(let net) = subject { facts += origin(net.header) }
    return facts
  }

  private func origin(_ header: NetHeader) -> [(label: String, value: String)] {
    var facts: [(label: String, value: String)] = []
    if let tokenizer = header.tokenizer {
      facts.append(("tokenizer", "\(tokenizer.kind), \(grouped(tokenizer.vocabulary.count)) tokens"))
    }
    let origin = header.provenance
    facts.append(
      (
        "made by",
        origin.tool + (origin.layout.map { " from layout \($0)" } ?? "")
          + (origin.part.map { ", \($0.text)" } ?? "") + (origin.seed.map { " with seed \($0)" } ?? "")
          + (origin.convertedFrom.map { ", converted from \($0.rawValue)" } ?? "")
      ))
    for source in origin.sources {
      let known = family?.publishedFile(source.sha256).map { " = \($0.publication.repository)" } ?? ""
      facts.append(
        (
          "  source",
          "\(source.file) (\(sized(source.bytes))) sha256 \(source.sha256.description.prefix(16))…\(known)"
        ))
    }
    if !header.isInitialized { facts.append(("weights", "none: the net is uninitialized")) }
    return facts
  }

  private func arrayLines(_ listsEvery: Bool) -> [String] {
    var table = TextTable([.left, .left, .left, .right])
    table.add("array", "shape", "type", "elements")
    let rows = listsEvery ? arrays.map { ArrayGroup([$0]) } : ArrayGroup.grouping(arrays)
    for group in rows {
      let first = group.arrays[0]
      table.add(
        group.name, first.shape.description, first.typeText,
        grouped(first.shape.elements) + (group.arrays.count > 1 ? " ×\(group.arrays.count)" : ""))
    }
    return table.lines
  }

  /// Lines of what else there is in a checkpoint that are printed.
  private static let mostBesides = 20
  private static let mostCalls = 12

  /// What there is beside the arrays, and what loading it elsewhere would do.
  var besides: [String] {
    guard case .checkpoint(let checkpoint) = subject else { return [] }
    var lines: [String] = []
    let leftovers = checkpoint.leftovers
    if !leftovers.isEmpty {
      lines.append("also in the file")
      lines += leftovers.prefix(Self.mostBesides).map { "  " + printable(shortened("\($0.name): \($0.what)", to: 200)) }
      let more = leftovers.count - Self.mostBesides
      if more > 0 { lines.append("  … and \(more) more (--json lists them)") }
    }
    let calls = checkpoint.calls
    if !calls.isEmpty {
      let more = calls.count - Self.mostCalls
      lines.append(
        "loading it in Python calls: " + printable(calls.prefix(Self.mostCalls).joined(separator: ", "))
          + (more > 0 ? " and \(more) more (--json lists them)" : ""))
    }
    return lines
  }

  private func statisticsLines(_ statistics: MeasuredArrays) -> [String] {
    var table = TextTable([.left, .right, .right, .right, .right, .right, .right, .right])
    table.add("values", "min", "max", "mean", "std", "zeros", "zero rows", "NaN, Inf")
    for array in arrays {
      guard let found = statistics[array.name] else { continue }
      table.add(
        array.name, measured(found.minimum), measured(found.maximum), measured(found.mean), measured(found.deviation),
        grouped(found.zeros), grouped(found.deadRows), grouped(found.notNumbers + found.infinities))
    }
    return table.lines
  }

  private var totals: [String] {
    var table = TextTable([.left, .right, .left])
    table.add("arrays", grouped(arrays.count), "")
    table.add(bytes > 0 ? "elements stored" : "elements", grouped(elements), "")
    if let count = parameterCount {
      table.add("parameters", grouped(count), ties.isEmpty ? "" : "tied arrays counted once")
    }
    if bytes > 0 { table.add("bytes", grouped(bytes), bytes >= 1000 ? sized(bytes) : "") }
    if elementTypes.count > 1 {
      for type in elementTypes {
        table.add("  \(type.type.rawValue)", grouped(type.elements), "in \(counted(type.arrays, "array"))")
      }
    }
    if !packings.isEmpty {
      table.add("bytes in the file", grouped(packedBytes), packedBytes >= 1000 ? sized(packedBytes) : "")
      for packing in packings {
        let arrays = counted(packing.arrays, "array")
        table.add("  \(packing.type)", grouped(packing.bytes), "\(grouped(packing.elements)) elements in \(arrays)")
      }
    }
    var lines = table.lines
    if nets.count > 1 { lines += [""] + netLines }
    lines.append("")
    if let inferredLayers {
      lines += inferredLayers.lines
    } else {
      lines.append("layer types  " + (layerTypes.map(InspectionText.layers) ?? "unknown family"))
    }
    lines += quantization?.lines ?? []
    for tie in ties { lines.append("tied         \(tie.name) = \(tie.same)") }
    if let coverage { lines += ["coverage     " + coverage.text] }
    return lines
  }

  private var netLines: [String] {
    var table = TextTable([.left, .right, .right, .left])
    table.add("net", "arrays", "parameters", "layer types")
    for net in nets {
      table.add(net.name, grouped(net.arrays), grouped(net.parameters), InspectionText.layers(net.layerTypes))
    }
    return table.lines
  }
}

extension Provenance.Part {
  /// `the arrays at "model_ema"`
  fileprivate var text: String {
    switch self {
    case .all: "all arrays"
    case .at(let path): "the arrays at \"\(printable(path))\""
    }
  }
}

enum InspectionText {
  static func layers(_ types: [(type: LayerType, count: Int)]) -> String {
    types.map { "\($0.type.rawValue) \($0.count)" }.joined(separator: ", ")
  }
}

extension Coverage {
  /// `790 arrays: 787 used, 1 tied duplicate, 2 ignored`
  public var text: String {
    var parts = ["\(grouped(used)) used"]
    if !tied.isEmpty { parts.append("\(tied.count) tied duplicate\(tied.count == 1 ? "" : "s")") }
    if !ignored.isEmpty {
      parts.append("\(ignored.count) ignored (\(Set(ignored.map(\.reason)).sorted().joined(separator: "; ")))")
    }
    return "\(counted(arrays, "array")): " + parts.joined(separator: ", ")
  }
}

extension Inspection.ArrayLine {
  /// `float32`, or `float32 of Q4_K`.
  var typeText: String { elementType.rawValue + (packing.map { " of \($0.type)" } ?? "") }
}

/// Arrays whose names differ in one number only, alike in shape and element type.
private struct ArrayGroup {
  private(set) var arrays: [Inspection.ArrayLine]

  init(_ arrays: [Inspection.ArrayLine]) {
    self.arrays = arrays
  }

  /// In the order of first appearance.
  static func grouping(_ arrays: [Inspection.ArrayLine]) -> [ArrayGroup] {
    struct Key: Hashable {
      let words: [Substring]
      let dimensions: [Int]
      let type: String
    }
    var places: [Key: Int] = [:]
    var groups: [ArrayGroup] = []
    for array in arrays {
      let words = array.name.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) == nil ? $0 : "#" }
      let key = Key(words: words, dimensions: array.shape.dimensions, type: array.typeText)
      if let place = places[key] {
        groups[place].arrays.append(array)
      } else {
        places[key] = groups.count
        groups.append(ArrayGroup([array]))
      }
    }
    return groups
  }

  /// The name with the range of its numbers: `blocks.0…11.norm1.weight`.
  var name: String {
    let words = arrays.map { $0.name.split(separator: ".", omittingEmptySubsequences: false) }
    return words[0].indices.map { position in
      let numbers = words.compactMap { Int($0[position]) }
      guard let least = numbers.min(), let most = numbers.max(), least < most else { return String(words[0][position]) }
      return "\(least)…\(most)"
    }.joined(separator: ".")
  }
}

/// A measured value with three digits, however large or small; a dash where there is none.
func measured(_ value: Double?) -> String {
  guard let value else { return "-" }
  guard value.magnitude >= 1e6, value.isFinite else { return significant(value) }
  var (scaled, exponent) = (value.magnitude, 0)
  while scaled >= 10 { (scaled, exponent) = (scaled / 10, exponent + 1) }
  return (value < 0 ? "-" : "") + rounded(scaled, 2) + "e\(exponent)"
}

extension JSONValue {
  /// A value for people: text without quotes, lists without brackets.
  var plain: String {
    switch content {
    case .string(let text): text
    case .array(let values): values.map(\.plain).joined(separator: " ")
    case .null: "none"
    default: compactText
    }
  }
}
