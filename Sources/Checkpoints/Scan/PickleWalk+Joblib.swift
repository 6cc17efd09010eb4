import Arrays

/// joblib writes an array's data between two opcodes, behind the state of a `NumpyArrayWrapper` (joblib/numpy_pickle.py).
extension PickleWalk {
  /// Goes past the data of an array; those of an array of objects are a pickle of their own, which is walked through.
  mutating func skipArray(_ state: Value, at offset: Int) throws(Failure) {
    guard let type = member("dtype", of: state), case .made(let number) = type,
      case .instance(_, .text(let code)) = made[number], let shape = members(member("shape", of: state) ?? .nothing)
    else { return lostArray("a shape or type that is not understood", at: offset) }
    if code.hasPrefix("O") || objectTypes.contains(number) { return try walkObjects() }
    let isFixed = ![UInt8(ascii: "V"), UInt8(ascii: "S"), UInt8(ascii: "U"), UInt8(ascii: "a")].contains(
      code.utf8.first)
    guard let size = (isFixed ? nil : typeSizes[number]) ?? Self.itemSize(code) else {
      return lostArray("the element type \(code)", at: offset)
    }
    var bytes = size
    for dimension in shape {
      guard case .integer(let dimension) = dimension, dimension >= 0 else {
        return lostArray("a shape that is not understood", at: offset)
      }
      let (product, overflow) = bytes.multipliedReportingOverflow(by: dimension)
      guard !overflow else { return lostArray("more elements than there are", at: offset) }
      bytes = product
    }
    switch member("numpy_array_alignment_bytes", of: state) {
    case nil, .some(.nothing): break
    default:
      guard let padding = try integer(1), take(padding) != nil else { return lostArray("no data", at: offset) }
    }
    guard take(bytes) != nil else { return lostArray("more data than there are", at: offset) }
    skippedArrays += 1
  }

  private mutating func lostArray(_ what: String, at offset: Int) {
    findings.append(
      ScanFinding(
        .unreadable, .unread, at: offset, "joblib's array",
        "an array of joblib's has \(what), so that what follows it can't be read"))
  }

  private mutating func walkObjects() throws(Failure) {
    var inner = PickleWalk(window.bytes, from: position)
    let ending = try inner.run()
    if case .broken(let reason, let offset) = ending { refuse("has an array of objects that \(reason)", at: offset) }
    position = inner.position
    findings += inner.findings
    nested += inner.nested
    skippedArrays += 1
    for global in inner.globals {
      guard case .global(let number) = self.global(global.module, global.name, at: global.offset) else { continue }
      globals[number].count += global.count - 1
      globals[number].calledAt = globals[number].calledAt ?? global.calledAt
    }
  }

  /// Bytes of an element of a type as NumPy pickles its name: a kind and a number, of characters of four bytes for `U`.
  private static func itemSize(_ code: String) -> Int? {
    guard let kind = code.utf8.first, let number = Int(code.dropFirst(1)), number >= 0, number < 1 << 32 else {
      return nil
    }
    switch kind {
    case UInt8(ascii: "U"): return number * 4
    case UInt8(ascii: "b"), UInt8(ascii: "i"), UInt8(ascii: "u"), UInt8(ascii: "f"), UInt8(ascii: "c"),
      UInt8(ascii: "S"), UInt8(ascii: "V"), UInt8(ascii: "M"), UInt8(ascii: "m"), UInt8(ascii: "a"):
      return number
    default: return nil
    }
  }
}
