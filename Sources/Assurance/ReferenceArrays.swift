import Arrays
import Checkpoints

/// A safetensors file of what other software computed, by the names of its arrays.
struct ReferenceArrays: Sendable {
  let checkpoint: SafetensorsCheckpoint
  let metadata: [String: String]
  private let indices: [String: Int]
  private let hint: String

  /// - Parameter hint: what such a file is, for errors.
  /// - Throws: `Failure` of kind `noInput`, or `badData` when it is no safetensors file.
  init(_ path: String, hint: String) throws(Failure) {
    checkpoint = try SafetensorsCheckpoint(InputFile(path))
    // Names of other bytes may yet be the same text, written with other code points.
    indices = Dictionary(checkpoint.arrays.enumerated().map { ($1.name, $0) }) { first, _ in first }
    metadata = Dictionary(checkpoint.metadata.map { ($0.name, $0.value) }) { first, _ in first }
    self.hint = hint
  }

  func has(_ name: String) -> Bool { indices[name] != nil }

  func shape(_ name: String) -> [Int] { indices[name].map { checkpoint.arrays[$0].shape.dimensions } ?? [] }

  /// The numbers of an array.
  /// - Throws: `Failure` of kind `badData` when there is none such, or its elements are no floats.
  func floats(_ name: String) throws(Failure) -> [Float] {
    let (array, bytes) = try data(name)
    if array.elementType == .float32 { return Floats.array(bytes) }
    guard FloatConversion.isPossible(from: array.elementType, to: .float32) else {
      throw failure(name, "is of type \(array.elementType.rawValue), not float32")
    }
    return Floats.array(FloatConversion.convert(bytes.rawSpan, from: array.elementType, to: .float32))
  }

  /// The token ids of an array.
  func tokens(_ name: String) throws(Failure) -> [Int] {
    let (array, bytes) = try data(name)
    guard array.elementType == .int64, array.shape.rank == 1 else { throw failure(name, "is not a list of int64") }
    var reader = ByteReader(bytes)
    var out: [Int] = []
    for _ in 0..<array.shape.elements { out.append(Int(Int64(bitPattern: try reader.integer(UInt64.self)))) }
    return out
  }

  func data(_ name: String) throws(Failure) -> (CheckpointArray, [UInt8]) {
    guard let index = indices[name] else { throw failure(name, "is missing") }
    return (checkpoint.arrays[index], try checkpoint.data(of: index))
  }

  func failure(_ name: String, _ reason: String) -> Failure {
    Failure(.badData, file: checkpoint.path, place: "array \"\(name)\"", reason, hint: hint)
  }
}
