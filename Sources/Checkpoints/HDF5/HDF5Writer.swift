import Arrays

/// Writes an HDF5 file of contiguous arrays as Keras keeps weights, by libhdf5 in a child process; see
/// `HDF5Child`. The records it is told by are described in Sources/CHDF5/include/hdf5_child.h.
public final class HDF5Writer {
  private let output: OutputFile
  private let child: ChildProcess

  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  public init(_ path: String) throws(Failure) {
    output = try OutputFile(path)
    child = try HDF5Child.start(["write", ChildProcess.lentFile], lending: output)
    try send(Array("INGOTH5".utf8) + [1])
  }

  private func send(_ bytes: [UInt8]) throws(Failure) {
    do {
      try child.write(bytes.rawSpan)
    } catch {
      let (_, message) = child.finish()
      throw message.isEmpty ? error : Failure(.io, file: output.path, message)
    }
  }

  private func string(_ text: String) -> [UInt8] { UInt32(text.utf8.count).littleEndianBytes + Array(text.utf8) }

  /// Makes a group.
  public func group(_ path: String) throws(Failure) { try send([UInt8(ascii: "G")] + string(path)) }

  /// An attribute that is one text.
  public func attribute(_ path: String, _ name: String, _ text: String) throws(Failure) {
    try send([UInt8(ascii: "A")] + string(path) + string(name) + [0] + UInt32(1).littleEndianBytes + string(text))
  }

  /// An attribute that is a list of texts.
  public func attribute(_ path: String, _ name: String, list: [String]) throws(Failure) {
    try send(
      [UInt8(ascii: "A")] + string(path) + string(name) + [2] + UInt32(list.count).littleEndianBytes
        + list.flatMap(string))
  }

  /// Writes one array.
  /// - Parameter produce: hands all of the array's data to its argument, in order.
  public func write(
    _ array: CheckpointArray, _ produce: ((borrowing RawSpan) throws -> Void) throws -> Void
  ) throws {
    try send(
      [UInt8(ascii: "D")] + string(array.name) + string(array.elementType.rawValue) + [UInt8(array.shape.rank)]
        + array.shape.dimensions.flatMap { UInt64($0).littleEndianBytes })
    try produce { piece in
      var bytes: [UInt8] = []
      bytes.append(contentsOf: piece)
      try send(bytes)
    }
  }

  /// Ends the file and waits until it is on the disk.
  public func finish() throws(Failure) {
    try send([UInt8(ascii: "E")])
    let (ending, message) = child.finish()
    guard ending == .exited(0) else { throw HDF5Child.failure(ending, message).inFile(output.path) }
    try output.flush()
  }

  /// What is written, to be put in place together with others by `OutputFile.commit`.
  public var file: OutputFile { output }
}
