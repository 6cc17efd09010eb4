/// Gives each array of a file a name that no other has, where the file itself doesn't: a second one of a name gets a number.
struct UniqueNames {
  private var counts: [[UInt8]: Int] = [:]

  /// The name, or the name, "#" and a number.
  mutating func taken(_ name: String) -> String {
    var own = name
    while true {
      let count = counts[Array(own.utf8), default: 0]
      counts[Array(own.utf8)] = count + 1
      guard count > 0 else { return own }
      own = "\(name)#\(count + 1)"
    }
  }
}
