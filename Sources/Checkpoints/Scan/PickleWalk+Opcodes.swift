import Arrays

/// What each opcode does to the stack.
extension PickleWalk {
  mutating func run(_ opcode: UInt8, at start: Int) throws(Failure) -> Step {
    switch opcode {
    case 0x80:
      guard let version = try integer(1) else { return .ends }
      if version > 5 { refuse("is of protocol \(version), which Python has not", at: start) }
      hasProtocol = true
    case 0x95: guard take(8) != nil else { return .ends }
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "0"): if stack.count == marks.last { marks.removeLast() } else { _ = pop(at: start) }
    case UInt8(ascii: "1"): _ = popToMark(at: start)
    case UInt8(ascii: "2"): push(top ?? .unknown)
    case UInt8(ascii: "N"): push(.nothing)
    case 0x88, 0x89: push(.plain)
    case UInt8(ascii: "K"): return try number(1)
    case UInt8(ascii: "M"): return try number(2)
    case UInt8(ascii: "J"): return try number(4)
    case 0x8a, 0x8b:
      guard let count = try integer(opcode == 0x8a ? 1 : 4), let range = take(count) else { return .ends }
      let value = range.count <= 8 ? try window.integer(range.count, at: range.lowerBound) : nil
      push(value.map { .integer($0) } ?? .plain)
    case UInt8(ascii: "I"), UInt8(ascii: "L"), UInt8(ascii: "F"):
      guard let range = try line() else { return .ends }
      let digits = try name(range).map { ScannedText.integer($0.last == UInt8(ascii: "L") ? $0.dropLast() : $0[...]) }
      push(digits.flatMap(\.self).map { .integer($0) } ?? .plain)
    case UInt8(ascii: "G"):
      guard take(8) != nil else { return .ends }
      push(.plain)
    case 0x8c, UInt8(ascii: "U"): return try text(integer(1))
    case UInt8(ascii: "X"), UInt8(ascii: "T"): return try text(integer(4))
    case 0x8d: return try text(integer(8))
    case UInt8(ascii: "V"), UInt8(ascii: "S"):
      guard let range = try line() else { return .ends }
      guard let bytes = try name(range) else {
        push(.longText(range))
        return .done
      }
      push(.text(opcode == UInt8(ascii: "V") ? ScannedText.rawUnicode(bytes) : ScannedText.quoted(bytes)))
    case UInt8(ascii: "C"): return try bytes(integer(1))
    case UInt8(ascii: "B"): return try bytes(integer(4))
    case 0x8e, 0x96: return try bytes(integer(8))
    case 0x97: push(.unknown)
    case 0x98: break
    default: return try runContainer(opcode, at: start)
    }
    return .done
  }

  private mutating func number(_ count: Int) throws(Failure) -> Step {
    guard let value = try integer(count) else { return .ends }
    push(.integer(value))
    return .done
  }

  private mutating func text(_ count: Int?) throws(Failure) -> Step {
    guard let range = take(count) else { return .ends }
    guard let bytes = try name(range) else {
      push(.longText(range))
      return .done
    }
    push(String(validating: bytes, as: UTF8.self).map { .text($0) } ?? .longText(range))
    return .done
  }

  private mutating func bytes(_ count: Int?) throws(Failure) -> Step {
    guard let range = take(count) else { return .ends }
    push(.bytes(range))
    return .done
  }

  private mutating func runContainer(_ opcode: UInt8, at start: Int) throws(Failure) -> Step {
    switch opcode {
    case UInt8(ascii: ")"): push(.tuple(make([])))
    case UInt8(ascii: "t"): push(.tuple(make(popToMark(at: start))))
    case 0x85...0x87:
      var values: [Value] = []
      for _ in 0..<Int(opcode - 0x84) { values.append(pop(at: start)) }
      push(.tuple(make(values.reversed())))
    case UInt8(ascii: "]"): push(.list(make([])))
    case UInt8(ascii: "l"): push(.list(make(popToMark(at: start))))
    case UInt8(ascii: "}"): push(.dictionary(make([])))
    case UInt8(ascii: "d"): push(.dictionary(make(popToMark(at: start))))
    case 0x8f: push(.set)
    case 0x91:
      _ = popToMark(at: start)
      push(.set)
    case UInt8(ascii: "a"):
      let value = pop(at: start)
      add([value], at: start)
    case UInt8(ascii: "e"), UInt8(ascii: "u"), 0x90: add(popToMark(at: start), at: start)
    case UInt8(ascii: "s"):
      let value = pop(at: start)
      let key = pop(at: start)
      add([key, value], at: start)
    case UInt8(ascii: "p"), UInt8(ascii: "g"):
      guard let range = try line() else { return .ends }
      let key = try name(range).flatMap { ScannedText.integer($0[...]) }
      if opcode == UInt8(ascii: "p") { remember(key, at: start) } else { recall(key, at: start) }
    case UInt8(ascii: "q"), UInt8(ascii: "r"):
      guard let key = try integer(opcode == UInt8(ascii: "q") ? 1 : 4) else { return .ends }
      remember(key, at: start)
    case 0x94: remember(memo.count, at: start)
    case UInt8(ascii: "h"), UInt8(ascii: "j"):
      guard let key = try integer(opcode == UInt8(ascii: "h") ? 1 : 4) else { return .ends }
      recall(key, at: start)
    default: return try runObject(opcode, at: start)
    }
    return .done
  }

  private mutating func add(_ values: [Value], at offset: Int) {
    switch top {
    case .list(let index), .dictionary(let index): extend(index, values)
    case .made(let number):
      // The methods of the object's class are called; of Python's own containers they only add.
      guard case .instance(let type, _) = made[number], case .harmless(.instance) = globals[type].standing,
        !HarmlessNames.containers.contains(globals[type].full)
      else { break }
      findings.append(
        ScanFinding(
          .unknown, .pickleChange, at: offset, globals[type].full,
          "adds items to an object of \(globals[type].full), whose own methods do that"))
    case .global, nil: refuse("adds items to what is no container", at: offset)
    default: break
    }
  }

  private mutating func remember(_ key: Int?, at offset: Int) {
    // A key that is no integer, or none of 63 bits, is one that no pickler writes, and that C's unpickler refuses.
    guard let key, key >= 0 else { return refuse("remembers a value by what is no number", at: offset) }
    memo[key] = top ?? .unknown
  }

  private mutating func recall(_ key: Int?, at offset: Int) {
    if let key, let value = memo[key] { return push(value) }
    refuse("recalls a value that was not remembered", at: offset)
    push(.unknown)
  }

  private mutating func runObject(_ opcode: UInt8, at start: Int) throws(Failure) -> Step {
    switch opcode {
    case UInt8(ascii: "c"):
      guard let module = try line(), let name = try line() else { return .ends }
      push(try global(self.name(module), self.name(name), at: start))
    case 0x93:
      let name = pop(at: start)
      let module = pop(at: start)
      if case .text(let module) = module, case .text(let name) = name {
        push(global(module, name, at: start))
      } else {
        computed("a module or name", at: start)
        push(.unknown)
      }
    case UInt8(ascii: "R"), 0x81:
      let arguments = pop(at: start)
      let callee = pop(at: start)
      push(call(callee, members(arguments) ?? [.unknown], isNew: opcode == 0x81, at: start))
    case 0x92:
      let keywords = pop(at: start)
      let arguments = pop(at: start)
      let callee = pop(at: start)
      push(call(callee, (members(arguments) ?? [.unknown]) + [keywords], isNew: true, at: start))
    case UInt8(ascii: "i"):
      guard let module = try line(), let name = try line() else { return .ends }
      let callee = try global(self.name(module), self.name(name), at: start)
      let arguments = popToMark(at: start)
      push(call(callee, arguments, isNew: false, at: start))
    case UInt8(ascii: "o"):
      let values = popToMark(at: start)
      if values.isEmpty { refuse("makes an object of no class", at: start) }
      push(call(values.first ?? .unknown, PickleWalk.rest(values), isNew: false, at: start))
    case UInt8(ascii: "b"):
      let state = pop(at: start)
      try build(state, at: start)
    case 0x82...0x84:
      guard let number = try integer(1 << Int(opcode - 0x82)) else { return .ends }
      findings.append(
        ScanFinding(
          .unknown, .pickleExtension, at: start, "extension \(number)",
          "names what Python's extension registry has under number \(number)"))
      push(.unknown)
    case UInt8(ascii: "P"):
      guard try line() != nil else { return .ends }
      push(.persistent)
    case UInt8(ascii: "Q"):
      // Files of PyTorch's before 1.6 have the class of a module so, with its source (torch/serialization.py).
      let id = members(pop(at: start)) ?? []
      if id.count == 4, case .text("module") = id[0] { push(id[1]) } else { push(.persistent) }
    default: return .unknown
    }
    return .done
  }

  private mutating func global(_ module: [UInt8]?, _ name: [UInt8]?, at offset: Int) -> Value {
    guard let module, let name else {
      computed("a name of more than \(Self.longestName) bytes", at: offset)
      return .unknown
    }
    return global(String(decoding: module, as: UTF8.self), String(decoding: name, as: UTF8.self), at: offset)
  }
}

