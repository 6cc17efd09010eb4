/// Reads little-endian values from the front of some bytes; going past their end is an error that names the offset.
public struct ByteReader {
  public let bytes: [UInt8]
  public private(set) var offset = 0

  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  public var remaining: Int { bytes.count - offset }

  /// The next `count` bytes.
  public mutating func take(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
    guard count >= 0, count <= remaining else {
      throw Failure(.badData, place: "byte \(offset)", "\(count) bytes expected, \(remaining) left")
    }
    defer { offset += count }
    return bytes[offset..<offset + count]
  }

  /// The next integer, little-endian.
  public mutating func integer<Value: FixedWidthInteger & UnsignedInteger>(
    _ type: Value.Type = Value.self
  ) throws(Failure) -> Value {
    var value: Value = 0
    for (index, byte) in try take(Value.bitWidth / 8).enumerated() { value |= Value(byte) << Value(8 * index) }
    return value
  }
}

extension FixedWidthInteger {
  /// The bytes of the value, lowest first.
  public var littleEndianBytes: [UInt8] {
    (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> Self(8 * $0)) }
  }
}
