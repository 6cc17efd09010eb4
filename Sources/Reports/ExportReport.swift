import Arrays
import Families

/// What an export wrote, for people and as JSON (schemas/reports/export.schema.json).
public struct ExportReport: Sendable {
  private let folder: String
  private let layout: String
  private let files: [String]
  private let arrays: Int
  private let bytes: Int

  public init(_ plan: ExportPlan, folder: String, weights: String) {
    (self.folder, layout) = (folder, plan.layout.name)
    files = [weights] + plan.smallFiles.map(\.name)
    (arrays, bytes) = (plan.arrays.count, plan.totalBytes)
  }

  /// Of a plain net.
  public init(_ plan: PlainExport, file: String) {
    (folder, layout) = (Paths.folder(of: file), Layout.plain.name)
    files = [Paths.name(file)]
    (arrays, bytes) = (plan.arrays.count, plan.totalBytes)
  }

  public var text: String {
    "\(printable(folder)): \(counted(arrays, "array")), \(sized(bytes)), layout \(layout)\n  "
      + files.joined(separator: ", ")
  }

  public var json: JSONValue {
    .object([
      "folder": .string(folder), "layout": .string(layout), "files": .strings(files),
      "arrays": .integer(arrays), "bytes": .integer(bytes),
    ])
  }
}
