import Arrays

/// Tells what some bytes are, and has them looked at.
extension FileScanner {
  /// - Returns: what they are, for people.
  /// - Throws: `Failure` of kind `io`.
  @discardableResult
  func scan(_ bytes: ScanBytes, _ context: Context) throws(Failure) -> String {
    guard context.place.count <= FileScanner.mostNested else {
      unread(context, "stands in more than \(FileScanner.mostNested) archives in archives, and is not looked at")
      return "an archive in archives"
    }
    let prefix = try bytes.bytes(FileKind.prefixLength, at: 0)
    if prefix.isEmpty { return "empty" }
    // An archive may have other bytes in front, which readers from the front take for another format.
    let isZip = prefix.starts(with: [0x50, 0x4b, 3, 4]) || prefix.starts(with: [0x50, 0x4b, 5, 6])
    if isZip { return try scanZip(bytes, context) }
    let behind = try ScanZip.hasEnd(bytes) ? "\(try scanZip(bytes, context)) behind other bytes" : nil
    var marked = try scanArchive(bytes, prefix, context)
    if marked == nil { marked = try scanByMagic(bytes, prefix, context) }
    if let marked {
      try scanFront(bytes, context)
      return marked
    }
    // A pickle may begin with anything, and whoever loads the file as one doesn't care for its name.
    let before = (file.findings.count, file.pickles)
    let end = try scanPickles(bytes, context, isDeclared: false)
    if let end {
      // Behind the pickles of a file of PyTorch's before 1.6 stand the elements.
      try searchPickles(bytes, from: end, context)
    }
    if FileScanner.isTensorFlow(context) {
      try scanTensorFlow(bytes, context)
      return "a graph of TensorFlow's"
    }
    if let kind = try scanText(bytes, prefix, context) {
      // A text may begin as a pickle of protocol 0 does, by chance.
      if end == bytes.count || file.findings.count > before.0 { return "a Python pickle" }
      file.pickles = before.1
      return kind
    }
    if end != nil { return "a Python pickle" }
    if try scanProtobuf(bytes, context) { return "a protocol buffer of a graph" }
    if isPlainData(prefix, context) { return "data" }
    if let behind { return behind }
    if context.isEntry {
      // Elements are large, and nothing begins to read amid them.
      if bytes.count <= FileScanner.mostOfSmallEntry { try searchPickles(bytes, from: 0, context) }
      return "data"
    }
    try searchPickles(bytes, from: 0, context)
    unread(context, "is of no known format, so that it can't be said what reads it")
    return "of no known format"
  }

  private static let mostOfSmallEntry = 1 << 20

  private func scanArchive(_ bytes: ScanBytes, _ prefix: [UInt8], _ context: Context) throws(Failure) -> String? {
    if ScanTar.isTar(prefix) { return try scanTar(bytes, context) }
    if prefix.starts(with: [0x1f, 0x8b]) { return try scanPacked(bytes, .gzip, "gzip", context) }
    if prefix.count > 2, prefix[0] == 0x78, (Int(prefix[0]) << 8 | Int(prefix[1])) % 31 == 0, prefix[1] & 0x20 == 0,
      try unpack(bytes, .zlib, most: 64).bytes.count > 1
    {
      return try scanPacked(bytes, .zlib, "zlib", context)
    }
    // Joblib before 0.10: a magic word, the length in hexadecimal digits, and zlib's data.
    if prefix.starts(with: [UInt8]("ZF0x".utf8)) {
      for start in 4..<64 where try unpack(bytes.from(start), .zlib, most: 64).bytes.count > 1 {
        return try scanPacked(bytes.from(start), .zlib, "zlib", context)
      }
    }
    if let packer = FileScanner.packers.first(where: { prefix.starts(with: $0.0) }) {
      return try scanPacked(bytes, by: packer.1, context)
    }
    for (magic, name) in FileScanner.packed where prefix.starts(with: magic) {
      unread(context, "is packed by \(name), which isn't unpacked here")
      return "packed by \(name)"
    }
    return nil
  }

  private static let packed: [([UInt8], String)] = [
    ([4, 0x22, 0x4d, 0x18], "lz4"), ([0x28, 0xb5, 0x2f, 0xfd], "zstd"),
    ([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], "7z"), ([UInt8]("Rar!".utf8), "rar"),
    ([UInt8]("MSCF".utf8), "cab"),
  ]

  enum Packer: String { case bzip2, xz, lzma }

