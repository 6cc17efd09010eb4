import Arrays
import Families
import Graphs

/// What an export wrote, for people and as JSON (schemas/reports/export.schema.json).
public struct ExportReport: Sendable {
  /// int8 weights that were told by name.
  private static let mostNamed = 5

  private let folder: String
  private let layout: String
  private let files: [String]
  private let arrays: Int
  private let bytes: Int
  /// Of int8 weights that stayed int8: how many there are, and those that became float32, with why.
  private var quantized: (arrays: Int, others: [(name: String, reason: String)])?
  private var notes: [String] = []

  public init(_ plan: ExportPlan, folder: String, weights: String) {
    (self.folder, layout) = (folder, plan.layout.name)
    files = [weights] + plan.smallFiles.map(\.name)
    (arrays, bytes) = (plan.arrays.count, plan.totalBytes)
    if !plan.quantized.isEmpty { quantized = (plan.quantized.count, []) }
  }

  /// Of a plain net.
  public init(_ plan: PlainExport, file: String) {
    (folder, layout) = (Paths.folder(of: file), Layout.plain.name)
    files = [Paths.name(file)]
    (arrays, bytes) = (plan.arrays.count, plan.totalBytes)
  }

  /// Of an int8 plain net.
  public init(_ plan: CompressedTensorsExport, folder: String) {
    (self.folder, layout) = (folder, Layout.plain.name)
    files = [CompressedTensorsExport.weightsName, CompressedTensorsExport.configName]
    (arrays, bytes) = (plan.arrays.count, plan.totalBytes)
    quantized = (plan.quantized.count, plan.dequantized)
    if !plan.keepsConfig {
      notes = [
        "config.json says how the weights are quantized, and nothing of the net; --config FILE keeps what the checkpoint's says"
      ]
    }
  }

  /// Of graphs for other runtimes.
  public init(_ plan: ONNXExport, folder: String) {
    (self.folder, layout) = (folder, "onnx")
    files = [ONNXExport.weightsName] + plan.graphNames + plan.smallFiles.map(\.name)
    (arrays, bytes) = (plan.arrayCount, plan.totalBytes)
    if plan.quantized > 0 { quantized = (plan.quantized, []) }
  }

  public var text: String {
    var lines = [
      "\(printable(folder)): \(counted(arrays, "array")), \(sized(bytes)), layout \(layout)",
      "  " + files.map(printable).joined(separator: ", "),
    ]
    if let quantized {
      lines.append("  \(counted(quantized.arrays, "array")) int8, with a scale for each row")
      if !quantized.others.isEmpty {
        lines.append("  \(counted(quantized.others.count, "array")) float32 in place of int8")
        lines += quantized.others.prefix(Self.mostNamed).map { "    \(printable($0.name)): \($0.reason)" }
        let more = quantized.others.count - Self.mostNamed
        if more > 0 { lines.append("    and \(more) more, which --json names") }
      }
    }
    return (lines + notes.map { "note: \($0)" }).joined(separator: "\n")
  }

  public var json: JSONValue {
    let others = quantized.map { quantized in
      JSONValue.array(quantized.others.map { ["name": .string($0.name), "reason": .string($0.reason)] })
    }
    return .object([
      "folder": .string(folder), "layout": .string(layout), "files": .strings(files),
      "arrays": .integer(arrays), "bytes": .integer(bytes),
      "quantized": quantized.map { .integer($0.arrays) }, "dequantized": others,
      "notes": notes.isEmpty ? nil : .strings(notes),
    ])
  }
}
