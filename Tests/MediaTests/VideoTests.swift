import Arrays
import Foundation
import Media
import TestSupport
import Testing

/// Videos against what ffmpeg, ffprobe and Pillow made of them (tools/fixtures/fixtures_video.py).
@Suite struct VideoTests {
  private static let fixtures = "Tests/MediaTests/Fixtures/videos"
  private static let names = [
    "animation.gif", "animation.webp", "av1.mp4", "broadcast.ts", "full-range.mp4", "h264.mp4", "no-times.avi",
    "one.mp4",
    "rotated.mp4", "streamed.webm", "ten-bit.mp4", "upside-down.mp4", "variable.mp4", "vp9.webm",
  ]

  private let folder = TemporaryFolder()

  private static func file(_ name: String) -> String { packageFile("\(fixtures)/\(name)") }

  private static func expected() throws -> JSONValue { try JSONValue(parsing: bytes(of: file("expected.json"))) }

  private func frames(_ path: String, _ count: Int) throws -> [VideoFrame] {
    let reader = try VideoReader(Video(path, frames: count))
    var out: [VideoFrame] = []
    while let frame = try reader.next() { out.append(frame) }
    #expect(out.count == reader.count)
    return out
  }

  @Test(arguments: names) func theRightFramesAreTaken(name: String) throws {
    let expected = try Self.expected().member("files").member(name)
    let reader = try VideoReader(Video(Self.file(name)))
    #expect(try reader.frames == expected.member("frames").size())
    #expect(try abs(reader.length - expected.member("length").number()) < 1e-6)
    for count in [1, 3, 8, 16] {
      let frames = try frames(Self.file(name), count)
      let picks = try expected.member("picks").member("\(count)").array()
      #expect(
        try frames.flatMap { Array(repeating: $0.index, count: $0.picks) } == picks.map { try $0.array()[0].size() })
      for (time, pick) in zip(frames.flatMap { Array(repeating: $0.time, count: $0.picks) }, picks) {
        #expect(try abs(time - pick.array()[1].number()) < 1e-6)
      }
      for frame in frames where count < 16 {
        #expect(try frame.picture.width == expected.member("width").size())
        #expect(try frame.picture.height == expected.member("height").size())
        let grid = Self.grid(frame.picture)
        let wanted = try Self.hex(expected.member("grids").member("\(frame.index)").string())
        let difference = zip(grid, wanted).reduce(0) { $0 + abs($1.0 - Double($1.1)) } / Double(grid.count)
        #expect(wanted.count == 192 && difference < 1, "frame \(frame.index): \(difference)")
      }
    }
  }

  /// Of several streams, the one that the program ffmpeg takes (tools/fixtures/fixtures_streams.py).
  @Test func theStreamIsTheOneThatFFmpegTakes() throws {
    let folder = packageFile("Tests/MediaTests/Fixtures/streams")
    let expected = try JSONValue(parsing: bytes(of: "\(folder)/expected.json")).object()
    #expect(expected.count == 6)
    for file in expected {
      let picture = try #require(frames("\(folder)/\(file.key)", 1).first?.picture)
      #expect(try [picture.width, picture.height] == file.value.sizes(), "\(file.key)")
    }
  }

  /// Means of cells: 8 × 8 × 3.
  private static func grid(_ picture: Picture) -> [Double] {
    var out: [Double] = []
    for y in 0..<8 {
      for x in 0..<8 {
        let rows = y * picture.height / 8..<(y + 1) * picture.height / 8
        let columns = x * picture.width / 8..<(x + 1) * picture.width / 8
        for channel in 0..<3 {
          var sum = 0
          for row in rows {
            for column in columns { sum += Int(picture.rgb[(row * picture.width + column) * 3 + channel]) }
          }
          out.append(Double(sum) / Double(rows.count * columns.count))
        }
      }
    }
    return out
  }

  private static func hex(_ text: String) -> [UInt8] {
    let digits = text.utf8.map { UInt8($0 > 0x39 ? $0 - 0x57 : $0 - 0x30) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  /// Cut anywhere, a video is refused, or the frames that are left are taken; never does it take long.
  @Test(arguments: names) func whatIsCutShortIsNoSurprise(name: String) throws {
    let whole = try bytes(of: Self.file(name))
    for share in [0, 0.02, 0.3, 0.7, 0.9] {
      let cut = Array(whole.prefix(Int(share * Double(whole.count))))
      let path = try folder.write(cut, to: "cut-\(name)")
      let failure = failure { _ = try frames(path, 8) }
      if let failure { #expect(failure.kind == .badData && failure.file == path, "\(failure)") }
      // These know their size, or have their index at the end.
      let knows = [".mp4", "vp9.webm", "animation.webp"].contains { name.hasSuffix($0) }
      #expect(failure != nil || !knows && share > 0, "\(name) cut to \(cut.count) bytes")
    }
  }

  @Test func damageIsNoSurprise() throws {
    var generator = SeededGenerator(7)
    for name in Self.names {
      let whole = try bytes(of: Self.file(name))
      for _ in 0..<6 {
        var damaged = whole
        for _ in 0..<4 {
          let number = generator.next()
          damaged[Int(number >> 33) % damaged.count] ^= UInt8(truncatingIfNeeded: number >> 25) | 1
        }
        let path = try folder.write(damaged, to: "damaged-\(name)")
        let failure = failure { _ = try frames(path, 8) }
        #expect(failure == nil || failure?.kind == .badData, "\(name): \(failure.map(\.description) ?? "")")
      }
    }
  }

  @Test func whatIsNoVideoIsRefused() throws {
    for name in ["playlist.m3u8", "list.ffconcat", "expected.json"] {
      let failure = failure { _ = try Video(Self.file(name)) }
      #expect(failure?.kind == .badData && failure?.reason.contains("is not a video of a known format") == true)
    }
    #expect(failure { _ = try frames(Self.file("sound.mp4"), 8) }?.reason == "holds no video")
    #expect(failure { _ = try Video(Self.file("one.mp4"), frames: 0) }?.kind == .usage)
    #expect(failure { _ = try Video(Self.file("one.mp4"), frames: 1025) }?.kind == .usage)
    #expect(failure { _ = try Video(folder.path) }?.kind == .noInput)
    #expect(failure { _ = try Video(folder.file("none.mp4")) }?.kind == .noInput)
    // It begins as a video does, and is a playlist for who looks no further than a line.
    let forged = try folder.write(
      Array("0000ftyp\n#EXTM3U\n#EXT-X-TARGETDURATION:2\nh264.mp4\n".utf8), to: "forged.mp4")
    #expect(failure { _ = try frames(forged, 8) }?.kind == .badData)
  }

  /// Should a hostile video take the child over, it still has only this to say.
  @Test func whatTheChildSaysIsChecked() throws {
    func number(_ value: UInt64, _ bytes: Int) -> [UInt8] { Array(value.littleEndianBytes.prefix(bytes)) }
    func head(frames: UInt64 = 4, length: Double = 2, count: UInt64 = 2, magic: String = "INGOTVF\u{1}H") -> [UInt8] {
      Array(magic.utf8) + number(frames, 8) + number(length.bitPattern, 8) + number(count, 4)
    }
    func frame(
      _ index: UInt64, _ time: Double, picks: UInt64 = 1, width: UInt64 = 2, height: UInt64 = 1, pixels: Int = 6
    ) -> [UInt8] {
      [UInt8(ascii: "F")] + number(index, 8) + number(time.bitPattern, 8) + number(picks, 4) + number(width, 4)
        + number(height, 4) + [UInt8](repeating: 9, count: pixels)
    }
    func read(_ input: [UInt8]) throws -> Int {
      var rest = input[...]
      let read: VideoStream.Read = { count, buffer throws(Failure) in
        let some = rest.prefix(count)
        buffer.replaceSubrange(0..<some.count, with: some)
        rest = rest.dropFirst(some.count)
        return some.count
      }
      var stream = VideoStream(picks: 3)
      try stream.start(read)
      var count = 0
      while try stream.next(read) != nil { count += 1 }
      return count
    }
    let good = frame(0, 0, picks: 2) + frame(3, 1.5)
    #expect(try read(head() + good + [0x45]) == 2)
    let bad: [[UInt8]] = [
      [], head(), head(magic: "INGOTVF\u{2}H") + good + [0x45], head() + good, head() + good + [0x45, 0x45],
      head() + good + [0x46], head(frames: 3) + good + [0x45], head(length: 1) + good + [0x45],
      head(length: .nan) + good + [0x45], head(length: -1) + good + [0x45], head(count: 1) + good + [0x45],
      head(count: 4) + good + [0x45], head(count: 0) + [0x45], head(frames: .max) + good + [0x45],
      head() + frame(0, 0) + frame(3, 1.5) + [0x45], head() + frame(0, 0, picks: 3) + frame(3, 1.5) + [0x45],
      head() + frame(3, 0, picks: 2) + frame(3, 1.5) + [0x45], head() + frame(0, 1, picks: 2) + frame(3, 0.5) + [0x45],
      head() + frame(0, .nan, picks: 2), head() + frame(0, 0, width: 0),
      head() + frame(0, 0, width: 1 << 20, height: 1 << 20),
      head() + frame(0, 0, picks: 0) + frame(1, 1), head() + frame(0, 0, pixels: 5),
      head() + frame(0, 0, width: 1 << 13, height: 1 << 13),
    ]
    for (index, input) in bad.enumerated() {
      #expect(failure { _ = try read(input) }?.kind == .badData, "case \(index)")
    }
  }
}
