import Arrays

/// An array of a file, by its path.
struct TorchTensor: Sendable {
  let name: String
  let view: TorchView
  /// Whether a module's own state dict has it, as that of anything but a module does; else it is an attribute, or a buffer
  /// that isn't kept.
  let isOfState: Bool
}

/// A container or object of a file in which there are arrays.
struct TorchPart: Sendable {
  /// Its name in what holds it.
  let key: String
  let path: String
  let value: PickleValue
  /// Whether it is a module (torch.nn.Module), whose arrays have the names of its state dict.
  var isModule = false
  /// Parts in it, and arrays of its own, each by the number of the member in it.
  var parts: [Int] = []
  var arrays: [Int] = []
  /// All arrays in it, those of its parts among them.
  var all = 0..<0
}

/// Finds all arrays of a tree, wherever they stand, and names them by their paths.
struct TorchParts {
  let tree: PickleTree
  let reader: TensorReader
  private(set) var tensors: [TorchTensor] = []
  /// The first is the whole.
  private(set) var parts: [TorchPart] = []
  /// What is sound but can't be read as an array, by path, and why.
  private(set) var unreadable: [(name: String, why: String)] = []

  private let pickle: String
  private let holds: [Bool]
  private var isOnPath: Set<Int> = []
  private var visited: Set<Int> = []
  private var names: Set<[UInt8]> = []
  private var copies: [[UInt8]: Int] = [:]
  /// Members looked at, and bytes of names.
  private var members = 0
  private var nameBytes = 0

  /// Attributes of a module, which are looked at after all that is its state.
  private struct Attribute {
    let path: String
    let value: PickleValue
    let part: Int
    /// Whether its arrays are the module's weights all the same.
    let isOfState: Bool
  }
  private var attributes: [Attribute] = []
  private var stateTensors: Set<Int> = []

  /// Dictionaries in dictionaries that are followed.
  static let maximumDepth = 100
  /// Most members of dictionaries that are looked at: dictionaries that are shared could otherwise multiply.
  private static let maximumMembers = 2_000_000
  private static let mostUnreadable = 1000

  /// - Parameter pickle: what to call the pickle in errors.
  /// - Throws: `Failure` of kind `badData` naming the array that is malformed, or when there are too many.
  init(_ tree: PickleTree, pickle: String) throws(Failure) {
    self.tree = tree
    self.pickle = pickle
    reader = TensorReader(tree)
    var wanted: [Int] = []
    for index in tree.objects.indices where reader.isTensor(.object(index)) {
      wanted.append(tree.containers.count + index)
    }
    holds = wanted.isEmpty ? [] : tree.holding(wanted)
    let root = add(TorchPart(key: "", path: "", value: tree.root))
    if reader.isTensor(tree.root) {
      try take(tree.root, "tensor", into: root, isOfState: true)
    } else if holdsArrays(tree.root) {
      try fill(root, depth: 0, once: false)
    }
    parts[root].all = 0..<tensors.count
  }

  private mutating func add(_ part: TorchPart) -> Int {
    parts.append(part)
    return parts.count - 1
  }

  /// Whether there are arrays in a value, however deep.
  func holdsArrays(_ value: PickleValue) -> Bool {
    guard !holds.isEmpty, let node = tree.node(value) else { return false }
    return holds[node]
  }

  private func failure(_ array: String, _ reason: String) -> Failure {
    Failure(.badData, place: "\(pickle), array \"\(array)\"", reason)
  }

  // MARK: Arrays

  /// Takes a tensor, or the parts that it consists of.
  private mutating func take(
    _ value: PickleValue, _ path: String, into part: Int, isOfState: Bool
  ) throws(Failure) {
    // An attribute may be what the state has already.
    if !isOfState, let node = tree.node(value), stateTensors.contains(node) { return }
    let reading: TensorReading?
    do { reading = try reader.reading(value) } catch {
      throw Failure(error.kind, place: "\(pickle), array \"\(path)\"", error.reason, hint: error.hint)
    }
    if let reading { try take(reading, path, into: part, isOfState) }
  }

  private mutating func take(
    _ reading: TensorReading, _ path: String, into part: Int, _ isOfState: Bool
  ) throws(Failure) {
    switch reading {
    case .array(let view):
      let name = unique(path)
      let most = Limit.arrays.value
      guard tensors.count < most else {
        throw failure(name, "comes after \(most) others, more than are read").hinting(Limit.arrays.hint())
      }
      parts[part].arrays.append(tensors.count)
      tensors.append(TorchTensor(name: name, view: view, isOfState: isOfState))
    case .parts(let all, let what):
      tell(path, "is \(what): its parts are arrays of their own")
      for (name, reading) in all { try take(reading, joined(path, name), into: part, isOfState) }
    case .unreadable(let why): tell(path, why)
    }
  }

