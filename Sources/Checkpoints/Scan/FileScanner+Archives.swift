import Arrays

/// Archives, and what is in them.
extension FileScanner {
  func scanZip(_ bytes: ScanBytes, _ context: Context) throws(Failure) -> String {
    let zip = try ScanZip(bytes, mostEntries: entriesLeft)
    if zip.isCut { unread(context, "has more entries than are scanned; \(Limit.scanFiles.hint())") }
    let names = Set(zip.entries.map(\.name))
    func has(_ name: String) -> Bool { names.contains { $0 == name || $0.hasSuffix("/\(name)") } }
    var inner = context
    inner.isTorchScript = has("constants.pkl")
    inner.isKeras = has("config.json") && (has("metadata.json") || names.contains { $0.hasSuffix(".weights.h5") })
    if zip.entries.isEmpty {
      unread(context, "has no entries that any reader would find")
    }
    var seen: Set<String> = []
    for entry in zip.entries {
      guard takeEntry(context, bytes: entry.contents.reduce(0) { $0 + $1.range.count }) else { break }
      if !seen.insert(entry.name).inserted {
        add(
          .note, .archiveDisagreement, context, at: entry.offset, entry.name,
          "the entry \(entry.name) is there more than once; readers differ about which counts")
      }
      try scan(entry, of: bytes, inner, context)
    }
    for gap in zip.gaps where gap.count > 1 { try scanGap(gap, of: bytes, context) }
    if has("MAR-INF/MANIFEST.json") { return "a TorchServe archive" }
    if inner.isTorchScript { return "a TorchScript archive" }
    if inner.isKeras { return "a Keras archive" }
    return has("data.pkl") ? "a PyTorch archive" : "a zip archive"
  }

  private func scan(
    _ entry: ScanZip.Entry, of bytes: ScanBytes, _ context: Context, _ outer: Context
  ) throws(Failure) {
    let inner = context.entry(entry.name)
    if let disagreement = entry.disagreement {
      add(
        .note, .archiveDisagreement, outer, at: entry.offset, entry.name,
        "the entry \(entry.name) \(disagreement); readers differ about it")
    }
    checkPath(entry.name, "an entry", outer, at: entry.offset)
    let before = file.findings.count
    var isLooked = false
    for content in entry.contents { isLooked = try scan(content, of: bytes, inner) || isLooked }
    if entry.isEncrypted, !file.findings[before...].contains(where: { $0.severity >= .unknown }) {
      unread(inner, "is encrypted")
    } else if !isLooked, let method = entry.contents.first?.method {
      unread(inner, "is packed by method \(method), which isn't unpacked here")
    }
  }

  /// - Returns: whether it could be unpacked.
  private func scan(_ content: ScanZip.Content, of bytes: ScanBytes, _ context: Context) throws(Failure) -> Bool {
    let packed = bytes.part(content.range)
    switch content.method {
    case 0: _ = try scan(packed, context)
    case 8:
      // Weights are many and large; their beginning tells that they are nothing else.
      if content.size > 1 << 20 {
        let beginning = try unpack(packed, .none, most: 1 << 16)
        if try isData(beginning.bytes, context) { return true }
      }
      let partly = try unpack(packed, .none)
      if partly.isCut {
        unread(context, "unpacks to more than is scanned; \(limitOfUnpacking.hint())")
      } else if !partly.isWhole {
        add(.note, .archiveDisagreement, context, context.name, "its packed data are damaged, or end early")
      }
      _ = try scan(ScanBytes(partly.bytes), context)
    case 12, 14:
      let packer: Packer = content.method == 12 ? .bzip2 : .lzma
      guard let partly = try unpack(packed, by: packer, entryOf: content.size) else { return false }
      if partly.isCut { unread(context, "unpacks to more than is scanned; \(limitOfUnpacking.hint())") }
      _ = try scan(ScanBytes(partly.bytes), context)
      return partly.isWhole
    default: return false
    }
    return true
  }

  /// Whether bytes that begin so can't be a pickle or any format that is looked into.
  private func isData(_ beginning: [UInt8], _ context: Context) throws(Failure) -> Bool {
    guard FileKind(prefix: [UInt8](beginning.prefix(FileKind.prefixLength))) == .unknown else { return false }
    let look = FileScanner("")
    return try look.scan(ScanBytes(beginning), context) == "data" && look.file.findings.isEmpty
      && look.file.pickles == 0
  }

  /// What stands between the entries: padding, as a rule.
  private func scanGap(_ gap: Range<Int>, of bytes: ScanBytes, _ context: Context) throws(Failure) {
    let part = bytes.part(gap)
    if try scanPickles(part, context, isDeclared: false, base: gap.lowerBound) == nil {
      var scan = PickleScan()
      try scan.search(part, from: 0)
      for finding in scan.findings {
        add(
          finding.severity, finding.rule, context, at: gap.lowerBound + finding.offset, finding.subject, finding.message
        )
      }
    }
  }

  func scanTar(_ bytes: ScanBytes, _ context: Context) throws(Failure) -> String {
    let tar = try ScanTar(bytes, mostEntries: entriesLeft)
    if tar.isCut { unread(context, "has more entries than are scanned; \(Limit.scanFiles.hint())") }
    for entry in tar.entries {
      guard takeEntry(context, bytes: entry.range.count) else { break }
      checkPath(entry.name, "an entry", context, at: entry.offset)
      if let link = entry.link {
        checkPath(link, "a link, \(entry.name),", context, at: entry.offset)
      } else {
        _ = try scan(bytes.part(entry.range), context.entry(entry.name))
      }
    }
    return "a tar archive"
  }

  /// Tells of a path that leads out of the folder that an archive is unpacked to, or that a file stands in.
  func checkPath(_ path: String, _ what: String, _ context: Context, at offset: Int = 0) {
    let parts = path.split(omittingEmptySubsequences: true) { $0 == "/" || $0 == "\\" }
    let hasDrive = path.utf8.count > 2 && path.utf8.dropFirst(1).first == UInt8(ascii: ":")
    guard path.hasPrefix("/") || path.hasPrefix("\\") || hasDrive || parts.contains("..") else { return }
    add(.unknown, .outsidePath, context, at: offset, path, "\(what) leads out of the folder: \(path)")
  }
}
