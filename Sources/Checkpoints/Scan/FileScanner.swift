import Arrays

/// Scans one file, and what is in it.
final class FileScanner {
  var file: ScannedFile
  private var unpackedLeft = Limit.scanUnpacked.value
  /// Bytes of entries that may still be looked at: an archive whose entries share bytes has more of them than it has bytes.
  private var bytesLeft = 0
  private(set) var entriesLeft = Limit.scanFiles.value
  private var globals: [String: ScannedGlobal] = [:]

  init(_ path: String) { file = ScannedFile(path: path, kind: "") }

  /// What some bytes are a part of, which decides what readers do with them.
  struct Context {
    /// The entries of archives that lead to them.
    var place: [String] = []
    /// The name of the file or entry, as far as it is known.
    var name: String
    /// In a TorchScript archive, whose pickles name classes of the archive's own code.
    var isTorchScript = false
    /// In a Keras archive.
    var isKeras = false

    var isEntry: Bool { !place.isEmpty }

    func entry(_ name: String) -> Context {
      var copy = self
      copy.place.append(name)
      copy.name = name
      return copy
    }

    var lowerName: String { Paths.name(name).lowercased() }
  }

  /// Archives in archives.
  static let mostNested = 8

  /// Scans the file.
  /// - Throws: `Failure` of kind `noInput`, `io` or `unavailable` when it can't be read.
  func run() throws(Failure) -> ScannedFile { try run(InputFile(file.path)) }

  /// - Parameter input: the file, wherever it is.
  func run(_ input: any Source) throws(Failure) -> ScannedFile {
    bytesLeft = min(input.size, 1 << 56) * (FileScanner.mostNested + 2) + (64 << 20)
    let kind = try scan(ScanBytes(input), Context(name: file.path))
    file.kind = kind
    file.globals = globals.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    file.findings = FileScanner.joined(file.findings)
    return file
  }

  /// A file that can't be read at all.
  static func unreadable(_ path: String, _ failure: Failure) -> ScannedFile {
    var file = ScannedFile(path: path, kind: "a file that can't be read")
    file.findings = [ScanFinding(.unreadable, .unread, at: 0, Paths.name(path), failure.reason)]
    return file
  }

  /// The same finding at several offsets is one, with their number.
  private static func joined(_ findings: [ScanFinding]) -> [ScanFinding] {
    struct Key: Hashable {
      let rule: ScanFinding.Rule
      let place: [String]
      let subject: String
      let message: String
    }
    var numbers: [Key: Int] = [:]
    var out: [ScanFinding] = []
    for finding in findings {
      let key = Key(rule: finding.rule, place: finding.place, subject: finding.subject, message: finding.message)
      if let number = numbers[key] {
        out[number].count += finding.count
        out[number].offset = min(out[number].offset, finding.offset)
        out[number].severity = max(out[number].severity, finding.severity)
      } else {
        numbers[key] = out.count
        out.append(finding)
      }
    }
    return out.enumerated().sorted {
      ($1.element.severity, $0.offset) < ($0.element.severity, $1.offset)
    }.map(\.element)
  }

  // MARK: For those who look into formats

  func add(
    _ severity: ScanFinding.Severity, _ rule: ScanFinding.Rule, _ context: Context, at offset: Int = 0,
    _ subject: String, _ message: String
  ) {
    file.findings.append(ScanFinding(severity, rule, place: context.place, at: offset, subject, message))
  }

  func unread(_ context: Context, at offset: Int = 0, _ message: String) {
    add(.unreadable, .unread, context, at: offset, Paths.name(context.name), message)
  }

  /// One entry more, of so many bytes; false when there are too many.
  func takeEntry(_ context: Context, bytes: Int) -> Bool {
    guard entriesLeft > 0 else {
      unread(context, "has more entries than are scanned; \(Limit.scanFiles.hint())")
      return false
    }
    guard bytes <= bytesLeft else {
      unread(context, "has entries that share their bytes, too often to look at all of them")
      return false
    }
    entriesLeft -= 1
    bytesLeft -= bytes
    return true
  }

  /// Unpacks zlib's data, as much as the limits allow. Bytes that are no pickle and of no known format are unpacked only so
  /// far as to see that.
  /// - Throws: `Failure` of kind `io`.
  func unpack(_ bytes: ScanBytes, _ wrapping: Inflation.Wrapping, most: Int? = nil) throws(Failure) -> Inflation.Partly
  {
    let most = min(most ?? Limit.scanMemory.value, unpackedLeft)
    let partly = try Inflation.partly(wrapping, most: most) { offset throws(Failure) in
      try bytes.bytes(1 << 18, at: offset)
    }
    unpackedLeft -= partly.bytes.count
    bytesLeft += partly.bytes.count
    return partly
  }

