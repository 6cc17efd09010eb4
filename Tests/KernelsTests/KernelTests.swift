import Arrays
import Foundation
import Kernels
import TestSupport
import Testing

/// The best level there is here and OpenBLAS, alone and with two threads. Of the other levels `ArithmeticTests` shows that
/// their bits are the best one's.
private let engines: [(level: Engine.Level, threads: Int)] = Set([.best, .openblas])
  .filter(\.isAvailable)
  .flatMap { [($0, 1), ($0, 2)] }

@Suite struct KernelTests {
  private func rows(_ matrix: Matrix) -> [[Double]] {
    let elements = matrix.elements
    return (0..<matrix.rows).map { row in
      (0..<matrix.columns).map { Double(elements[row * matrix.columns + $0]) }
    }
  }

  /// The largest difference, as a part of the largest magnitude expected.
  private func error(_ found: Matrix, _ expected: [[Double]]) -> Double {
    let found = rows(found)
    var (largest, difference) = (1e-30, 0.0)
    for (mine, theirs) in zip(found, expected) {
      for (a, b) in zip(mine, theirs) {
        largest = max(largest, abs(b))
        difference = max(difference, a.isFinite ? abs(a - b) : .infinity)
      }
    }
    return found.count == expected.count ? difference / largest : .infinity
  }

  private static let sizes: [(rows: Int, inputs: Int, outputs: Int)] = [
    (1, 1, 1), (1, 768, 331), (2, 63, 65), (3, 128, 40), (7, 100, 17), (8, 96, 192), (12, 33, 5), (13, 64, 64),
    (16, 257, 129), (40, 384, 96), (65, 130, 100), (130, 31, 33), (140, 300, 40),
  ]

  @Test(arguments: engines)
  func linearMapsAreThoseOfTheirDefinition(level: Engine.Level, threads: Int) throws {
    let engine = try Engine(threads: threads, level: level)
    #expect(engine.level == level)
    var numbers = KernelNumbers()
    for size in Self.sizes {
      let x = numbers.matrix(size.rows, size.inputs)
      let w = numbers.matrix(size.outputs, size.inputs)
      let b = numbers.matrix(1, size.outputs)
      let before = numbers.matrix(size.rows, size.outputs)
      for type in [ElementType.float32, .float16, .bfloat16, .int8] {
        let narrowed = kernelWeight(w, as: type)
        let kernelBias = kernelWeight(b, as: type == .int8 ? .float32 : type)
        // Of a narrow type the elements that the kernel sees are the rounded ones.
        let exact = Matrix(rows: w.rows, columns: w.columns, narrowed.floats)
        let expected = ReferenceKernels.linear(rows(x), rows(exact), bias: kernelBias.floats.map(Double.init))
        let y = Matrix(rows: size.rows, columns: size.outputs)
        try engine.run([LinearMap(x, narrowed, bias: kernelBias, into: y)])
        #expect(error(y, expected) < 1e-5, "plain \(size) \(type)")
        try engine.run([LinearMap(x, narrowed, bias: kernelBias, into: y, .gelu)])
        #expect(error(y, expected.map { $0.map(ReferenceKernels.gelu) }) < 1e-5, "gelu \(size) \(type)")
        try engine.run([LinearMap(x, narrowed, bias: kernelBias, into: y, .quickGELU)])
        #expect(error(y, expected.map { $0.map(ReferenceKernels.quickGELU) }) < 1e-5, "quick gelu \(size) \(type)")
        y.copy(before)
        try engine.run([LinearMap(x, narrowed, bias: nil, into: y, .add)])
        let sum = zip(zip(expected, rows(before)), 0...).map { rows, _ in
          zip(zip(rows.0, rows.1), kernelBias.floats).map { $0.0 + $0.1 - Double($1) }
        }
        #expect(error(y, sum) < 1e-5, "add \(size) \(type)")
      }
    }
  }

  @Test(arguments: engines)
  func severalMapsAndPartsOfMatrices(level: Engine.Level, threads: Int) throws {
    let engine = try Engine(threads: threads, level: level)
    var numbers = KernelNumbers()
    for count in [3, 30] {
      let wide = numbers.matrix(count, 200)
      let x = wide.columns(50..<150)
      let weights = (0..<5).map { _ in numbers.matrix(48, 100) }
      let out = numbers.matrix(count + 2, 5 * 48 + 10)
      let untouched = out.elements
      try engine.run(
        weights.enumerated().map { index, w in
          LinearMap(x, kernelWeight(w), bias: nil, into: out.rows(1..<count + 1).columns(index * 48..<(index + 1) * 48))
        })
      for (index, w) in weights.enumerated() {
        let part = out.rows(1..<count + 1).columns(index * 48..<(index + 1) * 48)
        #expect(error(part, ReferenceKernels.linear(rows(x), rows(w), bias: nil)) < 1e-5)
      }
      for row in 0..<out.rows {
        for column in 0..<out.columns where row == 0 || row > count || column >= 240 {
          #expect(out[row, column] == untouched[row * out.columns + column], "written outside at \(row), \(column)")
        }
      }
    }
  }

