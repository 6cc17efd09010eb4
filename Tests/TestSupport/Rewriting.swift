import Arrays
import Checkpoints

/// Makes a changed copy of a safetensors file, for tests of what conversions do about it.
public struct SafetensorsCopy {
  public struct Array {
    public var name: String
    public var type: String
    public var shape: [Int]
    public var bytes: [UInt8]

    public init(name: String, type: String, shape: [Int], bytes: [UInt8]) {
      self.name = name
      self.type = type
      self.shape = shape
      self.bytes = bytes
    }
  }

  public var arrays: [Array]

  /// - Parameter path: of a file whose arrays are all float32.
  public init(of path: String) throws {
    let checkpoint = try openCheckpoint(path)
    arrays = try checkpoint.arrays.indices.map { index in
      let array = checkpoint.arrays[index]
      return Array(
        name: array.name, type: "F32", shape: array.shape.dimensions, bytes: try checkpoint.data(of: index))
    }
  }

  public subscript(_ name: String) -> Array? {
    get { arrays.first { $0.name == name } }
    set {
      arrays.removeAll { $0.name == name }
      if let newValue { arrays.append(newValue) }
    }
  }

  /// The file's bytes.
  public var bytes: [UInt8] {
    var members: [String] = []
    var data: [UInt8] = []
    for array in arrays {
      members.append(
        "\"\(array.name)\":{\"dtype\":\"\(array.type)\",\"shape\":\(array.shape),"
          + "\"data_offsets\":[\(data.count),\(data.count + array.bytes.count)]}")
      data += array.bytes
    }
    return safetensors("{\(members.joined(separator: ","))}") + data
  }
}
