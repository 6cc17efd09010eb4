import Arrays

/// Writes arrays into a file, in any order and from any thread. The file appears on `commit`.
public protocol ArraysWriter: Sendable {
  /// What is written, to be put in place together with others by `OutputFile.commit`.
  var file: OutputFile { get }

  /// Writes one array.
  /// - Parameter produce: hands all of the array's data to its argument, in order, in pieces of any size.
  func write(_ index: Int, _ produce: ((borrowing RawSpan) throws -> Void) throws -> Void) throws

  /// Ends the file and waits until it is on the disk. Every array was written.
  func finish() throws(Failure)
}

extension ArraysWriter {
  /// Puts the file in its place.
  public func commit() throws(Failure) { try file.commit() }
}

/// Such a writer of a file in which nothing but the data is left to be written when it is made.
public protocol PlacedArraysWriter: ArraysWriter {
  /// Where each array's data stand in the file.
  var ranges: [Range<Int>] { get }
}

extension PlacedArraysWriter {
  public func write(_ index: Int, _ produce: ((borrowing RawSpan) throws -> Void) throws -> Void) throws {
    let range = ranges[index]
    var offset = range.lowerBound
    try produce { piece in
      try file.write(piece, at: offset)
      offset += piece.byteCount
    }
    precondition(offset == range.upperBound, "an array got other than its bytes")
    file.startFlushing(from: range.lowerBound, count: range.count)
  }

  public func finish() throws(Failure) { try file.flush() }
}
