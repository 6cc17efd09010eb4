import Arrays

/// Unpacks LZMA, by its specification in the LZMA SDK (lzma-specification.txt), as far as it goes.
struct LZMA {
  enum Stop: Error {
    case damaged
    case full
    case failure(Failure)
  }

  private var window: ScanWindow
  private(set) var position: Int
  private let most: Int
  private(set) var bytes: [UInt8] = []
  /// Where the dictionary begins: matches don't reach before it.
  private var dictionaryStart = 0

  private var range: UInt32 = 0
  private var code: UInt32 = 0

  private var (literalContext, literalPosition, positionBits) = (3, 0, 2)
  private var state = 0
  private var distances = [0, 0, 0, 0]
  /// Chances of each bit that is packed, out of 2048, in groups.
  private var chances: [UInt16] = []

  /// Where a group begins in `chances`.
  private enum Group {
    static let isMatch = 0
    static let isRepeat = 192
    static let isRepeat0 = 204
    static let isRepeat1 = 216
    static let isRepeat2 = 228
    static let isRepeat0Long = 240
    static let slots = 432
    static let specials = 688
    static let aligned = 803
    static let matchLengths = 819
    static let repeatLengths = 1333
    static let literals = 1847
  }

  init(_ bytes: ScanBytes, at position: Int, most: Int) {
    window = ScanWindow(bytes)
    (self.position, self.most) = (position, most)
  }

  // MARK: Bytes

  mutating func byte() throws(Stop) -> UInt8 {
    let byte: UInt8?
    do { byte = try window.byte(at: position) } catch { throw .failure(error) }
    guard let byte else { throw .damaged }
    position += 1
    return byte
  }

  mutating func skip(_ count: Int) throws(Stop) {
    guard count >= 0, count <= window.bytes.count - position else { throw .damaged }
    position += count
  }

  private mutating func append(_ byte: UInt8) throws(Stop) {
    guard bytes.count < most else { throw .full }
    bytes.append(byte)
  }

  /// Takes bytes as they are, as a part of LZMA2's.
  mutating func copy(_ count: Int) throws(Stop) { for _ in 0..<count { try append(byte()) } }

  mutating func resetDictionary() { dictionaryStart = bytes.count }

  /// Whether no state was set yet.
  var isFresh: Bool { chances.isEmpty }

  // MARK: State

  /// - Parameter properties: the byte that says how many bits of the context there are.
  mutating func set(properties: UInt8) throws(Stop) {
    guard properties < 9 * 5 * 5 else { throw .damaged }
    literalContext = Int(properties % 9)
    literalPosition = Int(properties / 9 % 5)
    positionBits = Int(properties / 45)
  }

  mutating func resetState() {
    chances = [UInt16](repeating: 1024, count: Group.literals + (0x300 << (literalContext + literalPosition)))
    (state, distances) = (0, [0, 0, 0, 0])
  }

  mutating func startRange() throws(Stop) {
    guard try byte() == 0 else { throw .damaged }
    (range, code) = (.max, 0)
    for _ in 0..<4 { code = code << 8 | UInt32(try byte()) }
  }

  // MARK: The range decoder

  private mutating func normalize() throws(Stop) {
    if range < 1 << 24 {
      range <<= 8
      code = code << 8 | UInt32(try byte())
    }
  }

  private mutating func bit(_ index: Int) throws(Stop) -> Int {
    let probability = UInt32(chances[index])
    let bound = (range >> 11) * probability
    let bit: Int
    if code < bound {
      range = bound
      chances[index] += UInt16((2048 - probability) >> 5)
      bit = 0
    } else {
      range -= bound
      code -= bound
      chances[index] -= UInt16(probability >> 5)
      bit = 1
    }
    try normalize()
    return bit
  }

  private mutating func tree(_ base: Int, bits: Int) throws(Stop) -> Int {
    var value = 1
    for _ in 0..<bits { value = value << 1 | (try bit(base + value)) }
    return value - (1 << bits)
  }

  private mutating func reverseTree(_ base: Int, bits: Int) throws(Stop) -> Int {
    var (node, value) = (1, 0)
    for index in 0..<bits {
      let bit = try bit(base + node)
      node = node << 1 | bit
      value |= bit << index
    }
    return value
  }

