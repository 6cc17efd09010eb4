import Arrays

/// Names that torch gives to types of elements.
enum TorchTypes {
  /// What the elements of a storage are.
  enum Kind: Equatable {
    case known(ElementType)
    /// Several in a byte, each row of a quantized tensor beginning with a byte of its own.
    case packed(ElementType)
    /// Bytes whose type the tensor tells.
    case untyped
    /// No type of elements that are read.
    case unknown
  }

  /// Of `torch.FloatStorage` and the like.
  static func ofStorage(_ name: String) -> Kind {
    if ["torch.storage.UntypedStorage", "torch.UntypedStorage"].contains(name) { return .untyped }
    let parts = name.split(separator: ".")
    guard let last = parts.last, last.hasSuffix("Storage"), parts.first == "torch" else { return .unknown }
    // torch.cuda.FloatStorage of old files; the words are those of torch's types in C.
    let word = String(last.dropLast("Storage".count))
    return storages[word].map(Kind.known) ?? packed[word].map(Kind.packed) ?? .unknown
  }

  private static let packed: [String: ElementType] = ["QUInt4x2": .uint4, "QUInt2x4": .uint2]

  /// Types of bits that torch gives no meaning, and how many bytes an element has: they are kept as unsigned integers.
  static func ofBits(_ name: String) -> ElementType? {
    guard name.hasPrefix("torch.") else { return nil }
    return bits[String(name.dropFirst("torch.".count))]
  }

  private static let bits: [String: ElementType] = [
    "bits8": .uint8, "bits1x8": .uint8, "bits2x4": .uint8, "bits4x2": .uint8, "bits16": .uint16,
  ]

  /// Of an element two 4-bit floats, which its last dimension counts as one.
  static let float4Pairs = "torch.float4_e2m1fn_x2"

  /// Of `torch.float32` and the like.
  static func ofDtype(_ name: String) -> ElementType? {
    guard name.hasPrefix("torch.") else { return nil }
    let word = String(name.dropFirst("torch.".count))
    return dtypes[word] ?? named[word].flatMap(ElementType.init(rawValue:))
  }

  private static let storages: [String: ElementType] = [
    "Float": .float32, "Double": .float64, "Half": .float16, "BFloat16": .bfloat16, "Long": .int64, "Int": .int32,
    "Short": .int16, "Char": .int8, "Byte": .uint8, "Bool": .bool, "QInt8": .int8, "QUInt8": .uint8, "QInt32": .int32,
  ].merging(
    [("ComplexFloat", "complex64"), ("ComplexDouble", "complex128")].compactMap { word, type in
      ElementType(rawValue: type).map { (word, $0) }
    }
  ) { first, _ in first }

  private static let dtypes: [String: ElementType] = [
    "float32": .float32, "float": .float32, "float64": .float64, "double": .float64, "float16": .float16,
    "half": .float16, "bfloat16": .bfloat16, "int64": .int64, "long": .int64, "int32": .int32, "int": .int32,
    "int16": .int16, "short": .int16, "int8": .int8, "uint8": .uint8, "uint16": .uint16, "uint32": .uint32,
    "uint64": .uint64, "bool": .bool, "float8_e4m3fn": .float8E4M3, "float8_e5m2": .float8E5M2,
  ]

  /// Types that are read where `ElementType` has them.
  private static let named: [String: String] = [
    "complex32": "complex32", "chalf": "complex32", "complex64": "complex64", "cfloat": "complex64",
    "complex128": "complex128", "cdouble": "complex128", "float8_e4m3fnuz": "float8E4M3FNUZ",
    "float8_e5m2fnuz": "float8E5M2FNUZ", "float8_e8m0fnu": "float8E8M0",
  ]

  /// NumPy's, by kind and size as its descriptions have them: `f4`.
  static func ofNumPy(_ word: String) -> ElementType? {
    switch word {
    case "f2": .float16
    case "f4": .float32
    case "f8": .float64
    case "i1": .int8
    case "i2": .int16
    case "i4": .int32
    case "i8": .int64
    case "u1": .uint8
    case "u2": .uint16
    case "u4": .uint32
    case "u8": .uint64
    case "b1": .bool
    case "c8": ElementType(rawValue: "complex64")
    case "c16": ElementType(rawValue: "complex128")
    default: nil
    }
  }

