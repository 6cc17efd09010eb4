import Arrays
import Media
import TestSupport
import Testing

@Suite struct ThumbnailTests {
  /// Colours that change slowly, which JPEG keeps well.
  private func picture(_ width: Int, _ height: Int) -> Picture {
    var rgb: [UInt8] = []
    rgb.reserveCapacity(width * height * 3)
    for y in 0..<height {
      for x in 0..<width {
        rgb += [UInt8(40 + 170 * x / width), UInt8(40 + 170 * y / height), 128]
      }
    }
    return Picture(width: width, height: height, rgb: rgb)
  }

  private func error(_ picture: Picture, _ other: Picture) -> Double {
    let sum = zip(picture.rgb, other.rgb).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
    return Double(sum) / Double(picture.rgb.count)
  }

  @Test(arguments: [
    (1, 1, 1, 1), (176, 176, 176, 176), (64, 48, 64, 48), (800, 600, 176, 132), (3000, 10, 176, 1),
    (10, 3000, 1, 176), (177, 1, 176, 1), (1, 5000, 1, 176),
  ])
  func thumbnailsAreThePictureResized(_ width: Int, _ height: Int, _ newWidth: Int, _ newHeight: Int) throws {
    let source = picture(width, height)
    let bytes = try source.thumbnail(side: 176)
    let decoded = try Picture(bytes: bytes, name: "thumbnail")
    #expect(decoded.width == newWidth && decoded.height == newHeight)
    let wanted =
      newWidth == width && newHeight == height ? source : try source.resized(width: newWidth, height: newHeight)
    #expect(error(decoded, wanted) < 3)
    #expect(bytes.count < 12_000)
    #expect(try source.thumbnail(side: 176) == bytes)
  }

  /// More than the encoder's first memory.
  @Test func noiseFitsToo() throws {
    var generator = SystemRandomNumberGenerator()
    let rgb = (0..<512 * 512 * 3).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    let picture = Picture(width: 512, height: 512, rgb: rgb)
    let bytes = try picture.thumbnail(side: 512, quality: 100)
    #expect(bytes.count > 200_000)
    let decoded = try Picture(bytes: bytes, name: "thumbnail")
    #expect(decoded.width == 512 && decoded.height == 512)
  }
}