  /// A path in another; all that are made are counted.
  private mutating func joined(_ path: String, _ key: String) throws(Failure) -> String {
    nameBytes += path.utf8.count + key.utf8.count
    guard nameBytes <= TorchCheckpoint.mostNameBytes else {
      throw Failure(.badData, place: pickle, "has names of more than \(TorchCheckpoint.mostNameBytes) bytes together")
    }
    return path.isEmpty ? key : "\(path).\(key)"
  }

  private mutating func tell(_ path: String, _ why: String) {
    if unreadable.count < Self.mostUnreadable { unreadable.append((path, why)) }
  }

  /// The name, with a number behind it where another array has it: `{"a.b": …, "a": {"b": …}}`.
  private mutating func unique(_ path: String) -> String {
    let bytes = Array(path.utf8)
    if names.insert(bytes).inserted { return path }
    while true {
      let number = (copies[bytes] ?? 1) + 1
      copies[bytes] = number
      let name = "\(path)#\(number)"
      if names.insert(Array(name.utf8)).inserted { return name }
    }
  }

  // MARK: Containers and objects

  private mutating func count(_ more: Int) throws(Failure) {
    members += more
    guard members <= Self.maximumMembers else {
      throw Failure(.badData, place: pickle, "has dictionaries of more than \(Self.maximumMembers) members together")
    }
  }

  /// A member of the part: an array, or a part in it.
  /// - Parameter once: whether what was looked at before is left out, as it is behind attributes of objects: each can know
  ///   all others.
  private mutating func visit(
    _ value: PickleValue, _ key: String, in part: Int, depth: Int, once: Bool, isOfState: Bool = true
  ) throws(Failure) {
    guard reader.isTensor(value) || holdsArrays(value) else { return }
    let path = try joined(parts[part].path, key)
    if reader.isTensor(value) { return try take(value, path, into: part, isOfState: isOfState) }
    guard depth < Self.maximumDepth else { return tell(path, "is nested more than \(Self.maximumDepth) deep") }
    let inner = add(TorchPart(key: key, path: path, value: value))
    parts[part].parts.append(inner)
    let start = tensors.count
    try fill(inner, depth: depth + 1, once: once, isOfState: isOfState)
    parts[inner].all = start..<tensors.count
  }

  private mutating func fill(_ part: Int, depth: Int, once: Bool, isOfState: Bool = true) throws(Failure) {
    let value = parts[part].value
    guard let node = tree.node(value), !isOnPath.contains(node) else { return }
    if !visited.insert(node).inserted, once { return }
    isOnPath.insert(node)
    defer { isOnPath.remove(node) }
    switch value {
    case .dictionary(let index): try fill(part, pairs: index, depth: depth, once: once, isOfState: isOfState)
    case .list(let index), .tuple(let index), .set(let index):
      try fill(part, items: index, depth: depth, once: once, isOfState: isOfState)
    case .object(let index):
      if let state = tree.stateOfScriptObject(value) {
        parts[part].isModule = true
        if case .tuple(let index) = state {
          try fill(part, items: index, depth: depth, once: once, isOfState: isOfState)
        } else {
          try visit(state, "state", in: part, depth: depth, once: once, isOfState: isOfState)
        }
      } else if let module = try module(value) {
        parts[part].isModule = true
        try fill(part, module: module, path: parts[part].path, depth: depth, isOfState: isOfState)
        try takeAttributes(depth: depth)
      } else {
        try fill(part, object: tree.objects[index], depth: depth, once: once, isOfState: isOfState)
      }
    default: break
    }
  }

  private mutating func fill(
    _ part: Int, pairs index: Int, depth: Int, once: Bool, isOfState: Bool
  ) throws(Failure) {
    let flat = tree.containers[index]
    try count(flat.count / 2)
    var keys: Set<[UInt8]> = []
    for position in stride(from: 0, to: flat.count - 1, by: 2) {
      let value = flat[position + 1]
      guard reader.isTensor(value) || holdsArrays(value) else { continue }
      let key = tree.keyText(flat[position]) ?? "#\(position / 2)"
      if case .string = flat[position], !keys.insert(Array(key.utf8)).inserted {
        throw failure(parts[part].path.isEmpty ? key : "\(parts[part].path).\(key)", "is there twice")
      }
      try visit(value, key, in: part, depth: depth, once: once, isOfState: isOfState)
    }
  }

  private mutating func fill(
    _ part: Int, items index: Int, depth: Int, once: Bool, isOfState: Bool
  ) throws(Failure) {
    let items = tree.containers[index]
    try count(items.count)
    for (number, value) in items.enumerated() {
      try visit(value, "\(number)", in: part, depth: depth, once: once, isOfState: isOfState)
    }
  }