  /// Of torch.export's numbers for types (torch/_export/serde/schema.py, `ScalarType`).
  static func ofExport(_ number: Int) -> ElementType? {
    let names = [
      1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64",
      10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16", 28: "uint16", 29: "float8_e4m3fn",
      30: "float8_e5m2", 31: "float8_e4m3fnuz", 32: "float8_e5m2fnuz", 33: "float8_e8m0fnu", 34: "uint32", 35: "uint64",
    ]
    return names[number].flatMap { ofDtype("torch." + $0) }
  }
}

/// What loading a pickle in Python would call or import.
enum TorchGlobals {
  /// Whether torch's own careful reader (`weights_only`) takes a name, which therefore runs nothing of an author's: after
  /// torch/_weights_only_unpickler.py of torch 2.6 and later.
  static func isHarmless(_ name: String) -> Bool {
    if harmless.contains(name) { return true }
    guard name.hasPrefix("torch.") else { return false }
    return TorchTypes.ofDtype(name) != nil || dtypes.contains(String(name.dropFirst("torch.".count)))
      || TorchTypes.ofStorage(name) != .unknown || isStorageOrTensorClass(name)
  }

  private static func isStorageOrTensorClass(_ name: String) -> Bool {
    let words = name.split(separator: ".")
    guard let last = words.last, words.count <= 4 else { return false }
    let ending = last.hasSuffix("Storage") ? "Storage" : "Tensor"
    guard last.hasSuffix(ending), types.contains(String(last.dropLast(ending.count))) else { return false }
    let between = words.dropFirst().dropLast()
    return between.allSatisfy { ["cuda", "sparse", "storage"].contains($0) }
  }

  private static let types: Set<String> = [
    "Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool", "ComplexFloat",
    "ComplexDouble", "QInt8", "QUInt8", "QInt32", "QUInt4x2", "QUInt2x4", "Typed", "Untyped",
  ]

  private static let dtypes: Set<String> = [
    "complex32", "complex64", "complex128", "qint8", "quint8", "qint32", "quint4x2", "quint2x4", "bits8", "bits16",
    "bits1x8", "bits2x4", "bits4x2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn_x2",
    "uint1", "uint2", "uint3", "uint4", "uint5", "uint6", "uint7", "int1", "int2", "int3", "int4", "int5", "int6",
    "int7", "per_tensor_affine", "per_tensor_symmetric", "per_channel_affine", "per_channel_symmetric",
    "per_channel_affine_float_qparams", "strided",
  ]

  private static let harmless: Set<String> = [
    "collections.OrderedDict", "collections.Counter", "collections.defaultdict", "torch.nn.parameter.Parameter",
    "torch.serialization._get_layout", "torch.Size", "torch.Tensor", "torch.device", "_codecs.encode",
    "builtins.bytearray", "builtins.set", "builtins.complex", "builtins.frozenset", "builtins.list", "builtins.dict",
    "builtins.tuple", "builtins.int", "builtins.float", "builtins.str", "builtins.bool", "builtins.bytes",
    "builtins.object", "copyreg._reconstructor", "copy_reg._reconstructor", "__builtin__.set", "__builtin__.complex",
    "__builtin__.frozenset", "__builtin__.list",
    "__builtin__.dict", "__builtin__.tuple", "__builtin__.int", "__builtin__.long", "__builtin__.float",
    "__builtin__.str", "__builtin__.unicode", "__builtin__.bool", "__builtin__.bytes", "__builtin__.bytearray",
    "__builtin__.object", "numpy.dtype", "numpy.ndarray", "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar", "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
    "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state", "torch._utils._rebuild_qtensor",
    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_sparse_tensor", "torch._utils._rebuild_meta_tensor_no_storage",
    "torch._utils._rebuild_wrapper_subclass", "torch._utils._rebuild_device_tensor_from_numpy",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor", "torch._tensor._rebuild_from_type_v2",
  ]
}
