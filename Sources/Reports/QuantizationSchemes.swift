import Arrays
import Families

/// What is told of weights that were published quantized.
extension PublishedQuantization {
  /// A line for each scheme, and one of the float net.
  var lines: [String] {
    let schemes = schemes.enumerated().map { place, found in
      let label = place == 0 ? "quantized    " : "             "
      let arrays = counted(found.arrays, "array")
      return label + printable(Self.text(found.scheme)) + ": \(arrays), \(counted(found.weights, "weight"))"
    }
    let type = floatType.rawValue + (knowsFloatType ? "" : ", if it was that")
    return schemes + [
      "             before that \(counted(parameters, "parameter")), \(sized(floatBytes)) as \(type); scales and the like are none"
    ]
  }

  /// See schemas/reports/inspect.schema.json.
  var json: JSONValue {
    .object([
      "schemes": .array(
        schemes.map { found in
          .object([
            "name": .string(found.scheme.name), "bits": found.scheme.bits.map(JSONValue.integer) ?? .null,
            "group": found.scheme.group.json, "arrays": .integer(found.arrays), "weights": .integer(found.weights),
          ])
        }),
      "parameters": .integer(parameters), "floatType": knowsFloatType ? .string(floatType.rawValue) : .null,
      "floatBytes": .integer(floatBytes),
    ])
  }
}

extension PublishedQuantization.Group {
  fileprivate var json: JSONValue {
    switch self {
    case .tensor: .string("array")
    case .row: .string("row")
    case .elements(let count): .integers([count])
    case .block(let rows, let columns): .integers([rows, columns])
    }
  }
}
