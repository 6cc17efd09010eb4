import Arrays
import Checkpoints
import Nets

/// How a net's configuration is told from its arrays, for publishers whose files don't say it all.
struct ShapeConfiguration: Sendable {
  /// A key of config.json that says that the file has the configuration after all.
  let unless: String
  let net: String
  /// Fields that are the length of a dimension of an array.
  let lengths: [(field: String, array: String, dimension: Int)]
  /// Fields that are how many arrays are named by a pattern.
  let counts: [(field: String, pattern: NamePattern)]
  /// Fields that say whether there is an array.
  let presence: [(field: String, array: String)]
  /// The field that is the images' side in pixels, told from the rows of an array: 1, and those of a square grid.
  let side: (field: String, array: String, patch: String)
  /// Fields that the publisher's library doesn't let vary.
  let fixed: [JSONMember]
  /// What of the small files decides about pixels.
  let keys: [(file: String, keys: [Family.ProfileKey])]

  init(json: JSONValue) throws(Failure) {
    unless = try json.member("unless").string()
    net = try json.member("part").string()
    var lengths: [(field: String, array: String, dimension: Int)] = []
    for member in try json.member("lengths").object() {
      lengths.append(
        (member.key, try member.value.member("from").string(), try member.value.member("dimension").size()))
    }
    self.lengths = lengths
    var counts: [(field: String, pattern: NamePattern)] = []
    for member in try json.member("counts").object() {
      counts.append((member.key, NamePattern(try member.value.string())))
    }
    self.counts = counts
    var presence: [(field: String, array: String)] = []
    for member in try json.member("presence").object() { presence.append((member.key, try member.value.string())) }
    self.presence = presence
    let side = try json.member("side")
    self.side = (
      try side.member("field").string(), try side.member("from").string(), try side.member("patch").string()
    )
    fixed = try json.member("fixed").object()
    var keys: [(file: String, keys: [Family.ProfileKey])] = []
    for file in try json.member("keys").object() {
      var own: [Family.ProfileKey] = []
      for key in try file.value.object() { own.append(try Family.ProfileKey(path: key.key, json: key.value)) }
      keys.append((file.key, own))
    }
    self.keys = keys
  }

  /// The configuration of a net with these arrays, whose fields that the arrays can't tell are those of the variant of the
  /// same lengths.
  /// - Parameter shape: of the array of a name; nil: there is none.
  /// - Throws: `Failure` of kind `badData` when an array is missing or a field can't be told.
  func configuration(
    of kind: Family.NetKind, in family: Family, names: some Collection<String>, shape: (String) -> Shape?
  ) throws(Failure) -> Configuration {
    var configuration = Configuration(kind.fields.map { JSONMember($0.name, $0.defaultValue) })
    func dimensions(_ array: String) throws(Failure) -> [Int] {
      guard let shape = shape(array) else { throw Failure(.badData, "the array \"\(array)\" is missing") }
      return shape.dimensions
    }
    for (field, array, dimension) in lengths {
      let dimensions = try dimensions(array)
      guard dimension < dimensions.count else {
        throw Failure(.badData, place: "array \"\(array)\"", "has \(dimensions.count) dimensions only")
      }
      configuration[field] = .integer(dimensions[dimension])
    }
    for (field, pattern) in counts {
      let count = names.count { pattern.match($0.split(separator: ".", omittingEmptySubsequences: false)) != nil }
      configuration[field] = .integer(count)
    }
    for (field, array) in presence { configuration[field] = .boolean(shape(array) != nil) }
    for member in fixed { configuration[member.key] = member.value }
    let rows = try dimensions(side.array).dropLast().last ?? 0
    guard let grid = GridResize.side(ofRows: rows) else {
      throw Failure(
        .badData, place: "array \"\(side.array)\"", "has \(rows) rows, which are not 1 and those of a square grid")
    }
    configuration[side.field] = .integer(grid * (try configuration.dimension(side.patch)))
    try setTheRest(&configuration, of: kind, in: family)
    return configuration
  }

  /// Fields that only a known size tells, such as the number of heads.
  private func setTheRest(
    _ configuration: inout Configuration, of kind: Family.NetKind, in family: Family
  ) throws(Failure) {
    let told = Set(lengths.map(\.field) + counts.map(\.field) + presence.map(\.field) + fixed.map(\.key) + [side.field])
    let open = Set(family.variants.flatMap { $0.configuration[kind.name] ?? [] }.map(\.key)).subtracting(told)
    let variant = family.variants.first { variant in
      (variant.configuration[kind.name] ?? []).allSatisfy { open.contains($0.key) || configuration[$0.key] == $0.value }
    }
    guard let members = variant?.configuration[kind.name] else {
      let fields = kind.fields.filter { open.contains($0.name) }.compactMap(\.key).sorted().joined(separator: ", ")
      throw Failure(
        .badData, "\(fields) can't be told from arrays of a size that nobody published",
        hint: "put a config.json of transformers beside the weights, with model_type and \(fields)")
    }
    for member in members where open.contains(member.key) { configuration[member.key] = member.value }
  }
}
