import Arrays

/// What names and calls come to.
extension PickleWalk {
  mutating func global(_ module: String, _ name: String, at offset: Int) -> Value {
    let key = "\(module)\u{0}\(name)"
    if let number = globalNumbers[key] {
      globals[number].count += 1
      return .global(number)
    }
    globals.append(
      Global(module: module, name: name, standing: PickleNames.standing(of: module, name), offset: offset))
    globalNumbers[key] = globals.count - 1
    return .global(globals.count - 1)
  }

  /// A finding about what can't be known without running the pickle.
  mutating func computed(_ what: String, at offset: Int) {
    findings.append(
      ScanFinding(
        .unknown, .pickleComputed, at: offset, what, "names a function or class by \(what) that is made while loading"))
  }

  /// - Parameters:
  ///   - isNew: whether only the class's `__new__` is called, not its initializer.
  mutating func call(_ callee: Value, _ arguments: [Value], isNew: Bool, at offset: Int) -> Value {
    work += arguments.count
    switch callee {
    case .global(let number): return call(number, arguments, isNew: isNew, at: offset)
    case .made(let number):
      switch made[number] {
      case .partial(let function):
        guard case .global(let number) = function else { return unclear("a function", offset) }
        return call(number, [.unknown] + arguments, isNew: isNew, at: offset)
      case .attribute, .result, .instance, .encoded: return unclear("what a call gave", offset)
      }
    case .unknown, .persistent: return unclear("what is not known", offset)
    case .nothing, .plain, .integer, .text, .longText, .bytes, .tuple, .list, .dictionary, .set:
      refuse("calls what is no function", at: offset)
      return .unknown
    }
  }

  private mutating func unclear(_ what: String, _ offset: Int) -> Value {
    findings.append(ScanFinding(.unknown, .pickleComputed, at: offset, what, "calls \(what)"))
    return make(.result)
  }

  private mutating func call(_ number: Int, _ arguments: [Value], isNew: Bool, at offset: Int) -> Value {
    switch globals[number].standing {
    case .harmless(.value): break
    case .harmless(.instance):
      // Of such classes only `__new__` is known to do nothing.
      if !isNew { called(number, at: offset) }
    case .harmless(.getattr):
      if isHarmlessAttribute(arguments) { return make(.attribute) }
      called(number, at: offset)
    case .harmless(.partial):
      guard let function = arguments.first, isHarmlessToHold(function) else {
        called(number, at: offset)
        break
      }
      return make(.partial(of: unwrapped(function)))
    case .harmless(.getter):
      let isPlain = arguments.allSatisfy {
        switch $0 {
        case .text(let name): !name.contains("__")
        case .integer, .plain, .nothing: true
        default: false
        }
      }
      if isPlain { return make(.attribute) }
      called(number, at: offset)
    case .harmless(.encode):
      if let codec = textCodec(arguments) { return encoded(arguments[0], codec, at: offset) }
      called(number, at: offset)
    case .harmless(.nested):
      switch arguments.first {
      case .bytes(let range): nested.append(.range(range, isLatin: false))
      case .made(let made):
        if case .encoded(let bytes) = self.made[made] { nested.append(bytes) } else { called(number, at: offset) }
      default: called(number, at: offset)
      }
    case .harmless(.reconstructor):
      // `copyreg._reconstructor(class, base, state)` and `__newobj__(class, …)` make an object without its initializer.
      guard let type = arguments.first, case .global(let number) = type else {
        called(number, at: offset)
        break
      }
      return call(number, PickleWalk.rest(arguments), isNew: true, at: offset)
    case .harmless(.caller):
      // Calls its first argument with others, or does on occasion.
      for argument in arguments where isCallable(argument) && !isHarmlessFunction(argument) {
        called(number, at: offset)
        break
      }
    case .unknown, .harmful: called(number, at: offset)
    }
    return make(.instance(of: number, first: arguments.first ?? .nothing))
  }

  /// Notes that a function is called that is not known to be harmless so.
  private mutating func called(_ number: Int, at offset: Int) {
    if globals[number].calledAt == nil { globals[number].calledAt = offset }
  }

  private func isCallable(_ value: Value) -> Bool {
    switch value {
    case .global, .unknown, .persistent: true
    case .made(let number):
      switch made[number] {
      case .partial, .attribute, .result: true
      case .instance, .encoded: false
      }
    default: false
    }
  }

  /// Whether it may be called with anything.
  private func isHarmlessFunction(_ value: Value) -> Bool {
    switch value {
    case .global(let number): if case .harmless(let use) = globals[number].standing { use.mayBeCalled } else { false }
    case .made(let number):
      if case .partial(let function) = made[number] { isHarmlessFunction(function) } else { false }
    default: false
    }
  }

  /// The function of a partial, so that none leads to another.
  private func unwrapped(_ function: Value) -> Value {
    if case .made(let number) = function, case .partial(let inner) = made[number] { inner } else { function }
  }

