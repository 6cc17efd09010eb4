import Arrays

extension ElementType {
  /// Hands on the pieces of an array's data; of packed elements, as float32.
  func unpacking(
    _ shape: Shape, _ forEachChunk: @escaping @Sendable ((borrowing RawSpan) throws -> Void) throws -> Void
  ) -> @Sendable ((borrowing RawSpan) throws -> Void) throws -> Void {
    guard isPacked else { return forEachChunk }
    return { body in
      var elements = PackedElements(self, elements: shape.elements)
      try forEachChunk { piece in
        let floats = elements.float32(piece)
        try body(floats.rawSpan)
      }
    }
  }

  /// The numbers that some elements are, as double precision; integers beyond 53 bits are rounded. Of complex types, the
  /// parts are read, by `component`.
  /// - Parameters:
  ///   - range: of elements.
  ///   - values: gets them at its front; large enough.
  func read(_ bytes: borrowing RawSpan, _ range: Range<Int>, into values: inout [Double]) {
    precondition(range.upperBound * size <= bytes.byteCount && range.count <= values.count)
    let type = self
    unsafe bytes.withUnsafeBytes { bytes in
      unsafe values.withUnsafeMutableBufferPointer { values in
        /// - Parameter value: of the bits of an element.
        @inline(__always)
        func fill<Bits: FixedWidthInteger>(_ bits: Bits.Type, _ value: (Bits) -> Double) {
          for (place, index) in range.enumerated() {
            unsafe values[place] = value(
              Bits(
                littleEndian: bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Bits>.size, as: Bits.self)))
          }
        }
        switch type {
        case .float64: fill(UInt64.self) { Double(bitPattern: $0) }
        case .float32: fill(UInt32.self) { Double(Float(bitPattern: $0)) }
        case .float16: fill(UInt16.self) { Double(Float(Float16(bitPattern: $0))) }
        case .bfloat16: fill(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
        case .float8E4M3, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0:
          let table = Float8Values.table(of: type)
          fill(UInt8.self) { Double(table[Int($0)]) }
        case .int64: fill(Int64.self) { Double($0) }
        case .int32: fill(Int32.self) { Double($0) }
        case .int16: fill(Int16.self) { Double($0) }
        case .int8: fill(Int8.self) { Double($0) }
        case .uint64: fill(UInt64.self) { Double($0) }
        case .uint32: fill(UInt32.self) { Double($0) }
        case .uint16: fill(UInt16.self) { Double($0) }
        case .uint8: fill(UInt8.self) { Double($0) }
        case .bool: fill(UInt8.self) { $0 == 0 ? 0 : 1 }
        case .complex32, .complex64, .complex128: preconditionFailure("complex numbers are read as their parts")
        case .float6E2M3, .float6E3M2, .float4E2M1, .int4, .int2, .uint4, .uint2:
          preconditionFailure("packed elements are read as float32")
        }
      }
    }
  }
}
