import Arrays
import Foundation
import Media
import TestSupport
import Testing

/// Pictures in MP4's container: AVIF by FFmpeg, HEIC by libheif. See tools/fixtures/fixtures_avif.py and tools/fixtures/fixtures_heic.py.
@Suite struct ISOPictureTests {
  private let folder = TemporaryFolder()
  private static let pictures = packageFile("Tests/MediaTests/Fixtures/avif")

  /// FFmpeg and Pillow round otherwise, and interpolate colours that are stored at half the resolution otherwise, which
  /// shows in these pictures' steep gradients.
  @Test(arguments: [("full.avif", 3), ("half.avif", 12), ("limited.avif", 12)])
  func avifIsNearPillows(name: String, most: Int) throws {
    try expectNear("avif", name, most: most, mean: 2.5)
  }

  /// Releases of libheif interpolate colours that are stored at half the resolution otherwise.
  @Test(arguments: [("full.heic", 1), ("half.heic", 12), ("turned.heic", 1)])
  func heicIsNearLibheifs(name: String, most: Int) throws {
    try expectNear("heic", name, most: most, mean: 1)
  }

  private func expectNear(_ folder: String, _ name: String, most: Int, mean bound: Double) throws {
    let folder = packageFile("Tests/MediaTests/Fixtures/\(folder)")
    let expected = try JSONValue(parsing: bytes(of: "\(folder)/expected.json")).member(name)
    let picture = try Picture("\(folder)/\(name)")
    #expect(try picture.width == expected.member("width").integer())
    #expect(try picture.height == expected.member("height").integer())
    let rgb = try expected.member("rgb").array().map { try $0.integer() }
    #expect(rgb.count == picture.rgb.count)
    let errors = zip(rgb, picture.rgb).map { abs($0 - Int($1)) }
    let (largest, mean) = (errors.max() ?? 255, Double(errors.reduce(0, +)) / Double(max(errors.count, 1)))
    #expect(largest <= most && mean < bound, "\(largest), \(mean)")
  }

  @Test(arguments: ["heic", "heix", "hevc", "mif1", "msf1"]) func damagedHEICIsNamed(brand: String) throws {
    let head = [0, 0, 0, 24] + Array("ftyp\(brand)".utf8) + [0, 0, 0, 0] + Array("mif1heic".utf8)
    let path = try folder.write(head + [UInt8](repeating: 0, count: 300), to: "photo.jpg")
    let error = failure { _ = try Picture(path) }
    #expect(error?.kind == .badData && error?.file == path)
    #expect(error?.reason.hasPrefix("is a damaged HEIC picture, or one that is cut short") == true)
  }

  @Test func whatIsInNoFileIsNamed() throws {
    for (folder, name, kind) in [("heic", "full.heic", "a HEIC"), ("avif", "full.avif", "an AVIF")] {
      let bytes = try bytes(of: packageFile("Tests/MediaTests/Fixtures/\(folder)/\(name)"))
      let error = failure { _ = try Picture(bytes: bytes, name: "standard input") }
      #expect(error?.description == "standard input: is \(kind) picture, which is read from files only")
    }
  }

  /// A box of any length, cut anywhere, is no surprise.
  @Test func forgedBoxesAreRefused() throws {
    for length in [0, 1, 8, 11, 12, 15, 16, 17, 23, 255] as [UInt8] {
      for count in [0, 3, 8, 12, 16, 19, 20, 400] {
        let head = [0, 0, 0, length] + Array("ftypheic".utf8) + [0, 0, 0, 0] + Array("avifheic".utf8)
        let bytes = Array((head + [UInt8](repeating: 0x41, count: 400)).prefix(count))
        let error = failure { _ = try Picture(bytes: bytes, name: "forged") }
        #expect(error?.kind == .badData && (count > 0 || error?.reason == "is empty"))
      }
    }
  }

  @Test func cutHEICIsRefused() throws {
    let whole = try bytes(of: packageFile("Tests/MediaTests/Fixtures/heic/full.heic"))
    for count in [40, 200, whole.count - 40] {
      let path = try folder.write(Array(whole.prefix(count)), to: "cut.heic")
      let error = failure { _ = try Picture(path) }
      #expect(error?.kind == .badData && error?.file == path, "\(String(describing: error))")
    }
  }

  @Test func damagedAVIFIsRefused() throws {
    let whole = try bytes(of: "\(Self.pictures)/full.avif")
    for count in [40, 200, whole.count - 20] {
      let path = try folder.write(Array(whole.prefix(count)), to: "cut.avif")
      let error = failure { _ = try Picture(path) }
      #expect(error?.kind == .badData && error?.file == path, "\(String(describing: error))")
    }
  }
}
