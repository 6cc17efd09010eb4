import Arrays
import CSigning

/// An X.509 certificate (RFC 5280).
public struct Certificate: Hashable, Sendable {
  /// Its bytes, in DER.
  package let der: [UInt8]

  /// nil when the bytes are none.
  init?(der: [UInt8]) {
    guard unsafe ingot_is_certificate(der, der.count) == 1 else { return nil }
    self.der = der
  }

  /// Most certificates of a chain, or of a file.
  static let most = 1000

  /// The certificates of a file, in PEM, in their order.
  /// - Throws: `Failure` of kind `noInput` or `io` when it can't be read, `badData` when it holds none, too many, or one that
  ///   is damaged.
  public static func read(_ path: String) throws(Failure) -> [Certificate] {
    do throws(Failure) {
      return try read(pem: EllipticKey.pem(path))
    } catch {
      throw error.inFile(path)
    }
  }

  /// - Parameter pem: the file's bytes; what stands outside of certificates is passed over.
  /// - Throws: `Failure` of kind `badData`.
  package static func read(pem: [UInt8]) throws(Failure) -> [Certificate] {
    let hint =
      "such a file has, for each certificate, -----BEGIN CERTIFICATE-----, its bytes in Base64, -----END CERTIFICATE-----"
    var certificates: [Certificate] = []
    var base64: [UInt8]?
    for line in pem.split(whereSeparator: { $0 == 0x0a || $0 == 0x0d }) {
      if line.starts(with: "-----BEGIN CERTIFICATE-----".utf8) {
        base64 = []
      } else if line.starts(with: "-----END CERTIFICATE-----".utf8) {
        let der = base64.flatMap(base64Decoded)
        guard let certificate = der.flatMap(Certificate.init) else {
          throw Failure(.badData, place: "certificate \(certificates.count)", "is no certificate", hint: hint)
        }
        certificates.append(certificate)
        base64 = nil
      } else {
        base64?.append(contentsOf: line)
      }
    }
    guard base64 == nil else {
      throw Failure(.badData, place: "certificate \(certificates.count)", "has no end", hint: hint)
    }
    guard !certificates.isEmpty else { throw Failure(.badData, "holds no certificate in PEM", hint: hint) }
    guard certificates.count <= most else {
      throw Failure(.badData, "holds \(certificates.count) certificates; at most \(most) are read")
    }
    return certificates
  }

  /// Whom it is of, as in RFC 2253.
  public var subject: String { name(isOfIssuer: false) }
  /// Who issued it.
  public var issuer: String { name(isOfIssuer: true) }
  /// The SHA-256 of its bytes.
  public var fingerprint: Digest { SHA256.digest(der) }

  private func name(isOfIssuer: Bool) -> String {
    var out = [UInt8](repeating: 0, count: 1 << 16)
    let length = unsafe ingot_certificate_name(der, der.count, isOfIssuer ? 1 : 0, &out, out.count)
    return Self.told(out, length)
  }

  /// A name as C wrote it.
  private static func told(_ name: [UInt8], _ length: Int) -> String {
    guard (0...name.count).contains(length) else { return "a name that can't be told" }
    return shortened(String(decoding: name[..<length], as: UTF8.self))
  }

  /// Whether its key may sign: its key usage, where it says any, has digitalSignature; else its extended key usage has
  /// codeSigning.
  public var maySign: Bool { unsafe ingot_certificate_signs(der, der.count) == 1 }

  /// Checks that the first certificate of a chain can be followed through the others to one that is trusted, as things were
  /// when it became valid, and that its key may sign. When it was used, nothing tells.
  /// - Throws: `Failure` of kind `mismatch`.
  static func check(_ chain: [Certificate], trusting trusted: [Certificate]) throws(Failure) {
    guard let first = chain.first else { throw Failure(.badData, "has no certificate") }
    var (name, length) = ([UInt8](repeating: 0, count: 1 << 16), 0)
    let problem = unsafe ingot_chain_problem(
      chain.flatMap(\.der), chain.map(\.der.count), chain.count, trusted.flatMap(\.der), trusted.map(\.der.count),
      trusted.count, &name, name.count, &length)
    if let problem = unsafe problem {
      throw Failure(
        .mismatch, place: "the certificate of \(told(name, length))",
        "isn't trusted: \(unsafe String(cString: problem))",
        hint: "--certificate-chain names the root that is trusted, and certificates on the way that the signature lacks"
      )
    }
    guard first.maySign else {
      throw Failure(
        .mismatch, place: "the certificate of \(first.subject)", "is not one for signing",
        hint: "its key usage needs digitalSignature, or its extended key usage codeSigning")
    }
  }
}
