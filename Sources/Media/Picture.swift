import Arrays
import CImages

/// A picture as 8-bit RGB, read from a JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC file; of the first six what the reference implementation gets by
/// `Image.open(file).convert("RGB")` with Pillow 13.0.0, bit for bit. So transparency is dropped, of several frames the
/// first is taken, and the orientation that a camera noted is not applied, but for a TIFF's: `upright()` does that.
public struct Picture: Sendable {
  public let width: Int
  public let height: Int
  /// height × width × 3.
  public let rgb: [UInt8]
  /// How the camera noted that it was held, 1...8, where the pixels don't show it; 1: upright.
  public private(set) var orientation = 1

  /// - Parameter rgb: height × width × 3.
  public init(width: Int, height: Int, rgb: [UInt8]) {
    precondition(width > 0 && height > 0 && rgb.count == width * height * 3)
    self.width = width
    self.height = height
    self.rgb = rgb
  }

  init(width: Int, height: Int, rgb: [UInt8], orientation: Int) {
    self.init(width: width, height: height, rgb: rgb)
    self.orientation = orientation
  }

  /// The name of the format of a file that begins so; nil where it is no picture.
  package static func format(_ bytes: [UInt8]) -> String? {
    guard let name = unsafe ingot_image_format(bytes, bytes.count) else { return nil }
    return unsafe String(cString: name)
  }

  /// Reads a file, a `data:` address, or, for `-`, standard input.
  /// - Throws: `Failure` of kind `noInput` when there is no such file, `badData` when it holds no picture that can be read,
  ///   `io` when it or memory can't be had.
  public init(_ path: String) throws(Failure) {
    let source = PictureSource(path)
    if case .file = source {
      try PictureSource.checkIsNoAddress(path)
      if try ISOPicture(beginning: beginning(of: path)) != nil {
        try self.init(iso: path)
        return
      }
    }
    let bytes: [UInt8]
    do {
      bytes = try source.bytes()
    } catch {
      throw error.hinting("a picture is a JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC file")
    }
    try self.init(bytes: bytes, name: source.name)
  }

  /// - Parameter name: for errors.
  public init(bytes: [UInt8], name: String) throws(Failure) {
    try self.init(bytes: bytes, name: name, mostPixels: Limit.imagePixels.value)
  }

  package static func emptyFailure(_ name: String) -> Failure {
    Failure(.badData, file: name, "is empty", hint: "a download or copy of it did not start: fetch it again")
  }

  package init(bytes: [UInt8], name: String, mostPixels: Int) throws(Failure) {
    guard !bytes.isEmpty else { throw Picture.emptyFailure(name) }
    if let kind = ISOPicture(beginning: bytes) { throw kind.notInFile(name) }
    var picture = unsafe ingot_picture()
    var reason = [CChar](repeating: 0, count: 256)
    let status = unsafe ingot_image_decode(bytes, bytes.count, UInt64(mostPixels), &picture, &reason)
    defer { unsafe ingot_picture_free(&picture) }
    guard status == 0, let pixels = unsafe picture.pixels else {
      let text = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      throw Failure(
        status == 74 ? .io : .badData, file: name, text,
        hint: status == 69
          ? "install that library, or convert the picture to PNG"
          : status == 74
            ? "close other programs, or scale the picture down"
            : text.hasSuffix("allowed")
              ? Limit.imagePixels.hint()
              : Picture.format(bytes) != nil
                ? "the picture is damaged, or a download or copy of it was cut short: fetch it again"
                : "a picture is a JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC file")
    }
    width = unsafe picture.width
    height = unsafe picture.height
    rgb = unsafe Array(UnsafeBufferPointer(start: pixels, count: width * height * 3))
    orientation = Orientation.noted(in: bytes)
  }

  /// Whose arithmetic resizes a picture, and which sides of it get the odd pixel when it is cropped.
  public enum Backend: Sendable {
    case pillow, torchvision
  }

  /// How a picture is resized.
  public enum Filter: String, CaseIterable, Sendable {
    case nearest, lanczos, bilinear, bicubic, box, hamming

    fileprivate var kind: ingot_image_filter {
      switch self {
      case .nearest: INGOT_IMAGE_NEAREST
      case .lanczos: INGOT_IMAGE_LANCZOS
      case .bilinear: INGOT_IMAGE_BILINEAR
      case .bicubic: INGOT_IMAGE_BICUBIC
      case .box: INGOT_IMAGE_BOX
      case .hamming: INGOT_IMAGE_HAMMING
      }
    }
  }

  /// The picture brought to another size by Pillow's filter of that name, which rounds to 8 bits and is antialiased but for
  /// the nearest sample; or as torchvision does it, which has no box and no Hamming filter.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func resized(
    width: Int, height: Int, by filter: Filter = .bicubic, backend: Backend = .pillow
  ) throws(Failure) -> Picture {
    precondition(width > 0 && height > 0 && (backend == .pillow || filter != .box && filter != .hamming))
    var out = [UInt8](repeating: 0, count: width * height * 3)
    let status = unsafe ingot_image_resize(
      rgb, self.width, self.height, width, height, filter.kind,
      backend == .pillow ? INGOT_IMAGE_PILLOW : INGOT_IMAGE_TORCHVISION, &out)
    guard status == 0 else {
      throw Failure(.io, "there is not enough memory to resize a picture", hint: "close other programs")
    }
    return Picture(width: width, height: height, rgb: out)
  }
}
