import Arrays

/// Walks through all pickles of some bytes: one after another from the front, as torch.load reads older files, and those that
/// stand elsewhere.
struct PickleScan {
  private(set) var findings: [ScanFinding] = []
  private(set) var globals: [PickleWalk.Global] = []
  private(set) var nested: [PickleWalk.Nested] = []
  /// Pickles that were gone through.
  private(set) var count = 0
  /// Where the last one ends.
  private(set) var end = 0

  private var isScannedAsOpcodes = false
  /// Names and findings of all pickles together.
  private static let mostFacts = 100_000

  private static let mostPickles = 100_000
  /// Bytes in which pickles at odd places are looked for.
  private static let mostSearched = 64 << 20
  /// Opcodes that are walked through in looking for them, and in one of them.
  private static let (mostOpcodes, mostOpcodesOfOne) = (4_000_000, 100_000)

  /// Walks through the pickles at the front.
  /// - Parameter isDeclared: whether whoever loads these bytes takes them for a pickle, whatever they look like.
  /// - Returns: whether they are pickles.
  /// - Throws: `Failure` of kind `io`.
  mutating func scan(_ bytes: ScanBytes, isDeclared: Bool) throws(Failure) -> Bool {
    while end < bytes.count, count < Self.mostPickles {
      var walk = PickleWalk(bytes, from: end, skipsArrays: true)
      let ending = try walk.run()
      guard isDeclared && count == 0 || Self.isPickle(walk, ending) else { break }
      if walk.skippedArrays > 0, !isScannedAsOpcodes { try scanAsOpcodes(bytes, from: end) }
      take(walk, ending)
      count += 1
      guard case .stopped = ending else {
        end = bytes.count
        return true
      }
      end = walk.position
      guard globals.count + findings.count < Self.mostFacts else {
        findings.append(
          ScanFinding(
            .unreadable, .unread, at: end, "pickle", "has too many pickles with too many names to look at all"))
        break
      }
    }
    return count > 0
  }

  /// Whether these are opcodes of a pickle and not bytes that happen to look like some.
  private static func isPickle(_ walk: PickleWalk, _ ending: PickleWalk.Ending) -> Bool {
    let isCalling = walk.globals.contains { $0.calledAt != nil && isPlausible($0) }
    if isCalling { return true }
    switch ending {
    case .stopped: return walk.hasProtocol || walk.refusal == nil
    case .tooLarge: return walk.hasProtocol
    case .broken:
      return walk.hasProtocol && walk.opcodes >= 3 && (walk.globals.contains(where: isPlausible) || walk.refusal == nil)
    }
  }

  private static func isPlausible(_ global: PickleWalk.Global) -> Bool {
    (global.module + global.name).unicodeScalars.allSatisfy {
      $0 == "." || $0 == "_" || $0 == "-" || $0.properties.isAlphabetic || ("0"..."9").contains($0)
    }
  }

  /// The data of joblib's arrays are opcodes to `pickle.load`.
  private mutating func scanAsOpcodes(_ bytes: ScanBytes, from start: Int) throws(Failure) {
    isScannedAsOpcodes = true
    var walk = PickleWalk(bytes, from: start)
    _ = try walk.run()
    globals += walk.globals.filter { Self.isPlausible($0) && $0.calledAt != nil }
  }

  private mutating func take(_ walk: PickleWalk, _ ending: PickleWalk.Ending) {
    globals += walk.globals
    findings += walk.findings
    nested += walk.nested
    switch ending {
    case .stopped: break
    case .broken(let reason, let offset):
      findings.append(
        ScanFinding(
          .note, .pickleBroken, at: offset, "pickle",
          "the pickle \(reason): Python runs what stands before, and stops there"))
    case .tooLarge:
      findings.append(
        ScanFinding(
          .unreadable, .unread, at: walk.position, "pickle",
          "the pickle has more than \(walk.mostValues) values; \(Limit.pickleValues.hint())"))
    }
    if let refusal = walk.refusal {
      findings.append(
        ScanFinding(
          .note, .pickleBroken, at: refusal.offset, "pickle",
          "the pickle \(refusal.reason): Python runs what stands before, and stops there"))
    }
  }

  /// Looks for pickles that call something harmful where no pickle begins, from `start` on.
  /// - Throws: `Failure` of kind `io`.
  mutating func search(_ bytes: ScanBytes, from start: Int) throws(Failure) {
    var window = ScanWindow(bytes)
    var position = start
    let last = min(bytes.count, start + Self.mostSearched)
    var opcodes = 0
    while let found = try window.firstIndex(of: 0x80, from: position), found < last {
      position = found + 1
      guard let version = try window.byte(at: found + 1), (2...5).contains(version) else { continue }
      var walk = PickleWalk(bytes, from: found, skipsArrays: true)
      walk.mostOpcodes = Self.mostOpcodesOfOne
      _ = try walk.run()
      opcodes += walk.opcodes
      guard opcodes < Self.mostOpcodes else {
        findings.append(
          ScanFinding(
            .unreadable, .unread, at: found, "pickle",
            "too much looks like pickles from byte \(start) on to look at all"))
        return
      }
      let harmful = walk.globals.filter {
        if case .harmful = $0.standing { $0.calledAt != nil && Self.isPlausible($0) } else { false }
      }
      for global in harmful {
        findings.append(
          ScanFinding(
            .unknown, .pickleHidden, at: global.offset, global.full,
            "a pickle at byte \(found) calls \(global.full); nothing that reads this format begins there"))
      }
      if !harmful.isEmpty { position = max(position, walk.position) }
      // The first of them say enough.
      if findings.count >= 100 { return }
    }
  }

  /// What the globals come to.
  var globalFindings: [ScanFinding] {
    globals.compactMap { global in
      let isCalled = global.calledAt != nil
      let rule: ScanFinding.Rule = isCalled ? .pickleCall : .pickleGlobal
      let verb = isCalled ? "calls" : "names"
      let finding: ScanFinding
      switch global.standing {
      case .harmless:
        guard let called = global.calledAt else { return nil }
        finding = ScanFinding(
          .unknown, rule, at: called, global.full, "calls \(global.full) in a way that is not known to be harmless")
      case .unknown:
        finding = ScanFinding(
          .unknown, rule, at: global.calledAt ?? global.offset, global.full,
          "\(verb) \(global.full), which is not known to be harmless")
      case .harmful(let reason):
        finding = ScanFinding(
          .harmful, rule, at: global.calledAt ?? global.offset, global.full, "\(verb) \(global.full), which \(reason)")
      }
      var copy = finding
      copy.count = global.count
      return copy
    }
  }
}
