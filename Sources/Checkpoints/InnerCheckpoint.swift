import Arrays

/// Those arrays of a checkpoint whose names begin alike, under the rest of their names: a net within another module, as
/// training programs save it (`module.`, `_orig_mod.`, `model.`), or a dictionary of weights within others (`ema.`).
public struct InnerCheckpoint: Checkpoint {
  private let whole: any Checkpoint
  /// Of the arrays in the whole.
  private let indices: [Int]
  public let arrays: [CheckpointArray]
  public let notes: [String]

  /// - Parameters:
  ///   - prefix: what the names begin with.
  ///   - others: prefixes that would have done as well.
  public init(_ whole: any Checkpoint, prefix: String, others: [String] = []) {
    self.whole = whole
    var (indices, arrays, rest): ([Int], [CheckpointArray], [String]) = ([], [], [])
    for (index, array) in whole.arrays.enumerated() {
      guard array.name.utf8.starts(with: prefix.utf8) else {
        rest.append(array.name)
        continue
      }
      indices.append(index)
      let name = String(decoding: array.name.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
      arrays.append(CheckpointArray(name: name, shape: array.shape, elementType: array.elementType, bytes: array.bytes))
    }
    self.indices = indices
    self.arrays = arrays
    var note = "the net's arrays are those whose names begin with \"\(prefix)\", which is dropped"
    if !others.isEmpty { note += "; those of \(others.map { "\"\($0)\"" }.joined(separator: ", ")) would do as well" }
    if !rest.isEmpty {
      note +=
        "; \(rest.count) other \(rest.count == 1 ? "array is" : "arrays are") left out: "
        + rest.prefix(4).joined(separator: ", ") + (rest.count > 4 ? ", …" : "")
    }
    notes = whole.notes + [note]
  }

  public var path: String { whole.path }
  public var format: String { whole.format }
  public var files: [InputFile] { whole.files }
  public var metadata: [(name: String, value: String)] { whole.metadata }

  public func read(_ array: Int, at offset: Int, count: Int, into buffer: inout [UInt8]) throws(Failure) {
    try whole.read(indices[array], at: offset, count: count, into: &buffer)
  }
}
