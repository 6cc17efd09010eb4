import Arrays
import CKernels
import Kernels
import TestSupport
import Testing

/// Products of int8 against sums of Swift's own integers, on every path that this processor can take.
@Suite struct Int8Tests {
  private static let levels = Engine.Level.allCases.filter(\.isAvailable)

  private func sums(
    _ level: Engine.Level, threads: Int32, _ x: [Int8], rows: Int, inputs: Int, _ w: [Int8], outputs: Int
  ) -> [Int32] {
    let pool = ck_pool_create(threads, level.kernelLevel)
    defer { ck_pool_destroy(pool) }
    var out = [Int32](repeating: 0, count: rows * outputs)
    #expect(ck_int8_sums(pool, x, rows, inputs, w, outputs, &out) == 0)
    return out
  }

  private func exact(_ x: [Int8], rows: Int, inputs: Int, _ w: [Int8], outputs: Int) -> [Int32] {
    var out: [Int32] = []
    for row in 0..<rows {
      for output in 0..<outputs {
        var sum = 0
        for input in 0..<inputs { sum += Int(x[row * inputs + input]) * Int(w[output * inputs + input]) }
        out.append(Int32(sum))
      }
    }
    return out
  }

  private static let sizes: [(rows: Int, inputs: Int, outputs: Int)] = [
    (1, 1, 1), (1, 64, 12), (1, 768, 300), (2, 63, 65), (3, 129, 40), (4, 32, 6), (5, 100, 9), (7, 100, 17),
    (8, 96, 192), (12, 33, 5), (13, 64, 64), (16, 257, 33), (24, 70, 35), (25, 384, 96), (65, 130, 100), (130, 31, 33),
  ]

  @Test(arguments: levels) func sumsAreExact(level: Engine.Level) {
    var bits = SeededGenerator(7)
    for size in Self.sizes {
      let x = (0..<size.rows * size.inputs).map { _ in bits.int8() }
      let w = (0..<size.outputs * size.inputs).map { _ in bits.int8() }
      let expected = exact(x, rows: size.rows, inputs: size.inputs, w, outputs: size.outputs)
      for threads: Int32 in [1, 2] {
        let found = sums(
          level, threads: threads, x, rows: size.rows, inputs: size.inputs, w, outputs: size.outputs)
        #expect(found == expected, "\(size) \(threads)")
      }
    }
  }

  /// Sums in 16 bits would be cut at 32767: two products of 127 · 127 are 32258, two of 128 · 128 are more.
  @Test(arguments: levels) func extremesDoNotSaturate(level: Engine.Level) {
    for (rows, inputs, outputs) in [(1, 1000, 20), (9, 65536, 3), (40, 3072, 33)] {
      for (x, w) in [(Int8(127), Int8(127)), (-127, 127), (-127, -127), (-128, 127), (-128, -128), (127, -128)] {
        let found = sums(
          level, threads: 2, [Int8](repeating: x, count: rows * inputs), rows: rows, inputs: inputs,
          [Int8](repeating: w, count: outputs * inputs), outputs: outputs)
        let expected = Int32(Int(x) * Int(w) * inputs)
        #expect(found.allSatisfy { $0 == expected }, "\(x) \(w)")
      }
    }
  }

  // MARK: Activations

  private struct Row: Equatable {
    var elements: [Int8]
    var scale: Float
    var zero: Int32
  }

  private func quantized(_ x: [Float]) -> Row {
    var row = Row(elements: [Int8](repeating: 1, count: x.count), scale: 1, zero: 1)
    ck_quantize_activations(x, x.count, &row.elements, &row.scale, &row.zero)
    return row
  }

  @Test func activationsUseAllOfTheRange() {
    // 0 is kept exactly: from 0 to 255 it is the lowest of all.
    #expect(quantized([0, 255, 1, 128]) == Row(elements: [-128, 127, -127, 0], scale: 1, zero: -128))
    #expect(quantized([-255, -1, 0]) == Row(elements: [-128, 126, 127], scale: 1, zero: 127))
    // A range of both signs; halves go to the even neighbour.
    #expect(quantized([-100, 155, 0.5, 1.5, -0.5]) == Row(elements: [-128, 127, -28, -26, -28], scale: 1, zero: -28))
    // 0 belongs to every range, so that all positive numbers are far from it.
    #expect(quantized([51, 25.5]) == Row(elements: [127, 0], scale: 0.2, zero: -128))
    #expect(quantized([0, 0]) == Row(elements: [0, 0], scale: 0, zero: 0))
    #expect(quantized([1e-37, -1e-37]) == Row(elements: [0, 0], scale: 0, zero: 0))
    for bad: [Float] in [[.nan, 1], [.infinity, 1], [1, -.infinity], [3e38, -3e38]] {
      let row = quantized(bad)
      #expect(row.scale.isNaN && row.elements == [0, 0] && row.zero == 0, "\(bad)")
    }
  }

