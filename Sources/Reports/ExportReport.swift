import Arrays
import Families

/// What an export wrote, for people and as JSON (schemas/reports/export.schema.json).
public struct ExportReport: Sendable {
  private let plan: ExportPlan
  private let folder: String
  private let weights: String

  public init(_ plan: ExportPlan, folder: String, weights: String) {
    self.plan = plan
    self.folder = folder
    self.weights = weights
  }

  private var files: [String] { [weights] + plan.smallFiles.map(\.name) }

  public var text: String {
    "\(printable(folder)): \(counted(plan.arrays.count, "array")), \(sized(plan.totalBytes)), layout \(plan.layout.name)\n  "
      + files.joined(separator: ", ")
  }

  public var json: JSONValue {
    .object([
      "folder": .string(folder), "layout": .string(plan.layout.name), "files": .strings(files),
      "arrays": .integer(plan.arrays.count), "bytes": .integer(plan.totalBytes),
    ])
  }
}
