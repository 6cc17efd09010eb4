import Arrays
import Families
import Kernels
import Media
import Tasks
import TestSupport
import Testing

/// What nets get of pictures, against what transformers makes of the same files (tools/fixtures/fixtures_images.py).
@Suite struct PixelsTests {
  /// Of the published nets.
  private let profile = VQAProfile.Image(
    side: 384,
    ImagePreparation(
      size: .exactly(height: 384, width: 384),
      normalization: ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])))

  @Test func pixelsAreThoseOfThePublisher() throws {
    let folder = "Tests/MediaTests/Fixtures/images"
    let files = try JSONValue(parsing: bytes(of: packageFile("\(folder)/expected.json"))).member("files").array()
    #expect(files.count >= 60)
    for file in files {
      let name = try file.member("file").string()
      let picture = try Picture(packageFile("\(folder)/\(name)"))
      let pixels = Floats.bytes(try profile.pixels(of: picture).elements)
      #expect(.string(SHA256.digest(pixels).description) == file["pixel_values_384_sha256"], "\(name)")
    }
  }
}
