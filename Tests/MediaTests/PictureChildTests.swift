import Arrays
import Media
import TestSupport
import Testing

/// Pictures that a child process decodes are those that this one decodes, and so are the reasons why one can't be.
@Suite struct PictureChildTests {
  private static let folders = ["images", "orientation"].map { packageFile("Tests/MediaTests/Fixtures/\($0)") }
  private static let suffixes = [".png", ".jpg", ".webp", ".bmp", ".gif", ".tif", ".tiff"]

  @Test func pixelsAreTheSame() throws {
    var count = 0
    for folder in Self.folders {
      for name in try Paths.names(in: folder) where Self.suffixes.contains(where: name.hasSuffix) {
        // All would take a process each; every third is of every format too.
        count += 1
        guard count % 3 == 0 else { continue }
        let file = try bytes(of: Paths.join(folder, name))
        let here = Result { () throws(Failure) in try Picture(bytes: file, name: "a picture") }
        let there = Result { () throws(Failure) in try Picture(decodingInChild: file, name: "a picture") }
        switch (here, there) {
        case (.success(let here), .success(let there)):
          #expect(here.width == there.width && here.height == there.height, "\(name)")
          #expect(here.rgb == there.rgb && here.orientation == there.orientation, "\(name)")
        case (.failure(let here), .failure(let there)):
          #expect(here.reason == there.reason && here.kind == there.kind, "\(name)")
        default: Issue.record("\(name): \(here), \(there)")
        }
      }
    }
    #expect(count >= 60)
  }

  @Test func whatIsNoPictureIsRefused() throws {
    let whole = try bytes(of: packageFile("weights/demo/pictures/red-circle-0004.png"))
    let cases: [([UInt8], String)] = [
      ([], "is empty"), (Array("text".utf8), "is not an image"), (Array(whole[..<60]), "PNG"),
      ([0, 0, 0, 24] + Array("ftypheic".utf8) + [UInt8](repeating: 0, count: 30), "HEIC"),
    ]
    for (bytes, reason) in cases {
      let found = failure { _ = try Picture(decodingInChild: bytes, name: "sent") }
      #expect(found?.kind == .badData && found?.file == "sent", "\(reason): \(String(describing: found))")
      #expect(found?.reason.contains(reason) == true, "\(reason): \(String(describing: found))")
    }
  }

  /// What is read of a file by the libraries for videos is the same when it is in none.
  @Test(arguments: ["heic/full.heic", "heic/turned.heic", "avif/full.avif", "avif/limited.avif"])
  func picturesOfPhones(name: String) throws {
    let path = packageFile("Tests/MediaTests/Fixtures/\(name)")
    let (file, sent) = try (Picture(path), bytes(of: path))
    let picture = try Picture(decodingInChild: sent, name: "sent")
    #expect(picture.width == file.width && picture.height == file.height && picture.rgb == file.rgb)
    let cut = failure { _ = try Picture(decodingInChild: Array(sent.prefix(sent.count / 2)), name: "sent") }
    #expect(cut?.kind == .badData && cut?.file == "sent", "\(String(describing: cut))")
  }

  /// A limit that is smaller than the picture is one in the child too.
  @Test func pixelsAreLimited() throws {
    let large = Picture(width: 7100, height: 7100, rgb: [UInt8](repeating: 9, count: 7100 * 7100 * 3))
    let file = try large.png()
    #expect(try Picture(decodingInChild: file, name: "sent").width == 7100)
    let found = failure { _ = try Picture(decodingInChild: file, name: "sent", pixels: .requestPixels) }
    #expect(found?.kind == .badData && found?.reason.contains("7100 × 7100 pixels: more than the 50000000") == true)
  }
}