  /// Whether nothing comes of it as long as it isn't called.
  private func isHarmlessToHold(_ value: Value) -> Bool {
    guard case .global(let number) = value else { return isHarmlessFunction(value) }
    switch globals[number].standing {
    case .harmless(.value), .harmless(.instance): return true
    default: return false
    }
  }

  /// `getattr(class, "name")` of a class that is known: nested classes, members of enumerations, methods.
  private func isHarmlessAttribute(_ arguments: [Value]) -> Bool {
    guard arguments.count == 2, case .text(let name) = arguments[1], !name.hasPrefix("_"), !name.contains(".") else {
      return false
    }
    return isHarmlessToHold(arguments[0])
  }

  private static let textCodecs: Set<String> = [
    "latin1", "latin-1", "latin_1", "iso-8859-1", "iso8859-1", "utf8", "utf-8", "utf_8", "ascii", "us-ascii",
    "raw_unicode_escape", "unicode_escape",
  ]

  /// The codec, where it only makes bytes of a text.
  private func textCodec(_ arguments: [Value]) -> String? {
    switch arguments.first {
    case .text, .longText, .bytes, .tuple: break
    default: return nil
    }
    if arguments.count == 1 { return "utf-8" }
    guard case .text(let codec) = arguments[1], Self.textCodecs.contains(codec.lowercased()) else { return nil }
    return codec.lowercased()
  }

  /// Bytes, which no global can be named by.
  private mutating func encoded(_ value: Value, _ codec: String, at offset: Int) -> Value {
    let isLatin = codec.contains("latin") || codec.contains("8859")
    switch value {
    case .longText(let range): return make(.encoded(.range(range, isLatin: isLatin)))
    case .text(let text):
      let bytes = isLatin ? ScannedText.latin(text) : [UInt8](text.utf8)
      return make(.encoded(.bytes(bytes, at: offset)))
    default: return make(.encoded(.bytes([], at: offset)))
    }
  }

  // MARK: States

  /// The state that an object is given: its attributes, unless its class has a `__setstate__`.
  mutating func build(_ state: Value, at offset: Int) throws(Failure) {
    guard let target = top else { return refuse("gives a state to nothing", at: offset) }
    switch target {
    case .global(let number):
      findings.append(
        ScanFinding(
          .harmful, .pickleChange, at: offset, globals[number].full, "sets attributes of \(globals[number].full) itself"
        ))
    case .made(let number): try build(number, state, at: offset)
    case .unknown, .persistent:
      findings.append(
        ScanFinding(.unknown, .pickleChange, at: offset, "what is not known", "sets attributes of what is not known"))
    case .nothing, .plain, .integer, .text, .longText, .bytes, .tuple, .list, .dictionary, .set:
      refuse("gives a state to what has none", at: offset)
    }
  }

  /// Attributes that change how an object is loaded, or what its class is.
  private static let loadingAttributes = [
    "__setstate__", "__class__", "__dict__", "__reduce__", "__reduce_ex__", "__getattr__", "__getattribute__",
  ]

  private mutating func build(_ number: Int, _ state: Value, at offset: Int) throws(Failure) {
    var states = [state]
    if case .tuple(let index) = state { states += items[index] }
    for case .dictionary(let index) in states { work += items[index].count }
    work += states.count
    for name in Self.loadingAttributes where states.contains(where: { member(name, of: $0) != nil }) {
      findings.append(
        ScanFinding(
          .unknown, .pickleChange, at: offset, name, "gives an object an attribute \(name), which loading would call"))
    }
    switch made[number] {
    case .partial:
      // Its state is (function, arguments, keywords, attributes), and takes the place of what it was made with.
      guard let function = members(state)?.first else { return }
      if isHarmlessToHold(function) {
        made[number] = .partial(of: unwrapped(function))
      } else {
        findings.append(
          ScanFinding(.unknown, .pickleChange, at: offset, "functools.partial", "changes the function of a partial"))
      }
    case .attribute:
      findings.append(
        ScanFinding(.unknown, .pickleChange, at: offset, "an attribute", "sets attributes of an attribute of a class"))
    case .instance(let type, _):
      switch globals[type].full {
      case "numpy.dtype":
        // Of a type's state, the sixth is an element's size where its name doesn't fix it, and the eighth has flags, the
        // lowest of which says that there are objects among its fields (numpy/_core/src/multiarray/descriptor.c).
        let facts = members(state) ?? []
        if facts.count > 5, case .integer(let size) = facts[5], size >= 0 { typeSizes[number] = size }
        if facts.count > 7, case .integer(let flags) = facts[7], flags & 1 != 0 { objectTypes.insert(number) }
      case "joblib.numpy_pickle.NumpyArrayWrapper": if skipsArrays { try skipArray(state, at: offset) }
      default: break
      }
    case .result, .encoded: break
    }
  }
}