  private mutating func fill(
    _ part: Int, object: PickleObject, depth: Int, once: Bool, isOfState: Bool
  ) throws(Failure) {
    // A program's objects are known to none but their owners; those of a TorchScript archive hold one another as modules
    // hold modules.
    let function = tree.global(object.callable) ?? ""
    let once = once || !function.hasPrefix("__torch__.")
    if Self.transparent.contains(function), let first = tree.containers[object.arguments].first {
      switch first {
      case .dictionary(let index): try fill(part, pairs: index, depth: depth, once: once, isOfState: isOfState)
      case .list(let index), .tuple(let index), .set(let index):
        try fill(part, items: index, depth: depth, once: once, isOfState: isOfState)
      default: break
      }
      return
    }
    if let pairs = object.pairs { try fill(part, pairs: pairs, depth: depth, once: once, isOfState: isOfState) }
    if let items = object.items { try fill(part, items: items, depth: depth, once: once, isOfState: isOfState) }
    for state in object.states {
      // Of classes with slots, a pair of dictionaries.
      let dictionaries = if case .tuple(let index) = state { tree.containers[index] } else { [state] }
      for (number, value) in dictionaries.enumerated() {
        if case .dictionary(let index) = value {
          try fill(part, pairs: index, depth: depth, once: once, isOfState: isOfState)
        } else {
          let key = dictionaries.count == 1 ? "state" : "\(number)"
          try visit(value, key, in: part, depth: depth, once: once, isOfState: isOfState)
        }
      }
    }
    if case .dictionary(let index)? = object.keywords {
      try fill(part, pairs: index, depth: depth, once: once, isOfState: isOfState)
    }
    try fill(part, items: object.arguments, depth: depth, once: once, isOfState: isOfState)
  }

  /// Calls that give back what they are given.
  private static let transparent: Set<String> = [
    "torch.jit._pickle.restore_type_tag", "torch.jit._pickle.build_tensorlist", "builtins.list", "builtins.tuple",
    "builtins.set", "builtins.frozenset", "__builtin__.list", "__builtin__.tuple", "__builtin__.set",
    "__builtin__.frozenset", "collections.Counter", "types.SimpleNamespace", "types.MappingProxyType",
  ]

  // MARK: Modules

  /// The arrays of a module under the names that its state dict would have, those of the modules in it among them.
  private mutating func fill(
    _ part: Int, module: TorchModule, path: String, depth: Int, isOfState: Bool
  ) throws(Failure) {
    for (key, value) in module.parameters + module.buffers where reader.isTensor(value) {
      if let node = tree.node(value) { stateTensors.insert(node) }
      try take(value, joined(path, key), into: part, isOfState: isOfState)
    }
    for (key, value) in module.modules where holdsArrays(value) {
      guard let node = tree.node(value), !isOnPath.contains(node) else { continue }
      guard depth < Self.maximumDepth else {
        tell(try joined(path, key), "is nested more than \(Self.maximumDepth) deep")
        continue
      }
      if let inner = try self.module(value) {
        visited.insert(node)
        isOnPath.insert(node)
        defer { isOnPath.remove(node) }
        try fill(part, module: inner, path: joined(path, key), depth: depth + 1, isOfState: isOfState)
      } else {
        // A module that writes its state itself, as quantized convolutions do.
        attributes.append(Attribute(path: try joined(path, key), value: value, part: part, isOfState: isOfState))
      }
    }
    for (key, value) in module.others where reader.isTensor(value) || holdsArrays(value) {
      let isWeights = isOfState && tree.stateOfScriptObject(value) != nil
      attributes.append(Attribute(path: try joined(path, key), value: value, part: part, isOfState: isWeights))
    }
  }

  private mutating func module(_ value: PickleValue) throws(Failure) -> TorchModule? {
    guard let state = tree.state(of: value), let members = tree.pairs(state) else { return nil }
    // One dictionary can be the state of any number of objects.
    try count(members.count / 2)
    let module = TorchModule(value, in: tree)
    if let module { try count(module.memberCount) }
    return module
  }

  private mutating func takeAttributes(depth: Int) throws(Failure) {
    let waiting = attributes
    attributes = []
    for attribute in waiting {
      if reader.isTensor(attribute.value) {
        try take(attribute.value, attribute.path, into: attribute.part, isOfState: false)
        continue
      }
      guard let node = tree.node(attribute.value), !visited.contains(node) else { continue }
      let inner = add(TorchPart(key: attribute.path, path: attribute.path, value: attribute.value))
      let start = tensors.count
      try fill(inner, depth: depth + 1, once: true, isOfState: attribute.isOfState)
      parts[inner].all = start..<tensors.count
      parts[attribute.part].parts.append(inner)
    }
  }
}

extension PickleTree {
  /// A key of a dictionary as a part of a path; nil for keys that have no short text.
  func keyText(_ key: PickleValue) -> String? {
    switch key {
    case .string(let text, _), .latin(let text, _): return text
    case .integer(let number): return "\(number)"
    case .boolean(let value): return value ? "True" : "False"
    case .none: return "None"
    case .float(let value): return "\(value)"
    case .tuple(let index):
      guard containers[index].count <= 8 else { return nil }
      var words: [String] = []
      for item in containers[index] {
        if case .tuple = item { return nil }
        guard let word = keyText(item) else { return nil }
        words.append(word)
      }
      return "(\(words.joined(separator: ", ")))"
    default: return nil
    }
  }
}
