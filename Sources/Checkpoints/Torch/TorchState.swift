import Arrays

/// A tensor of a state dict: a view of a storage.
struct TorchTensor {
  let name: String
  let elementType: ElementType
  let storage: String
  /// Elements of the storage.
  let storageCount: Int
  /// First element, in the storage.
  let offset: Int
  let shape: Shape
  let strides: [Int]

  /// Whether its elements stand one after the other in the order of its indices.
  var isContiguous: Bool {
    if shape.elements == 0 { return true }
    var expected = 1
    for (dimension, stride) in zip(shape.dimensions, strides).reversed() where dimension != 1 {
      if stride != expected { return false }
      expected *= dimension
    }
    return true
  }
}

/// Finds the tensors in the pickle of a checkpoint.
struct TorchState {
  private let tree: PickleTree
  private let name: String
  /// By container: whether it is a dictionary in which, at a depth that is followed, there is a tensor.
  private let holdsTensors: [Bool]

  /// - Parameter name: what to call the pickle in errors.
  init(_ tree: PickleTree, name: String) {
    self.tree = tree
    self.name = name
    holdsTensors = tree.dictionariesOfTensors(depth: 3)
  }

  /// Members of a checkpoint's dictionary under which the weights stand, the likeliest first.
  ///
  /// Under other names they stand as well: then the names of all arrays begin with that of their dictionary.
  private static let usualKeys = [
    "state_dict", "model", "model_state_dict", "model_state", "module", "net", "network", "weights", "params",
  ]
  /// Members that hold arrays which are no weights.
  private static let otherKeys: Set<String> = [
    "optimizer", "optimizers", "optimizer_state", "optimizer_states", "optimizer_state_dict", "optim", "scheduler",
    "schedulers", "lr_scheduler", "lr_schedulers", "scheduler_state_dict", "scaler", "grad_scaler", "amp", "callbacks",
    "loops", "rng_state", "rng_states",
  ]
  /// Dictionaries in dictionaries that are followed.
  private static let maximumDepth = 8

  /// The tensors of a state dict, and what the user should know of the rest of the file.
  /// - Throws: `Failure` of kind `badData` when there is no dictionary of tensors or one of them is impossible.
  func tensors() throws(Failure) -> (tensors: [TorchTensor], notes: [String]) {
    let (root, notes) = try stateDict()
    var collected = Collected()
    try collect(root, prefix: "", depth: 0, into: &collected)
    guard !collected.leftOut.isEmpty else { return (collected.tensors, notes) }
    guard !collected.tensors.isEmpty else {
      throw Failure(
        .badData, place: name,
        "holds arrays in \(collected.leftOut.joined(separator: ", ")) only, which are no weights",
        hint: "this is what a training keeps beside its net: name the file with the net's weights")
    }
    return (
      collected.tensors, notes + ["the arrays of \(collected.leftOut.joined(separator: ", ")) are no weights: left out"]
    )
  }

  private struct Collected {
    var tensors: [TorchTensor] = []
    var names: Set<[UInt8]> = []
    /// Members looked at, and bytes of names.
    var members = 0
    var nameBytes = 0
    /// Members whose arrays are a training's, not a net's.
    private(set) var leftOut: [String] = []

    /// Remembers the first few.
    mutating func leaveOut(_ name: String) {
      if leftOut.count < 8, !leftOut.contains(name) { leftOut.append(name) }
    }
  }

  /// Most members of dictionaries that are looked at: dictionaries that are shared could otherwise multiply.
  private static let maximumMembers = 2_000_000

  /// Dictionaries beside tensors hold tensors of their own: `{"a": …, "sub": {"b": …}}` has an array `sub.b`.
  private func collect(
    _ dictionary: PickleValue, prefix: String, depth: Int, into collected: inout Collected
  ) throws(Failure) {
    let members = tree.members(dictionary) ?? []
    collected.members += members.count
    guard collected.members <= Self.maximumMembers else {
      throw Failure(.badData, place: name, "has dictionaries of more than \(Self.maximumMembers) members together")
    }
    for (key, value) in members {
      let isNested = holdsTensors(value)
      guard tree.isTensor(value) || isNested else { continue }
      if depth == 0, isNested, let key, Self.otherKeys.contains(key) {
        collected.leaveOut(key)
        continue
      }
      // An optimizer's state, by numbers of parameters.
      if key == nil, depth > 0 {
        collected.leaveOut(String(prefix.dropLast()))
        continue
      }
      guard let key else { throw Failure(.badData, place: name, "an array's key is no string") }
      let full = prefix + key
      if isNested {
        guard depth < Self.maximumDepth else { throw failure(full, "is nested more than \(Self.maximumDepth) deep") }
        try collect(value, prefix: full + ".", depth: depth + 1, into: &collected)
      } else if let tensor = try tensor(full, value) {
        guard collected.names.insert(Array(full.utf8)).inserted else { throw failure(full, "is there twice") }
        collected.tensors.append(tensor)
        let most = Limit.arrays.value
        guard collected.tensors.count <= most else {
          throw failure(full, "comes after \(most) others, more than are read").hinting(Limit.arrays.hint())
        }
        collected.nameBytes += full.utf8.count
        guard collected.nameBytes <= TorchCheckpoint.mostNameBytes else {
          throw Failure(.badData, place: name, "has names of more than \(TorchCheckpoint.mostNameBytes) bytes together")
        }
      }
    }
  }