  @Test(arguments: engines)
  func attentionIsThatOfItsDefinition(level: Engine.Level, threads: Int) throws {
    let engine = try Engine(threads: threads, level: level)
    var numbers = KernelNumbers()
    let cases: [(q: Int, k: Int, heads: Int, size: Int, causal: Bool)] = [
      (1, 1, 1, 1, false), (1, 9, 2, 64, true), (5, 5, 3, 8, true), (8, 70, 2, 64, false), (65, 65, 4, 32, false),
      (33, 47, 2, 3, true), (130, 129, 1, 64, false), (7, 300, 2, 40, false), (3, 20, 12, 64, true),
    ]
    for (q, k, heads, size, causal) in cases {
      let mixed = numbers.matrix(max(q, k), 3 * heads * size)
      let width = heads * size
      let (queries, keys, values) = (
        mixed.rows(0..<q).columns(0..<width), mixed.rows(0..<k).columns(width..<2 * width),
        mixed.rows(0..<k).columns(2 * width..<3 * width)
      )
      let isCausal = causal && k >= q
      for keepsWeights in [false, true] {
        let output = Matrix(rows: q, columns: width)
        let weights = keepsWeights ? Matrix(rows: heads * q, columns: k) : nil
        try engine.run([
          AttentionMap(
            queries: queries, keys: keys, values: values, into: output, weights: weights, heads: heads,
            isCausal: isCausal)
        ])
        for head in 0..<heads {
          let columns = head * size..<(head + 1) * size
          let expected = ReferenceKernels.attention(
            rows(queries.columns(columns)), rows(keys.columns(columns)), rows(values.columns(columns)),
            isCausal: isCausal)
          #expect(error(output.columns(columns), expected.output) < 1e-5, "\(q) \(k) \(heads) \(size) \(causal)")
          if let weights {
            #expect(error(weights.rows(head * q..<(head + 1) * q), expected.weights) < 1e-5)
          }
        }
      }
    }
  }

  /// With operands that bfloat16 can hold and scales that are powers of two, only the weights are rounded: each by 2⁻⁹ of
  /// itself at most, so what comes out by 2⁻⁹ of the largest value.
  @Test(arguments: [1, 2])
  func roundedAttentionIsWithinItsBound(threads: Int) throws {
    let engine = try Engine(threads: threads, level: .fast)
    var numbers = KernelNumbers()
    let cases: [(q: Int, k: Int, heads: Int, size: Int)] = [
      (13, 1, 2, 64), (15, 9, 2, 64), (177, 177, 1, 64), (29, 70, 3, 16), (65, 33, 2, 4), (14, 32, 1, 256),
      (210, 31, 2, 1),
    ]
    for (q, k, heads, size) in cases {
      let width = heads * size
      let mixed = numbers.matrix(max(q, k), 3 * width)
      for row in 0..<mixed.rows {
        for column in 0..<mixed.columns {
          mixed[row, column] = Float(bitPattern: mixed[row, column].bitPattern & 0xFFFF_0000)
        }
      }
      let (queries, keys, values) = (
        mixed.rows(0..<q).columns(0..<width), mixed.rows(0..<k).columns(width..<2 * width),
        mixed.rows(0..<k).columns(2 * width..<3 * width)
      )
      let output = Matrix(rows: q, columns: width)
      try engine.run([
        AttentionMap(queries: queries, keys: keys, values: values, into: output, heads: heads, rounds: true)
      ])
      for head in 0..<heads {
        let columns = head * size..<(head + 1) * size
        let expected = ReferenceKernels.attention(
          rows(queries.columns(columns)), rows(keys.columns(columns)), rows(values.columns(columns)), isCausal: false)
        let largest = rows(values.columns(columns)).joined().map(abs).max() ?? 0
        let bound = largest * (1.0 / 512) + 1e-5
        for (row, expected) in zip(rows(output.columns(columns)), expected.output) {
          for (value, expected) in zip(row, expected) {
            #expect(abs(value - expected) < bound, "\(q) \(k) \(heads) \(size)")
          }
        }
      }
    }
  }

