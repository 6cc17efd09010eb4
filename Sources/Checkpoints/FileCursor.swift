import Arrays

/// Reads a file from one place on, piece by piece, and passes over what isn't wanted without reading it: for containers
/// whose structure stands between their data.
struct FileCursor {
  let file: any Source
  /// Where the next byte is read, from the start of the file.
  private(set) var position: Int
  /// Where what may be read ends.
  let end: Int
  private var buffer: [UInt8] = []
  private var bufferStart = 0
  /// Bytes of the next piece: few after a jump, more where one follows the other.
  private var pieceSize = leastPiece

  private static let leastPiece = 4096
  private static let mostPiece = 1 << 16

  /// - Parameter range: of the file that may be read; it lies within it.
  init(_ file: any Source, _ range: Range<Int>) {
    self.file = file
    (position, end) = (range.lowerBound, range.upperBound)
    bufferStart = position
  }

  var remaining: Int { end - position }

  /// The next byte.
  mutating func byte() throws(Failure) -> UInt8 {
    if position - bufferStart >= buffer.count { try fill(1) }
    defer { position += 1 }
    return buffer[position - bufferStart]
  }

  /// The next `count` bytes; the caller has bounded them.
  mutating func bytes(_ count: Int) throws(Failure) -> [UInt8] {
    guard count <= FileCursor.mostPiece else {
      try check(count)
      defer { position += count }
      return try file.bytes(count, at: position)
    }
    if position - bufferStart + count > buffer.count { try fill(count) }
    let start = position - bufferStart
    position += count
    return Array(buffer[start..<start + count])
  }

  /// The next integer, little-endian unless told otherwise.
  mutating func integer<Value: FixedWidthInteger & UnsignedInteger>(
    _ type: Value.Type = Value.self, isBigEndian: Bool = false
  ) throws(Failure) -> Value {
    let count = Value.bitWidth / 8
    if position - bufferStart + count > buffer.count { try fill(count) }
    let start = position - bufferStart
    var value: Value = 0
    for index in 0..<count {
      let byte = Value(truncatingIfNeeded: buffer[start + index])
      value |= byte << Value(8 * (isBigEndian ? count - 1 - index : index))
    }
    position += count
    return value
  }

  /// Passes over `count` bytes.
  mutating func skip(_ count: Int) throws(Failure) {
    try check(count)
    position += count
  }

  /// Goes to a place at or before the end.
  mutating func move(to place: Int) {
    precondition(place >= 0 && place <= end, "a place outside of what may be read")
    position = place
    if place < bufferStart { (buffer, bufferStart) = ([], place) }
  }

  private func check(_ count: Int) throws(Failure) {
    guard count >= 0, count <= remaining else {
      throw Failure(
        .badData, place: "byte \(position)", "\(byteCount(count)) expected, \(remaining) left",
        hint: end == file.size ? Failure.truncationHint : nil)
    }
  }

  /// Makes the buffer hold at least `count` bytes from the position on.
  private mutating func fill(_ count: Int) throws(Failure) {
    try check(count)
    let isNext = position >= bufferStart && position <= bufferStart + buffer.count
    pieceSize = isNext ? min(2 * pieceSize, FileCursor.mostPiece) : FileCursor.leastPiece
    buffer = try file.bytes(min(max(count, pieceSize), remaining), at: position)
    bufferStart = position
  }
}