  private func holdsTensors(_ value: PickleValue) -> Bool {
    if case .dictionary(let index) = value { holdsTensors[index] } else { false }
  }

  private func stateDict() throws(Failure) -> (root: PickleValue, notes: [String]) {
    var root = tree.root
    guard tree.members(root) != nil else {
      throw Failure(
        .badData, place: name, "holds no dictionary of arrays",
        hint: "only state dicts can be read; save one with torch.save(model.state_dict(), …)")
    }
    var notes: [String] = []
    // {"epoch": …, "model": {"state_dict": …}} and the like.
    for _ in 0..<4 {
      let members = tree.members(root) ?? []
      // A container's own name for its weights comes before tensors beside it, such as a best accuracy.
      guard
        let key = Self.usualKeys.first(where: { key in
          members.contains { isNamed($0, key) && holdsTensors($0.value) }
        }), let inner = members.first(where: { isNamed($0, key) })
      else {
        if members.isEmpty || members.contains(where: { tree.isTensor($0.value) || holdsTensors($0.value) }) {
          return (root, notes)
        }
        break
      }
      let others = members.filter { !isNamed($0, key) && (tree.isTensor($0.value) || holdsTensors($0.value)) }
        .map { $0.name ?? "one without a name" }
      let left = others.prefix(8).joined(separator: ", ")
      notes.append("the arrays are those of \"\(key)\"" + (others.isEmpty ? "" : "; those of \(left) are left out"))
      root = inner.value
    }
    let keys = (tree.members(root) ?? []).prefix(8).map { "\"\($0.name ?? "…")\"" }.joined(separator: ", ")
    throw Failure(
      .badData, place: name, "holds no dictionary of arrays; its members: \(keys)",
      hint: "the weights stand under a name that is not known: save them alone with torch.save(model.state_dict(), …)")
  }

  /// A pickle can have one name a million times.
  private func isNamed(_ member: (name: String?, value: PickleValue), _ name: String) -> Bool {
    member.name?.isSameBytes(as: name) == true
  }

  private func failure(_ array: String, _ reason: String) -> Failure {
    Failure(.badData, place: "\(name), array \"\(array)\"", reason)
  }

  private func tensor(_ array: String, _ value: PickleValue) throws(Failure) -> TorchTensor? {
    guard let function = tree.function(of: value) else { return nil }
    switch function {
    case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
      guard let inner = tree.arguments(of: value).first,
        tree.function(of: inner)?.hasPrefix("torch._utils._rebuild_tensor") == true
      else {
        throw failure(array, "is a parameter of no tensor")
      }
      return try tensor(array, inner)
    case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2":
      return try view(array, tree.arguments(of: value))
    default: return nil
    }
  }

