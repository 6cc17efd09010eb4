import Arrays

extension NetHeader {
  /// The header as it stands in the file.
  public var json: JSONValue {
    .object([
      "format": "ingot",
      "family": .string(family),
      "net": .string(net),
      "parameters": JSONValue(.object(parameters)),
      "initialized": .boolean(isInitialized),
      "configuration": JSONValue(.object(configuration)),
      "profile": profile,
      "tokenizer": tokenizer?.json,
      "provenance": provenance.json,
      "ties": .array(ties.map { .object(["name": .string($0.name), "same": .string($0.same)]) }),
      "arrays": .array(arrays.map(\.json)),
    ])
  }

  /// Reads a header; members that this version doesn't know are left alone, as a later minor version may add some.
  /// - Throws: `Failure` of kind `badData` naming the byte.
  public init(json: JSONValue) throws(Failure) {
    guard try json.member("format").string() == "ingot" else {
      throw try json.member("format").failure("the format is not \"ingot\"")
    }
    family = try json.member("family").string()
    net = try json.member("net").string()
    parameters = try json.member("parameters").object()
    isInitialized = try json.member("initialized").boolean()
    configuration = try json.member("configuration").object()
    profile = try json.member("profile")
    _ = try profile.object()
    tokenizer = try json["tokenizer"].map(TokenizerDescription.init(json:))
    provenance = try Provenance(json: json.member("provenance"))
    ties = []
    for value in try json.member("ties").array() {
      ties.append(Tie(name: try value.member("name").string(), same: try value.member("same").string()))
    }
    arrays = []
    for value in try json.member("arrays").array() { arrays.append(try ArrayEntry(json: value)) }
  }
}

extension ArrayEntry {
  var json: JSONValue {
    var members: [JSONMember] = [
      JSONMember("name", .string(name)),
      JSONMember("elementType", .string(elementType.rawValue)),
      JSONMember("shape", .integers(shape.dimensions)),
      JSONMember("offset", .integer(offset)),
      JSONMember("bytes", .integer(bytes)),
      JSONMember("sha256", .string(sha256.description)),
    ]
    if case .zstdPlanes(let stored, let digest) = encoding {
      members += [
        JSONMember("encoding", "zstd-planes"), JSONMember("storedBytes", .integer(stored)),
        JSONMember("storedSHA256", .string(digest.description)),
      ]
    }
    if let scales { members.append(JSONMember("scales", .string(scales))) }
    if let scaleAxis { members.append(JSONMember("scaleAxis", .integer(scaleAxis))) }
    if let inputMeans { members.append(JSONMember("inputMeans", .string(inputMeans))) }
    if let inputDirections { members.append(JSONMember("inputDirections", .string(inputDirections))) }
    return JSONValue(.object(members))
  }

  init(json: JSONValue) throws(Failure) {
    let name = try json.member("name").string()
    do throws(Failure) {
      let type = try json.member("elementType").choice("element type", of: ElementType.self)
      let dimensions = try json.member("shape").sizes()
      try self.init(
        name: name, elementType: type, shape: Shape(dimensions), scales: try json["scales"]?.string(),
        scaleAxis: try json["scaleAxis"]?.size(),
        inputMeans: try json["inputMeans"]?.string(), inputDirections: try json["inputDirections"]?.string(),
        offset: try json.member("offset").size(),
        sha256: try json.member("sha256").digest(),
        encoding: try Self.encoding(json))
      guard try json.member("bytes").size() == bytes else {
        throw try json.member("bytes").failure(
          "\(try json.member("bytes").size()) bytes stated, but \(type.rawValue) of shape \(dimensions) takes \(bytes)")
      }
    } catch {
      throw Failure(
        error.kind, place: error.place ?? "byte \(json.offset)", "array \"\(name)\": \(error.reason)", hint: error.hint)
    }
  }

  private static func encoding(_ json: JSONValue) throws(Failure) -> Encoding {
    guard let value = json["encoding"] else { return .plain }
    guard try value.string() == "zstd-planes" else { throw value.failure("unknown encoding \"\(try value.string())\"") }
    return .zstdPlanes(
      bytes: try json.member("storedBytes").size(), sha256: try json.member("storedSHA256").digest())
  }
}

extension Provenance {
  public var json: JSONValue {
    .object([
      "tool": .string(tool),
      "layout": layout.map { .string($0) },
      "convertedFrom": convertedFrom.map { .string($0.rawValue) },
      "part": part?.json,
      "seed": seed.map { .integer($0) },
      "sources": .array(
        sources.map {
          .object([
            "file": .string($0.file), "bytes": .integer($0.bytes), "sha256": .string($0.sha256.description),
          ])
        }),
    ])
  }

  init(json: JSONValue) throws(Failure) {
    tool = try json.member("tool").string()
    layout = try json["layout"]?.string()
    seed = try json["seed"]?.integer()
    convertedFrom = try json["convertedFrom"]?.choice("element type")
    part = try json["part"].map(Part.init(json:))
    sources = []
    for value in try json.member("sources").array() {
      sources.append(
        Source(
          file: try value.member("file").string(), bytes: try value.member("bytes").size(),
          sha256: try value.member("sha256").digest()))
    }
  }
}

extension Provenance.Part {
  var json: JSONValue {
    switch self {
    case .all: .object(["all": true])
    case .at(let path): .object(["at": .string(path)])
    }
  }

  init(json: JSONValue) throws(Failure) {
    switch (json["at"], json["all"]) {
    case (let path?, nil): self = .at(try path.string())
    case (nil, let all?) where try all.boolean(): self = .all
    default: throw Failure(.badData, "a part is not one of \"at\" and \"all\"")
    }
  }
}

extension TokenizerDescription {
  var json: JSONValue {
    .object([
      "kind": .string(kind),
      "lowercase": .boolean(lowercase),
      "stripAccents": stripAccents.map { .boolean($0) },
      "splitCJK": .boolean(splitCJK),
      "added": added == 0 ? nil : .integer(added),
      "matched": matched.isEmpty ? nil : .strings(matched),
      "matchedWords": matchedWords.isEmpty ? nil : .strings(matchedWords),
      "merges": merges.isEmpty ? nil : .strings(merges),
      "vocabulary": .strings(vocabulary),
    ])
  }

  init(json: JSONValue) throws(Failure) {
    kind = try json.member("kind").string()
    lowercase = try json.member("lowercase").boolean()
    stripAccents = try json["stripAccents"]?.boolean()
    splitCJK = try json.member("splitCJK").boolean()
    vocabulary = try json.member("vocabulary").strings()
    added = try json["added"]?.size() ?? 0
    matched = try json["matched"]?.strings() ?? []
    matchedWords = try json["matchedWords"]?.strings() ?? []
    merges = try json["merges"]?.strings() ?? []
    guard added <= vocabulary.count else {
      throw json.failure("\(added) tokens were added, but there are \(vocabulary.count)")
    }
  }
}
