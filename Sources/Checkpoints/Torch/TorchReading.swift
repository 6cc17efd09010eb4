import Arrays

/// What a call in a pickle would have made, where that is a tensor.
enum TensorReading {
  case array(TorchView)
  /// The parts that a tensor consists of, by what torch calls them, and what it is.
  case parts([(name: String, reading: TensorReading)], what: String)
  /// A tensor that is sound but can't be read as an array, and why.
  case unreadable(String)
}

/// Reads the calls that make tensors. The functions are those of torch/_utils.py and torch/_tensor.py.
struct TensorReader {
  let tree: PickleTree
  /// By global: whether it makes tensors, or arrays of NumPy's.
  private let makesTensors: [Bool]
  let texts = LatinTexts()

  init(_ tree: PickleTree) {
    self.tree = tree
    makesTensors = tree.globals.map(Self.makesTensors)
  }

  private static func makesTensors(_ name: String) -> Bool {
    name.hasPrefix("torch._utils._rebuild_") || name.hasPrefix("torch._tensor._rebuild_")
      || numpyArrays.contains(name) || parameters.contains(name)
  }

  private static let numpyArrays: Set<String> = Set(
    ["numpy.core", "numpy._core"].flatMap { ["\($0).multiarray._reconstruct", "\($0).numeric._frombuffer"] })

  /// Classes that old files call with the tensor.
  private static let parameters: Set<String> = [
    "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer", "torch.autograd.variable.Variable",
  ]

  /// Whether a value is a tensor, of whatever kind.
  func isTensor(_ value: PickleValue) -> Bool {
    guard case .object(let index) = value, case .global(let global) = tree.objects[index].callable else { return false }
    return makesTensors[global]
  }

  /// Calls in calls that make one tensor.
  private static let maximumDepth = 8

  /// The tensor that a value is; nil where it is none.
  /// - Throws: `Failure` of kind `badData`, without a place, when it is malformed.
  func reading(_ value: PickleValue, depth: Int = 0) throws(Failure) -> TensorReading? {
    guard isTensor(value), let function = tree.function(of: value) else { return nil }
    guard depth < Self.maximumDepth else {
      throw Failure(.badData, "is made of calls nested more than \(Self.maximumDepth) deep")
    }
    let arguments = tree.arguments(of: value)
    if Self.numpyArrays.contains(function) { return try numpyArray(value, function) }
    if Self.parameters.contains(function) {
      guard let first = arguments.first else { return .unreadable("has no data") }
      return try inner(first, depth, else: "is a parameter of no tensor")
    }
    let word = String(function.split(separator: ".").last ?? "")
    switch word {
    case "_rebuild_parameter", "_rebuild_parameter_with_state":
      guard let first = arguments.first else { throw Failure(.badData, "is a parameter of no tensor") }
      return try inner(first, depth, else: "is a parameter of no tensor")
    case "_rebuild_device_tensor_from_numpy", "_rebuild_device_tensor_from_cpu_tensor", "_rebuild_xla_tensor":
      guard let first = arguments.first else { throw Failure(.badData, "is a device's tensor of no data") }
      return try inner(first, depth, else: "is a device's tensor of no data")
    case "_rebuild_tensor", "_rebuild_tensor_v2": return try view(arguments)
    case "_rebuild_tensor_v3": return try typedView(arguments)
    case "_rebuild_qtensor": return try quantized(arguments, depth)
    case "_rebuild_sparse_tensor", "_rebuild_sparse_csr_tensor": return try sparse(arguments, depth)
    case "_rebuild_nested_tensor":
      return try named(["values", "sizes", "strides", "storage_offsets"], arguments, "a nested tensor", depth)
    case "_rebuild_from_type_v2", "_rebuild_from_type": return try typed(value, arguments, depth)
    case "_rebuild_meta_tensor_no_storage": return .unreadable("is a tensor without data (device meta)")
    case "_rebuild_wrapper_subclass":
      return .unreadable("is a \(arguments.first.flatMap(tree.global) ?? "subclass"), which holds no data itself")
    default: return .unreadable("is made by \(function), which is not known")
    }
  }

  private func inner(_ value: PickleValue, _ depth: Int, else reason: String) throws(Failure) -> TensorReading {
    guard let reading = try reading(value, depth: depth + 1) else { throw Failure(.badData, reason) }
    return reading
  }

  // MARK: Views

  private static let noView = Failure(.badData, "has no storage, offset, size and stride")

