import Ingot

/// A picture of a request: the bytes of its file, which are decoded elsewhere.
package struct SentPicture: Sendable {
  package let bytes: [UInt8]
  package let digest: Digest
  /// Where the bytes are to be had, which aren't there yet.
  package let address: String?
  /// Of the member that it came in.
  package let name: String

  private init(_ bytes: [UInt8], _ name: String) throws {
    guard !bytes.isEmpty else { throw ServiceError.badRequest("\(name) is empty", name, code: "invalid_image") }
    (self.bytes, self.name, address) = (bytes, name, nil)
    digest = SHA256.digest(bytes)
  }

  private init(address: String, _ name: String) {
    (bytes, digest, self.name) = ([], .zero, name)
    self.address = address
  }

  package init(file bytes: [UInt8], _ name: String) throws { try self.init(bytes, name) }

  /// Of base64, with or without what a `data:` address begins with.
  package init(base64 text: String, _ name: String) throws {
    if text.utf8.starts(with: "data:".utf8) {
      try self.init(dataAddress: text, name)
      return
    }
    guard let bytes = Ingot.bytes(ofBase64: text) else {
      throw ServiceError.badRequest("\(name) is to be a picture's file in base64", name, code: "invalid_image")
    }
    try self.init(bytes, name)
  }

  /// Of an address with the picture in it, or one of the web, which is fetched only from hosts that were allowed. No other is
  /// followed, and no path is opened.
  package init(dataAddress text: String, _ name: String) throws {
    if text.hasPrefix("http://") || text.hasPrefix("https://") {
      self.init(address: text, name)
      return
    }
    guard text.utf8.starts(with: "data:".utf8) else { throw Self.notFetched(name) }
    let bytes: [UInt8]
    do throws(Failure) {
      bytes = try Ingot.bytes(ofDataAddress: text)
    } catch {
      throw ServiceError.badRequest("\(name): \(error.reason)", name, code: "invalid_image_url")
    }
    try self.init(bytes, name)
  }

  package static func notFetched(_ name: String) -> ServiceError {
    .badRequest(
      "\(name) is to be a data: address with the picture in it; other addresses are not fetched, and no files opened",
      name, code: "invalid_image_url")
  }
}
