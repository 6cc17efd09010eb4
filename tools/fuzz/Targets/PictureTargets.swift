import Arrays
import Media

extension FuzzTarget {
  /// What the child that decodes videos writes.
  static let video = FuzzTarget("video") { bytes in
    let (choice, rest) = bytes.choice(of: 16)
    var position = 0
    func read(_ count: Int, _ buffer: inout [UInt8]) throws(Failure) -> Int {
      let given = min(count, rest.count - position)
      buffer.replaceSubrange(0..<given, with: rest[position..<position + given])
      position += given
      return given
    }
    var stream = VideoStream(picks: choice + 1)
    try stream.start(read)
    var written = Array("INGOTVF\u{1}H".utf8)
    written += UInt64(stream.frames).littleEndianBytes
    written += stream.length.bitPattern.littleEndianBytes
    written += UInt32(stream.count).littleEndianBytes
    var picks = 0
    while let frame = try stream.next(read) {
      picks += frame.picks
      let picture = frame.picture
      written.append(UInt8(ascii: "F"))
      written += UInt64(frame.index).littleEndianBytes
      written += frame.time.bitPattern.littleEndianBytes
      for number in [frame.picks, picture.width, picture.height] { written += UInt32(number).littleEndianBytes }
      written += picture.rgb
    }
    try expect(picks == choice + 1, "another number of picks")
    try expect(written + [UInt8(ascii: "E")] == rest, "other bytes when written again")
  }

  /// A picture's file. C code, most of it that of libraries.
  static let image = FuzzTarget("image", kinds: [.badData, .io]) { bytes in
    let picture = try Picture(bytes: bytes, name: "picture", mostPixels: 1 << 18)
    try expect(picture.width * picture.height <= 1 << 18, "more pixels than are allowed")
    let small = try sure("a smaller picture") { try picture.resized(width: 3, height: 2) }
    try expect(small.rgb.count == 18, "another size than was asked for")
  }

  /// How a camera was held, in the notes of a picture's file.
  static let orientation = FuzzTarget("orientation") { bytes in
    let number = Orientation.noted(in: bytes)
    try expect((1...8).contains(number), "an orientation of \(number)")
    if number == 1 { throw Failure(.badData, "nothing is noted") }
  }

  /// `data:` addresses of pictures.
  static let address = FuzzTarget("address", kinds: [.badData, .io]) { bytes in
    let address = "data:" + String(decoding: bytes, as: UTF8.self)
    let data = try PictureSource(address).bytes()
    try expect(data.count <= address.utf8.count, "more bytes than the address has")
    let hex = data.map { "%" + String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
    let again = try sure("the address with escapes") { try PictureSource("data:," + hex).bytes() }
    try expect(again == data, "other bytes of an address with escapes")
  }
}
