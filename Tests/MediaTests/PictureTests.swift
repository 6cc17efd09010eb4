import Arrays
import Media
import TestSupport
import Testing

/// Pictures against what Pillow makes of the same files (tools/fixtures/fixtures_images.py).
@Suite struct PictureTests {
  private static let folder = "Tests/MediaTests/Fixtures/images"

  private func table(_ name: String) throws -> [JSONValue] {
    let json = try JSONValue(parsing: bytes(of: packageFile("\(Self.folder)/\(name)")))
    return try (json["files"] ?? json).array()
  }

  private func digest(_ picture: Picture) -> JSONValue { .string(SHA256.digest(picture.rgb).description) }

  /// A TIFF of one pixel in a tile of side² (TIFF 6.0, sections 2 and 15): what it has beside sizes, its lists of numbers,
  /// which start at byte 200, and the bytes of its samples behind them.
  private func tile(
    _ side: UInt32, _ fields: [(tag: UInt16, type: UInt16, count: UInt32, value: UInt32)], lists: [UInt8],
    samples: [UInt8]
  ) -> [UInt8] {
    let sizes: [(UInt16, UInt16, UInt32, UInt32)] = [
      (256, 4, 1, 1), (257, 4, 1, 1), (322, 4, 1, side), (323, 4, 1, side),
    ]
    let entries = (sizes + fields).sorted { $0.0 < $1.0 }.flatMap { tag, type, count, value in
      tag.littleEndianBytes + type.littleEndianBytes + count.littleEndianBytes + value.littleEndianBytes
    }
    let head = Array("II*\0".utf8) + UInt32(8).littleEndianBytes + UInt16(4 + fields.count).littleEndianBytes
    let bytes = head + entries + UInt32(0).littleEndianBytes
    return bytes + [UInt8](repeating: 0, count: 200 - bytes.count) + lists + samples
  }

  /// Nothing is unpacked for tiles that are far larger than the picture.
  @Test func tilesFarLargerThanThePictureAreRefused() throws {
    let folder = TemporaryFolder()
    func planes(_ side: UInt32) -> [UInt8] {
      let bits = (0..<4).flatMap { _ in UInt16(8).littleEndianBytes }
      let places = (0..<8).flatMap { UInt32($0 < 4 ? 240 : side * side).littleEndianBytes }
      return tile(
        side,
        [
          (258, 3, 4, 200), (259, 3, 1, 1), (262, 3, 1, 2), (277, 3, 1, 4), (284, 3, 1, 2), (324, 4, 4, 208),
          (325, 4, 4, 224), (338, 3, 1, 2),
        ], lists: bits + places, samples: [UInt8](repeating: 7, count: 256))
    }
    // YCbCr, the colors of two pixels by two together (section 21): what libtiff makes RGB of.
    func subsampled(_ side: UInt32) -> [UInt8] {
      let bits = (0..<3).flatMap { _ in UInt16(8).littleEndianBytes }
      // A stored block of zlib (RFC 1950 and 1951) of the 384 samples of 16 × 16 pixels, and their Adler-32.
      let length = UInt16(384).littleEndianBytes
      let samples = [UInt8](repeating: 128, count: 384)
      let packed = [0x78, 1, 1] + length + length.map { ~$0 } + samples + [0x69, 0xf0, 0xc0, 1]
      return tile(
        side,
        [
          (258, 3, 3, 200), (259, 3, 1, 8), (262, 3, 1, 6), (277, 3, 1, 3), (284, 3, 1, 1), (324, 4, 1, 206),
          (325, 4, 1, UInt32(packed.count)), (530, 3, 2, 2 << 16 | 2),
        ], lists: bits, samples: packed)
    }
    #expect(try Picture(folder.write(planes(16), to: "planes.tif")).rgb == [7, 7, 7])
    // libtiff 4.7.2 doesn't take this one.
    let path = try folder.write(subsampled(16), to: "subsampled.tif")
    var pixel: [UInt8] = []
    let refused = failure { pixel = try Picture(path).rgb }
    #expect(pixel == [128, 128, 128] || refused?.reason == "TIFF: Sorry, can not handle image")
    for large in [planes(5824), subsampled(9472)] {
      let error = failure { _ = try Picture(folder.write(large, to: "large.tif")) }
      #expect(error?.reason == "TIFF: its tiles or strips are too large" || error?.reason == refused?.reason)
    }
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
