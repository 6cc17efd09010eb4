import Arrays

/// How a camera was held, as a picture's file notes it (EXIF 2.32, tag 274; else XMP's tiff:Orientation): 1 upright, 2…8
/// turned or mirrored. Read as Pillow 13.0.0's `Image.getexif` does of JPEG, PNG and WebP; what is malformed counts as
/// nothing noted. (A TIFF is turned by its own tag as it is decoded, in Pillow and here.)
package struct Orientation {
  private let bytes: [UInt8]

  /// 1...8; 1 where nothing is noted.
  package static func noted(in bytes: [UInt8]) -> Int {
    let file = Orientation(bytes: bytes)
    let notes: (exif: [UInt8], xmp: [UInt8])
    switch Picture.format(bytes) {
    case "JPEG": notes = file.jpeg
    case "PNG": notes = file.png
    case "WebP": notes = file.webp
    default: return 1
    }
    let number = exif(notes.exif) ?? xmp(notes.xmp) ?? 1
    return (1...8).contains(number) ? number : 1
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func has(_ text: String, at offset: Int) -> Bool {
    offset >= 0 && offset <= bytes.count && bytes[offset...].starts(with: text.utf8)
  }

  private func big(_ count: Int, at offset: Int) -> Int? {
    guard offset >= 0, offset + count <= bytes.count else { return nil }
    return bytes[offset..<offset + count].reduce(0) { $0 << 8 | Int($1) }
  }

  private func little32(at offset: Int) -> Int? {
    guard offset >= 0, offset + 4 <= bytes.count else { return nil }
    return bytes[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  // MARK: Containers

  /// Segments up to the first scan. EXIF in several goes on from one to the next.
  private var jpeg: (exif: [UInt8], xmp: [UInt8]) {
    var (exif, xmp): ([UInt8], [UInt8]) = ([], [])
    var position = 2
    while position + 4 <= bytes.count {
      // Before a marker there may be any number of 0xff, and, in Pillow, of anything else.
      guard bytes[position] == 0xff else {
        position += 1
        continue
      }
      let marker = bytes[position + 1]
      if marker == 0xff {
        position += 1
        continue
      }
      if marker == 0 || marker == 1 || (0xd0...0xd8).contains(marker) {
        position += 2
        continue
      }
      guard marker != 0xda, marker != 0xd9, let length = big(2, at: position + 2), length >= 2,
        position + 2 + length <= bytes.count
      else { break }
      let start = position + 4
      let segment = bytes[start..<position + 2 + length]
      if marker == 0xe1 {
        let xap = "http://ns.adobe.com/xap/1.0/\0"
        if segment.starts(with: "Exif\0\0".utf8) {
          exif += exif.isEmpty ? segment : segment.dropFirst(6)
        } else if segment.starts(with: xap.utf8) {
          xmp = Array(segment.dropFirst(xap.utf8.count))
        }
      }
      position += 2 + length
    }
    return (exif, xmp)
  }

  /// Chunks, before and behind the pixels.
  private var png: (exif: [UInt8], xmp: [UInt8]) {
    var (exif, raw, xmp): ([UInt8], [UInt8], [UInt8]) = ([], [], [])
    var position = 8
    while let length = big(4, at: position), length <= bytes.count - position - 8 {
      let start = position + 8
      let chunk = bytes[start..<start + length]
      if has("eXIf", at: position + 4) {
        exif = Array("Exif\0\0".utf8) + chunk
      } else if has("iTXt", at: position + 4), chunk.starts(with: "XML:com.adobe.xmp\0".utf8) {
        xmp = Self.international(chunk) ?? xmp
      } else if has("zTXt", at: position + 4) || has("tEXt", at: position + 4) {
        raw = Self.rawProfile(chunk, isPacked: has("zTXt", at: position + 4)) ?? raw
      } else if has("IEND", at: position + 4) {
        break
      }
      position = start + length + 4
    }
    return (exif.isEmpty ? raw : exif, xmp)
  }

  /// The text of an iTXt chunk, which may be packed.
  private static func international(_ chunk: ArraySlice<UInt8>) -> [UInt8]? {
    guard let end = chunk.firstIndex(of: 0), end + 2 < chunk.endIndex else { return nil }
    let isPacked = chunk[end + 1] != 0
    var rest = chunk[(end + 3)...]
    for _ in 0..<2 {
      guard let end = rest.firstIndex(of: 0) else { return nil }
      rest = rest[(end + 1)...]
    }
    return isPacked ? try? Inflation.zlib(Array(rest), most: mostText) : Array(rest)
  }

  /// What ImageMagick writes: EXIF in hexadecimal, behind three lines of other things.
  private static func rawProfile(_ chunk: ArraySlice<UInt8>, isPacked: Bool) -> [UInt8]? {
    let key = "Raw profile type exif\0"
    guard chunk.starts(with: key.utf8) else { return nil }
    let rest = chunk.dropFirst(key.utf8.count)
    guard let text = isPacked ? try? Inflation.zlib(Array(rest.dropFirst()), most: mostText) : Array(rest) else {
      return nil
    }
    let lines = text.split(separator: 0x0a, omittingEmptySubsequences: false).dropFirst(3)
    var digits: [UInt8] = []
    for byte in lines.joined() {
      guard let digit = Character(UnicodeScalar(byte)).hexDigitValue else { return nil }
      digits.append(UInt8(digit))
    }
    guard digits.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  /// Of a packed text, unpacked.
  private static let mostText = 1 << 20

  private var webp: (exif: [UInt8], xmp: [UInt8]) {
    var (exif, xmp): ([UInt8], [UInt8]) = ([], [])
    var position = 12
    while let length = little32(at: position + 4), length <= bytes.count - position - 8 {
      let chunk = bytes[position + 8..<position + 8 + length]
      if has("EXIF", at: position), exif.isEmpty { exif = Array(chunk) }
      if has("XMP ", at: position), xmp.isEmpty { xmp = Array(chunk) }
      position += 8 + length + length % 2
    }
    return (exif, xmp)
  }

  // MARK: Notes

  /// The tag's value in the first directory of EXIF.
  private static func exif(_ exif: [UInt8]) -> Int? {
    var bytes = exif[...]
    while bytes.starts(with: "Exif\0\0".utf8) { bytes = bytes.dropFirst(6) }
    let data = Array(bytes)
    guard data.count >= 8 else { return nil }
    let isBig = data.starts(with: "MM\0*".utf8)
    guard isBig || data.starts(with: "II*\0".utf8) else { return nil }
    func number(_ count: Int, at offset: Int) -> Int? {
      guard offset >= 0, count <= data.count, offset <= data.count - count else { return nil }
      let slice = data[offset..<offset + count]
      return isBig
        ? slice.reduce(0) { $0 << 8 | Int($1) } : slice.reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    guard let directory = number(4, at: 4), let count = number(2, at: directory) else { return nil }
    for index in 0..<count {
      let entry = directory + 2 + 12 * index
      guard let tag = number(2, at: entry), let type = number(2, at: entry + 2), let length = number(4, at: entry + 4),
        entry + 12 <= data.count
      else { break }
      guard tag == 274, let size = sizes[type], length > 0 else { continue }
      let isInPlace = size * length <= 4
      guard isInPlace || size * length <= data.count else { continue }
      guard let place = isInPlace ? entry + 8 : number(4, at: entry + 8), place + size * length <= data.count else {
        break
      }
      // The first that can be read counts, and of its values the first. What is no number turns nothing.
      switch type {
      case 3, 4, 13, 16: return number(size, at: place)
      case 6: return number(1, at: place).map { Int(Int8(truncatingIfNeeded: $0)) }
      case 8: return number(2, at: place).map { Int(Int16(truncatingIfNeeded: $0)) }
      case 9: return number(4, at: place).map { Int(Int32(truncatingIfNeeded: $0)) }
      case 5, 10:
        guard let above = number(4, at: place), let below = number(4, at: place + 4), below > 0 else { return 1 }
        return above % below == 0 ? above / below : 1
      case 11: return number(4, at: place).flatMap { Int(exactly: Float(bitPattern: UInt32($0))) } ?? 1
      case 12:
        return number(8, at: place).flatMap { Int(exactly: Double(bitPattern: UInt64(bitPattern: Int64($0)))) } ?? 1
      default: return 1
      }
    }
    return nil
  }

  /// Bytes of an element, by its type's number (TIFF 6.0, section 2, and BigTIFF).
  private static let sizes = [
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8,
  ]

  /// `tiff:Orientation="6"` or `<tiff:Orientation>6<`.
  private static func xmp(_ text: [UInt8]) -> Int? {
    let name = Array("tiff:Orientation".utf8)
    var rest = text[...]
    while let start = rest.firstIndex(of: name[0]) {
      rest = rest[start...]
      if rest.starts(with: name) {
        let after = rest.dropFirst(name.count)
        let skipped = after.starts(with: "=\"".utf8) ? 2 : after.first == UInt8(ascii: ">") ? 1 : 0
        if skipped > 0, let digit = after.dropFirst(skipped).first, (0x30...0x39).contains(digit) {
          return Int(digit) - 0x30
        }
      }
      rest = rest.dropFirst()
    }
    return nil
  }
}

extension Picture {
  /// Reads a picture and turns it as the camera noted, or notes that it is looked at as it is stored.
  /// - Throws: `Failure` as `Picture` does.
  package init(_ path: String, isUpright: Bool, turned: inout [String]) throws(Failure) {
    let picture = try Picture(path)
    self = isUpright ? picture.upright() : picture
    if isTurned { turned.append(PictureSource(path).name) }
  }

  /// Whether the camera was turned when it was taken, which its pixels don't show.
  public var isTurned: Bool { orientation != 1 }

  /// The picture turned, or mirrored, as the camera noted: what Pillow's `ImageOps.exif_transpose` makes of it.
  public func upright() -> Picture {
    guard isTurned else { return self }
    let isSideways = orientation >= 5
    let (newWidth, newHeight) = isSideways ? (height, width) : (width, height)
    var out = [UInt8](repeating: 0, count: rgb.count)
    for y in 0..<newHeight {
      for x in 0..<newWidth {
        let (left, top) = isSideways ? (y, x) : (x, y)
        // Where the pixel is taken from: from the right in 2, 3, 7, 8, from the bottom in 3, 4, 6, 7.
        let fromX = [2, 3, 7, 8].contains(orientation) ? width - 1 - left : left
        let fromY = [3, 4, 6, 7].contains(orientation) ? height - 1 - top : top
        let (source, target) = (3 * (fromY * width + fromX), 3 * (y * newWidth + x))
        out[target] = rgb[source]
        out[target + 1] = rgb[source + 1]
        out[target + 2] = rgb[source + 2]
      }
    }
    return Picture(width: newWidth, height: newHeight, rgb: out)
  }
}
