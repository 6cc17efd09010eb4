import Arrays

/// Which arrays of a checkpoint are read.
public enum CheckpointPart: Hashable, Sendable {
  /// Those of the net, as far as it can be told from what a training keeps beside it.
  case weights
  /// All that there are, by their paths in the file.
  case all
  /// Those whose paths begin with this one, which is left off their names; or the one of that path.
  case at(String)
}

/// A part of a checkpoint, chosen by a path.
struct PartOfCheckpoint: Checkpoint {
  let path: String
  let arrays: [CheckpointArray]
  let notes: [String]
  let leftovers: [Leftover]
  private let whole: any Checkpoint
  /// By array: which it is of the whole.
  private let places: [Int]

  var format: String { whole.format }
  var files: [any Source] { whole.files }
  var metadata: [(name: String, value: String)] { whole.metadata }
  var calls: [String] { whole.calls }

  /// - Throws: `Failure` of kind `noInput` when it has no array there.
  init(_ whole: any Checkpoint, at part: String) throws(Failure) {
    let beginnings = [part + ".", part + "/"]
    func name(_ full: String) -> String? {
      if full.isSameBytes(as: part) { return full.split(separator: ".").last.map(String.init) ?? full }
      guard let beginning = beginnings.first(where: { full.utf8.starts(with: $0.utf8) }) else { return nil }
      return String(decoding: full.utf8.dropFirst(beginning.utf8.count), as: UTF8.self)
    }
    var (arrays, places): ([CheckpointArray], [Int]) = ([], [])
    for (index, array) in whole.arrays.enumerated() {
      guard let name = name(array.name) else { continue }
      arrays.append(
        CheckpointArray(
          name: name, shape: array.shape, elementType: array.elementType, bytes: array.bytes, packing: array.packing))
      places.append(index)
    }
    guard !arrays.isEmpty else {
      var known: [Substring] = []
      for array in whole.arrays {
        let first = array.name.split(whereSeparator: { $0 == "." || $0 == "/" }).first ?? ""
        if known.last != first, !known.contains(first) { known.append(first) }
        if known.count == 8 { break }
      }
      let list = known.map { shortened(String($0), to: 60) }.joined(separator: ", ")
      throw Failure(
        .noInput, file: whole.path, "has no arrays at \"\(shortened(part, to: 100))\"",
        hint: list.isEmpty
          ? "it has no arrays at all" : "paths in it begin with \(list); `ingot inspect --all` shows them")
    }
    self.arrays = arrays
    self.places = places
    self.whole = whole
    path = whole.path
    notes =
      whole.notes + ["the arrays are those of \"\(part)\"; \(whole.arrays.count - arrays.count) others are left out"]
    leftovers = whole.leftovers.compactMap { leftover in
      name(leftover.name).map { Leftover(name: $0, what: leftover.what) }
    }
  }

  func read(_ array: Int, at offset: Int, count: Int, into buffer: inout [UInt8]) throws(Failure) {
    try whole.read(places[array], at: offset, count: count, into: &buffer)
  }
}
