import Ingot

/// Tensors in the form of the Open Inference Protocol, version 2, with Triton's extension for binary data
/// (https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md;
/// https://github.com/triton-inference-server/server, docs/protocol/extension_binary_data.md).
package enum InferenceTensors {
  /// Names of element types that are taken, with their bytes.
  private enum Kind: String, CaseIterable {
    case fp32 = "FP32"
    case fp64 = "FP64"
    case int32 = "INT32"
    case int64 = "INT64"

    var size: Int { self == .fp32 || self == .int32 ? 4 : 8 }
    var isInteger: Bool { self == .int32 || self == .int64 }
  }

  /// One of a request's inputs.
  /// - Parameter binary: what follows the JSON and isn't taken yet.
  /// - Throws: `ServiceError` with 400.
  package static func input(_ fields: Fields, _ binary: inout ArraySlice<UInt8>) throws -> RawTensor {
    let name = try fields.requiredString("name")
    let type = try fields.requiredString("datatype")
    guard let kind = Kind(rawValue: type) else {
      throw ServiceError.badRequest(
        "\(fields.name("datatype")) is \"\(excerpt(type, 20))\"; \(Kind.allCases.map(\.rawValue).joined(separator: ", ")) are taken",
        fields.name("datatype"))
    }
    let shape = try (fields.array("shape") ?? []).map { value -> Int in
      guard case .integer(let number) = value.content, number >= 0 else {
        throw ServiceError.badRequest(
          "\(fields.name("shape")) is to be an array of numbers from 0", fields.name("shape"))
      }
      return number
    }
    let values: RawTensor.Values
    if let size = try fields.fields("parameters")?.integer("binary_data_size") {
      guard fields["data"] == nil, size >= 0, size <= binary.count, size % kind.size == 0 else {
        throw ServiceError.badRequest(
          "\(fields.name("parameters.binary_data_size")) is \(size), which is not what the body has, or there is data too",
          fields.name("parameters.binary_data_size"))
      }
      values = unpacked(Array(binary.prefix(size)), kind)
      binary = binary.dropFirst(size)
    } else {
      values = try flat(fields, kind)
    }
    do throws(Failure) {
      return try RawTensor(name, shape: shape, values)
    } catch {
      throw ServiceError.badRequest(error.reason, fields.name("shape"))
    }
  }

  private static func unpacked(_ bytes: [UInt8], _ kind: Kind) -> RawTensor.Values {
    func bits(_ index: Int) -> UInt64 {
      (0..<kind.size).reduce(0) { $0 | UInt64(bytes[index * kind.size + $1]) << UInt64(8 * $1) }
    }
    let count = bytes.count / kind.size
    return switch kind {
    case .fp32: .floats((0..<count).map { Float(bitPattern: UInt32(truncatingIfNeeded: bits($0))) })
    case .fp64: .floats((0..<count).map { Float(Double(bitPattern: bits($0))) })
    case .int32: .integers((0..<count).map { Int(Int32(truncatingIfNeeded: bits($0))) })
    case .int64: .integers((0..<count).map { Int(Int64(bitPattern: bits($0))) })
    }
  }

  /// Numbers of an array, or of arrays in it, in their order.
  private static func flat(_ fields: Fields, _ kind: Kind) throws -> RawTensor.Values {
    var floats: [Float] = []
    var integers: [Int] = []
    func add(_ value: JSONValue) throws {
      switch value.content {
      case .array(let values): for value in values { try add(value) }
      case .integer(let number):
        if kind.isInteger { integers.append(number) } else { floats.append(Float(number)) }
      case .number(let number) where !kind.isInteger: floats.append(Float(number))
      default:
        throw ServiceError.badRequest(
          "\(fields.name("data")) is to have \(kind.isInteger ? "whole numbers" : "numbers") only, not \(value.kind)",
          fields.name("data"))
      }
    }
    guard let data = fields["data"], case .array = data.content else { throw fields.wrong("data", "an array") }
    try add(data)
    return kind.isInteger ? .integers(integers) : .floats(floats)
  }

  /// One of an answer's outputs; `binary` gets its data where these follow the JSON.
  package static func output(_ tensor: RawTensor, _ binary: inout [UInt8], isBinary: Bool) -> JSONValue {
    var type = "FP32"
    if case .integers = tensor.values { type = "INT64" }
    let size = binary.count
    var data: JSONValue?
    switch (tensor.values, isBinary) {
    case (.floats(let all), true):
      for value in all { append(UInt64(value.bitPattern), 4, &binary) }
    case (.integers(let all), true): for value in all { append(UInt64(bitPattern: Int64(value)), 8, &binary) }
    case (.floats(let all), false): data = .array(all.map { JSONValue.float($0) })
    case (.integers(let all), false): data = .integers(all)
    }
    return .object([
      "name": .string(tensor.name), "datatype": .string(type), "shape": .integers(tensor.shape),
      "parameters": isBinary ? .object(["binary_data_size": .integer(binary.count - size)]) : nil, "data": data,
    ])
  }

  private static func append(_ bits: UInt64, _ count: Int, _ bytes: inout [UInt8]) {
    for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * index))) }
  }
}
