import Arrays
import Kernels
import TestSupport

/// Numbers like those of nets, always the same.
struct KernelNumbers {
  private var generator: SeededGenerator

  init(_ seed: UInt64 = 1) { generator = SeededGenerator(seed) }

  mutating func next() -> Float {
    // Twelve uniform numbers summed are near enough to normal.
    (0..<12).reduce(Float(-6)) { sum, _ in sum + Float(generator.next() >> 40) / Float(1 << 24) }
  }

  mutating func matrix(_ rows: Int, _ columns: Int) -> Matrix {
    Matrix(rows: rows, columns: columns, (0..<rows * columns).map { _ in next() })
  }
}

/// The elements as a weight of some type; int8 with scales of its own.
func kernelWeight(_ matrix: Matrix, as type: ElementType = .float32) -> KernelWeight {
  if type == .int8, let rows = QuantizedRows(matrix.elements, columns: matrix.columns) {
    let block = MemoryBlock(count: rows.elements.count) { $0(rows.elements.rawSpan) }
    let scaleBytes = Floats.bytes(rows.scales)
    let scales = MemoryBlock(count: scaleBytes.count) { $0(scaleBytes.rawSpan) }
    return KernelWeight(.memory(block), .int8, elements: rows.elements.count, scales: .memory(scales))
  }
  let bytes = FloatConversion.convert(Floats.bytes(matrix.elements).rawSpan, from: .float32, to: type)
  let block = MemoryBlock(count: bytes.count) { $0(bytes.rawSpan) }
  return KernelWeight(.memory(block), type, elements: matrix.rows * matrix.columns)
}
