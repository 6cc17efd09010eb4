/// Unicode's canonical composition (Normalization Form C, Unicode Standard Annex 15), by the characters that the
/// publisher's library knows.
enum Composition {
  /// The text as code points, composed.
  static func composed(_ text: some Sequence<UInt32>) -> [UInt32] {
    var codes = Array(text)
    // Below the first combining mark every text is composed.
    guard codes.contains(where: { $0 >= 0x300 }) else { return codes }
    codes = ordered(codes)
    var out: [UInt32] = []
    var starter: Int?
    var last: UInt32 = 0
    for code in codes {
      let order = order(of: code)
      // A mark is apart from its character where one of its own class, or no mark at all, stands between.
      if let starter, last < order || last == 0 && starter == out.count - 1, let whole = pair(out[starter], code) {
        out[starter] = whole
        continue
      }
      if order == 0 { starter = out.count }
      last = order
      out.append(code)
    }
    return out
  }

  /// Decomposed, and marks in their canonical order.
  private static func ordered(_ text: [UInt32]) -> [UInt32] {
    var out: [UInt32] = []
    out.reserveCapacity(text.count)
    for code in text { decompose(code, into: &out) }
    var start = 0
    while start < out.count {
      guard order(of: out[start]) > 0 else {
        start += 1
        continue
      }
      var end = start + 1
      while end < out.count, order(of: out[end]) > 0 { end += 1 }
      if end - start > 1 {
        let run = out[start..<end].enumerated().map { offset, code in
          (order: order(of: code), offset: offset, code: code)
        }
        let sorted = run.sorted { ($0.order, $0.offset) < ($1.order, $1.offset) }
        for (offset, item) in sorted.enumerated() { out[start + offset] = item.code }
      }
      start = end
    }
    return out
  }

  private static func order(of code: UInt32) -> UInt32 {
    guard code >= 0x300 else { return 0 }
    let table = CompositionTables.orders
    return table.row(of: code, width: 3).map { table[$0 + 2] } ?? 0
  }

  private static func decompose(_ code: UInt32, into out: inout [UInt32]) {
    guard code >= 0xc0 else { return out.append(code) }
    if 0xac00..<0xd7a4 ~= code {
      let index = code - 0xac00
      out.append(0x1100 + index / 588)
      out.append(0x1161 + index % 588 / 28)
      if index % 28 > 0 { out.append(0x11a7 + index % 28) }
      return
    }
    let table = CompositionTables.decompositions
    if let row = table.row(of: code, width: 4) {
      let start = Int(table[row + 3] + (code - table[row]) * table[row + 2])
      out += CompositionTables.parts[start..<start + Int(table[row + 2])]
    } else if let parts = splits[code] {
      decompose(parts.first, into: &out)
      out.append(parts.second)
    } else {
      out.append(code)
    }
  }

  private static func pair(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if 0x1100..<0x1113 ~= first, 0x1161..<0x1176 ~= second {
      return 0xac00 + ((first - 0x1100) * 21 + second - 0x1161) * 28
    }
    if 0xac00..<0xd7a4 ~= first, (first - 0xac00).isMultiple(of: 28), 0x11a8..<0x11c3 ~= second {
      return first + second - 0x11a7
    }
    return wholes[UInt64(first) << 32 | UInt64(second)]
  }

  private static let wholes: [UInt64: UInt32] = {
    let table = CompositionTables.pairs
    var out: [UInt64: UInt32] = [:]
    for row in stride(from: 0, to: table.count, by: 3) {
      out[UInt64(table[row]) << 32 | UInt64(table[row + 1])] = table[row + 2]
    }
    return out
  }()

  private static let splits: [UInt32: (first: UInt32, second: UInt32)] = {
    let table = CompositionTables.pairs
    var out: [UInt32: (first: UInt32, second: UInt32)] = [:]
    for row in stride(from: 0, to: table.count, by: 3) { out[table[row + 2]] = (table[row], table[row + 1]) }
    return out
  }()
}
