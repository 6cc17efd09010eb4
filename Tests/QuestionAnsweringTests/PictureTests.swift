import Arrays
import Kernels
import QuestionAnswering
import TestSupport
import Testing

/// Pictures against what Pillow and transformers make of the same files (tools/fixtures_images.py).
@Suite struct PictureTests {
  private static let folder = "Tests/QuestionAnsweringTests/Fixtures/images"

  private func table(_ name: String) throws -> [JSONValue] {
    let json = try JSONValue(parsing: bytes(of: packageFile("\(Self.folder)/\(name)")))
    return try (json["files"] ?? json).array()
  }

  /// Of the published nets.
  private let profile = VQAProfile.Image(
    side: 384, scale: 0.00392156862745098, mean: [0.48145466, 0.4578275, 0.40821073],
    std: [0.26862954, 0.26130258, 0.27577711])

  private func digest(_ picture: Picture) -> JSONValue { .string(SHA256.digest(picture.rgb).description) }

  /// One pixel, in a tile of 5824² with four planes (TIFF 6.0, sections 2 and 15): nothing is unpacked for it.
  @Test func tilesFarLargerThanThePictureAreRefused() throws {
    let folder = TemporaryFolder()
    func entry(_ tag: UInt16, _ type: UInt16, _ count: UInt32, _ value: UInt32) -> [UInt8] {
      tag.littleEndianBytes + type.littleEndianBytes + count.littleEndianBytes + value.littleEndianBytes
    }
    func picture(_ side: UInt32) -> [UInt8] {
      let entries = [
        entry(256, 4, 1, 1), entry(257, 4, 1, 1), entry(258, 3, 4, 200), entry(259, 3, 1, 1), entry(262, 3, 1, 2),
        entry(277, 3, 1, 4), entry(284, 3, 1, 2), entry(322, 4, 1, side), entry(323, 4, 1, side),
        entry(324, 4, 4, 208), entry(325, 4, 4, 224), entry(338, 3, 1, 2),
      ]
      let head = Array("II*\0".utf8) + UInt32(8).littleEndianBytes + UInt16(entries.count).littleEndianBytes
      let bytes = head + entries.flatMap(\.self) + UInt32(0).littleEndianBytes
      let bits = (0..<4).flatMap { _ in UInt16(8).littleEndianBytes }
      let places = (0..<8).flatMap { UInt32($0 < 4 ? 240 : side * side).littleEndianBytes }
      return bytes + [UInt8](repeating: 0, count: 200 - bytes.count) + bits + places + [UInt8](repeating: 7, count: 256)
    }
    #expect(try Picture(folder.write(picture(16), to: "small.tif")).rgb == [7, 7, 7])
    let error = failure { _ = try Picture(folder.write(picture(5824), to: "large.tif")) }
    #expect(error?.reason == "TIFF: its tiles or strips are too large")
  }

  @Test func picturesAreThoseOfPillow() throws {
    let files = try table("expected.json")
    #expect(files.count >= 60)
    for file in files {
      let name = try file.member("file").string()
      let picture = try Picture(packageFile("\(Self.folder)/\(name)"))
      #expect(JSONValue.integer(picture.width) == file["width"], "\(name)")
      #expect(JSONValue.integer(picture.height) == file["height"], "\(name)")
      #expect(digest(picture) == file["rgb_sha256"], "\(name)")
      for side in [384, 480] {
        #expect(
          digest(try picture.resized(width: side, height: side)) == file["resized_\(side)_sha256"], "\(name) to \(side)"
        )
      }
      #expect(
        digest(try picture.resized(width: 224, height: 224, by: .bilinear)) == file["resized_224_bilinear_sha256"],
        "\(name)")
      let pixels = Floats.bytes(try profile.pixels(of: picture).elements)
      #expect(.string(SHA256.digest(pixels).description) == file["pixel_values_384_sha256"], "\(name)")
    }
  }

  @Test func malformedFilesAreRefused() throws {
    let files = try table("malformed.json")
    #expect(files.count >= 25)
    for file in files {
      let path = packageFile("\(Self.folder)/malformed/\(try file.member("file").string())")
      let failure = failure { _ = try Picture(path) }
      #expect(failure?.kind == .badData && failure?.file == path && failure?.hint != nil, "\(path)")
    }
  }

  @Test func missingFilesAreMissing() {
    #expect(failure { _ = try Picture("/nowhere/picture.png") }?.kind == .noInput)
    #expect(failure { _ = try Picture(packageFolder) }?.kind == .noInput)
  }
}
