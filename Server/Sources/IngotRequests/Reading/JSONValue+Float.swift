import Ingot

extension JSONValue {
  /// A number that is written in the fewest digits which give the same float32, as the command's lines have it.
  package static func float(_ value: Float) -> JSONValue {
    // Its digits as a double are the fewest of that double.
    Double(value.description).map { .number($0) } ?? .null
  }
}
