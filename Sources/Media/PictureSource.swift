import Arrays

/// Where a picture comes from: a file, a `data:` address (RFC 2397), or standard input.
public enum PictureSource {
  case file(String)
  /// The whole address.
  case data(String)
  case standardInput

  /// `-` is standard input, as in other programs; a file of that name is `./-`.
  public init(_ path: String) {
    if path == "-" {
      self = .standardInput
    } else if path.utf8.prefix(5).elementsEqual("data:".utf8), (try? Paths.exists(path)) != true {
      self = .data(path)
    } else {
      self = .file(path)
    }
  }

  /// For messages: of an address, its beginning.
  public var name: String {
    switch self {
    case .file(let path): path
    case .data(let address): shortened(address, to: 40)
    case .standardInput: "standard input"
    }
  }

  /// The whole file.
  /// - Throws: `Failure` of kind `noInput` when there is no such file, or its address is another machine's; `badData` when
  ///   it is too large, or an address is malformed; `io`.
  package func bytes() throws(Failure) -> [UInt8] {
    switch self {
    case .file(let path):
      try Self.checkIsNoAddress(path)
      return try contents(of: path, limit: .imageBytes)
    case .data(let address):
      do throws(Failure) { return try Self.decoded(address) } catch { throw error.inFile(name) }
    case .standardInput:
      return try contentsOfStandardInput(limit: .imageBytes)
    }
  }

  /// - Throws: `Failure` of kind `noInput` when a path is an address, and no file is called so.
  package static func checkIsNoAddress(_ path: String) throws(Failure) {
    let scheme = path.prefix { $0 != ":" }.lowercased()
    guard ["http", "https", "ftp", "s3", "gs", "file"].contains(scheme), path.dropFirst(scheme.count).hasPrefix("://"),
      try !Paths.exists(path)
    else { return }
    throw Failure(
      .noInput, file: shortened(path, to: 200), "is an address; pictures are read from files",
      hint: scheme == "file" ? "give the path alone, without file://" : "download it first: curl -LO ADDRESS")
  }

  /// `data:[TYPE][;PARAMETER…][;base64],DATA`.
  private static func decoded(_ address: String) throws(Failure) -> [UInt8] {
    let bytes = Array(address.utf8.dropFirst(5))
    let hint = "such an address is data:image/png;base64,… with a picture's bytes"
    guard let comma = bytes.firstIndex(of: UInt8(ascii: ",")) else {
      throw Failure(.badData, "is a data: address without a comma before its data", hint: hint)
    }
    try Limit.imageBytes.check(bytes.count - comma, "bytes")
    let data = try unescaped(bytes[(comma + 1)...], hint)
    let head = String(decoding: bytes[..<comma], as: UTF8.self).lowercased()
    guard head.split(separator: ";").last.map({ $0.filter { $0 != " " } }) == "base64" else { return data }
    guard let decoded = base64(data) else {
      throw Failure(.badData, "is a data: address whose data are no base64", hint: hint)
    }
    return decoded
  }

  /// `%2B` is `+`.
  private static func unescaped(_ bytes: ArraySlice<UInt8>, _ hint: String) throws(Failure) -> [UInt8] {
    guard bytes.contains(UInt8(ascii: "%")) else { return Array(bytes) }
    var out: [UInt8] = []
    var position = bytes.startIndex
    while position < bytes.endIndex {
      guard bytes[position] == UInt8(ascii: "%") else {
        out.append(bytes[position])
        position += 1
        continue
      }
      guard position + 2 < bytes.endIndex, let high = Character(UnicodeScalar(bytes[position + 1])).hexDigitValue,
        let low = Character(UnicodeScalar(bytes[position + 2])).hexDigitValue
      else { throw Failure(.badData, "is a data: address with a % that no two hexadecimal digits follow", hint: hint) }
      out.append(UInt8(high << 4 | low))
      position += 3
    }
    return out
  }

  /// RFC 4648, with either of its alphabets; padding may be missing, white space may stand anywhere. nil when it is none.
  package static func base64(_ text: [UInt8]) -> [UInt8]? {
    var out: [UInt8] = []
    out.reserveCapacity(text.count / 4 * 3)
    var (held, bits, padding) = (UInt32(0), 0, 0)
    for byte in text where byte > 0x20 {
      let value: UInt8
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - UInt8(ascii: "A")
      case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - UInt8(ascii: "a") + 26
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0") + 52
      case UInt8(ascii: "+"), UInt8(ascii: "-"): value = 62
      case UInt8(ascii: "/"), UInt8(ascii: "_"): value = 63
      case UInt8(ascii: "="):
        padding += 1
        continue
      default: return nil
      }
      guard padding == 0 else { return nil }
      held = held << 6 | UInt32(value)
      bits += 6
      if bits >= 8 {
        bits -= 8
        out.append(UInt8(truncatingIfNeeded: held >> UInt32(bits)))
        held &= (1 << UInt32(bits)) - 1
      }
    }
    // One character alone is no byte.
    return bits < 6 && padding <= 2 ? out : nil
  }
}
