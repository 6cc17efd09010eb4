import Arrays
import Checkpoints

extension Scan {
  /// For programs that gather the findings of others: SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format).
  /// - Parameter version: of this program.
  public func sarif(version: String) -> JSONValue {
    let rules: [JSONValue] = ScanFinding.Rule.allCases.map {
      .object(["id": .string($0.rawValue), "shortDescription": .object(["text": .string($0.what)])])
    }
    let driver: JSONValue = .object([
      "name": "ingot", "semanticVersion": .string(version), "rules": .array(rules),
    ])
    let results = files.flatMap { file in file.findings.map { $0.sarif(of: file.path) } }
    let run: JSONValue = .object([
      "tool": .object(["driver": driver]), "columnKind": "unicodeCodePoints", "results": .array(results),
      "artifacts": .array(files.map { .object(["location": .object(["uri": .string(uri($0.path))])]) }),
    ])
    return .object(["version": "2.1.0", "runs": .array([run])])
  }
}

extension ScanFinding {
  private var level: String {
    switch severity {
    case .harmful, .unknown: "error"
    case .unreadable: "warning"
    case .note: "note"
    }
  }

  fileprivate func sarif(of path: String) -> JSONValue {
    // An offset in an entry is none in the file.
    let region: JSONValue? = place.isEmpty ? .object(["byteOffset": .integer(offset), "byteLength": 0]) : nil
    let logical: JSONValue? =
      place.isEmpty
      ? nil : .array([.object(["fullyQualifiedName": .string(place.joined(separator: "/")), "kind": "member"])])
    let physical: JSONValue = .object([
      "artifactLocation": .object(["uri": .string(uri(path))]), "region": region,
    ])
    return .object([
      "ruleId": .string(rule.rawValue), "ruleIndex": .integer(Rule.allCases.firstIndex(of: rule) ?? 0),
      "level": .string(level), "message": .object(["text": .string(message)]),
      "locations": .array([.object(["physicalLocation": physical, "logicalLocations": logical])]),
      "occurrenceCount": .integer(count),
      "properties": .object([
        "severity": .string(severity.rawValue), "subject": .string(subject), "offset": .integer(offset),
        "place": .strings(place),
      ]),
    ])
  }
}

/// A path as a reference to a file (RFC 3986): relative ones stay relative.
private func uri(_ path: String) -> String {
  var out = path.hasPrefix("/") ? "file://" : ""
  for byte in path.utf8 {
    let isPlain =
      (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte)
      || "/-._~".utf8.contains(byte)
    let digits = String(byte, radix: 16, uppercase: true)
    out += isPlain ? String(UnicodeScalar(byte)) : "%" + (digits.utf8.count == 1 ? "0" : "") + digits
  }
  return out
}
