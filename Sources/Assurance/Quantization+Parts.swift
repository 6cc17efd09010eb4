import Arrays
import Kernels
import NetFile

extension Quantization {
  /// Writes all of a new array's data to its argument, in pieces of any size.
  typealias Produce = ((borrowing RawSpan) throws -> Void) throws -> Void

  /// Makes the arrays that a step gives: of int8 weights also their scales, and what is known of their layer's
  /// input.
  /// - Parameters:
  ///   - measure: gets what int8 costs, once an array's elements were made.
  ///   - take: gets the number of each part and what makes its data.
  /// - Throws: `UnfitArray` when a weight is not finite, `Failure` of kind `badData` when the source doesn't match its SHA-256,
  ///   `io`.
  func makeParts(
    of step: Step, measure: (QuantizationError) throws -> Void = { _ in },
    _ take: (_ part: Int, _ produce: Produce) throws -> Void
  ) throws {
    switch step.action {
    case .convert(let type):
      try take(0) { sink in
        var waiting = FloatPieces(type: step.source.elementType)
        var conversion = ElementConversion(
          from: step.source.elementType, to: type, elements: step.source.shape.elements)
        try forEachChecked(step.source) { piece in
          guard type != step.source.elementType else { return try sink(piece) }
          try waiting.add(piece) {
            let converted = conversion.convert($0)
            guard conversion.overflows == 0 || type != .float16 else { throw tooLarge(step.source) }
            try sink(converted.rawSpan)
          }
        }
      }
    case .quantize(let input):
      var scales: [Float] = []
      var error = QuantizationError()
      let rows = AxisRows(step.source.shape, axis: step.axis)
      try take(0) { sink in
        if rows.areAdjacent {
          try forEachRows(of: step.source, input?.directions) { floats, made in
            scales += made.scales
            error.add(floats, made, columns: rows.columns)
            try sink(made.elements.rawSpan)
          }
        } else {
          let elements = try quantizeAcross(step.source, rows, &scales, &error)
          try sink(elements.rawSpan)
        }
      }
      try measure(error)
      try take(1) { try $0(Floats.bytes(scales).rawSpan) }
      guard let input else { break }
      try take(2) { try $0(Floats.bytes(input.means).rawSpan) }
      guard let directions = input.directions else { break }
      try take(3) {
        let bytes = Floats.bytes(directions.elements)
        try $0(FloatConversion.convert(bytes.rawSpan, from: .float32, to: .float16).rawSpan)
      }
    case .correct(let weight, let input, let type):
      let bias = try corrected(step.source, weight, input)
      try take(0) { sink in
        try sink(FloatConversion.convert(Floats.bytes(bias).rawSpan, from: .float32, to: type).rawSpan)
      }
    }
  }

  /// b − (Ŵ − W) x̄ of each row: in double precision, inputs in their order, then rounded to float32.
  private func corrected(_ bias: ArrayEntry, _ weight: ArrayEntry, _ input: LayerInput) throws -> [Float] {
    var data: [UInt8] = []
    try forEachChecked(bias) { data.append(contentsOf: $0) }
    var out = Floats.array(FloatConversion.convert(data.rawSpan, from: bias.elementType, to: .float32))
    let inputs = input.means.map(Double.init)
    var row = 0
    try forEachRows(of: weight, input.directions) { bytes, rows in
      var whole: [UInt8] = []
      whole.append(contentsOf: bytes)
      let floats = Floats.array(whole)
      for (index, scale) in rows.scales.map(Double.init).enumerated() {
        var sum = 0.0
        let start = index * inputs.count
        for (input, mean) in inputs.enumerated() {
          let rounded = Double(Int8(bitPattern: rows.elements[start + input])) * scale
          sum += (rounded - Double(floats[start + input])) * mean
        }
        out[row] = Float(Double(out[row]) - sum)
        row += 1
      }
    }
    return out
  }