  private static let packers: [([UInt8], Packer)] = [
    ([UInt8]("BZh".utf8), .bzip2), ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], .xz), ([0x5d, 0, 0], .lzma),
  ]

  private func scanPacked(_ bytes: ScanBytes, by packer: Packer, _ context: Context) throws(Failure) -> String {
    let kind = "packed by \(packer.rawValue)"
    guard let partly = try unpack(bytes, by: packer) else {
      unread(context, "is packed by \(packer.rawValue) with a filter that isn't known here")
      return kind
    }
    if partly.isCut {
      unread(context, "unpacks to more than is scanned; \(limitOfUnpacking.hint())")
    } else if !partly.isWhole {
      if partly.bytes.isEmpty {
        unread(context, "begins as if packed by \(packer.rawValue), but can't be unpacked")
        return kind
      }
      add(.note, .archiveDisagreement, context, at: partly.packed, kind, "its packed data are damaged, or end early")
    }
    _ = try scan(ScanBytes(partly.bytes), context.entry("unpacked"))
    if partly.isWhole { try searchPickles(bytes, from: partly.packed, context) }
    return kind
  }

  private func scanPacked(
    _ bytes: ScanBytes, _ wrapping: Inflation.Wrapping, _ name: String, _ context: Context
  ) throws(Failure) -> String {
    let kind = "packed by \(name)"
    var start = 0
    var members = 0
    // gzip files may have several members, which are one text to its readers.
    var content: [UInt8] = []
    repeat {
      let partly = try unpack(bytes.from(start), wrapping, most: max(0, Limit.scanMemory.value - content.count))
      content += partly.bytes
      members += 1
      if partly.isCut {
        unread(context, "unpacks to more than is scanned; \(limitOfUnpacking.hint())")
        break
      }
      if !partly.isWhole {
        add(.note, .archiveDisagreement, context, at: start, name, "its packed data are damaged, or end early")
        break
      }
      start += partly.packed
      guard wrapping == .gzip, start < bytes.count, members < 10_000 else { break }
    } while try partlyStarts(bytes, start)
    _ = try scan(ScanBytes(content), context.entry("unpacked"))
    if start > 0, start < bytes.count { try searchPickles(bytes, from: start, context) }
    return kind
  }

  private func partlyStarts(_ bytes: ScanBytes, _ start: Int) throws(Failure) -> Bool {
    try ifFound { () throws(Failure) in try bytes.bytes(2, at: start) } == [0x1f, 0x8b]
  }

  private func scanByMagic(_ bytes: ScanBytes, _ prefix: [UInt8], _ context: Context) throws(Failure) -> String? {
    if prefix.starts(with: [0x93] + [UInt8]("NUMPY".utf8)) { return try scanNumPy(bytes, prefix, context) }
    if prefix.starts(with: [UInt8]("GGUF".utf8)) { return try scanGGUF(bytes, context) }
    switch FileKind(prefix: prefix) {
    case .safetensors: return "a safetensors file"
    case .netFile: return "an Ingot net file"
    case .gitLFSPointer: return "a Git LFS pointer, not the file itself"
    default: break
    }
    if try isHDF5(bytes) { return try scanHDF5(bytes, context) }
    if let native = FileScanner.native.first(where: { prefix.starts(with: $0.0) }) {
      add(
        .unknown, .graphOperation, context, native.1,
        "is native code (\(native.1)), which runs when it is loaded or started")
      return "native code"
    }
    return FileScanner.plain.first { prefix.count > $0.0 && prefix[$0.0...].starts(with: $0.1) }?.2
  }

  private static let native: [([UInt8], String)] = [
    ([0x7f, 0x45, 0x4c, 0x46], "ELF"), ([0xcf, 0xfa, 0xed, 0xfe], "Mach-O"),
    ([0xca, 0xfe, 0xba, 0xbe], "Mach-O or Java"),
    ([0x4d, 0x5a, 0x90, 0], "Windows PE"),
  ]

  /// Formats that readers take data from, and nothing else: where their mark is, and what they are.
  private static let plain: [(Int, [UInt8], String)] = [
    (0, [0x89, 0x50, 0x4e, 0x47], "a picture"), (0, [0xff, 0xd8, 0xff], "a picture"),
    (0, [UInt8]("GIF8".utf8), "a picture"),
    (0, [UInt8]("RIFF".utf8), "a picture or sound"), (0, [UInt8]("PAR1".utf8), "a Parquet file"),
    (0, [UInt8]("ARROW1".utf8), "an Arrow file"), (0, [UInt8]("SQLite format 3".utf8), "a database"),
    (4, [UInt8]("TFL3".utf8), "a TensorFlow Lite file"), (0, [UInt8]("lmgg".utf8), "a GGML file"),
    (0, [UInt8]("tjgg".utf8), "a GGML file"), (0, [UInt8]("fmgg".utf8), "a GGML file"),
    (0, [UInt8]("CBM1".utf8), "a CatBoost file"),
    (4, [UInt8]("ftyp".utf8), "a video or picture"), (0, [UInt8]("OggS".utf8), "a sound"),
    (0, [UInt8]("fLaC".utf8), "a sound"),
    (0, [UInt8]("%PDF".utf8), "a document"), (0, [0x49, 0x49, 0x2a, 0], "a picture"),
    (0, [0x4d, 0x4d, 0, 0x2a], "a picture"),
    (0, [UInt8]("BM".utf8) + [], "a picture"),
  ]

  /// Files without a mark of their own, by their names: their readers take numbers and texts from them.
  private func isPlainData(_ prefix: [UInt8], _ context: Context) -> Bool {
    let name = context.lowerName
    if name.hasSuffix(".msgpack"), let first = prefix.first,
      (0x80...0x8f).contains(first) || first == 0xde || first == 0xdf
    {
      return true
    }
    if name.contains(".data-0"), name.contains("-of-") { return true }
    return [".index", ".onnx_data", ".onnx.data", ".spm", "spiece.model", "tokenizer.model", ".ubj"].contains {
      name.hasSuffix($0)
    }
  }

  // MARK: HDF5

  private func isHDF5(_ bytes: ScanBytes) throws(Failure) -> Bool {
    var offset = 0
    while offset <= 1 << 20, offset + 8 <= bytes.count {
      if try bytes.bytes(8, at: offset) == [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a] { return true }
      offset = offset == 0 ? 512 : offset * 2
    }
    return false
  }

  /// A model's configuration stands in an attribute, unpacked and in one piece: JSON texts are looked for in the whole file,
  /// whatever its structures say.
  private func scanHDF5(_ bytes: ScanBytes, _ context: Context) throws(Failure) -> String {
    try scanJSONTexts(bytes, context)
    if try bytes.firstIndex(of: [UInt8]("PYTABLES_FORMAT_VERSION".utf8)) != nil {
      try searchPickles(bytes, from: 0, context)
      add(
        .note, .pickleGlobal, context, "PyTables",
        "was written by PyTables, which reads pickles out of attributes and object arrays")
    }
    return "an HDF5 file"
  }

  /// Every JSON object that stands in other data.
  func scanJSONTexts(_ bytes: ScanBytes, _ context: Context) throws(Failure) {
    var position = 0
    // Texts that don't end may begin within each other.
    var workLeft = 8 * bytes.count + (1 << 26)
    while let start = try bytes.firstIndex(of: [0x7b, 0x22], from: position) {
      position = start + 2
      let (found, looked) = try bytes.jsonEnd(from: start)
      workLeft -= looked - start
      guard workLeft > 0 else {
        return unread(context, at: start, "too much looks like JSON from here on to look at all")
      }
      guard let end = found, end - start > 16 else { continue }
      guard end - start <= Limit.configBytes.value else {
        unread(context, at: start, "has a JSON text of \(end - start) bytes; \(Limit.configBytes.hint())")
        continue
      }
      position = end
      let text = try bytes.bytes(end - start, at: start)
      do throws(Failure) {
        scanConfiguration(try JSONValue(parsing: text, rules: .lenient), context, base: start)
      } catch {
        if String(decoding: text, as: UTF8.self).contains("class_name") {
          unread(context, at: start, "has a configuration that can't be read: \(error.reason)")
        }
      }
    }
  }

  // MARK: NumPy

  /// A `.npy` file (numpy/lib/format.py): of an array of objects, what stands behind the header is a pickle.
  private func scanNumPy(_ bytes: ScanBytes, _ prefix: [UInt8], _ context: Context) throws(Failure) -> String {
    let isLong = prefix.count > 6 && prefix[6] >= 2
    let lengthBytes = isLong ? 4 : 2
    var window = ScanWindow(bytes)
    guard let length = try window.integer(lengthBytes, at: 8) else { return "a NumPy array" }
    let start = 8 + lengthBytes
    let header = try bytes.bytes(min(length, 1 << 20), at: start)
    // `'O'` may be the type, or that of a field. Whatever the header says, a pickle may be tried behind it.
    let isOfObjects = String(decoding: header, as: UTF8.self).contains("O")
    let data = start + length
    let found = try scanPickles(bytes.from(data), context, isDeclared: false, base: data)
    if isOfObjects, found == nil, data < bytes.count {
      unread(context, at: data, "is an array of objects, and behind its header is no pickle")
    }
    return isOfObjects && found != nil ? "a NumPy array of objects" : "a NumPy array"
  }
}