  @Test(arguments: engines)
  func largeScoresDoNotOverflow(level: Engine.Level, threads: Int) throws {
    let engine = try Engine(threads: threads, level: level)
    let (q, k) = (
      Matrix(rows: 1, columns: 4, [200, 0, 0, 0]), Matrix(rows: 2, columns: 4, [100, 0, 0, 0, -100, 0, 0, 0])
    )
    let (v, out) = (Matrix(rows: 2, columns: 4, [1, 2, 3, 4, 5, 6, 7, 8]), Matrix(rows: 1, columns: 4))
    try engine.run([AttentionMap(queries: q, keys: k, values: v, into: out, heads: 1)])
    #expect(out.elements == [1, 2, 3, 4])
    let many = Matrix(
      rows: 20, columns: 4, (0..<20).flatMap { $0.isMultiple(of: 2) ? [200, 0, 0, 0] : [-200, 0, 0, 0] })
    let rounded = Matrix(rows: 20, columns: 4)
    try engine.run([AttentionMap(queries: many, keys: k, values: v, into: rounded, heads: 1, rounds: true)])
    for row in 0..<20 {
      #expect(rounded.rows(row..<row + 1).elements == (row.isMultiple(of: 2) ? [1, 2, 3, 4] : [5, 6, 7, 8]))
    }
  }

  @Test(arguments: engines)
  func normsAreThoseOfTheirDefinition(level: Engine.Level, threads: Int) throws {
    let engine = try Engine(threads: threads, level: level)
    var numbers = KernelNumbers()
    for (count, size) in [(1, 1), (3, 5), (2, 768), (70, 128), (577, 33)] {
      let x = numbers.matrix(count, size)
      for row in 0..<count { x[row, 0] += 50 }
      let (gain, shift) = (numbers.matrix(1, size), numbers.matrix(1, size))
      let y = Matrix(rows: count, columns: size)
      engine.layerNorm(x, weight: kernelWeight(gain), bias: kernelWeight(shift), epsilon: 1e-5, into: y)
      let expected = ReferenceKernels.layerNorm(
        rows(x), weight: gain.elements.map(Double.init), bias: shift.elements.map(Double.init), epsilon: 1e-5)
      #expect(error(y, expected) < 1e-5)
      engine.layerNorm(x, weight: kernelWeight(gain), bias: kernelWeight(shift), epsilon: 1e-5, into: x)
      #expect(x.elements == y.elements)
    }
  }

  @Test(arguments: engines)
  func productsAndSoftmaxAreThoseOfTheirDefinition(level: Engine.Level, threads: Int) throws {
    let engine = try Engine(threads: threads, level: level)
    var numbers = KernelNumbers()
    for (count, inputs, outputs) in [(1, 1, 1), (8, 64, 768), (7, 33, 65), (5, 10, 31), (4, 64, 32), (40, 3, 100)] {
      let wide = numbers.matrix(count, inputs + 9)
      let x = wide.columns(4..<inputs + 4)
      let w = numbers.matrix(inputs, outputs)
      for type in [ElementType.float32, .float16, .bfloat16, .int8] {
        let narrowed = kernelWeight(w, as: type)
        let exact = Matrix(rows: inputs, columns: outputs, narrowed.floats)
        let y = Matrix(rows: count, columns: outputs)
        engine.run([ProductMap(x, narrowed, into: y)])
        // x w is x (wᵀ)ᵀ.
        #expect(error(y, ReferenceKernels.linear(rows(x), rows(exact.transposed), bias: nil)) < 1e-5)
      }
      let scores = numbers.matrix(count, outputs)
      let expected = rows(scores).map { row in
        let top = row.max() ?? 0
        let sum = row.reduce(0) { $0 + exp($1 - top) }
        return row.map { exp($0 - top) / sum }
      }
      engine.softmax(scores)
      #expect(error(scores, expected) < 1e-6)
    }
    let extreme = Matrix(rows: 2, columns: 3, [0, -1000, 88, 1e30, 1e30, -1e30])
    engine.softmax(extreme)
    #expect(extreme.elements[2] == 1 && extreme.elements[0] < 1e-37)
    #expect(extreme.elements[3...] == [0.5, 0.5, extreme.elements[5]] && extreme.elements[5] < 1e-37)
  }

