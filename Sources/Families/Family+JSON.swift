import Arrays
import Nets

extension Family {
  /// Reads a family file.
  /// - Parameter others: families whose layouts' rules this one may refer to.
  /// - Throws: `Failure` of kind `badData` naming the byte.
  public init(json: JSONValue, others: [Family] = []) throws(Failure) {
    name = try json.member("family").string()
    title = try json.member("title").string()
    modelTypes = try json.member("modelTypes").strings()
    axes = try Family.list(json.member("axes"), Axis.init(json:))
    nets = try Family.members(json.member("nets"), NetKind.init(name:json:))
    variants = try Family.list(json.member("variants"), Variant.init(json:))
    defaultProfile = try json.member("defaultProfile").string()
    profiles = try Family.members(json.member("profiles"), Profile.init(name:json:))
    var layouts: [Layout] = []
    for member in try json.member("layouts").object() {
      layouts.append(try Layout(name: member.key, json: member.value, others: layouts, families: others))
    }
    self.layouts = layouts
    published = try Family.list(json.member("published"), Publication.init(json:))
    configurationKeys = try json["configurationKeys"].map(ConfigurationKeys.init(json:))
    try checkReferences(json)
  }

  /// Names that refer to something must refer to something that is there.
  private func checkReferences(_ json: JSONValue) throws(Failure) {
    guard !nets.isEmpty, netAxis != nil || nets.count == 1 else {
      throw try json.member("nets").failure("several nets need an axis that selects one")
    }
    if let axis = netAxis, Set(axis.values.map(\.description)) != Set(nets.map(\.name)) {
      throw try json.member("axes").failure("the values of \(axis.name) are not the names of the nets")
    }
    for net in nets {
      if let other = net.attendsOver, !nets.contains(where: { $0.name == other }) {
        throw try json.member("nets").failure("\(net.name) attends over \(other), which is none of them")
      }
    }
    guard profile(defaultProfile) != nil else {
      throw try json.member("defaultProfile").failure("there is no profile \"\(defaultProfile)\"")
    }
    for layout in layouts {
      guard profile(layout.profile) != nil else {
        throw try json.member("layouts").failure("layout \(layout.name) names no profile of this family")
      }
      guard Set(layout.rules.keys) == Set(nets.map(\.name)) else {
        throw try json.member("layouts").failure("layout \(layout.name) does not have rules for each net")
      }
    }
    for variant in variants {
      guard variant.when.allSatisfy({ axis($0.name)?.values.contains($0.value) == true }) else {
        throw try json.member("variants").failure("a variant depends on a value that no axis has")
      }
    }
  }

  fileprivate static func list<Element>(
    _ json: JSONValue, _ make: (JSONValue) throws(Failure) -> Element
  ) throws(Failure) -> [Element] {
    var out: [Element] = []
    for value in try json.array() { out.append(try make(value)) }
    return out
  }

  fileprivate static func members<Element>(
    _ json: JSONValue, _ make: (String, JSONValue) throws(Failure) -> Element
  ) throws(Failure) -> [Element] {
    var out: [Element] = []
    for member in try json.object() { out.append(try make(member.key, member.value)) }
    return out
  }
}

extension Family.Axis {
  init(json: JSONValue) throws(Failure) {
    name = try json.member("name").string()
    about = try json.member("about").string()
    values = try Family.list(json.member("values"), ParameterValue.init(json:))
    defaultValue = try ParameterValue(json: json.member("default"))
    isOpen = try json["open"]?.boolean() ?? false
    field = try json["field"]?.string()
    isInferred = try json["inferred"]?.boolean() ?? false
    otherwise = try json["otherwise"].map(ParameterValue.init(json:))
    isImplicit = try json["implicit"]?.boolean() ?? false
    isNamedByFolder = json["named"] == "folder"
    mustBeTold = try json["mustBeTold"]?.boolean() ?? false
    selects = try json["selects"]?.choice("selection")
    guard values.contains(defaultValue) else {
      throw try json.member("default").failure("the default is not among the values")
    }
  }
}

extension Family.NetKind {
  init(name: String, json: JSONValue) throws(Failure) {
    self.name = name
    definition = try json.member("definition").choice("net definition")
    fields = try Family.members(json.member("configuration"), Family.ConfigurationField.init(name:json:))
    tokenizer = try json["tokenizer"].map(Family.TokenizerRule.init(json:))
    attendsOver = try json["attendsOver"]?.string()
  }
}

extension Family.TokenizerRule {
  init(json: JSONValue) throws(Failure) {
    kind = try json.member("kind").string()
    addedTokens = try json.member("addedTokens").strings()
  }
}

extension Family.ConfigurationField {
  init(name: String, json: JSONValue) throws(Failure) {
    self.name = name
    key = try json["key"]?.string()
    otherKey = try json["otherKey"]?.string()
    defaultValue = try json.member("default")
    classDefault = json["classDefault"] ?? defaultValue
    values = try json["values"]?.array()
    isTable = try json["isTable"]?.boolean() ?? false
  }
}

extension Family.Variant {
  init(json: JSONValue) throws(Failure) {
    when = try Combination(json: json.member("when").object()).parameters
    var configuration: [String: [JSONMember]] = [:]
    for member in try json.member("configuration").object() { configuration[member.key] = try member.value.object() }
    self.configuration = configuration
  }
}

extension Family.Profile {
  init(name: String, json: JSONValue) throws(Failure) {
    self.name = name
    var values = [JSONMember("name", .string(name))]
    var keys: [(file: String, keys: [Family.ProfileKey])] = []
    var tokens: [(path: String, token: String)] = []
    imageProcessor = try json["imageProcessor"]?.string()
    interpolates = try json["interpolates"]?.boolean() ?? false
    for member in try json.object() {
      switch member.key {
      case "about", "imageProcessor", "interpolates": break
      case "keys":
        for file in try member.value.object() {
          keys.append((file.key, try Family.members(file.value, Family.ProfileKey.init(path:json:))))
        }
      case "tokens":
        for token in try member.value.object() { tokens.append((token.key, try token.value.string())) }
      default: values.append(member)
      }
    }
    self.values = JSONValue(.object(values))
    self.keys = keys
    self.tokens = tokens
  }
}

extension Family.ProfileKey {
  init(path: String, json: JSONValue) throws(Failure) {
    self.path = path
    guard case .object = json.content else {
      key = try json.string()
      values = nil
      return
    }
    key = try json.member("key").string()
    values = try json.member("values").array()
  }
}

extension Family.Publication {
  init(json: JSONValue) throws(Failure) {
    parameters = try Combination(json: json.member("parameters").object()).parameters
    repository = try json.member("repository").string()
    revision = try json["revision"]?.string()
    licence = try json.member("licence").string()
    layout = try json.member("layout").string()
    profile = try json["profile"]?.string()
    note = try json["note"]?.string()
    files = try Family.list(json.member("files"), File.init(json:))
  }
}

extension Family.Publication.File {
  init(json: JSONValue) throws(Failure) {
    name = try json.member("name").string()
    bytes = try json["bytes"]?.size()
    sha256 = try json["sha256"]?.digest()
  }
}