  /// Quantizes rows that are no neighbours' neighbours, some at a time, in place: the array is held in memory once.
  /// - Returns: the integers, in the array's order.
  private func quantizeAcross(
    _ array: ArrayEntry, _ rows: AxisRows, _ scales: inout [Float], _ error: inout QuantizationError
  ) throws -> [UInt8] {
    try Limit.checkArrayMemory(array.bytes, place: "array \"\(array.name)\"")
    let size = array.elementType.size
    var data: [UInt8] = []
    data.reserveCapacity(array.bytes)
    try forEachChecked(array) { data.append(contentsOf: $0) }
    // A few MB of them, so that no more than that is held beside the array.
    let most = max(1, min(64, (4 << 20) / max(1, rows.columns * 4)))
    for start in stride(from: 0, to: rows.rows, by: most) {
      let range = start..<min(start + most, rows.rows)
      var floats = rows.gather(range, of: data, size: size)
      if array.elementType != .float32 {
        floats = FloatConversion.convert(floats.rawSpan, from: array.elementType, to: .float32)
      }
      guard let made = QuantizedRows(bytes: floats.rawSpan, columns: rows.columns) else { throw unfit(array) }
      scales += made.scales
      error.add(floats.rawSpan, made, columns: rows.columns)
      rows.scatter(made.elements, range, into: &data, size: size)
    }
    rows.pack(&data, size: size)
    return data
  }

  private func unfit(_ array: ArrayEntry) -> UnfitArray {
    UnfitArray(
      name: array.name, reason: .notFinite,
      failure: Failure(
        .badData, file: net.path, place: "array \"\(array.name)\"", "holds numbers that are not finite, or too large",
        hint: "such a net can't be quantized; were its weights damaged in training?"))
  }

  /// A number that float16 has not would become an infinity, in silence.
  private func tooLarge(_ array: ArrayEntry) -> Failure {
    Failure(
      .badData, file: net.path, place: "array \"\(array.name)\"", "holds numbers that are too large for float16",
      hint: "bfloat16 has the range of float32")
  }

  /// Quantizes an array a few rows at a time.
  /// - Parameter body: gets the rows as float32, little-endian, and what becomes of them.
  private func forEachRows(
    of array: ArrayEntry, _ directions: RoundingDirections?, _ body: (borrowing RawSpan, QuantizedRows) throws -> Void
  ) throws {
    let columns = array.shape.elements / max(1, array.shape.dimensions[0])
    func quantize(_ floats: borrowing RawSpan) throws {
      guard let rows = QuantizedRows(bytes: floats, columns: columns, along: directions) else {
        throw unfit(array)
      }
      try body(floats, rows)
    }
    var waiting = FloatPieces(type: array.elementType, columns: columns)
    try forEachChecked(array, rowBytes: columns * array.elementType.size) { piece in
      try waiting.add(piece) { whole in
        guard array.elementType != .float32 else { return try quantize(whole) }
        try quantize(FloatConversion.convert(whole, from: array.elementType, to: .float32).rawSpan)
      }
    }
  }

  /// Hands the data of an array on, and checks at the end that it was the right one.
  /// - Parameter rowBytes: that pieces are a multiple of, where that is possible.
  private func forEachChecked(
    _ array: ArrayEntry, rowBytes: Int = 1, _ body: (borrowing RawSpan) throws -> Void
  ) throws {
    try net.forEachCheckedChunk(
      of: array, multipleOf: rowBytes, hint: "the file was damaged: make it again", body)
  }
}

/// Joins pieces of data to whole rows.
private struct FloatPieces {
  private let rowBytes: Int
  private var waiting: [UInt8] = []

  init(type: ElementType, columns: Int = 1) { rowBytes = max(1, type.size * columns) }

  /// Hands on all rows that are whole.
  mutating func add(_ piece: borrowing RawSpan, _ body: (borrowing RawSpan) throws -> Void) rethrows {
    if waiting.isEmpty, piece.byteCount.isMultiple(of: rowBytes) { return try body(piece) }
    waiting.append(contentsOf: piece)
    let whole = waiting.count / rowBytes * rowBytes
    guard whole > 0 else { return }
    try body(waiting.rawSpan.extracting(0..<whole))
    waiting.removeFirst(whole)
  }
}
