import Arrays

/// Unpacks bzip2 (its format is described in Joe Tsai's "BZIP2: Format Specification", 2016), as far as it goes.
struct BZip2 {
  private var window: ScanWindow
  private var position: Int
  private var held: UInt64 = 0
  private var heldBits = 0
  private let most: Int
  private(set) var out = Inflation.Partly()

  /// What is wrong with the packed data; where it is, unpacking ends.
  private enum Stop: Error {
    case damaged
    case full
    case unsupported
    case failure(Failure)
  }

  /// - Parameter most: bytes that are unpacked.
  /// - Returns: nil for blocks of a form that is not read here.
  /// - Throws: `Failure` of kind `io`.
  static func unpack(_ bytes: ScanBytes, most: Int) throws(Failure) -> Inflation.Partly? {
    var reader = BZip2(bytes, most: most)
    do throws(Stop) {
      try reader.run()
      reader.out.isWhole = true
    } catch {
      switch error {
      case .damaged: break
      case .full: reader.out.isCut = true
      case .unsupported: return nil
      case .failure(let failure): throw failure
      }
    }
    reader.out.packed = reader.position
    return reader.out
  }

  private init(_ bytes: ScanBytes, most: Int) {
    window = ScanWindow(bytes)
    position = 0
    self.most = most
  }

  private mutating func bits(_ count: Int) throws(Stop) -> Int {
    while heldBits < count {
      let byte: UInt8?
      do { byte = try window.byte(at: position) } catch { throw .failure(error) }
      guard let byte else { throw .damaged }
      position += 1
      held = held << 8 | UInt64(byte)
      heldBits += 8
    }
    heldBits -= count
    defer { held &= (1 << UInt64(heldBits)) - 1 }
    return Int(held >> UInt64(heldBits))
  }

  private mutating func run() throws(Stop) {
    var isFirst = true
    while true {
      // Streams may follow each other; anything else behind one is left alone, as bzip2 does.
      if !isFirst {
        do {
          guard try window.byte(at: position) == 0x42, try window.byte(at: position + 1) == 0x5a else { return }
        } catch {
          throw .failure(error)
        }
      }
      isFirst = false
      guard try bits(24) == 0x425a68 else { throw .damaged }
      let level = try bits(8) - 0x30
      guard (1...9).contains(level) else { throw .damaged }
      while true {
        let (high, low) = (try bits(24), try bits(24))
        if (high, low) == (0x177245, 0x385090) { break }
        guard (high, low) == (0x314159, 0x265359) else { throw .damaged }
        try block(mostBytes: level * 100_000)
      }
      _ = try bits(32)
      (held, heldBits) = (0, 0)
    }
  }

  private mutating func block(mostBytes: Int) throws(Stop) {
    _ = try bits(32)
    // Blocks in a random order are of versions before 0.9.5.
    guard try bits(1) == 0 else { throw .unsupported }
    let origin = try bits(24)
    var symbols: [UInt8] = []
    let rows = try bits(16)
    for row in 0..<16 where rows & (0x8000 >> row) != 0 {
      let columns = try bits(16)
      for column in 0..<16 where columns & (0x8000 >> column) != 0 { symbols.append(UInt8(row * 16 + column)) }
    }
    guard !symbols.isEmpty else { throw .damaged }
    let (selectors, tables) = try huffman(symbols: symbols.count + 2)
    var transformed: [UInt8] = []
    var (run, weight) = (0, 1)
    var (group, left) = (0, 0)
    while true {
      if left == 0 {
        guard group < selectors.count else { throw .damaged }
        (left, group) = (50, group + 1)
      }
      left -= 1
      let symbol = try decode(tables[selectors[group - 1]])
      if symbol < 2 {
        run += weight << symbol
        weight <<= 1
        guard run <= mostBytes else { throw .damaged }
        continue
      }
      if run > 0 {
        guard transformed.count + run <= mostBytes else { throw .damaged }
        transformed += [UInt8](repeating: symbols[0], count: run)
        (run, weight) = (0, 1)
      }
      if symbol == symbols.count + 1 { break }
      guard transformed.count < mostBytes else { throw .damaged }
      let byte = symbols.remove(at: symbol - 1)
      symbols.insert(byte, at: 0)
      transformed.append(byte)
    }
    try write(transformed, origin)
  }

  /// A canonical Huffman code: by length, the first code, and where its symbols begin.
  private struct Code {
    var counts = [Int](repeating: 0, count: 21)
    var symbols: [Int] = []
  }

  private mutating func huffman(symbols: Int) throws(Stop) -> (selectors: [Int], tables: [Code]) {
    let groups = try bits(3)
    let count = try bits(15)
    guard (2...6).contains(groups), count > 0 else { throw .damaged }
    var order = [Int](0..<groups)
    var selectors: [Int] = []
    for _ in 0..<count {
      var index = 0
      while try bits(1) == 1 {
        index += 1
        guard index < groups else { throw .damaged }
      }
      let selector = order.remove(at: index)
      order.insert(selector, at: 0)
      selectors.append(selector)
    }
    var tables: [Code] = []
    for _ in 0..<groups {
      var length = try bits(5)
      var lengths: [Int] = []
      for _ in 0..<symbols {
        while try bits(1) == 1 { length += try bits(1) == 0 ? 1 : -1 }
        guard (1...20).contains(length) else { throw .damaged }
        lengths.append(length)
      }
      var code = Code()
      for length in 1...20 {
        for (symbol, own) in lengths.enumerated() where own == length {
          code.counts[length] += 1
          code.symbols.append(symbol)
        }
      }
      tables.append(code)
    }
    return (selectors, tables)
  }

  private mutating func decode(_ code: Code) throws(Stop) -> Int {
    var (value, first, index) = (0, 0, 0)
    for length in 1...20 {
      value = value << 1 | (try bits(1))
      let count = code.counts[length]
      if value - first < count { return code.symbols[index + value - first] }
      index += count
      first = (first + count) << 1
    }
    throw .damaged
  }

  /// Undoes the Burrows-Wheeler transform, and the runs that came before it.
  private mutating func write(_ transformed: [UInt8], _ origin: Int) throws(Stop) {
    guard origin < transformed.count else { throw .damaged }
    var starts = [Int](repeating: 0, count: 256)
    for byte in transformed { starts[Int(byte)] += 1 }
    var sum = 0
    for byte in 0..<256 { (starts[byte], sum) = (sum, sum + starts[byte]) }
    var next = [UInt32](repeating: 0, count: transformed.count)
    for (index, byte) in transformed.enumerated() {
      next[starts[Int(byte)]] = UInt32(index)
      starts[Int(byte)] += 1
    }
    var place = Int(next[origin])
    var (last, repeats) = (-1, 0)
    for _ in transformed.indices {
      let byte = transformed[place]
      place = Int(next[place])
      if repeats == 4 {
        try append(byte: UInt8(truncatingIfNeeded: last), Int(byte))
        (last, repeats) = (-1, 0)
        continue
      }
      repeats = Int(byte) == last ? repeats + 1 : 1
      last = Int(byte)
      try append(byte: byte, 1)
    }
  }

  private mutating func append(byte: UInt8, _ count: Int) throws(Stop) {
    for _ in 0..<count {
      guard out.bytes.count < most else { throw .full }
      out.bytes.append(byte)
    }
  }
}
