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

  /// - Parameter name: what to call the pickle in errors.
  init(_ tree: PickleTree, name: String) {
    self.tree = tree
    self.name = name
  }

  /// Members of a checkpoint's dictionary under which the weights stand, the likeliest first.
  private static let usualKeys = ["state_dict", "model", "model_state_dict", "module", "net", "weights"]

  /// - Throws: `Failure` of kind `badData` when there is no dictionary of tensors or one of them is impossible.
  func tensors() throws(Failure) -> [TorchTensor] {
    let members = try stateDict()
    var out: [TorchTensor] = []
    var names: Set<[UInt8]> = []
    for (name, value) in members {
      guard let tensor = try tensor(name, value) else { continue }
      guard names.insert(Array(name.utf8)).inserted else { throw failure(name, "is there twice") }
      out.append(tensor)
    }
    return out
  }

  private func stateDict() throws(Failure) -> [(name: String, value: PickleValue)] {
    guard var members = tree.members(tree.root) else {
      throw Failure(
        .badData, place: name, "holds no dictionary of arrays",
        hint: "only state dicts can be read; save one with torch.save(model.state_dict(), …)")
    }
    // {"epoch": …, "model": {"state_dict": …}} and the like.
    for _ in 0..<4 {
      if members.contains(where: { isTensor($0.value) }) { return members }
      guard let inner = Self.usualKeys.lazy.compactMap({ key in members.first { $0.name == key } }).first,
        let next = tree.members(inner.value)
      else { break }
      members = next
    }
    guard members.isEmpty else {
      let keys = members.prefix(8).map { "\"\($0.name)\"" }.joined(separator: ", ")
      throw Failure(.badData, place: name, "holds no dictionary of arrays; its members: \(keys)")
    }
    return []
  }

  private func isTensor(_ value: PickleValue) -> Bool {
    tree.function(of: value)?.hasPrefix("torch._utils._rebuild_") == true
  }

  private func failure(_ array: String, _ reason: String) -> Failure {
    Failure(.badData, place: "\(name), array \"\(array)\"", reason)
  }

  private func tensor(_ array: String, _ value: PickleValue) throws(Failure) -> TorchTensor? {
    guard let function = tree.function(of: value) else { return nil }
    let arguments = tree.arguments(of: value)
    switch function {
    case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
      guard let inner = arguments.first, tree.function(of: inner)?.hasPrefix("torch._utils._rebuild_tensor") == true
      else {
        throw failure(array, "is a parameter of no tensor")
      }
      return try tensor(array, inner)
    case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2": return try view(array, arguments)
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
    _ = try shapeBytes(shape, storage.type, array)
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
    guard !overflow, shape.elements == 0 || last < storage.count else {
      throw failure(array, "reaches outside its storage of \(storage.count) elements")
    }
    return TorchTensor(
      name: array, elementType: storage.type, storage: storage.key, storageCount: storage.count,
      offset: storage.offset + offset, shape: shape, strides: strides)
  }

  private func shapeBytes(_ shape: Shape, _ type: ElementType, _ array: String) throws(Failure) -> Int {
    do { return try shape.bytes(of: type) } catch { throw failure(array, error.reason) }
  }

  /// ("storage", type, key, location, count[, view]); the view of old files is (key, offset, count) in another storage.
  private func storage(
    _ array: String, _ id: [PickleValue]
  ) throws(Failure) -> (type: ElementType, key: String, count: Int, offset: Int) {
    guard id.count >= 5, id[0] == .string("storage"), case .global(let typeName) = id[1], case .string(let key) = id[2],
      case .integer(let count) = id[4], count >= 0
    else { throw failure(array, "has a storage of unknown form") }
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
