import Arrays

/// How a tensor's elements stand in an ONNX file, by the number of its `data_type` (onnx.proto, `TensorProto.DataType`).
struct ONNXType: Sendable {
  /// In the file's own words, as `FLOAT16`.
  let name: String
  /// nil: an array of them isn't read.
  let elementType: ElementType?
  /// The field of a tensor that holds its elements one by one, where they aren't `raw_data`.
  let field: Int

  init?(number: UInt64) {
    guard let index = Int(exactly: number), ONNXType.all.indices.contains(index), index > 0 else { return nil }
    self = ONNXType.all[index]
  }

  /// The number that stands for a type; nil: none does.
  static func number(of type: ElementType) -> Int? { all.firstIndex { $0.elementType == type } }

  private init(_ name: String, _ type: String, _ field: Int) {
    (self.name, self.field, elementType) = (name, field, ElementType(rawValue: type))
  }

  static let (floats, int32s, int64s, doubles, uint64s) = (4, 5, 7, 10, 11)

  private static let all: [ONNXType] = [
    .init("UNDEFINED", "", 0), .init("FLOAT", "float32", floats), .init("UINT8", "uint8", int32s),
    .init("INT8", "int8", int32s), .init("UINT16", "uint16", int32s), .init("INT16", "int16", int32s),
    .init("INT32", "int32", int32s), .init("INT64", "int64", int64s), .init("STRING", "", 6),
    .init("BOOL", "bool", int32s), .init("FLOAT16", "float16", int32s), .init("DOUBLE", "float64", doubles),
    .init("UINT32", "uint32", uint64s), .init("UINT64", "uint64", uint64s), .init("COMPLEX64", "complex64", floats),
    .init("COMPLEX128", "complex128", doubles), .init("BFLOAT16", "bfloat16", int32s),
    .init("FLOAT8E4M3FN", "float8E4M3", int32s), .init("FLOAT8E4M3FNUZ", "float8E4M3FNUZ", int32s),
    .init("FLOAT8E5M2", "float8E5M2", int32s), .init("FLOAT8E5M2FNUZ", "float8E5M2FNUZ", int32s),
    .init("UINT4", "uint4", int32s), .init("INT4", "int4", int32s), .init("FLOAT4E2M1", "float4E2M1", int32s),
    .init("FLOAT8E8M0", "float8E8M0", int32s), .init("UINT2", "uint2", int32s), .init("INT2", "int2", int32s),
    .init("FLOAT6E2M3", "float6E2M3", int32s), .init("FLOAT6E3M2", "float6E3M2", int32s),
  ]
}
