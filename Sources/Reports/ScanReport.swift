import Arrays
import Checkpoints
import Remote

extension Scan {
  /// Findings of a file that people read.
  private static let mostFindings = 100

  /// For people.
  /// - Parameter listsGlobals: whether the functions and classes that pickles name are listed, harmless ones too.
  public func text(listsGlobals: Bool) -> String {
    var lines: [String] = []
    for file in files {
      let pickles = file.pickles == 0 ? "" : ", \(counted(file.pickles, "pickle"))"
      lines.append("\(printable(shortened(file.path, to: 400))): \(file.verdict.text)  (\(file.kind)\(pickles))")
      var table = TextTable([.left, .left, .left], indent: 2)
      for finding in file.findings.prefix(Self.mostFindings) {
        table.add(finding.severity.rawValue, finding.where, finding.told)
      }
      lines += table.lines
      if file.findings.count > Self.mostFindings {
        lines.append("  and \(counted(file.findings.count - Self.mostFindings, "finding")) more, which --json lists")
      }
      if listsGlobals, !file.globals.isEmpty {
        var names = TextTable([.left, .left, .right], indent: 4)
        for global in file.globals {
          names.add(
            "\(global.standing.rawValue)\(global.isCalled ? ", called" : "")", global.name, "×\(grouped(global.count))")
        }
        lines += ["  names"] + names.lines
      }
    }
    if files.count > 1 {
      let (some, cannot) = (
        files.filter { $0.verdict == .something }.count, files.filter { $0.verdict == .cannotTell }.count
      )
      lines.append(
        "\(counted(files.count, "file")): something could run in \(grouped(some)), can't tell of \(grouped(cannot)), "
          + "nothing can run in \(grouped(files.count - some - cannot))")
    }
    if let fetched { lines.append("fetched \(sized(fetched.bytes)), by \(counted(fetched.requests, "request"))") }
    return lines.joined(separator: "\n")
  }

  /// See schemas/reports/scan.schema.json.
  public var json: JSONValue {
    .object([
      "verdict": .string(verdict.rawValue), "files": .array(files.map(\.json)),
      "fetched": fetched.map(fetchedJSON),
    ])
  }
}

extension ScanFinding {
  fileprivate var `where`: String {
    (place.isEmpty ? "" : place.joined(separator: " > ") + ", ") + "byte \(offset)"
  }

  fileprivate var told: String { message + (count > 1 ? " (×\(grouped(count)))" : "") }

  fileprivate var json: JSONValue {
    .object([
      "severity": .string(severity.rawValue), "rule": .string(rule.rawValue), "place": .strings(place),
      "offset": .integer(offset), "subject": .string(subject), "message": .string(message), "count": .integer(count),
    ])
  }
}

extension ScannedFile {
  fileprivate var json: JSONValue {
    .object([
      "path": .string(path), "kind": .string(kind), "verdict": .string(verdict.rawValue), "pickles": .integer(pickles),
      "findings": .array(findings.map(\.json)),
      "globals": .array(
        globals.map {
          .object([
            "name": .string($0.name), "standing": .string($0.standing.rawValue), "called": .boolean($0.isCalled),
            "count": .integer($0.count),
          ])
        }),
    ])
  }
}