  private mutating func direct(_ bits: Int) throws(Stop) -> Int {
    var value = 0
    for _ in 0..<bits {
      range >>= 1
      let isSet = code >= range
      if isSet { code -= range }
      value = value << 1 | (isSet ? 1 : 0)
      try normalize()
    }
    return value
  }

  /// - Parameter base: of a group of lengths: two choices, then short, middle and long ones.
  private mutating func length(_ base: Int, _ place: Int) throws(Stop) -> Int {
    if try bit(base) == 0 { return 2 + (try tree(base + 2 + place * 8, bits: 3)) }
    if try bit(base + 1) == 0 { return 10 + (try tree(base + 130 + place * 8, bits: 3)) }
    return 18 + (try tree(base + 258, bits: 8))
  }

  // MARK: Decoding

  /// Unpacks to so many bytes; nil: up to the mark of the end.
  mutating func decode(_ count: Int?) throws(Stop) {
    let end = count.map { bytes.count + $0 } ?? .max
    while bytes.count < end {
      let place = (bytes.count - dictionaryStart) & ((1 << positionBits) - 1)
      if try bit(Group.isMatch + state * 16 + place) == 0 {
        try literal()
      } else if try !match(place, end) {
        return
      }
    }
  }

  private mutating func literal() throws(Stop) {
    let before = bytes.count > dictionaryStart ? Int(bytes[bytes.count - 1]) : 0
    let low = (bytes.count - dictionaryStart) & ((1 << literalPosition) - 1)
    let base = 0x300 * ((low << literalContext) + (before >> (8 - literalContext)))
    var symbol = 1
    if state >= 7 {
      var match = Int(try back(distances[0] + 1))
      while symbol < 0x100 {
        let matchBit = match >> 7 & 1
        match <<= 1
        let bit = try bit(Group.literals + base + ((1 + matchBit) << 8) + symbol)
        symbol = symbol << 1 | bit
        if matchBit != bit { break }
      }
    }
    while symbol < 0x100 { symbol = symbol << 1 | (try bit(Group.literals + base + symbol)) }
    try append(UInt8(truncatingIfNeeded: symbol))
    state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6
  }

  /// The byte so far back.
  private func back(_ distance: Int) throws(Stop) -> UInt8 {
    guard distance <= bytes.count - dictionaryStart else { throw .damaged }
    return bytes[bytes.count - distance]
  }

  /// - Returns: false at the mark of the end.
  private mutating func match(_ place: Int, _ end: Int) throws(Stop) -> Bool {
    var count: Int
    if try bit(Group.isRepeat + state) == 0 {
      distances = [0, distances[0], distances[1], distances[2]]
      count = try length(Group.matchLengths, place)
      state = state < 7 ? 7 : 10
      distances[0] = try distance(count)
      if distances[0] == 0xffff_ffff { return false }
    } else {
      if try bit(Group.isRepeat0 + state) == 0 {
        if try bit(Group.isRepeat0Long + state * 16 + place) == 0 {
          state = state < 7 ? 9 : 11
          try append(back(distances[0] + 1))
          return true
        }
      } else if try bit(Group.isRepeat1 + state) == 0 {
        distances = [distances[1], distances[0], distances[2], distances[3]]
      } else if try bit(Group.isRepeat2 + state) == 0 {
        distances = [distances[2], distances[0], distances[1], distances[3]]
      } else {
        distances = [distances[3], distances[0], distances[1], distances[2]]
      }
      count = try length(Group.repeatLengths, place)
      state = state < 7 ? 8 : 11
    }
    guard bytes.count + count <= end else { throw .damaged }
    for _ in 0..<count { try append(back(distances[0] + 1)) }
    return true
  }

  private mutating func distance(_ length: Int) throws(Stop) -> Int {
    let slot = try tree(Group.slots + min(length - 2, 3) * 64, bits: 6)
    if slot < 4 { return slot }
    let bits = (slot >> 1) - 1
    let base = (2 | (slot & 1)) << bits
    if slot < 14 { return base + (try reverseTree(Group.specials + base - slot, bits: bits)) }
    return base + ((try direct(bits - 4)) << 4) + (try reverseTree(Group.aligned, bits: 4))
  }
}
