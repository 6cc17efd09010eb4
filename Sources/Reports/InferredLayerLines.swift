import Arrays
import Families

extension InferredLayers {
  /// A table for people; it says in its head that nobody told this.
  var lines: [String] {
    guard !types.isEmpty else { return ["layer types  unknown family, and names and shapes tell of none"] }
    var table = TextTable([.left, .right, .right, .right])
    table.add("layer types, inferred", "layers", "arrays", "parameters")
    for type in types {
      table.add(type.type.rawValue, grouped(type.layers), grouped(type.arrays), grouped(type.parameters))
    }
    if otherArrays > 0 { table.add("other", "", grouped(otherArrays), grouped(otherElements)) }
    return table.lines
  }

  /// The same of a page.
  var section: HTML {
    guard !types.isEmpty else { return "" }
    var table = HTMLTable([("type", .left), ("layers", .right), ("arrays", .right), ("parameters", .right)])
    for type in types {
      table.add([.text(type.type.rawValue), .count(type.layers), .count(type.arrays), .count(type.parameters)])
    }
    if otherArrays > 0 { table.add([.text("other"), .text(""), .count(otherArrays), .count(otherElements)]) }
    return .section("Layers", "\(table.html("layers of each type, inferred from names and shapes"))")
  }

  /// See schemas/reports/inspect.schema.json.
  var json: JSONValue {
    .object([
      "types": JSONValue(
        .object(
          types.map { type in
            JSONMember(
              type.type.rawValue,
              .object([
                "layers": .integer(type.layers), "arrays": .integer(type.arrays),
                "parameters": .integer(type.parameters),
              ]))
          })),
      "other": .object(["arrays": .integer(otherArrays), "elements": .integer(otherElements)]),
    ])
  }
}