/// How pickles of protocol 0 write values, as text.
enum ScannedText {
  /// As Python's `int` reads it: spaces around it, a sign, underscores between digits. nil when it is none of 63 bits.
  static func integer(_ text: ArraySlice<UInt8>) -> Int? {
    var text = text
    while let last = text.last, isSpace(last) { text.removeLast() }
    while let first = text.first, isSpace(first) { text.removeFirst() }
    let isNegative = text.first == UInt8(ascii: "-")
    if isNegative || text.first == UInt8(ascii: "+") { text.removeFirst() }
    var digits = String(decoding: text, as: UTF8.self)
    digits.removeAll { $0 == "_" }
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(digits) else {
      return nil
    }
    return isNegative ? -value : value
  }

  /// The bytes that a text's characters are in Latin-1.
  static func latin(_ text: String) -> [UInt8] {
    text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

  /// Python's raw-unicode-escape: Latin-1, with `\uXXXX` and `\UXXXXXXXX`.
  static func rawUnicode(_ bytes: [UInt8]) -> String {
    var out = String.UnicodeScalarView()
    var position = 0
    while position < bytes.count {
      let isLong = position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "U")
      let isShort = position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "u")
      if bytes[position] == UInt8(ascii: "\\"), isLong || isShort,
        let scalar = hexadecimal(bytes, position + 2, isLong ? 8 : 4).flatMap(Unicode.Scalar.init)
      {
        out.append(scalar)
        position += isLong ? 10 : 6
      } else {
        out.append(Unicode.Scalar(bytes[position]))
        position += 1
      }
    }
    return String(out)
  }

  /// A quoted string with the escapes of Python's bytes literals.
  static func quoted(_ bytes: [UInt8]) -> String {
    var text = bytes[...]
    while let last = text.last, isSpace(last) { text.removeLast() }
    if text.count >= 2, text.first == text.last, let quote = text.first, quote == 0x27 || quote == 0x22 {
      text.removeFirst()
      text.removeLast()
    }
    let bytes = [UInt8](text)
    var out: [UInt8] = []
    var position = 0
    while position < bytes.count {
      guard bytes[position] == UInt8(ascii: "\\"), position + 1 < bytes.count else {
        out.append(bytes[position])
        position += 1
        continue
      }
      let next = bytes[position + 1]
      position += 2
      switch next {
      case UInt8(ascii: "x"):
        out.append(UInt8(truncatingIfNeeded: hexadecimal(bytes, position, 2) ?? 0))
        position += 2
      case UInt8(ascii: "0")...UInt8(ascii: "7"):
        var value = Int(next - 0x30)
        for _ in 0..<2 where position < bytes.count && (0x30...0x37).contains(bytes[position]) {
          value = value * 8 + Int(bytes[position] - 0x30)
          position += 1
        }
        out.append(UInt8(truncatingIfNeeded: value))
      case UInt8(ascii: "n"): out.append(0x0a)
      case UInt8(ascii: "t"): out.append(0x09)
      case UInt8(ascii: "r"): out.append(0x0d)
      case UInt8(ascii: "\\"), 0x27, 0x22: out.append(next)
      default: out += [UInt8(ascii: "\\"), next]
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  private static func hexadecimal(_ bytes: [UInt8], _ position: Int, _ count: Int) -> UInt32? {
    guard position + count <= bytes.count else { return nil }
    return UInt32(String(decoding: bytes[position..<position + count], as: UTF8.self), radix: 16)
  }
}
