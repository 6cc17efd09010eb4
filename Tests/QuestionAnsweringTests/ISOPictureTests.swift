import Arrays
import Foundation
import QuestionAnswering
import TestSupport
import Testing

/// Pictures in MP4's container: AVIF, which is read, and HEIC, which is named. See tools/fixtures_avif.py.
@Suite struct ISOPictureTests {
  private let folder = TemporaryFolder()
  private static let pictures = packageFile("Tests/QuestionAnsweringTests/Fixtures/avif")

  /// FFmpeg and Pillow round otherwise, and interpolate colours that are stored at half the resolution otherwise, which
  /// shows in these pictures' steep gradients.
  @Test(arguments: [("full.avif", 3), ("half.avif", 12), ("limited.avif", 12)])
  func avifIsNearPillows(name: String, most: Int) throws {
    let expected = try JSONValue(parsing: bytes(of: "\(Self.pictures)/expected.json")).member(name)
    let picture = try Picture("\(Self.pictures)/\(name)")
    #expect(try picture.width == expected.member("width").integer())
    #expect(try picture.height == expected.member("height").integer())
    let rgb = try expected.member("rgb").array().map { try $0.integer() }
    #expect(rgb.count == picture.rgb.count)
    let errors = zip(rgb, picture.rgb).map { abs($0 - Int($1)) }
    let (largest, mean) = (errors.max() ?? 255, Double(errors.reduce(0, +)) / Double(max(errors.count, 1)))
    #expect(largest <= most && mean < 2.5, "\(largest), \(mean)")
  }

  @Test(arguments: ["heic", "heix", "hevc", "mif1", "msf1"]) func heicIsNamed(brand: String) throws {
    let head = [0, 0, 0, 24] + Array("ftyp\(brand)".utf8) + [0, 0, 0, 0] + Array("mif1heic".utf8)
    let path = try folder.write(head + [UInt8](repeating: 0, count: 300), to: "photo.jpg")
    let error = failure { _ = try Picture(path) }
    #expect(error?.kind == .badData && error?.reason == "is a HEIC picture, which is not read" && error?.file == path)
    #expect(error?.hint?.contains("JPEG") == true)
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

  @Test func damagedAVIFIsRefused() throws {
    let whole = try bytes(of: "\(Self.pictures)/full.avif")
    for count in [40, 200, whole.count - 20] {
      let path = try folder.write(Array(whole.prefix(count)), to: "cut.avif")
      let error = failure { _ = try Picture(path) }
      #expect(error?.kind == .badData && error?.file == path, "\(String(describing: error))")
    }
  }
}
