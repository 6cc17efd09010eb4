/// Turns elements of the other byte order around.
public enum ByteOrder {
  /// Swaps the bytes of each element at the front of `bytes`.
  /// - Parameters:
  ///   - count: of bytes, a multiple of `unit`.
  ///   - unit: bytes of an element: 1, 2, 4 or 8, or any other number.
  public static func swap(_ bytes: inout [UInt8], count: Int, unit: Int) {
    precondition(count <= bytes.count && count.isMultiple(of: unit), "part of an element")
    switch unit {
    case 1: break
    case 2: swap(&bytes, count, UInt16.self)
    case 4: swap(&bytes, count, UInt32.self)
    case 8: swap(&bytes, count, UInt64.self)
    default: for start in stride(from: 0, to: count, by: unit) { bytes[start..<start + unit].reverse() }
    }
  }

  private static func swap<Element: FixedWidthInteger>(_ bytes: inout [UInt8], _ count: Int, _ type: Element.Type) {
    let size = MemoryLayout<Element>.size
    unsafe bytes.withUnsafeMutableBytes { bytes in
      for place in stride(from: 0, to: count, by: size) {
        let element = unsafe bytes.loadUnaligned(fromByteOffset: place, as: Element.self)
        unsafe bytes.storeBytes(of: element.byteSwapped, toByteOffset: place, as: Element.self)
      }
    }
  }
}