  /// - Returns: nil where that isn't known.
  /// - Parameter size: what it unpacks to, of an entry of a zip archive.
  func unpack(_ bytes: ScanBytes, by packer: Packer, entryOf size: Int? = nil) throws(Failure) -> Inflation.Partly? {
    let most = min(Limit.scanMemory.value, unpackedLeft)
    let partly =
      switch packer {
      case .bzip2: try BZip2.unpack(bytes, most: most)
      case .lzma where size != nil: try XZ.unpackEntry(bytes, size: size ?? 0, most: most)
      case .xz, .lzma: try XZ.unpack(bytes, isAlone: packer == .lzma, most: most)
      }
    unpackedLeft -= partly?.bytes.count ?? 0
    bytesLeft += partly?.bytes.count ?? 0
    return partly
  }

  /// The limit by which something was cut that was unpacked.
  var limitOfUnpacking: Limit { unpackedLeft == 0 ? .scanUnpacked : .scanMemory }

  // MARK: Pickles

  /// - Parameter isDeclared: whether what reads the bytes takes them for a pickle whatever they are.
  /// - Returns: where the pickles end; nil when there are none.
  func scanPickles(_ bytes: ScanBytes, _ context: Context, isDeclared: Bool, base: Int = 0) throws(Failure) -> Int? {
    var scan = PickleScan()
    let found = try scan.scan(bytes, isDeclared: isDeclared)
    if found { try take(scan, bytes, context, base: base) }
    return found ? scan.end : nil
  }

  /// Whatever else some bytes are, they may be a pickle to whoever loads them as one: tells of it if it runs something.
  func scanFront(_ bytes: ScanBytes, _ context: Context) throws(Failure) {
    var scan = PickleScan()
    guard try scan.scan(bytes, isDeclared: false) else { return }
    let isRunning = (scan.findings + scan.globalFindings).contains {
      $0.severity >= .unknown && $0.rule != .pickleGlobal
    }
    if isRunning { try take(scan, bytes, context, base: 0) }
  }

  /// Looks for pickles that call something harmful where no reader looks.
  func searchPickles(_ bytes: ScanBytes, from start: Int, _ context: Context) throws(Failure) {
    guard start < bytes.count else { return }
    var scan = PickleScan()
    try scan.search(bytes, from: start)
    try take(scan, bytes, context, base: 0)
  }

  private func take(_ scan: PickleScan, _ bytes: ScanBytes, _ context: Context, base: Int) throws(Failure) {
    file.pickles += scan.count
    for var finding in scan.findings + scan.globalFindings {
      if context.isTorchScript, finding.subject.hasPrefix("__torch__.") { continue }
      finding.place = context.place
      finding.offset += base
      file.findings.append(finding)
    }
    for global in scan.globals {
      let isOwn = context.isTorchScript && global.module.hasPrefix("__torch__")
      let standing: ScannedGlobal.Standing =
        switch global.standing {
        case .harmless: global.calledAt == nil ? .harmless : .unknown
        case .unknown: isOwn ? .harmless : .unknown
        case .harmful: .harmful
        }
      var entry =
        globals[global.full]
        ?? ScannedGlobal(name: global.full, standing: standing, isCalled: false, count: 0)
      entry.count += global.count
      entry.isCalled = entry.isCalled || global.calledAt != nil
      globals[global.full] = entry
    }
    for nested in scan.nested { try self.scan(nested, of: bytes, context) }
  }

  private func scan(_ nested: PickleWalk.Nested, of bytes: ScanBytes, _ context: Context) throws(Failure) {
    switch nested {
    case .bytes(let content, let offset):
      guard takeEntry(context, bytes: content.count) else { return }
      try scan(ScanBytes(content), context.entry("bytes at \(offset)"))
    case .range(let range, let isLatin):
      guard range.count <= Limit.scanMemory.value else {
        return unread(
          context, at: range.lowerBound, "has a file in a pickle of \(range.count) bytes; \(Limit.scanMemory.hint())")
      }
      guard takeEntry(context, bytes: range.count) else { return }
      let inner = try bytes.bytes(range.count, at: range.lowerBound)
      let content = isLatin ? ScannedText.latin(String(decoding: inner, as: UTF8.self)) : inner
      try scan(ScanBytes(content), context.entry("bytes at \(range.lowerBound)"))
    }
  }
}
