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

  /// Of all bytes, without holding those of a file.
  /// - Throws: `Failure` as `bytes` does.
  package func digest() throws(Failure) -> Digest {
    guard case .file(let path) = self else { return try SHA256.digest(bytes()) }
    return try InputFile(path).digest { _ in }
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
    guard let decoded = base64Decoded(data) else {
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
}
