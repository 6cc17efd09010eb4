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
