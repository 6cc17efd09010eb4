import Arrays
import Media
import TestSupport
import Testing

/// Pictures taken with the camera turned, against Pillow's `ImageOps.exif_transpose` (tools/fixtures/fixtures_orientation.py).
@Suite struct OrientationTests {
  private static let folder = packageFile("Tests/MediaTests/Fixtures/orientation")

  private func described(_ picture: Picture) -> JSONValue {
    let digits = Array("0123456789abcdef".utf8)
    let hex = picture.rgb.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return [.integer(picture.width), .integer(picture.height), .string(String(decoding: hex, as: UTF8.self))]
  }

  @Test func picturesAreTurnedAsPillowTurnsThem() throws {
    let expected = try JSONValue(parsing: bytes(of: "\(Self.folder)/expected.json")).object()
    #expect(expected.count >= 60)
    var turned = 0
    for file in expected {
      let picture = try Picture("\(Self.folder)/\(file.key)")
      let (stored, upright) = (try file.value.member("stored"), try file.value.member("upright"))
      #expect(described(picture) == stored, "\(file.key)")
      #expect(described(picture.upright()) == upright, "\(file.key)")
      #expect(!picture.upright().isTurned)
      turned += picture.isTurned ? 1 : 0
    }
    #expect(turned >= 35)
  }

  /// A note cut short is none, and costs nothing else.
  @Test func damagedNotesCountAsNone() throws {
    for name in ["jpeg-6.jpg", "png-6.png", "webp-6.webp", "big.jpg", "raw.png"] {
      let whole = try bytes(of: "\(Self.folder)/\(name)")
      let place = try #require(
        whole.indices.first { whole[$0...].starts(with: "II*\0".utf8) || whole[$0...].starts(with: "MM\0*".utf8) }
          ?? whole.indices.first { whole[$0...].starts(with: "Raw profile".utf8) })
      for offset in 0..<min(30, whole.count - place) {
        var changed = whole
        changed[place + offset] ^= 0xff
        // PNG's checksums are not held against chunks that decoders pass over; a decoder may refuse, but no more.
        guard let picture = try? Picture(bytes: changed, name: name) else { continue }
        #expect((1...8).contains(picture.orientation) && picture.upright().rgb.count == picture.rgb.count)
      }
    }
  }
}
