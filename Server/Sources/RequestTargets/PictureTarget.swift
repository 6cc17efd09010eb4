import Ingot
import IngotRequests

extension RequestTarget {
  /// A picture as requests have it: base64 or an address, of which the first byte chooses one.
  static let pictures = RequestTarget("request-picture") { bytes in
    let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
    let isAddress = (bytes.first ?? 0) % 2 == 1
    let picture = try isAddress ? SentPicture(dataAddress: text, "image") : SentPicture(base64: text, "image")
    try check(picture)
    if let address = picture.address {
      try expect(isAddress && address == text, "an address that nobody sent: \(address)")
      return
    }
    try expect(picture.bytes.count <= text.utf8.count, "more bytes than were sent")
    // In each of the forms in which clients send it, it is the same picture.
    let plain = base64(of: picture.bytes)
    let hex = picture.bytes.map { "%" + String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
    for form in [plain, "data:image/png;base64," + plain, "data:," + hex] {
      let again = try sure("the same picture again") { try SentPicture(base64: form, "image") }
      try expect(again.bytes == picture.bytes && again.digest == picture.digest, "another picture: \(form)")
    }
  }

  /// It is there as a whole, or at an address of the web: never at a path.
  static func check(_ picture: SentPicture) throws {
    guard let address = picture.address else {
      return try expect(!picture.bytes.isEmpty && picture.digest == SHA256.digest(picture.bytes), "no picture")
    }
    let isOfWeb = address.utf8.starts(with: "http://".utf8) || address.utf8.starts(with: "https://".utf8)
    try expect(picture.bytes.isEmpty && isOfWeb, "an address that is none of the web: \(address)")
  }
}
