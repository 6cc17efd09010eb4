import Arrays

/// A value of a pickle. Containers are numbers into the tree's tables, so that neither cycles nor depth can hurt.
enum PickleValue: Hashable, Sendable {
  case none
  case boolean(Bool)
  case integer(Int)
  /// An integer that doesn't fit 64 bits.
  case largeInteger
  case float(Double)
  case string(String)
  case bytes
  /// The items.
  case tuple(Int)
  case list(Int)
  case set(Int)
  /// Keys and values in turn.
  case dictionary(Int)
  /// A function or class by name; only names of the allow-list occur.
  case global(String)
  /// What calling a global would have made: the global, then the arguments. Nothing is ever called.
  case object(Int)
  /// What the writer stored outside the pickle: the number of the tuple that identifies it.
  case persistent(Int)
}

/// A pickle as an inert tree: parsed by an allow-list, never executed, nothing imported.
struct PickleTree: Sendable {
  private(set) var containers: [[PickleValue]]
  let root: PickleValue
  /// The tuples that identify what is stored outside the pickle, each as often as it is mentioned.
  let persistent: [Int]

  init(containers: [[PickleValue]], root: PickleValue, persistent: [Int]) {
    self.containers = containers
    self.root = root
    self.persistent = persistent
  }

  /// The items of a tuple or list; nil for anything else.
  func items(_ value: PickleValue) -> [PickleValue]? {
    switch value {
    case .tuple(let index), .list(let index): containers[index]
    default: nil
    }
  }

  /// The members of a dictionary, in order; the name is nil where a key is no string. nil for anything else.
  func members(_ value: PickleValue) -> [(name: String?, value: PickleValue)]? {
    guard case .dictionary(let index) = value else { return nil }
    let flat = containers[index]
    return stride(from: 0, to: flat.count - 1, by: 2).map { position in
      if case .string(let name) = flat[position] { (name, flat[position + 1]) } else { (nil, flat[position + 1]) }
    }
  }

  /// The name of the global whose call would have made the value; nil for anything else.
  func function(of value: PickleValue) -> String? {
    guard case .object(let index) = value, case .global(let name) = containers[index][0] else { return nil }
    return name
  }

  /// The arguments of that call.
  func arguments(of value: PickleValue) -> [PickleValue] {
    guard case .object(let index) = value else { return [] }
    // Not Array(…dropFirst()): Swift 6.3.1 miscompiles that where the result is not used (it frees the copy before
    // filling it).
    var arguments = containers[index]
    arguments.removeFirst()
    return arguments
  }
}

/// Names that a checkpoint's pickle may mention. None is ever called or imported; a name that is not here stops the
/// reading, because whoever loads the file with Python would have it called.
enum PickleAllowList {
  static let functions: Set<String> = [
    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state", "collections.OrderedDict", "collections.defaultdict", "torch.Size",
    "torch.device", "torch.serialization._get_layout", "argparse.Namespace", "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar", "numpy.dtype", "_codecs.encode", "builtins.set", "__builtin__.set",
    "pathlib.PosixPath", "builtins.dict", "builtins.list", "builtins.int", "builtins.float", "builtins.str",
  ]

  static let elementTypes: [String: ElementType] = [
    "torch.FloatStorage": .float32, "torch.DoubleStorage": .float64, "torch.HalfStorage": .float16,
    "torch.BFloat16Storage": .bfloat16, "torch.LongStorage": .int64, "torch.IntStorage": .int32,
    "torch.ShortStorage": .int16, "torch.CharStorage": .int8, "torch.ByteStorage": .uint8, "torch.BoolStorage": .bool,
  ]

  /// Element types and layouts named as attributes of torch.
  static let constants: Set<String> = [
    "torch.float32", "torch.float64", "torch.float16", "torch.bfloat16", "torch.int64", "torch.int32", "torch.int16",
    "torch.int8", "torch.uint8", "torch.bool", "torch.strided",
  ]

  static func contains(_ name: String) -> Bool {
    functions.contains(name) || elementTypes[name] != nil || constants.contains(name)
  }
}