  @Test func matricesAreTransposed() {
    var numbers = KernelNumbers()
    for (count, columns) in [(1, 1), (16, 16), (17, 40), (3, 100)] {
      let matrix = numbers.matrix(count, columns)
      let transposed = matrix.transposed
      #expect(transposed.rows == columns && transposed.columns == count)
      for row in 0..<count { for column in 0..<columns { #expect(transposed[column, row] == matrix[row, column]) } }
    }
  }

  @Test func threadsChangeNoBit() throws {
    var numbers = KernelNumbers()
    let (x, w) = (numbers.matrix(100, 300), numbers.matrix(500, 300))
    // OpenBLAS promises no such thing.
    for level in Engine.Level.allCases where level.isAvailable && level != .openblas && level != .portable {
      let results = try [1, 2, 3, 5].map { threads in
        let y = Matrix(rows: 100, columns: 500)
        try Engine(threads: threads, level: level).run([LinearMap(x, kernelWeight(w), bias: nil, into: y)])
        return y.elements
      }
      #expect(results.allSatisfy { $0 == results[0] })
    }
  }

  /// All levels compute the same, OpenBLAS's among them; each differs by its own rounding only.
  @Test(arguments: engines)
  func levelsAgree(level: Engine.Level, threads: Int) throws {
    var numbers = KernelNumbers()
    // More than one task of OpenBLAS's, in rows and in outputs.
    let (x, w, b) = (numbers.matrix(401, 96), numbers.matrix(530, 96), numbers.matrix(1, 530))
    let start = numbers.matrix(401, 530)
    for type in [ElementType.float32, .float16, .bfloat16] {
      for finish in [LinearMap.Finish.plain, .gelu, .quickGELU, .add] {
        let outputs = try [(level, threads), (.best, 1)].map { level, threads in
          let y = start.copied
          let map = LinearMap(x, kernelWeight(w, as: type), bias: kernelWeight(b), into: y, finish)
          try Engine(threads: threads, level: level).run([map])
          return y
        }
        #expect(error(outputs[0], rows(outputs[1])) < 2e-6, "\(type) \(finish)")
      }
    }
  }

  @Test func aLevelThatIsNotHereIsRefused() {
    for level in Engine.Level.allCases where !level.isAvailable {
      let failure = #expect(throws: Failure.self) { try Engine(level: level) }
      #expect(failure?.kind == .usage)
      #expect(failure?.hint?.contains("--kernels") == true)
    }
    #expect(Engine.Level.portable.isAvailable)
    #expect(Engine.Level.best.isAvailable)
  }

  @Test func engineIsUsableFromManyThreads() async throws {
    var numbers = KernelNumbers()
    let engine = try Engine(threads: 2)
    let (x, w) = (numbers.matrix(20, 64), kernelWeight(numbers.matrix(32, 64)))
    let first = Matrix(rows: 20, columns: 32)
    try engine.run([LinearMap(x, w, bias: nil, into: first)])
    try await withThrowingTaskGroup(of: [Float].self) { group in
      for _ in 0..<50 {
        group.addTask {
          let y = Matrix(rows: 20, columns: 32)
          try engine.run([LinearMap(x, w, bias: nil, into: y)])
          return y.elements
        }
      }
      for try await elements in group { #expect(elements == first.elements) }
    }
  }

  @Test func logSumExpOfARow() {
    var numbers = KernelNumbers()
    let matrix = numbers.matrix(2, 1001)
    matrix[1, 500] = 300
    for row in 0..<2 {
      let elements = rows(matrix)[row]
      let top = elements.max() ?? 0
      let expected = top + log(elements.reduce(0) { $0 + exp($1 - top) })
      #expect(abs(logSumExp(matrix, row: row) - expected) < 1e-5)
    }
  }

  @Test func rowsAreQuantizedWithTheScaleOfLeastError() throws {
    // Whole numbers up to 127 are kept exactly with the scale 1; halves of 1 go to the even neighbour.
    let exact = try #require(QuantizedRows([127, -127, 3, 0.5, 1.5, -2.5], columns: 6))
    #expect(exact.scales == [1] && exact.elements.map { Int8(bitPattern: $0) } == [127, -127, 3, 0, 2, -2])
    // Zeros have no scale.
    let zeros = try #require(QuantizedRows([0, 0, 0, 4, 2, -4], columns: 3))
    #expect(zeros.scales[0] == 0 && zeros.elements.prefix(3) == [0, 0, 0])
    #expect(zeros.elements.suffix(3).map { Int8(bitPattern: $0) } == [127, 64, -127])
    // Among many small numbers a large one is worth cutting a little; never by more than to 0.8.
    var numbers = KernelNumbers()
    let row = (0..<40_000).map { _ in numbers.next() } + [6]
    let cut = try #require(QuantizedRows(row, columns: row.count))
    #expect(cut.scales[0] < 6 / 127 && cut.scales[0] >= 6 * 0.799 / 127)
    for bad in [Float.nan, .infinity, -.infinity, 3e38] {
      #expect(QuantizedRows([1, 2, bad, 4], columns: 4) == nil, "\(bad)")
    }
  }

  @Test func everyFloat16IsWidenedExactly() {
    let bytes = (0..<UInt32(1 << 16)).flatMap { UInt16($0).littleEndianBytes }
    let block = MemoryBlock(count: bytes.count) { $0(bytes.rawSpan) }
    let found = KernelWeight(.memory(block), .float16, elements: 1 << 16).floats
    for (pattern, float) in found.enumerated() {
      let expected = Float(Float16(bitPattern: UInt16(pattern)))
      #expect(float == expected || float.isNaN && expected.isNaN)
    }
  }
}
