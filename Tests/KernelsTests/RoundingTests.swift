import Kernels
import TestSupport
import Testing

/// Rounding whose errors cancel along directions.
@Suite struct RoundingTests {
  /// Numbers from -1 to 1, always the same.
  private struct Numbers {
    private var generator = SeededGenerator(7)

    mutating func list(_ count: Int) -> [Float] {
      (0..<count).map { _ in Float(Int64(bitPattern: generator.next()) >> 40) / Float(1 << 23) }
    }
  }

  private func integers(_ rows: QuantizedRows) -> [Int] { rows.elements.map { Int(Int8(bitPattern: $0)) } }

  /// Gauss-Jordan elimination, of a matrix that needs no pivots.
  private func inverse(_ matrix: [[Double]]) -> [[Double]] {
    let size = matrix.count
    var a = matrix.enumerated().map { row, values in values + (0..<size).map { $0 == row ? 1 : 0 } }
    for pivot in 0..<size {
      let divisor = a[pivot][pivot]
      a[pivot] = a[pivot].map { $0 / divisor }
      for row in 0..<size where row != pivot {
        let factor = a[row][pivot]
        for column in 0..<2 * size { a[row][column] -= factor * a[pivot][column] }
      }
    }
    return a.map { Array($0[size...]) }
  }

  /// GPTQ as its authors tell it: every element that is rounded changes all behind it, by the inverse of what is left of
  /// the Hessian matrix.
  private func textbook(_ row: [Float], _ directions: [Float], scale: Float) -> [Int] {
    let (columns, count) = (row.count, directions.count / row.count)
    let hessian = (0..<columns).map { a in
      (0..<columns).map { b in
        (0..<count).reduce(a == b ? 1.0 : 0) {
          $0 + Double(directions[a * count + $1]) * Double(directions[b * count + $1])
        }
      }
    }
    var weights = row.map(Double.init)
    var out: [Int] = []
    for column in 0..<columns {
      let left = inverse(hessian[column...].map { Array($0[column...]) })
      let rounded = min(127, max(-127, (weights[column] / Double(scale)).rounded(.toNearestOrEven)))
      out.append(Int(rounded))
      let error = (weights[column] - rounded * Double(scale)) / left[0][0]
      for other in column..<columns { weights[other] -= error * left[0][other - column] }
    }
    return out
  }

  @Test(arguments: [(1, 5), (2, 24), (5, 40), (16, 33)])
  func elementsAreThoseOfGPTQ(directions count: Int, columns: Int) throws {
    var numbers = Numbers()
    for rows in [1, 3, 16, 21] {
      let matrix = numbers.list(rows * columns)
      let directions = numbers.list(columns * count).map { $0 * 3 }
      let found = try #require(
        QuantizedRows(matrix, columns: columns, along: RoundingDirections(directions, columns: columns)))
      for row in 0..<rows {
        let range = row * columns..<(row + 1) * columns
        #expect(
          integers(found)[range] == textbook(Array(matrix[range]), directions, scale: found.scales[row])[...],
          "row \(row) of \(rows)")
      }
      // The scales are those without directions.
      #expect(found.scales == QuantizedRows(matrix, columns: columns)?.scales)
    }
  }

  @Test func errorsCancelAlongDirections() throws {
    var numbers = Numbers()
    let (rows, columns, count) = (50, 512, 4)
    let matrix = numbers.list(rows * columns)
    let directions = numbers.list(columns * count).map { $0 * 20 }
    let along = try #require(
      QuantizedRows(matrix, columns: columns, along: RoundingDirections(directions, columns: columns)))
    let nearest = try #require(QuantizedRows(matrix, columns: columns))
    /// Sums of squared errors: along the directions, and of all elements.
    func errors(_ quantized: QuantizedRows) -> (along: Double, all: Double) {
      var out = (along: 0.0, all: 0.0)
      for row in 0..<rows {
        let errors = (0..<columns).map {
          Double(integers(quantized)[row * columns + $0]) * Double(quantized.scales[row])
            - Double(matrix[row * columns + $0])
        }
        out.all += errors.reduce(0) { $0 + $1 * $1 }
        for direction in 0..<count {
          let sum = errors.indices.reduce(0) { $0 + errors[$1] * Double(directions[$1 * count + direction]) }
          out.along += sum * sum
        }
      }
      return out
    }
    #expect(errors(along).along < 0.05 * errors(nearest).along)
    #expect(errors(along).all < 1.2 * errors(nearest).all)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude, 0])
  func anyDirectionsGiveIntegersWithinBounds(number: Float) throws {
    var numbers = Numbers()
    var directions = numbers.list(60)
    directions[31] = number
    let found = try #require(
      QuantizedRows(numbers.list(90), columns: 30, along: RoundingDirections(directions, columns: 30)))
    #expect(integers(found).allSatisfy { (-127...127).contains($0) })
    #expect(found.elements.count == 90)
  }
}
