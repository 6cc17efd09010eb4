import Arrays

/// A float32 matrix, or a part of one, that kernels read and write. A value refers to elements that copies and parts
/// share: nobody may write elements that another thread uses.
public struct Matrix: Sendable {
  let storage: MatrixStorage
  /// Where the first element is in the storage.
  let offset: Int
  public let rows: Int
  public let columns: Int
  /// Elements between the starts of two rows.
  let stride: Int

  /// A matrix of undefined elements.
  public init(rows: Int, columns: Int) {
    precondition(rows >= 0 && columns >= 0)
    self.init(storage: MatrixStorage(rows * columns), offset: 0, rows: rows, columns: columns, stride: columns)
  }

  /// A matrix of the given elements, row by row.
  public init(rows: Int, columns: Int, _ elements: [Float]) {
    precondition(elements.count == rows * columns)
    self.init(rows: rows, columns: columns)
    for (index, element) in elements.enumerated() { unsafe storage.base[index] = element }
  }

  private init(storage: MatrixStorage, offset: Int, rows: Int, columns: Int, stride: Int) {
    self.storage = storage
    self.offset = offset
    self.rows = rows
    self.columns = columns
    self.stride = stride
  }

  /// Some of the rows, as a matrix of the same elements.
  public func rows(_ range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows outside the matrix")
    return Matrix(
      storage: storage, offset: offset + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
  }

  /// Some of the columns, as a matrix of the same elements.
  public func columns(_ range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns outside the matrix")
    return Matrix(
      storage: storage, offset: offset + range.lowerBound, rows: rows, columns: range.count, stride: stride)
  }

  public subscript(_ row: Int, _ column: Int) -> Float {
    get {
      precondition(row >= 0 && row < rows && column >= 0 && column < columns, "index outside the matrix")
      return unsafe storage.base[offset + row * stride + column]
    }
    nonmutating set {
      precondition(row >= 0 && row < rows && column >= 0 && column < columns, "index outside the matrix")
      unsafe storage.base[offset + row * stride + column] = newValue
    }
  }

  /// The elements, row by row.
  public var elements: [Float] {
    unsafe [Float](unsafeUninitializedCapacity: rows * columns) { out, count in
      for row in 0..<rows {
        for column in 0..<columns {
          unsafe out.initializeElement(at: row * columns + column, to: base[row * stride + column])
        }
      }
      count = rows * columns
    }
  }

  /// Overwrites the elements with those of a matrix of the same size.
  public func copy(_ other: Matrix) {
    precondition(rows == other.rows && columns == other.columns, "matrices differ in size")
    for row in 0..<rows { unsafe (base + row * stride).update(from: other.base + row * other.stride, count: columns) }
  }

  /// Whether both are the same elements in memory.
  package func isSame(as other: Matrix) -> Bool {
    storage === other.storage && offset == other.offset && rows == other.rows && columns == other.columns
      && stride == other.stride
  }

  /// The elements in memory of their own.
  public var copied: Matrix {
    let out = Matrix(rows: rows, columns: columns)
    out.copy(self)
    return out
  }

  var hasAdjacentRows: Bool { stride == columns || rows <= 1 }

  /// The elements with rows and columns exchanged, in memory of their own.
  public var transposed: Matrix {
    let out = Matrix(rows: columns, columns: rows)
    let (source, target) = unsafe (base, out.base)
    // Square pieces, so that neither side leaves the near cache.
    let side = 16
    for top in Swift.stride(from: 0, to: rows, by: side) {
      for left in Swift.stride(from: 0, to: columns, by: side) {
        for row in top..<min(top + side, rows) {
          for column in left..<min(left + side, columns) {
            unsafe target[column * out.stride + row] = source[row * stride + column]
          }
        }
      }
    }
    return out
  }

  /// The elements times a factor, in memory of their own.
  public func scaled(by factor: Float) -> Matrix {
    let out = Matrix(rows: rows, columns: columns)
    for row in 0..<rows {
      for column in 0..<columns { unsafe out.base[row * columns + column] = base[row * stride + column] * factor }
    }
    return out
  }

  /// The sum of each column, rows being added one after the other.
  public var columnSums: [Double] {
    var sums = [Double](repeating: 0, count: columns)
    for row in 0..<rows {
      let start = unsafe base + row * stride
      for column in 0..<columns { sums[column] += unsafe Double(start[column]) }
    }
    return sums
  }

  /// Overwrites all elements with a value.
  public func fill(_ value: Float) {
    for row in 0..<rows { unsafe (base + row * stride).update(repeating: value, count: columns) }
  }

  /// Overwrites a row.
  public func setRow(_ row: Int, _ elements: [Float]) {
    precondition(row >= 0 && row < rows && elements.count == columns, "row outside the matrix")
    for column in 0..<columns { unsafe base[row * stride + column] = elements[column] }
  }

  /// Adds elements to a row.
  public func addToRow(_ row: Int, _ elements: [Float]) {
    precondition(row >= 0 && row < rows && elements.count == columns, "row outside the matrix")
    for column in 0..<columns { unsafe base[row * stride + column] += elements[column] }
  }

  /// Adds the elements of a matrix of the same size, each times its column's factor.
  public func add(_ other: Matrix, timesColumns factors: [Float]) {
    precondition(rows == other.rows && columns == other.columns && factors.count == columns, "matrices differ in size")
    for row in 0..<rows {
      let (to, from) = unsafe (base + row * stride, other.base + row * other.stride)
      for column in 0..<columns { unsafe to[column] += from[column] * factors[column] }
    }
  }

  /// Overwrites each element with what is made of it and the same one of another matrix of the same size.
  public func combine(_ other: Matrix, _ made: (Float, Float) -> Float) {
    precondition(rows == other.rows && columns == other.columns, "matrices differ in size")
    for row in 0..<rows {
      let (to, from) = unsafe (base + row * stride, other.base + row * other.stride)
      for column in 0..<columns { unsafe to[column] = made(to[column], from[column]) }
    }
  }

  /// Column of the largest element of a row; the first of several.
  public func largest(inRow row: Int) -> Int {
    precondition(row >= 0 && row < rows && columns > 0, "row outside the matrix")
    let start = unsafe base + row * stride
    var best = 0
    for column in 1..<max(1, columns) where unsafe start[column] > start[best] { best = column }
    return best
  }

  var base: UnsafeMutablePointer<Float> { unsafe storage.base + offset }
}
