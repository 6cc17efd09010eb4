import Arrays
import Signing

/// What was signed, for people and as JSON (schemas/reports/sign.schema.json).
public struct SigningReport: Sendable {
  private let items: [ModelSignature.Signed]

  public init(_ items: [ModelSignature.Signed]) { self.items = items }

  public var text: String {
    items.map { item in
      "signed  \(printable(item.path)): \(counted(item.manifest.items.count, "file")), \(sized(item.bytes)), by \(item.signer.text)\n"
        + "  \(printable(item.signature))"
    }.joined(separator: "\n")
  }

  public var json: JSONValue {
    .object([
      "signatures": .array(
        items.map { item in
          .object([
            "path": .string(item.path), "signature": .string(item.signature),
            "files": .integer(item.manifest.items.count), "bytes": .integer(item.bytes),
            "rootSha256": .string(item.manifest.rootDigest.description), "ignored": .strings(item.manifest.ignored),
            "signer": item.signer.json,
          ])
        })
    ])
  }
}

/// What was found of signatures that were verified.
public struct SignatureLines: Sendable {
  let items: [ModelSignature.Findings]

  public init(_ items: [ModelSignature.Findings]) { self.items = items }

  /// Differences of one that people read.
  private static let most = 100

  var isVerified: Bool { items.allSatisfy(\.isVerified) }

  var text: [String] {
    items.map { item in
      let verdict =
        item.isVerified ? "all as they were signed" : "\(counted(item.differences.count, "file")) not as signed"
      var lines = [
        "\(item.isVerified ? "verified" : "FAILED")  \(printable(item.path))",
        "  signature \(printable(item.signature)): by \(item.signer.text)",
        "  \(counted(item.manifest.items.count, "file")) signed, \(sized(item.bytes)) read, \(verdict)",
      ]
      for difference in item.differences.prefix(Self.most) {
        lines.append("    \(printable(shortened(difference.name))): \(printable(difference.reason))")
      }
      let more = item.differences.count - Self.most
      if more > 0 { lines.append("    … and \(more) more (--json lists them)") }
      if !item.ignoring.isEmpty { lines.append("  left out: \(printable(item.ignoring.joined(separator: ", ")))") }
      return lines.joined(separator: "\n")
    }
  }

  var json: JSONValue {
    .array(
      items.map { item in
        .object([
          "path": .string(item.path), "signature": .string(item.signature), "verified": .boolean(item.isVerified),
          "signer": item.signer.json, "files": .integer(item.manifest.items.count), "bytes": .integer(item.bytes),
          "rootSha256": .string(item.manifest.rootDigest.description), "ignored": .strings(item.manifest.ignored),
          "leftOut": .strings(item.ignoring),
          "differences": .array(
            item.differences.map {
              .object([
                "name": .string($0.name), "kind": .string($0.kind.rawValue), "reason": .string($0.reason),
              ])
            }),
        ])
      })
  }
}

extension Signer {
  fileprivate var text: String {
    switch self {
    case .key(let curve, let fingerprint): "the \(curve) key of SHA-256 \(fingerprint)"
    case .certificate(let certificate):
      "the certificate of \(printable(certificate.subject)), issued by \(printable(certificate.issuer)), "
        + "of SHA-256 \(certificate.fingerprint)"
    }
  }

  fileprivate var json: JSONValue {
    switch self {
    case .key(let curve, let fingerprint):
      .object(["curve": .string(curve), "keySha256": .string(fingerprint.description)])
    case .certificate(let certificate):
      .object([
        "subject": .string(certificate.subject), "issuer": .string(certificate.issuer),
        "certificateSha256": .string(certificate.fingerprint.description),
      ])
    }
  }
}
