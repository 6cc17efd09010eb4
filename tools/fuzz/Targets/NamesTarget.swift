import Arrays
import Checkpoints
import Families

/// Arrays of these names, without data.
private struct NamedArrays: Checkpoint {
  let path = "/nowhere/names"
  let format = "names"
  let files: [any Source] = []
  let arrays: [CheckpointArray]
  let metadata: [(name: String, value: String)] = []

  init(_ names: [String]) throws(Failure) {
    let shape = try Shape([1])
    arrays = names.map { CheckpointArray(name: $0, shape: shape, elementType: .float32, bytes: 4) }
  }

  func read(_ array: Int, at offset: Int, count: Int, into buffer: inout [UInt8]) throws(Failure) {
    throw Failure(.io, "there is no data")
  }
}

extension FuzzTarget {
  /// Names of a checkpoint's arrays, one a line: which family and layout they are of. The word `*` at a line's end stands
  /// for the marks of a layout, by number, with what is before it in front of each.
  static let names = FuzzTarget("names") { bytes in
    var names: [String] = []
    for line in bytes.split(separator: 0x0a) {
      let text = try readText(line)
      guard text.hasSuffix("*"), let number = text.utf8.first else {
        names.append(text)
        continue
      }
      let layouts = Family.known.flatMap(\.layouts)
      let prefix = text.dropFirst().dropLast()
      names += layouts[Int(number) % layouts.count].recognizedBy.map { prefix + $0 }
    }
    let checkpoint = try NamedArrays(names)
    let inspection = try sure("looking") { try Inspection(checkpoint) }
    try expect((inspection.family == nil) == (inspection.layout == nil), "a family without a layout")
    guard try Family.recognize(checkpoint) != nil else { throw Failure(.badData, "is of no family") }
    try expect(inspection.family != nil, "recognized, but not when it is looked at")
  }
}