  private func view(_ array: String, _ arguments: [PickleValue]) throws(Failure) -> TorchTensor {
    guard arguments.count >= 4, case .persistent(let id) = arguments[0], case .integer(let offset) = arguments[1],
      let dimensions = integers(arguments[2]), let strides = integers(arguments[3])
    else { throw failure(array, "has no storage, offset, size and stride") }
    let storage = try storage(array, tree.containers[id])
    let shape: Shape
    do { shape = try Shape(dimensions) } catch { throw failure(array, error.reason) }
    guard strides.count == dimensions.count else {
      throw failure(array, "has \(dimensions.count) dimensions and \(strides.count) strides")
    }
    let bytes = try shapeBytes(shape, storage.type, array)
    // Strides of 0 repeat elements: a file of a few bytes could otherwise make terabytes.
    guard bytes <= Limit.repeatedBytes.value || shape.elements <= storage.count else {
      throw failure(array, "repeats the \(storage.count) elements of its storage to \(bytes) bytes")
        .hinting(Limit.repeatedBytes.hint(needed: bytes))
    }
    if arguments.count > 6, let flags = tree.members(arguments[6]),
      // There are two flags; many, which all arrays share, would take for ever.
      flags.count > 8 || flags.contains(where: { $0.value == .boolean(true) })
    {
      throw failure(array, "is marked as negated or conjugated, which is not supported")
    }
    // The last element that the view touches must be in the storage.
    var last = storage.offset
    var overflow = false
    func add(_ value: (partialValue: Int, overflow: Bool)) {
      let sum = last.addingReportingOverflow(value.partialValue)
      overflow = overflow || value.overflow || sum.overflow
      last = sum.partialValue
    }
    add((offset, offset < 0))
    for (dimension, stride) in zip(dimensions, strides) where shape.elements > 0 {
      let reach = (dimension - 1).multipliedReportingOverflow(by: stride)
      add((reach.partialValue, reach.overflow || stride < 0))
    }
    guard !overflow, last < storage.count || shape.elements == 0 && last <= storage.count else {
      throw failure(array, "reaches outside its storage of \(storage.count) elements")
    }
    return TorchTensor(
      name: array, elementType: storage.type, storage: storage.key, storageCount: storage.count,
      offset: storage.offset + offset, shape: shape, strides: strides)
  }

  private func shapeBytes(_ shape: Shape, _ type: ElementType, _ array: String) throws(Failure) -> Int {
    do { return try shape.bytes(of: type) } catch { throw failure(array, error.reason) }
  }

  /// Bytes that each storage has by what the pickle says of it, also of those that no array of the state dict uses.
  func storageBytes() throws(Failure) -> [String: Int] {
    var out: [String: Int] = [:]
    for id in tree.persistent {
      let storage = try storage("", tree.containers[id])
      out[storage.key] = storage.count * storage.type.size
    }
    return out
  }

  /// ("storage", type, key, location, count[, view]); the view of old files is (key, offset, count) in another storage.
  private func storage(
    _ array: String, _ id: [PickleValue]
  ) throws(Failure) -> (type: ElementType, key: String, count: Int, offset: Int) {
    guard id.count >= 5, case .string(let kind) = id[0], kind.isSameBytes(as: "storage"),
      case .global(let typeName) = id[1], case .string(let key) = id[2],
      case .integer(let count) = id[4], count >= 0
    else { throw failure(array, "has a storage of unknown form") }
    // Keys are numbers; they are looked up once per array.
    guard key.utf8.count <= 64, key.utf8.allSatisfy({ $0 < 0x80 }) else {
      throw failure(array, "has a storage whose key is no short name")
    }
    guard let type = PickleAllowList.elementTypes[typeName] else {
      throw failure(array, "has a storage of unknown type \(typeName)")
    }
    guard count <= Int.max / 16 else { throw failure(array, "has a storage of \(count) elements") }
    var offset = 0
    if id.count > 5, let view = tree.items(id[5]) {
      guard view.count == 3, case .integer(let start) = view[1], start >= 0, start <= count else {
        throw failure(array, "has a storage view of unknown form")
      }
      offset = start
    }
    return (type, key, count, offset)
  }

  private func integers(_ value: PickleValue) -> [Int]? {
    var value = value
    // torch.Size((…)) in newer files.
    if tree.function(of: value) == "torch.Size", let first = tree.arguments(of: value).first { value = first }
    guard let items = tree.items(value) else { return nil }
    var out: [Int] = []
    for item in items {
      guard case .integer(let number) = item else { return nil }
      out.append(number)
    }
    return out
  }
}

extension PickleTree {
  fileprivate func isTensor(_ value: PickleValue) -> Bool {
    function(of: value)?.hasPrefix("torch._utils._rebuild_") == true
  }

  /// By container: whether it is a dictionary that holds a tensor, or a dictionary that does, and so on `depth` deep. Each
  /// is looked at once a level: from one to the next, dictionaries that are shared would take for ever.
  fileprivate func dictionariesOfTensors(depth: Int) -> [Bool] {
    var holds = [Bool](repeating: false, count: containers.count)
    for _ in 0..<depth {
      let inner = holds
      for (index, items) in containers.enumerated() where !holds[index] {
        holds[index] = stride(from: 1, to: items.count, by: 2).contains { position in
          if case .dictionary(let other) = items[position] { inner[other] } else { isTensor(items[position]) }
        }
      }
    }
    return holds
  }
}