  /// The definition of kernels.h, in Swift.
  private func product(_ x: [Float], _ w: [Int8], scales: [Float], bias: [Float], inputs: Int) -> [Float] {
    let row = quantized(x)
    return scales.indices.map { output in
      var sum = 0
      for input in 0..<inputs { sum += Int(w[output * inputs + input]) * Int(Int32(row.elements[input]) - row.zero) }
      return Float(sum) * (row.scale * scales[output]) + bias[output]
    }
  }

  /// Numbers as they come, outliers of 1e4, numbers of one sign, and rows that can't be quantized.
  private func rows(_ count: Int, _ inputs: Int, _ bits: inout SeededGenerator) -> [[Float]] {
    (0..<count).map { row in
      var x = (0..<inputs).map { _ in bits.float() }
      switch row % 5 {
      case 1: x[row % inputs] = row % 2 == 0 ? 1e4 : -1e4
      case 2: x = x.map { abs($0) }
      case 3 where row % 10 == 3: x = x.map { _ in 0 }
      case 4 where row % 10 == 9: x[inputs / 2] = .nan
      default: break
      }
      return x
    }
  }

  private func memory(_ bytes: [UInt8]) -> WeightData { .memory(MemoryBlock(count: bytes.count) { $0(bytes.rawSpan) }) }

  @Test func everyPathComputesTheSameBits() throws {
    var bits = SeededGenerator(7)
    for size in Self.sizes where size.outputs > 1 {
      let x = rows(size.rows, size.inputs, &bits)
      let w = (0..<size.outputs * size.inputs).map { _ in bits.int8() }
      let scales = (0..<size.outputs).map { _ in abs(bits.float()) / 100 }
      let bias = (0..<size.outputs).map { _ in bits.float() }
      let weight = KernelWeight(
        memory(w.map { UInt8(bitPattern: $0) }), .int8, elements: w.count, scales: memory(Floats.bytes(scales)),
        activations: .int8)
      let biases = KernelWeight(memory(Floats.bytes(bias)), .float32, elements: bias.count)
      let expected = x.flatMap { product($0, w, scales: scales, bias: bias, inputs: size.inputs) }
      for level in Self.levels {
        for threads in [1, 2] {
          let engine = try Engine(threads: threads, level: level)
          let y = Matrix(rows: size.rows, columns: size.outputs)
          let input = Matrix(rows: size.rows, columns: size.inputs, x.flatMap(\.self))
          try engine.run([LinearMap(input, weight, bias: biases, into: y)])
          #expect(
            zip(y.elements, expected).allSatisfy { $0.bitPattern == $1.bitPattern || $0.isNaN && $1.isNaN },
            "\(size) \(level) \(threads)")
          // Of some of the rows, another way may be taken.
          let some = Matrix(rows: 1, columns: size.outputs)
          try engine.run([LinearMap(input.rows(0..<1), weight, bias: biases, into: some)])
          #expect(some.elements.map(\.bitPattern) == y.rows(0..<1).elements.map(\.bitPattern))
        }
      }
    }
  }

  @Test func mapsWithTooManyInputsAreRefused() throws {
    let inputs = ck_most_int8_inputs + 1
    let weight = KernelWeight(
      memory([UInt8](repeating: 1, count: inputs)), .int8, elements: inputs, scales: memory(Floats.bytes([1])),
      activations: .int8)
    let x = Matrix(rows: 1, columns: inputs, [Float](repeating: 1, count: inputs))
    #expect(throws: Failure.self) {
      try Engine(threads: 1).run([LinearMap(x, weight, bias: nil, into: Matrix(rows: 1, columns: 1))])
    }
  }
}

extension SeededGenerator {
  fileprivate mutating func int8() -> Int8 { Int8(truncatingIfNeeded: next() >> 56) }
  fileprivate mutating func float() -> Float { Float(Int64(bitPattern: next()) >> 40) / Float(1 << 22) }
}
