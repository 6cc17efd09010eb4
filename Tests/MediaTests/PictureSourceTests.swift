import Arrays
import Media
import TestSupport
import Testing

/// Where pictures come from that are no files.
@Suite struct PictureSourceTests {
  private static let picture = packageFile("weights/demo/pictures/red-circle-0004.png")

  @Test func addressesWithDataAreDecoded() throws {
    let file = try Picture(Self.picture)
    let bytes = try bytes(of: Self.picture)
    let base64 = Self.base64(bytes)
    let escaped = bytes.map { "%" + (String($0, radix: 16).count == 1 ? "0" : "") + String($0, radix: 16) }.joined()
    for address in [
      "data:image/png;base64," + base64, "data:;base64," + base64.replacing("=", with: ""),
      "data:image/png;charset=x;BASE64," + base64.replacing("+", with: "-").replacing("/", with: "_"),
      "data:image/png;base64," + base64.replacing("+", with: "%2B").replacing("=", with: "%3d"),
      "data:image/png," + escaped, "data:image/png;base64,\n" + base64.split(every: 76).joined(separator: "\r\n"),
    ] {
      #expect(try Picture(address).rgb == file.rgb)
    }
  }

  /// By the definition of RFC 4648.
  private static func base64(_ bytes: [UInt8]) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var out: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let three = bytes[start..<min(start + 3, bytes.count)]
      let number = (0..<3).reduce(0) { $0 << 8 | (start + $1 < bytes.count ? Int(bytes[start + $1]) : 0) }
      for digit in 0..<4 {
        out.append(digit <= three.count ? digits[number >> (18 - 6 * digit) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  @Test(arguments: [
    ("data:image/png;base64", "is a data: address without a comma before its data", Failure.Kind.badData),
    ("data:image/png;base64,a", "is a data: address whose data are no base64", .badData),
    ("data:image/png;base64,ab=c", "is a data: address whose data are no base64", .badData),
    ("data:image/png;base64,a*bc", "is a data: address whose data are no base64", .badData),
    ("data:image/png,%4", "is a data: address with a % that no two hexadecimal digits follow", .badData),
    ("data:,", "is empty", .badData),
    ("https://example.org/a.jpg", "is an address; pictures are read from files", .noInput),
    ("HTTP://example.org/a.jpg", "is an address; pictures are read from files", .noInput),
    ("file:///a.jpg", "is an address; pictures are read from files", .noInput),
  ])
  func otherAddressesAreRefused(address: String, reason: String, kind: Failure.Kind) throws {
    let error = failure { _ = try Picture(address) }
    #expect(error?.reason == reason && error?.kind == kind && error?.hint != nil)
  }
}

extension String {
  fileprivate func split(every count: Int) -> [String] {
    stride(from: 0, to: utf8.count, by: count).map { String(decoding: utf8.dropFirst($0).prefix(count), as: UTF8.self) }
  }
}
