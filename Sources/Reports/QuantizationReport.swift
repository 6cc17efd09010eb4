import Arrays
import Assurance
import Families

/// What was quantized, for people and as JSON (schemas/reports/quantize.schema.json).
public struct QuantizationReport: Sendable {
  private let items: [(quantization: Quantization, net: WrittenNet)]

  public init(_ items: [(quantization: Quantization, net: WrittenNet)]) {
    self.items = items
  }

  public var text: String {
    var table = TextTable([.left, .right, .right, .left])
    for item in items {
      let share = Double(item.net.storedBytes) / Double(max(1, item.quantization.totalBytes))
      table.add(
        item.net.header.net, "\(counted(item.quantization.quantizedArrays.count, "array")) to int8",
        "\(sized(item.net.storedBytes)), \(rounded(share * 100, 1)) % of before", item.net.path)
    }
    return table.lines.joined(separator: "\n")
  }

  public var json: JSONValue {
    .object([
      "nets": .array(items.map(\.net.json)),
      "quantized": .array(
        items.map { item in
          .object([
            "file": .string(item.net.path), "arrays": .strings(item.quantization.quantizedArrays),
            "bytesBefore": .integer(item.quantization.totalBytes),
          ])
        }),
    ])
  }
}
