import Arrays
import CSigning

/// A key of one of the elliptic curves P-256, P-384 and P-521, which signs by ECDSA (FIPS 186-5) with SHA-256, SHA-384 and
/// SHA-512; by OpenSSL's libcrypto.
@safe public final class EllipticKey {
  private let handle: UnsafeMutableRawPointer

  /// `P-256`, `P-384` or `P-521`.
  public var curve: String { unsafe "P-\(ingot_key_bits(handle))" }

  /// Bytes of a file of keys or certificates.
  private static let mostBytes = 1 << 20

  private init(_ handle: UnsafeMutableRawPointer) { unsafe self.handle = handle }

  deinit { unsafe ingot_key_free(handle) }

  /// - Parameters:
  ///   - path: of a private key in PEM: PKCS #8, encrypted or not, or SEC 1.
  ///   - password: of an encrypted key.
  /// - Throws: `Failure` of kind `noInput` or `io` when the file can't be read, `badData` when it holds no such key or the
  ///   password is another.
  public static func `private`(_ path: String, password: String? = nil) throws(Failure) -> EllipticKey {
    let pem = try pem(path)
    var handle: UnsafeMutableRawPointer?
    let status: Int32
    if let password {
      status = unsafe ingot_key_private(pem, pem.count, password, &handle)
    } else {
      status = unsafe ingot_key_private(pem, pem.count, nil, &handle)
    }
    let isPublic = String(decoding: pem, as: UTF8.self).contains("-----BEGIN PUBLIC KEY-----")
    return try unsafe checked(
      status, handle, path,
      noKey: isPublic ? "holds a public key where a private one is needed" : "holds no private key in PEM",
      hint:
        "such a file begins with -----BEGIN PRIVATE KEY-----; openssl ecparam -name prime256v1 -genkey -noout makes one",
      hasPassword: password != nil)
  }

  /// - Parameter path: of a public key in PEM (SubjectPublicKeyInfo).
  /// - Throws: `Failure` of kind `noInput` or `io` when the file can't be read, `badData` when it holds no such key.
  public static func `public`(_ path: String) throws(Failure) -> EllipticKey {
    let pem = try pem(path)
    var handle: UnsafeMutableRawPointer?
    let status = unsafe ingot_key_public(pem, pem.count, &handle)
    let isPrivate = String(decoding: pem, as: UTF8.self).contains("PRIVATE KEY-----")
    return try unsafe checked(
      status, handle, path,
      noKey: isPrivate ? "holds a private key where a public one is needed" : "holds no public key in PEM",
      hint:
        "such a file begins with -----BEGIN PUBLIC KEY-----; openssl pkey -in PRIVATE.pem -pubout makes it of a private one"
    )
  }

  /// The key of a certificate.
  /// - Throws: `Failure` of kind `badData` when it is none of an elliptic curve that signs.
  public static func of(_ certificate: Certificate) throws(Failure) -> EllipticKey {
    var handle: UnsafeMutableRawPointer?
    let status = unsafe ingot_key_of_certificate(certificate.der, certificate.der.count, &handle)
    return try unsafe checked(
      status, handle, nil, noKey: "has a certificate without a key that can be read", hint: otherKeyHint)
  }

  private static let otherKeyHint =
    "signatures are by keys of the curves P-256, P-384 and P-521, as model-signing makes them"

  private static func checked(
    _ status: Int32, _ handle: UnsafeMutableRawPointer?, _ path: String?, noKey: String, hint: String,
    hasPassword: Bool = false
  ) throws(Failure) -> EllipticKey {
    switch UInt32(bitPattern: status) {
    case INGOT_SIGNING_DONE.rawValue:
      if let handle = unsafe handle { return unsafe EllipticKey(handle) }
      throw Failure(.badData, file: path, noKey, hint: hint)
    case INGOT_SIGNING_NO_KEY.rawValue: throw Failure(.badData, file: path, noKey, hint: hint)
    case INGOT_SIGNING_PASSWORD.rawValue:
      throw Failure(
        .badData, file: path, hasPassword ? "holds a private key that has another password" : "holds an encrypted key",
        hint: hasPassword
          ? "the password is the first line of --password-file" : "--password-file names a file with its password")
    case INGOT_SIGNING_OTHER_KEY.rawValue:
      throw Failure.unsupported(
        file: path, "has a key of another sort than those of the curves P-256, P-384 and P-521", hint: otherKeyHint)
    default: throw Failure(.io, file: path, "libcrypto can't read the key")
    }
  }

  /// The content of a file of keys or certificates.
  static func pem(_ path: String) throws(Failure) -> [UInt8] {
    let file = try InputFile(path)
    guard file.size <= mostBytes else {
      throw Failure(
        .badData, file: path, "has \(file.size) bytes; a file of keys or certificates has at most \(mostBytes)")
    }
    return try file.bytes(file.size, at: 0)
  }

  /// The public key as PEM text (SubjectPublicKeyInfo): the same text for the same key, whatever file it came from.
  /// - Throws: `Failure` of kind `io` when libcrypto fails.
  func text() throws(Failure) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: 1 << 10)
    let length = unsafe ingot_key_text(handle, &out, out.count)
    guard (1...out.count).contains(length) else { throw Failure(.io, "libcrypto can't write the key") }
    return Array(out[..<length])
  }

  /// The SHA-256 of the public key's PEM text, by which model-signing tells keys.
  /// - Throws: `Failure` of kind `io` when libcrypto fails.
  public func fingerprint() throws(Failure) -> Digest { SHA256.digest(try text()) }

  public func isSame(as other: EllipticKey) -> Bool { unsafe ingot_key_is_same(handle, other.handle) == 1 }

  /// The signature of a message, in DER. Of a key that isn't private, there is none.
  /// - Throws: `Failure` of kind `io` when libcrypto fails.
  func sign(_ message: [UInt8]) throws(Failure) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: 1 << 10)
    let length = unsafe ingot_sign(handle, message, message.count, &out, out.count)
    guard (1...out.count).contains(length) else { throw Failure(.io, "libcrypto can't sign") }
    return Array(out[..<length])
  }

  /// Whether a signature, in DER, is this key's of a message.
  func isSignature(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    unsafe ingot_is_signature(handle, message, message.count, signature, signature.count) == 1
  }
}