  /// (storage, offset, size, stride, requires_grad, hooks, flags)
  private func view(_ arguments: [PickleValue]) throws(Failure) -> TensorReading {
    guard arguments.count >= 4, case .integer(let offset) = arguments[1], let dimensions = tree.integers(arguments[2]),
      let strides = tree.integers(arguments[3])
    else { throw Self.noView }
    if tree.function(of: arguments[0]) == "torch.storage._load_from_bytes" {
      return .unreadable("has its storage in a file of torch.save's inside the pickle, which is not read")
    }
    guard case .persistent(let index) = arguments[0] else { throw Self.noView }
    let storage = try TorchStorage(index, in: tree)
    let type: ElementType
    switch storage.kind {
    case .known(let known): type = known
    case .untyped: throw Failure(.badData, "has a storage without a type, and no type of its own")
    case .packed, .unknown:
      return .unreadable("has a storage of \(storage.typeName), a type that is not read")
    }
    if arguments.count > 6, isMarked(arguments[6]) {
      return .unreadable("is marked as negated or conjugated, which is not supported")
    }
    return try array(dimensions) { () throws(Failure) in
      try storage.view(type, offset: offset, dimensions, strides)
    }
  }

  /// A view, unless it has more dimensions than arrays have here.
  func array(_ dimensions: [Int], _ view: () throws(Failure) -> TorchView) throws(Failure) -> TensorReading {
    guard dimensions.count <= Shape.maximumRank else {
      return .unreadable("has \(dimensions.count) dimensions; at most \(Shape.maximumRank) are read")
    }
    return .array(try view())
  }

  /// (untyped storage, offset, size, stride, requires_grad, hooks, dtype, flags)
  private func typedView(_ arguments: [PickleValue]) throws(Failure) -> TensorReading {
    guard arguments.count >= 7, case .persistent(let index) = arguments[0], case .integer(let offset) = arguments[1],
      let dimensions = tree.integers(arguments[2]), let strides = tree.integers(arguments[3]),
      let dtype = tree.global(arguments[6])
    else { throw Self.noView }
    let isPairs = dtype == TorchTypes.float4Pairs
    let bits = isPairs ? .uint8 : TorchTypes.ofBits(dtype)
    guard let type = bits ?? TorchTypes.ofDtype(dtype) else {
      return .unreadable("is of \(dtype), a type that is not read")
    }
    let storage = try TorchStorage(index, in: tree)
    if arguments.count > 7, isMarked(arguments[7]) {
      return .unreadable("is marked as negated or conjugated, which is not supported")
    }
    return try array(dimensions) { () throws(Failure) in
      var view = try storage.view(type, offset: offset, dimensions, strides)
      if isPairs, view.isContiguous {
        let last = dimensions.last ?? 1
        let (doubled, overflow) = last.multipliedReportingOverflow(by: 2)
        guard !overflow else { throw Failure(.badData, "has \(last) pairs, more than can be counted") }
        return try view.packed(.float4E2M1, Array(dimensions.dropLast()) + [doubled])
      }
      if bits != nil { view.keptAs = String(dtype.dropFirst("torch.".count)) }
      return view
    }
  }

  /// There are two flags; many, which all arrays share, would take for ever.
  private func isMarked(_ flags: PickleValue) -> Bool {
    guard let flat = tree.pairs(flags) else { return false }
    return flat.count > 16 || stride(from: 1, to: flat.count, by: 2).contains { flat[$0] == .boolean(true) }
  }

  // MARK: Tensors of parts

  /// (storage, offset, size, stride, quantizer, requires_grad, hooks); a quantizer is (scheme, scale, zero point) or
  /// (scheme, scales, zero points, axis).
  private func quantized(_ arguments: [PickleValue], _ depth: Int) throws(Failure) -> TensorReading {
    guard arguments.count >= 5, let quantizer = tree.items(arguments[4]), quantizer.count >= 3,
      let scheme = tree.global(quantizer[0])
    else { throw Failure(.badData, "is a quantized tensor without a quantizer") }
    let packed = try packedView(arguments)
    let numbers = if let packed { packed } else { try view(Array(arguments[..<4])) }
    guard case .array = numbers else { return numbers }
    if case .float(let scale) = quantizer[1], case .integer(let zeroPoint) = quantizer[2] {
      return .parts(
        [
          ("int_repr", numbers), ("scale", .array(try TorchView(scale.bitPattern.littleEndianBytes, .float64))),
          ("zero_point", .array(try TorchView(Int64(zeroPoint).littleEndianBytes, .int64))),
        ], what: "quantized by \(scheme)")
    }
    guard quantizer.count >= 4, case .integer(let axis) = quantizer[3],
      let scales = try reading(quantizer[1], depth: depth + 1),
      let zeroPoints = try reading(quantizer[2], depth: depth + 1)
    else { throw Failure(.badData, "is a quantized tensor whose quantizer is of unknown form") }
    return .parts(
      [("int_repr", numbers), ("scale", scales), ("zero_point", zeroPoints)],
      what: "quantized by \(scheme) along axis \(axis)")
  }

