import Arrays
import Foundation
import Kernels
import TestSupport
import Testing

/// That every level computes the bits which docs/ARITHMETIC.md states, by any number of threads and with any company.
@Suite struct ArithmeticTests {
  /// Of OpenBLAS's sums nothing is promised.
  private static let engines = Engine.Level.allCases
    .filter { $0.isAvailable && $0 != .openblas && $0 != .fast }
    .flatMap { level in [1, 3].map { (level, $0) } }

  private func rows(_ matrix: Matrix) -> [[Float]] {
    (0..<matrix.rows).map { matrix.rows($0..<$0 + 1).elements }
  }

  private func same(_ found: Matrix, _ expected: [[Float]], _ comment: Comment) {
    #expect(found.elements.map(\.bitPattern) == expected.joined().map(\.bitPattern), comment)
  }

  private func finished(_ x: Float, _ finish: LinearMap.Finish) -> Float {
    switch finish {
    case .gelu: Arithmetic.gelu(x)
    case .quickGELU: Arithmetic.quickGELU(x)
    case .plain, .add: x
    }
  }

  /// Rows on both sides of every change of the way of computing, and inputs in one, two and three parts.
  @Test(arguments: engines) func linearMaps(level: Engine.Level, threads: Int) throws {
    let engine = try Engine(threads: threads, level: level)
    var numbers = KernelNumbers(3)
    for (count, inputs, outputs) in [
      (1, 1, 1), (1, 100, 37), (2, 16, 16), (3, 33, 19), (5, 64, 40), (9, 21, 33), (13, 40, 17), (17, 31, 30),
      (70, 18, 9),
      (1, 3073, 3), (9, 4097, 2), (20, 6200, 1),
    ] {
      let x = numbers.matrix(count, inputs)
      let b = numbers.matrix(1, outputs)
      let before = numbers.matrix(count, outputs)
      let all = numbers.matrix(outputs, inputs)
      for type in [ElementType.float32, .float16, .bfloat16, .int8] {
        // Of int8 the products with x as it is; those with quantized rows are exact (see Int8Tests).
        let weight = kernelWeight(all, as: type).withFloatActivations
        let w = rows(Matrix(rows: outputs, columns: inputs, weight.floats))
        for finish in [LinearMap.Finish.plain, .add, .gelu, .quickGELU] where inputs < 3000 || finish == .add {
          let y = before.copied
          try engine.run([LinearMap(x, weight, bias: finish == .plain ? nil : kernelWeight(b), into: y, finish)])
          let expected = rows(x).enumerated().map { row, x in
            w.indices.map { output in
              finished(
                Arithmetic.linear(
                  x, w[output], before: finish == .add ? before[row, output] : nil,
                  bias: finish == .plain ? 0 : b[0, output]), finish)
            }
          }
          same(y, expected, "\(count) x \(inputs) x \(outputs), \(type), \(finish)")
        }
      }
    }
  }

  @Test(arguments: engines) func attention(level: Engine.Level, threads: Int) throws {
    let engine = try Engine(threads: threads, level: level)
    var numbers = KernelNumbers(5)
    for (q, k, heads, size, isCausal) in [
      (1, 1, 1, 1, false), (1, 40, 2, 16, true), (3, 33, 2, 5, false), (6, 50, 1, 20, true), (7, 19, 3, 8, false),
      (15, 47, 2, 33, true), (30, 17, 1, 64, false),
    ] {
      let width = heads * size
      let (queries, keys, values) = (numbers.matrix(q, width), numbers.matrix(k, width), numbers.matrix(k, width))
      let (output, weights) = (Matrix(rows: q, columns: width), Matrix(rows: heads * q, columns: k))
      let sees = isCausal && k >= q
      try engine.run([
        AttentionMap(
          queries: queries, keys: keys, values: values, into: output, weights: weights, heads: heads, isCausal: sees)
      ])
      for head in 0..<heads {
        let columns = head * size..<(head + 1) * size
        let (keyRows, valueRows) = (rows(keys.columns(columns)), rows(values.columns(columns)))
        let expected = rows(queries.columns(columns)).enumerated().map { row, query in
          let seen = sees ? k - q + row + 1 : k
          return Arithmetic.attention(query, Array(keyRows[..<seen]), Array(valueRows[..<seen]))
        }
        same(output.columns(columns), expected.map(\.out), "\(q) over \(k), \(heads) heads of \(size)")
        same(
          weights.rows(head * q..<(head + 1) * q),
          expected.map { $0.weights + [Float](repeating: 0, count: k - $0.weights.count) },
          "weights of \(q) over \(k), \(heads) heads of \(size)")
      }
    }
  }

