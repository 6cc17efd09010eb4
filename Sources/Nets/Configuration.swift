import Arrays

/// Dimensions and constants of one net, by name: from a checkpoint's configuration, a net file's header or a family's
/// defaults. Values are checked when a net's definition asks for them, since they come from strangers.
public struct Configuration: Equatable, Sendable {
  public private(set) var members: [JSONMember]

  public init(_ members: [JSONMember]) {
    self.members = members
  }

  public subscript(_ name: String) -> JSONValue? {
    get { members.first { $0.key == name }?.value }
    set {
      guard let newValue else { return members.removeAll { $0.key == name } }
      if let index = members.firstIndex(where: { $0.key == name }) {
        members[index] = JSONMember(name, newValue)
      } else {
        members.append(JSONMember(name, newValue))
      }
    }
  }

  /// Largest value of a dimension; keeps every product of two of them far from overflow.
  public static let largestDimension = 1 << 24
  /// Most layers of a net.
  public static let mostLayers = 4096

  /// A dimension: 1 ... `limit`.
  public func dimension(_ name: String, limit: Int = largestDimension) throws(Failure) -> Int {
    guard let value = self[name] else { throw failure(name, "is missing") }
    guard case .integer(let number) = value.content, (1...limit).contains(number) else {
      throw failure(name, "is \(value.compactText.prefix(40)), not an integer from 1 to \(limit)")
    }
    return number
  }

  /// A positive number.
  public func positive(_ name: String) throws(Failure) -> Double {
    guard let value = self[name] else { throw failure(name, "is missing") }
    guard let number = try? value.number(), number > 0, number.isFinite else {
      throw failure(name, "is \(value.compactText.prefix(40)), not a positive number")
    }
    return number
  }

  public func boolean(_ name: String) throws(Failure) -> Bool {
    guard let value = self[name] else { throw failure(name, "is missing") }
    guard case .boolean(let flag) = value.content else {
      throw failure(name, "is \(value.compactText.prefix(40)), not true or false")
    }
    return flag
  }

  /// Whether something is there that most nets don't have: false where nothing is said.
  func flag(_ name: String) throws(Failure) -> Bool { self[name] == nil ? false : try boolean(name) }

  /// How many there are of what most nets don't have: 0 where nothing is said.
  func count(_ name: String, limit: Int) throws(Failure) -> Int {
    guard let value = self[name], value.content != .integer(0) else { return 0 }
    return try dimension(name, limit: limit)
  }

  /// The one activation of text nets that answer is GELU by the error function.
  func checkActivation() throws(Failure) { _ = try activation([.gelu]) }

  /// What stands between the two maps of an MLP; GELU by the error function where nothing is said.
  func activation(_ known: [Activation] = Activation.allCases) throws(Failure) -> Activation {
    guard let value = self["activation"] else { return .gelu }
    guard let activation = known.first(where: { value.content == .string($0.rawValue) }) else {
      let names = known.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
      throw failure("activation", "is \(value.compactText.prefix(40)); \(names) is supported")
    }
    return activation
  }

  func failure(_ name: String, _ reason: String) -> Failure {
    Failure(.badData, place: "configuration", "\(name) \(reason)")
  }
}
