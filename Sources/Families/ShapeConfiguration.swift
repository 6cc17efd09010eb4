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
  /// The field that is the images' side in pixels, told from the rows of an array: those of tokens, and those of a square
  /// grid; nil: the net takes no images.
  let side: (field: String, array: String, patch: String, tokens: Int)?
  /// Fields that the publisher's library doesn't let vary.
  let fixed: [JSONMember]
  /// Fields that are another one's share, by a number that a file of the publisher's may tell.
  let quotients: [Quotient]
  /// Fields that a file of the publisher's tells, where it is there.
  let told: [ToldField]
  /// What of the small files decides about pixels.
  let keys: [(file: String, keys: [Family.ProfileKey])]

  struct Quotient: Sendable {
    let field: String
    let of: String
    let by: Int
    let source: (file: String, key: String)?
  }

  struct ToldField: Sendable {
    let field: String
    let file: String
    let key: String
    /// What values stand for; empty: for themselves.
    let values: [(value: JSONValue, meaning: JSONValue)]
    /// What the publisher's library takes where the file has no such key; nil: what is known otherwise.
    let absent: JSONValue?
  }

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
    side = try json["side"].map { side throws(Failure) in
      (
        try side.member("field").string(), try side.member("from").string(), try side.member("patch").string(),
        try side["tokens"]?.size() ?? 1
      )
    }
    fixed = try json.member("fixed").object()
    var quotients: [Quotient] = []
    for member in try json["quotients"]?.object() ?? [] {
      let value = member.value
      let source = try value["file"].map { file throws(Failure) in
        (file: try file.string(), key: try value.member("key").string())
      }
      quotients.append(
        Quotient(
          field: member.key, of: try value.member("of").string(), by: try value.member("by").size(), source: source))
    }
    self.quotients = quotients
    var told: [ToldField] = []
    for member in try json["told"]?.object() ?? [] {
      let value = member.value
      var values: [(value: JSONValue, meaning: JSONValue)] = []
      for pair in try value["values"]?.array() ?? [] {
        values.append((try pair.member("is"), JSONValue(try pair.member("means").content)))
      }
      told.append(
        ToldField(
          field: member.key, file: try value.member("file").string(), key: try value.member("key").string(),
          values: values, absent: value["absent"].map { JSONValue($0.content) }))
    }
    self.told = told
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
  /// - Parameters:
  ///   - given: what is known otherwise, and no file tells.
  ///   - files: of the publisher's, beside the weights.
  ///   - shape: of the array of a name; nil: there is none.
  /// - Throws: `Failure` of kind `badData` when an array is missing or a field can't be told.
  func configuration(
    of kind: Family.NetKind, in family: Family, given: [JSONMember], files: SmallFiles,
    names: some Collection<String>, shape: (String) -> Shape?
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
    for member in given + fixed { configuration[member.key] = member.value }
    if let side {
      let rows = try dimensions(side.array).dropLast().last ?? 0
      guard let grid = GridResize.side(ofRows: rows, leading: side.tokens) else {
        throw Failure(
          .badData, place: "array \"\(side.array)\"",
          "has \(rows) rows, which are not \(side.tokens) and those of a square grid")
      }
      configuration[side.field] = .integer(grid * (try configuration.dimension(side.patch)))
    }
    for quotient in quotients { try set(quotient, in: &configuration, files) }
    for field in told {
      if let value = try value(of: field, files) { configuration[field.field] = value }
    }
    try setTheRest(&configuration, of: kind, in: family)
    return configuration
  }

  private func set(
    _ quotient: Quotient, in configuration: inout Configuration, _ files: SmallFiles
  ) throws(Failure) {
    var by = quotient.by
    if let (file, key) = quotient.source, let found = try files.json(file)?[path: key] {
      do throws(Failure) { by = try found.size() } catch { throw error.inFile(files.path(file)) }
    }
    let whole = try configuration.dimension(quotient.of)
    guard by > 0, whole.isMultiple(of: by) else {
      throw Failure(
        .badData, "\(quotient.of) is \(whole), which is not \(quotient.field) times \(by), as the original's is",
        hint: "put a config.json of transformers beside the weights, with model_type")
    }
    configuration[quotient.field] = .integer(whole / by)
  }

  private func value(of field: ToldField, _ files: SmallFiles) throws(Failure) -> JSONValue? {
    guard let json = try files.json(field.file) else { return nil }
    guard let found = json[path: field.key], found.content != .null else { return field.absent }
    if field.values.isEmpty { return JSONValue(found.content) }
    guard let pair = field.values.first(where: { $0.value == found }) else {
      throw found.failure(
        "\(field.key) is \(found.compactText.prefix(40)); it can be "
          + field.values.map(\.value.compactText).joined(separator: " or ")
      ).inFile(files.path(field.file))
    }
    return pair.meaning
  }

  /// Whether a file that is there tells a field, or nothing else can.
  func tells(_ field: String, _ files: SmallFiles) throws(Failure) -> Bool {
    if fixed.contains(where: { $0.key == field }) { return true }
    for one in told where one.field == field {
      if try files.json(one.file) != nil { return true }
    }
    return false
  }

  /// Fields that only a known size tells, such as the number of heads.
  private func setTheRest(
    _ configuration: inout Configuration, of kind: Family.NetKind, in family: Family
  ) throws(Failure) {
    var told = Set(lengths.map(\.field) + counts.map(\.field) + presence.map(\.field) + fixed.map(\.key))
    told.formUnion([side?.field].compactMap(\.self) + quotients.map(\.field))
    let open = Set(family.variants.flatMap { $0.configuration[kind.name] ?? [] }.map(\.key)).subtracting(told)
    if open.isEmpty { return }
    let variant = family.variants.first { variant in
      let members = variant.configuration[kind.name] ?? []
      return open.isSubset(of: members.map(\.key))
        && members.allSatisfy { open.contains($0.key) || configuration[$0.key] == $0.value }
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
