/// Rearranges the dimensions of arrays in memory.
public enum Transposition {
  /// The transpose of a matrix of `rows` × `columns` elements.
  public static func matrix(_ bytes: [UInt8], rows: Int, columns: Int, elementSize: Int) -> [UInt8] {
    switch elementSize {
    case 1: matrix(bytes, rows, columns, of: UInt8.self)
    case 2: matrix(bytes, rows, columns, of: UInt16.self)
    case 4: matrix(bytes, rows, columns, of: UInt32.self)
    default: matrix(bytes, rows, columns, of: UInt64.self)
    }
  }

  private static func matrix<Element: FixedWidthInteger>(
    _ bytes: [UInt8], _ rows: Int, _ columns: Int, of type: Element.Type
  ) -> [UInt8] {
    let size = MemoryLayout<Element>.size
    precondition(bytes.count >= rows * columns * size, "fewer bytes than the matrix has")
    return unsafe [UInt8](unsafeUninitializedCapacity: rows * columns * size) { out, count in
      unsafe bytes.withUnsafeBytes { source in
        let target = UnsafeMutableRawBufferPointer(out)
        // Square blocks, so that what one row brings into the cache serves the others.
        let side = 32
        for top in stride(from: 0, to: rows, by: side) {
          for left in stride(from: 0, to: columns, by: side) {
            for row in top..<min(top + side, rows) {
              for column in left..<min(left + side, columns) {
                let element = unsafe source.loadUnaligned(
                  fromByteOffset: (row * columns + column) * size, as: Element.self)
                unsafe target.storeBytes(of: element, toByteOffset: (column * rows + row) * size, as: Element.self)
              }
            }
          }
        }
      }
      count = rows * columns * size
    }
  }

  /// The elements in row-major order of an array whose first index runs fastest in `bytes`, as Fortran has it.
  /// - Parameter shape: of the array.
  public static func reversed(_ bytes: [UInt8], shape: Shape, elementSize: Int) -> [UInt8] {
    let dimensions = shape.dimensions
    if shape.rank == 2, [1, 2, 4, 8].contains(elementSize) {
      return matrix(bytes, rows: dimensions[1], columns: dimensions[0], elementSize: elementSize)
    }
    var (steps, step): ([Int], Int) = ([], 1)
    for dimension in dimensions {
      steps.append(step)
      step *= dimension
    }
    return gathered(bytes, dimensions: dimensions, steps: steps, elementSize: elementSize)
  }

  /// The dimensions after a permutation: dimension i of the result is dimension `permutation[i]` of the source.
  public static func permuted(_ dimensions: [Int], _ permutation: [Int]) -> [Int] { permutation.map { dimensions[$0] } }

  /// An array with its dimensions permuted; for small arrays, element by element.
  public static func array(_ bytes: [UInt8], shape: Shape, permutation: [Int], elementSize: Int) -> [UInt8] {
    let target = permuted(shape.dimensions, permutation)
    var strides = [Int](repeating: 1, count: shape.rank)
    for dimension in stride(from: shape.rank - 2, through: 0, by: -1) {
      strides[dimension] = strides[dimension + 1] * shape.dimensions[dimension + 1]
    }
    return gathered(
      bytes, dimensions: target, steps: permuted(strides, permutation), elementSize: elementSize)
  }

  /// The elements of an array whose neighbours along each dimension stand `steps` elements apart in `bytes`.
  public static func gathered(_ bytes: [UInt8], dimensions: [Int], steps: [Int], elementSize: Int) -> [UInt8] {
    var index = [Int](repeating: 0, count: dimensions.count)
    var source = 0
    var out: [UInt8] = []
    let elements = dimensions.reduce(1, *)
    out.reserveCapacity(elements * elementSize)
    for _ in 0..<elements {
      out += bytes[source * elementSize..<(source + 1) * elementSize]
      for dimension in dimensions.indices.reversed() {
        index[dimension] += 1
        source += steps[dimension]
        if index[dimension] < dimensions[dimension] { break }
        source -= steps[dimension] * dimensions[dimension]
        index[dimension] = 0
      }
    }
    return out
  }
}