  @Test(arguments: engines) func normsSoftmaxAndProducts(level: Engine.Level, threads: Int) throws {
    let engine = try Engine(threads: threads, level: level)
    var numbers = KernelNumbers(7)
    for (count, size) in [(1, 1), (2, 15), (3, 16), (5, 17), (2, 100), (40, 33)] {
      let x = numbers.matrix(count, size)
      for row in 0..<count { x[row, 0] += 50 }
      let (gain, shift) = (numbers.matrix(1, size), numbers.matrix(1, size))
      let y = Matrix(rows: count, columns: size)
      engine.layerNorm(x, weight: kernelWeight(gain), bias: kernelWeight(shift), epsilon: 1e-5, into: y)
      same(
        y,
        rows(x).map {
          Arithmetic.layerNorm($0, weight: gain.elements, bias: shift.elements, epsilon: 1e-5)
        }, "norm of \(size)")
      let expected = rows(x).map { Arithmetic.softmax($0) }
      engine.softmax(x)
      same(x, expected, "softmax of \(size)")
    }
    for (count, inputs, outputs) in [(1, 1, 1), (8, 64, 40), (7, 33, 65), (20, 70, 9)] {
      let (x, w) = (numbers.matrix(count, inputs), numbers.matrix(inputs, outputs))
      for type in [ElementType.float32, .int8] {
        let weight = kernelWeight(w, as: type)
        let quantized = type == .int8 ? QuantizedRows(w.elements, columns: outputs) : nil
        let y = Matrix(rows: count, columns: outputs)
        engine.run([ProductMap(x, weight, into: y)])
        let expected = (0..<count).map { row in
          (0..<outputs).map { column in
            (0..<inputs).reduce(Float(0)) { sum, input in
              guard let quantized else { return Arithmetic.fma(x[row, input], w[input, column], sum) }
              let element = Float(Int8(bitPattern: quantized.elements[input * outputs + column]))
              return Arithmetic.fma(x[row, input] * quantized.scales[input], element, sum)
            }
          }
        }
        same(y, expected, "product \(count) x \(inputs) x \(outputs), \(type)")
      }
    }
  }

  /// Every pattern's exponential and GELUs, sampled: through a map of one input.
  @Test(arguments: engines) func elementaryFunctionsOfFloats(level: Engine.Level, threads: Int) throws {
    let engine = try Engine(threads: threads, level: level)
    let patterns = stride(from: UInt32(0), to: UInt32.max - 60_000, by: 60_013).map { Float(bitPattern: $0) }
    let values = patterns.filter(\.isFinite) + [-0.0, .leastNonzeroMagnitude, 88.8, -88.8, 16, -16, 5.5, -13.2]
    let x = Matrix(rows: values.count, columns: 1, values)
    for finish in [LinearMap.Finish.gelu, .quickGELU] {
      let y = Matrix(rows: values.count, columns: 1)
      try engine.run([LinearMap(x, kernelWeight(Matrix(rows: 1, columns: 1, [1])), bias: nil, into: y, finish)])
      // Adding to 0 takes the sign of a zero away.
      same(y, values.map { [finished($0 + 0, finish)] }, "\(finish)")
    }
    for row in 0..<40 {
      let some = Matrix(rows: 1, columns: 300, (0..<300).map { values[(row * 331 + $0 * 7) % values.count] })
      let (top, total) = Arithmetic.sumOfExponentials(some.elements)
      #expect(logSumExp(some, row: 0) == top + Elementary.log(total))
    }
  }

  /// What a row gives doesn't depend on the rows beside it.
  @Test(arguments: engines) func companyChangesNothing(level: Engine.Level, threads: Int) throws {
    let engine = try Engine(threads: threads, level: level)
    var numbers = KernelNumbers(11)
    let (x, w) = (numbers.matrix(100, 70), numbers.matrix(45, 70))
    for type in [ElementType.float32, .bfloat16, .int8] {
      let weight = kernelWeight(w, as: type)
      func mapped(_ rows: Range<Int>) throws -> [Float] {
        let y = Matrix(rows: rows.count, columns: 45)
        try engine.run([LinearMap(x.rows(rows), weight, bias: nil, into: y, .gelu)])
        return y.elements
      }
      let all = try mapped(0..<100)
      for count in [1, 2, 5, 8, 9, 16, 64] {
        #expect(try mapped(30..<30 + count) == Array(all[30 * 45..<(30 + count) * 45]), "\(count) rows, \(type)")
      }
    }
  }

  /// Against the C library's, which are within 1 unit in the last place.
  @Test func elementaryFunctionsOfDoubles() {
    var generator = SeededGenerator(13)
    func near(_ found: Double, _ expected: Double, within ulps: Double = 2, _ comment: Comment) {
      #expect(abs(found - expected) <= ulps * expected.ulp || found == expected, comment)
    }
    for _ in 0..<20_000 {
      let x = Double(Int64(bitPattern: generator.next())) / Double(Int64.max)
      near(Elementary.exp(x * 700), exp(x * 700), "exp \(x * 700)")
      near(Elementary.exp(x), exp(x), "exp \(x)")
      let positive = exp(x * 700)
      near(Elementary.log(positive), log(positive), "log \(positive)")
      near(Elementary.log(1 + x / 2), log(1 + x / 2), "log \(1 + x / 2)")
      near(Elementary.tanh(x * 20), tanh(x * 20), within: 5, "tanh \(x * 20)")
      near(Elementary.tanh(x / 100), tanh(x / 100), within: 5, "tanh \(x / 100)")
    }
    for x in [0, -0.0, 1, 709.78, 710, -745, -746, .infinity, -.infinity, 5e-324, -1, 1e300] {
      near(Elementary.exp(x), exp(x), "exp \(x)")
      near(Elementary.tanh(x), tanh(x), within: 5, "tanh \(x)")
      if x >= 0 { near(Elementary.log(x), log(x), "log \(x)") }
    }
    #expect(Elementary.log(-1).isNaN && Elementary.exp(.nan).isNaN && Elementary.tanh(.nan).isNaN)
  }
}