  /// The integers of a quantized tensor with several in a byte; nil where each has one. The shape counts integers; the
  /// storage has the bytes, of which each row has some of its own (ATen/native/quantized, `quantize_per_channel_sub_byte`).
  private func packedView(_ arguments: [PickleValue]) throws(Failure) -> TensorReading? {
    guard case .persistent(let index) = arguments[0] else { return nil }
    let storage = try TorchStorage(index, in: tree)
    guard case .packed(let type) = storage.kind else { return nil }
    guard case .integer(let offset) = arguments[1], let dimensions = tree.integers(arguments[2]),
      let strides = tree.integers(arguments[3])
    else { throw Self.noView }
    return try array(dimensions) { () throws(Failure) in
      let shape = try Shape(dimensions)
      let columns = dimensions.last ?? 1
      let rowBytes = try Shape([columns]).bytes(of: type)
      let byteShape = Array(dimensions.dropLast()) + [rowBytes]
      var view = try storage.view(.uint8, offset: offset, byteShape, TorchView.strides(of: byteShape))
      guard offset == 0, strides == TorchView.strides(of: dimensions) || shape.elements == 0 else {
        throw Failure.unsupported("is a view of packed integers that don't stand one after the other")
      }
      if rowBytes * (8 / type.bits) == columns || shape.elements == columns { return try view.packed(type, dimensions) }
      view.keptAs = type == .uint4 ? "quint4x2" : "quint2x4"
      return view
    }
  }

  /// (layout, (indices, values, size, …)); of compressed layouts (pointers, indices, values, size).
  private func sparse(_ arguments: [PickleValue], _ depth: Int) throws(Failure) -> TensorReading {
    guard arguments.count >= 2, let layout = layout(arguments[0]), let data = tree.items(arguments[1]), data.count >= 3
    else { throw Failure(.badData, "is a sparse tensor of unknown form") }
    let names: [String]
    switch layout {
    case "torch.sparse_coo": names = ["indices", "values"]
    case "torch.sparse_csr", "torch.sparse_bsr": names = ["crow_indices", "col_indices", "values"]
    case "torch.sparse_csc", "torch.sparse_bsc": names = ["ccol_indices", "row_indices", "values"]
    default: return .unreadable("is of layout \(layout), which is not read")
    }
    guard data.count > names.count, let size = tree.integers(data[names.count]) else {
      throw Failure(.badData, "is a sparse tensor without a size")
    }
    return try named(names, data, "a tensor of \(size.map(String.init).joined(separator: " × ")), \(layout)", depth)
  }

  /// torch.serialization._get_layout("torch.sparse_coo"), or the layout by its name.
  private func layout(_ value: PickleValue) -> String? {
    if let name = tree.global(value) { return name }
    guard tree.function(of: value) == "torch.serialization._get_layout",
      case .string(let name, _)? = tree.arguments(of: value).first
    else { return nil }
    return name
  }

  private func named(
    _ names: [String], _ values: [PickleValue], _ what: String, _ depth: Int
  ) throws(Failure) -> TensorReading {
    var parts: [(name: String, reading: TensorReading)] = []
    for (name, value) in zip(names, values) {
      guard let reading = try reading(value, depth: depth + 1) else {
        throw Failure(.badData, "is \(what) without its \(name)")
      }
      parts.append((name, reading))
    }
    guard parts.count == names.count else { throw Failure(.badData, "is \(what) without its \(names[parts.count])") }
    return .parts(parts, what: what)
  }

  // MARK: Subclasses

