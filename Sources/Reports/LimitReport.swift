import Arrays

/// The limits on what is read of files.
public enum LimitReport {
  public static var text: String {
    var table = TextTable([.left, .right, .left, .left])
    table.add("limit", "value", "", "is of")
    for limit in Limit.allCases { table.add(limit.rawValue, grouped(limit.value), limit.unit.rawValue, limit.what) }
    return table.lines.joined(separator: "\n")
  }

  public static var json: JSONValue {
    .object([
      "limits": .array(
        Limit.allCases.map { limit in
          .object([
            "name": .string(limit.rawValue), "value": .integer(limit.value), "default": .integer(limit.usual),
            "largest": .integer(limit.largest), "unit": .string(limit.unit == .count ? "count" : limit.unit.rawValue),
            "of": .string(limit.what),
          ])
        })
    ])
  }
}
