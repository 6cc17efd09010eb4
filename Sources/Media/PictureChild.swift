import Arrays
import CImages

/// What the child process writes that decodes a picture: `INGOTPIC`, then width, height and orientation, 8 bytes each with
/// the lowest first, then the pixels. Why it can't, it says on standard error, reason and hint with a tab between, and by its
/// exit status, that of a `Failure`.
package enum PictureChild {
  static let magic = Array("INGOTPIC".utf8)

  /// Reads a picture from standard input and writes its pixels. What is called in between reads a stranger's bytes: before
  /// it, this process gives up the means to open anything.
  /// - Parameters:
  ///   - pixels: the limit on them.
  ///   - confine: gives them up; all libraries that are needed are loaded then.
  /// - Throws: `Failure` as `Picture` does.
  package static func run(pixels: Limit, confine: () -> Void) throws(Failure) -> Picture {
    let bytes = try contentsOfStandardInput(limit: .imageBytes)
    unsafe ingot_image_prepare(bytes, bytes.count)
    confine()
    return try Picture(bytes: bytes, name: "", mostPixels: pixels.value)
  }

  /// The bytes before those of the pixels.
  package static func head(of picture: Picture) -> [UInt8] {
    magic
      + [picture.width, picture.height, picture.orientation].flatMap { UInt64($0).littleEndianBytes }
  }

  static let headLength = magic.count + 24
}

extension Picture {
  /// Decodes a picture in a child process of the `ingot` command, so that a fault in a library that decodes pictures is not
  /// one of this process: the child has bounded memory and time, and can open nothing. The pixels are those that
  /// `init(bytes:name:)` gives; AVIF and HEIC, which that doesn't read, are as in files.
  /// - Parameters:
  ///   - name: for errors.
  ///   - limit: on the picture's pixels.
  /// - Throws: `Failure` of kind `badData` when it is no picture that can be read, or too large; `unavailable` when a library
  ///   for it is not installed; `io` when the command isn't found or memory is short.
  public init(
    decodingInChild bytes: [UInt8], name: String, pixels limit: Limit = .imagePixels
  ) throws(Failure) {
    guard !bytes.isEmpty else { throw Picture.emptyFailure(name) }
    // The libraries for these are those for videos, which have a child of their own.
    if ISOPicture(beginning: bytes) != nil {
      self = try Picture(iso: name, bytes: bytes, pixels: limit.value)
      return
    }
    // What is no picture at all costs no process.
    guard Picture.format(bytes) != nil else {
      throw Failure(
        .badData, file: name,
        "is not an image of a known format; known are JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF and HEIC",
        hint: "send the bytes of a picture's file")
    }
    let child = try ChildProcess(
      ingot: "picture-child", limits: [.imageBytes, limit, .pictureMemory, .pictureSeconds], [limit.rawValue])
    do throws(Failure) {
      try child.write(bytes.rawSpan)
      child.closeInput()
      self = try Picture(from: child, mostPixels: limit.value)
    } catch {
      let (ending, message) = child.finish()
      throw (ending == .exited(0) ? error : Picture.failure(ending, message)).of(name)
    }
    let (ending, message) = child.finish()
    guard ending == .exited(0) else { throw Picture.failure(ending, message).of(name) }
  }

  /// What a child has to say: it read hostile bytes, so its own word is checked too.
  private init(from child: ChildProcess, mostPixels: Int) throws(Failure) {
    let wrong = Failure(.badData, "the decoding process does not give what it should", hint: "don't trust this picture")
    var head = [UInt8](repeating: 0, count: PictureChild.headLength)
    guard try child.read(head.count, into: &head) == head.count, head.starts(with: PictureChild.magic) else {
      throw wrong
    }
    var reader = ByteReader(head)
    _ = try reader.take(PictureChild.magic.count)
    guard let width = Int(exactly: try reader.integer(UInt64.self)),
      let height = Int(exactly: try reader.integer(UInt64.self)),
      let turn = Int(exactly: try reader.integer(UInt64.self)),
      width > 0, height > 0, width <= mostPixels / height, (1...8).contains(turn)
    else { throw wrong }
    var pixels = [UInt8](repeating: 0, count: width * height * 3)
    guard try child.read(pixels.count, into: &pixels) == pixels.count else { throw wrong }
    self.init(width: width, height: height, rgb: pixels, orientation: turn)
  }

  private static func failure(_ ending: ChildProcess.Ending, _ message: String) -> Failure {
    switch ending {
    case .killed(let signal):
      let (why, isLimit) = ChildProcess.Ending.explanation(of: signal, "decoding", time: .pictureSeconds)
      return Failure(
        .badData, "\(why) when this picture is decoded",
        hint: isLimit ? Limit.pictureSeconds.hint() : "save it as PNG from a viewer, if you trust it")
    case .exited(let status):
      let parts = message.split(separator: "\t", maxSplits: 1).map { String($0) }
      let kind = Failure.Kind(rawValue: Int(status)) ?? .io
      return Failure(
        kind, parts.first ?? "the decoding process failed with status \(status)",
        hint: parts.count > 1 ? parts[1] : nil)
    }
  }
}
