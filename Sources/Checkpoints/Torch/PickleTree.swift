import Arrays

/// A value of a pickle. Containers are numbers into the tree's tables, so that neither cycles nor depth can hurt.
enum PickleValue: Equatable, Sendable {
  case none
  case boolean(Bool)
  case integer(Int)
  /// An integer that doesn't fit 64 bits.
  case largeInteger
  case float(Double)
  /// The text, and where its bytes begin in the file; nil: they don't stand there as they are.
  case string(String, at: Int?)
  /// Where they begin in the file, and how many there are.
  case bytes(at: Int, count: Int)
  /// A string of Python 2 that is not ASCII: one byte a character, from there on in the file.
  case latin(String, at: Int)
  /// Bytes that the writer kept outside the file.
  case buffer
  /// The items.
  case tuple(Int)
  case list(Int)
  case set(Int)
  /// Keys and values in turn.
  case dictionary(Int)
  /// A function or class by name.
  case global(Int)
  /// What calling something would have made. Nothing is ever called.
  case object(Int)
  /// What the writer stored outside the pickle.
  case persistent(Int)
}

/// What a call in a pickle stands for, with all that was given to what it would have made: to be looked at, not made.
struct PickleObject: Sendable {
  let callable: PickleValue
  /// The tuple of its arguments: a container's number.
  let arguments: Int
  /// Its arguments by name, of an object that was made with such.
  let keywords: PickleValue?
  /// What BUILD gave it, each time.
  var states: [PickleValue] = []
  /// What was appended to it, as to a list: a container's number.
  var items: Int?
  /// Keys and values that were set in it, as in a dictionary: a container's number.
  var pairs: Int?
}

/// One or several pickles as an inert tree: nothing in it is called or imported.
struct PickleTree: Sendable {
  /// What the writer stored elsewhere under an identity.
  struct Reference: Sendable {
    let identity: PickleValue
    /// Which of the pickles mentions it.
    let pickle: Int
  }

  var containers: [[PickleValue]] = []
  var objects: [PickleObject] = []
  /// Names of functions and classes, `module.name`, in the order in which they are first mentioned.
  var globals: [String] = []
  /// What is stored outside the pickles, each as often as it is mentioned.
  var references: [Reference] = []
  var root = PickleValue.none
  /// Pickles that it was made of.
  var pickles = 0

  /// The items of a tuple or list; nil for anything else.
  func items(_ value: PickleValue) -> [PickleValue]? {
    switch value {
    case .tuple(let index), .list(let index): containers[index]
    default: nil
    }
  }

  /// The members of a dictionary, or of an object that was filled as one, in order; the name is nil where a key is no
  /// string. nil for anything else.
  func members(_ value: PickleValue) -> [(name: String?, value: PickleValue)]? {
    guard let flat = pairs(value) else { return nil }
    return stride(from: 0, to: flat.count - 1, by: 2).map { position in
      if case .string(let name, _) = flat[position] { (name, flat[position + 1]) } else { (nil, flat[position + 1]) }
    }
  }

  /// Keys and values in turn.
  func pairs(_ value: PickleValue) -> [PickleValue]? {
    switch value {
    case .dictionary(let index): containers[index]
    case .object(let index): objects[index].pairs.map { containers[$0] }
    default: nil
    }
  }

  /// The member of a dictionary of that name; nil when there is none.
  func member(_ name: String, of value: PickleValue) -> PickleValue? {
    guard let flat = pairs(value) else { return nil }
    for position in stride(from: 0, to: flat.count - 1, by: 2) {
      // A pickle can have one name a million times.
      if case .string(let text, _) = flat[position], text.isSameBytes(as: name) { return flat[position + 1] }
    }
    return nil
  }

  /// The name of the global that a value is.
  func global(_ value: PickleValue) -> String? {
    switch value {
    case .global(let index): return globals[index]
    // Files of before 1.6 say of a module's class where its code stood: ("module", class, file, code).
    case .persistent(let index):
      guard let items = items(references[index].identity), items.count >= 2, isText(items[0], "module"),
        case .global(let index) = items[1]
      else { return nil }
      return globals[index]
    default: return nil
    }
  }

  /// The name of the global whose call would have made the value; nil for anything else.
  func function(of value: PickleValue) -> String? {
    guard case .object(let index) = value else { return nil }
    return global(objects[index].callable)
  }

  /// The name of the class that the value would have been of, where that can be told: what was called, unless that is one
  /// of copyreg's functions, which are given the class.
  func className(of value: PickleValue) -> String? {
    guard let function = function(of: value) else { return nil }
    guard function.hasPrefix("copyreg.") || function.hasPrefix("copy_reg.") else { return function }
    return arguments(of: value).first.flatMap(global) ?? function
  }

  /// The arguments of that call.
  func arguments(of value: PickleValue) -> [PickleValue] {
    guard case .object(let index) = value else { return [] }
    return containers[objects[index].arguments]
  }

  /// What BUILD gave the object last.
  func state(of value: PickleValue) -> PickleValue? {
    guard case .object(let index) = value else { return nil }
    return objects[index].states.last
  }

  func isText(_ value: PickleValue, _ text: String) -> Bool {
    if case .string(let found, _) = value { found.isSameBytes(as: text) } else { false }
  }

  /// Whole numbers of a tuple or list, or of a torch.Size; nil for anything else.
  func integers(_ value: PickleValue) -> [Int]? {
    var value = value
    if function(of: value) == "torch.Size", let first = arguments(of: value).first { value = first }
    // torch has no tensors of more dimensions; many tensors can have one list.
    guard let items = items(value), items.count <= 64 else { return nil }
    var out: [Int] = []
    for item in items {
      guard case .integer(let number) = item else { return nil }
      out.append(number)
    }
    return out
  }

  /// The items of a list, tuple or set, in whichever way it was written.
  func elements(_ value: PickleValue) -> [PickleValue]? {
    if case .set(let index) = value { return containers[index] }
    if let items = items(value) { return items }
    guard let function = function(of: value), Self.collections.contains(function) else { return nil }
    guard let first = arguments(of: value).first else { return [] }
    return items(first)
  }

  private static let collections: Set<String> = Set(
    ["builtins", "__builtin__"].flatMap { module in ["set", "frozenset", "list", "tuple"].map { "\(module).\($0)" } })
}