  /// (function, class, arguments, state): a call of the function with those arguments, of a subclass of Tensor.
  private func typed(
    _ value: PickleValue, _ arguments: [PickleValue], _ depth: Int
  ) throws(Failure) -> TensorReading {
    guard arguments.count >= 3, let function = tree.global(arguments[0]), case .tuple(let inner) = arguments[2] else {
      throw Failure(.badData, "is a tensor of a class of its own, of unknown form")
    }
    let given = tree.containers[inner]
    let word = String(function.split(separator: ".").last ?? "")
    switch word {
    case "_rebuild_tensor", "_rebuild_tensor_v2": return try view(given)
    case "_rebuild_tensor_v3": return try typedView(given)
    case "_rebuild_qtensor": return try quantized(given, depth)
    case "_rebuild_sparse_tensor": return try sparse(given, depth)
    case "_rebuild_parameter", "_rebuild_parameter_with_state", "_rebuild_device_tensor_from_numpy":
      guard let first = given.first else { throw Failure(.badData, "is a parameter of no tensor") }
      return try self.inner(first, depth, else: "is a parameter of no tensor")
    // A nested tensor of one dimension that varies: its constructor's arguments by name.
    case "_rebuild_njt":
      return try members(of: given.first, ["values", "offsets", "lengths"], "a nested tensor (jagged)", depth)
    case "_rebuild_meta_tensor_no_storage": return .unreadable("is a tensor without data (device meta)")
    default:
      // The data of such classes are attributes: torchao's, DTensor's.
      let name = tree.global(arguments[1]) ?? "class that is not known"
      let attributes = arguments.count > 3 ? arguments[3] : .none
      return try members(of: attributes, nil, "a \(name)", depth)
    }
  }

  /// Members of such classes that are looked at.
  private static let mostMembers = 64

  /// - Parameter names: those to look for; nil: all that are tensors.
  private func members(
    of value: PickleValue?, _ names: [String]?, _ what: String, _ depth: Int
  ) throws(Failure) -> TensorReading {
    var parts: [(name: String, reading: TensorReading)] = []
    let flat = (value.flatMap(tree.pairs) ?? []).prefix(2 * Self.mostMembers)
    for position in stride(from: 0, to: flat.count - 1, by: 2) {
      let value = flat[position + 1]
      guard case .string(let name, _) = flat[position], names?.contains(name) ?? true,
        let reading = try reading(value, depth: depth + 1),
        !parts.contains(where: { $0.name.isSameBytes(as: name) })
      else { continue }
      parts.append((name, reading))
    }
    return parts.isEmpty ? .unreadable("is \(what), in which no data were found") : .parts(parts, what: what)
  }
}

/// A storage as a pickle names it: ("storage", type, key, location, count[, view]); the view of old files is
/// (key, offset, count) in another storage.
struct TorchStorage {
  let kind: TorchTypes.Kind
  let typeName: String
  let key: StorageKey
  /// Elements; of an untyped storage, bytes.
  let count: Int
  /// Where a view of old files begins.
  let start: Int

  /// Whether a reference is one to a storage.
  static func isStorage(_ reference: PickleTree.Reference, in tree: PickleTree) -> Bool {
    guard let id = tree.items(reference.identity), let first = id.first else { return false }
    return tree.isText(first, "storage")
  }

  /// - Throws: `Failure` of kind `badData` when it is of another form.
  init(_ index: Int, in tree: PickleTree) throws(Failure) {
    let reference = tree.references[index]
    guard let id = tree.items(reference.identity), id.count >= 5, tree.isText(id[0], "storage"),
      let typeName = tree.global(id[1]), case .integer(let count) = id[4], count >= 0
    else { throw Failure(.badData, "has a storage of unknown form") }
    let key: String
    switch id[2] {
    case .string(let text, _): key = text
    // torch.package numbers them.
    case .integer(let number): key = "\(number)"
    default: throw Failure(.badData, "has a storage of unknown form")
    }
    // Keys are numbers; they are looked up once per array.
    guard key.utf8.count <= 64, key.utf8.allSatisfy({ $0 < 0x80 }) else {
      throw Failure(.badData, "has a storage whose key is no short name")
    }
    guard count <= Int.max / 16 else { throw Failure(.badData, "has a storage of \(count) elements") }
    var start = 0
    if id.count > 5, let view = tree.items(id[5]) {
      guard view.count == 3, case .integer(let first) = view[1], first >= 0, first <= count else {
        throw Failure(.badData, "has a storage view of unknown form")
      }
      start = first
    }
    (self.typeName, self.count, self.start) = (typeName, count, start)
    kind = TorchTypes.ofStorage(typeName)
    self.key = StorageKey(pickle: reference.pickle, key: key)
  }

  /// Bytes that it has by what is said of it; nil where its type is not known.
  var bytes: Int? {
    switch kind {
    case .known(let type): count * type.size
    case .untyped, .packed: count
    case .unknown: nil
    }
  }

  func view(_ type: ElementType, offset: Int, _ dimensions: [Int], _ strides: [Int]) throws(Failure) -> TorchView {
    let elements = kind == .untyped ? count / type.size : count
    return try TorchView(
      type, .storage(key, count: elements), count: elements, start: start, offset: offset, dimensions: dimensions,
      strides: strides)
  }
}
