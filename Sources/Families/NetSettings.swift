import Arrays
import NetFile
import Nets

/// Everything about a net but its arrays, from the small files of a checkpoint: configurations, profile, tokenizer.
package struct NetSettings {
  private let family: Family
  private let files: SmallFiles
  /// What the user should know, but nothing stops at.
  package private(set) var notes: [String] = []

  package init(_ family: Family, _ files: SmallFiles) {
    self.family = family
    self.files = files
  }

  mutating func add(note text: String) { note(text) }

  private mutating func note(_ text: String) {
    if !notes.contains(text) { notes.append(text) }
  }

  /// The configuration of a net: config.json's value for each field, and where it has none what the publisher's library
  /// takes then. Without a config.json, what the combination's published net has.
  /// - Parameter given: values that are known otherwise.
  package mutating func configuration(
    of net: Family.NetKind, _ combination: Combination, given: [JSONMember] = []
  ) throws(Failure) -> Configuration {
    guard let config = try config() else {
      note("no config.json beside the weights: the configuration of the published net is assumed")
      var configuration = try family.configuration(of: combination)
      for member in given { configuration[member.key] = member.value }
      return configuration
    }
    if let type = config["model_type"], case .string(let name) = type.content, !family.modelTypes.contains(name) {
      throw Failure.unsupported(
        file: files.path("config.json"), place: "byte \(type.offset)",
        "model_type \"\(name)\" is not of the family \(family.name)", hint: "is this the config.json of these weights?")
    }
    if config["model_type"] != nil, let keys = family.configurationKeys {
      let unknown = try keys.unknown(in: config, used: family.usedKeys, file: files.path("config.json"))
      if !unknown.isEmpty {
        note("config.json has settings that nothing is known of: \(unknown.prefix(8).joined(separator: ", "))")
      }
    }
    var members: [JSONMember] = []
    for field in net.fields {
      if let known = given.first(where: { $0.key == field.name }) {
        members.append(known)
      } else {
        members.append(JSONMember(field.name, try value(of: field, in: config)))
      }
    }
    return Configuration(members)
  }

  /// config.json with its members where they are looked for; nil: there is none.
  private func config() throws(Failure) -> JSONValue? {
    let json = try files.json("config.json")
    guard let json, let keys = family.configurationKeys else { return json }
    return keys.settled(json)
  }

  /// Checks a file of the publisher's own, whose keys are known.
  mutating func check(_ file: String, _ keys: ConfigurationKeys) throws(Failure) {
    guard let json = try files.json(file) else { return }
    let unknown = try keys.unknown(in: json, used: [], file: files.path(file))
    if !unknown.isEmpty {
      note("\(file) has settings that nothing is known of: \(unknown.prefix(8).joined(separator: ", "))")
    }
  }

  private mutating func value(of field: Family.ConfigurationField, in config: JSONValue) throws(Failure) -> JSONValue {
    guard let key = field.key else { return field.defaultValue }
    guard let found = config[path: key] ?? field.otherKey.flatMap({ config[path: $0] }), found.content != .null else {
      if field.classDefault != field.defaultValue {
        note(
          "config.json has no \(key): the publisher's library takes \(field.classDefault.compactText) then, and so does this conversion; "
            + "the published nets have \(field.defaultValue.compactText)")
      }
      return field.classDefault
    }
    if field.isTable, case .object(let members) = found.content { return .integer(members.count) }
    if case .integer = field.defaultValue.content, case .array = found.content {
      return try side(found, key, "config.json")
    }
    if let values = field.values, !values.contains(found) {
      throw Failure.unsupported(
        file: files.path("config.json"), place: "byte \(found.offset)",
        "\(key) is \(found.compactText.prefix(60)); supported: \(values.map(\.compactText).joined(separator: ", "))")
    }
    return JSONValue(found.content)
  }

  /// A value where a number is needed: a side of a picture or a patch may be given as height and width.
  private func side(_ found: JSONValue, _ key: String, _ file: String) throws(Failure) -> JSONValue {
    guard case .array(let sides) = found.content else { return JSONValue(found.content) }
    guard sides.count == 2, sides[0] == sides[1], case .integer = sides[0].content else {
      throw Failure.unsupported(
        file: files.path(file), place: "byte \(found.offset)",
        "\(key) is \(found.compactText.prefix(60)); only squares are supported",
        hint: "nets of pictures or patches that aren't square can't be run")
    }
    return JSONValue(sides[0].content)
  }

  /// Whether config.json, or that key of it, isn't there.
  func lacks(_ key: String) throws(Failure) -> Bool { try files.json("config.json")?[path: key] == nil }

  mutating func noteAssumed(_ axis: Family.Axis) {
    note(
      "nothing says whether its \(axis.name) is \(axis.values.map(\.description).joined(separator: " or ")): "
        + "where it is converted, --set \(axis.name)=… has to")
  }

  /// Whether there is no config.json.
  func lacksConfiguration() throws(Failure) -> Bool { try files.json("config.json") == nil }

  mutating func noteConfigurationOfArrays(_ layout: String) {
    note(
      "no config.json of transformers beside the weights: the configuration is told from the arrays, as \(layout) has it"
    )
  }

  /// What of timm's configuration isn't done.
  private mutating func noteWhatTimmDoes(_ config: JSONValue) {
    if let crop = config[path: "pretrained_cfg.crop_pct"], crop.content != .null, crop != .number(1),
      crop != .integer(1)
    {
      note(
        "config.json has crop_pct \(crop.compactText.prefix(40)): timm takes that much of a picture's middle; here the whole picture "
          + "is brought to the net's side, as transformers does, so probabilities differ a little from timm's")
    }
  }

  /// A profile with the checkpoint's own values in it.
  /// - Parameters:
  ///   - keys: where the files have them; nil: as the profile says.
  ///   - backend: whose pixels the user wants; nil: as the checkpoint says.
  package mutating func profile(
    _ profile: Family.Profile, keys own: [(file: String, keys: [Family.ProfileKey])]? = nil,
    backend: ImageBackend? = nil
  ) throws(Failure) -> JSONValue {
    var values = profile.values
    for (file, keys) in own ?? profile.keys {
      let read = try file == "config.json" ? config() : files.json(file)
      guard let json = read else {
        if own != nil {
          note("no \(file) beside the weights: images are prepared as profile \(profile.name) says")
        }
        continue
      }
      for key in keys {
        guard let found = json[path: key.key], found.content != .null else { continue }
        if let known = key.values, !known.contains(found) {
          throw Failure.unsupported(
            file: files.path(file), place: "byte \(found.offset)",
            "\(key.key) \(found.compactText.prefix(40)) is not supported; it can be "
              + known.map(\.compactText).joined(separator: ", "))
        }
        var value = JSONValue(found.content)
        if case .integer = profile.values[path: key.path]?.content { value = try side(found, key.key, file) }
        values =
          key.path == "image.side"
          ? values.settingImageSide(value) : values.setting(key.path.split(separator: "."), to: value)
      }
    }
    values = try preparing(images: values, as: profile, backend, isTold: own != nil)
    if let usual = values["embedding"] {
      var read = EmbeddingFiles(files)
      values = values.setting(["embedding"], to: try read.rules(TextVectorRules(json: usual)).json)
      for text in read.notes { note(text) }
    }
    if own != nil, let config = try files.json("config.json") { noteWhatTimmDoes(config) }
    return try settingTokens(of: profile, in: values)
  }

  /// The profile's image as the checkpoint's image processor says it.
  /// - Parameter isTold: whether other files said it already.
  private mutating func preparing(
    images values: JSONValue, as profile: Family.Profile, _ backend: ImageBackend?,
    isTold: Bool
  ) throws(Failure) -> JSONValue {
    guard let image = values["image"], var side = try image["side"]?.size() else { return values }
    var preparation = try ImagePreparation(profile: image)
    if let backend { preparation.backend = backend }
    if !isTold, let usual = profile.imageProcessor {
      if let (json, file) = try imageProcessor() {
        do throws(Failure) {
          let found = try ImagePreparation.reading(json, usual: usual, chosen: backend)
          preparation = found.preparation
          if !found.unknown.isEmpty {
            note("\(file) has settings that nothing is known of: \(found.unknown.prefix(8).joined(separator: ", "))")
          }
          if profile.interpolates, let result = preparation.result, result.height == result.width {
            side = result.height
          } else if let result = preparation.result, result != (side, side) {
            throw (json["size"] ?? json).failure(
              "pictures are made \(result.width) × \(result.height), but by config.json the net takes \(side) × \(side)"
            ).hinting("one of the two files is of another net: correct it")
          }
        } catch {
          throw error.inFile(files.path(file))
        }
      } else {
        note(
          "nothing beside the weights says how pictures are prepared (no preprocessor_config.json, no processor_config.json): "
            + "they are as profile \(profile.name) says, \(preparation.filter) with mean "
            + (preparation.normalization?.mean.map(\.description).joined(separator: ", ") ?? "none")
            + ". If the net was trained with others, its answers are wrong: put the file beside the weights and convert again"
        )
      }
    }
    var members = [JSONMember("side", .integer(side))]
    members += preparation.members(side: side)
    return values.setting(["image"], to: JSONValue(.object(members)))
  }

  /// The settings of the image processor: transformers 5 keeps them in processor_config.json, and takes them from there
  /// if both are there.
  private func imageProcessor() throws(Failure) -> (JSONValue, file: String)? {
    if let nested = try files.json("processor_config.json")?["image_processor"], case .object = nested.content {
      return (nested, "processor_config.json")
    }
    return try files.json("preprocessor_config.json").map { ($0, "preprocessor_config.json") }
  }

  /// The ids of the profile's tokens in the checkpoint's vocabulary; without one, those of the published nets stand.
  private mutating func settingTokens(of profile: Family.Profile, in values: JSONValue) throws(Failure) -> JSONValue {
    guard !profile.tokens.isEmpty, let rule = family.nets.lazy.compactMap(\.tokenizer).first,
      let vocabulary = try tokenizer(rule, words: nil)?.vocabulary
    else { return values }
    var values = values
    for (path, token) in profile.tokens {
      guard let id = vocabulary.firstIndex(of: token) else { continue }
      values = values.setting(path.split(separator: "."), to: .integer(id))
    }
    return values
  }

  /// The tokenizer of a net that needs one; nil, with a note, when there is no vocabulary.
  package mutating func tokenizer(_ rule: Family.TokenizerRule, words: Int?) throws(Failure) -> TokenizerDescription? {
    let isClip = rule.kind == TokenizerDescription.clipKind
    guard let found = try isClip ? BytePairFiles(files).description() : TokenizerFiles(files).description(rule) else {
      note(
        isClip
          ? "neither tokenizer.json nor vocab.json with merges.txt nor \(OriginalMerges.name).gz beside the weights: the net can be "
            + "inspected but takes no texts; the published nets have all the same tokens: put one of these files there and convert again"
          : "neither vocab.txt nor tokenizer.json beside the weights: the net can be inspected but not "
            + (family.isAboutPictures
              ? "asked; the published nets have the words of bert-base-uncased: put its vocab.txt there and convert again"
              : "run: fetch these files too, and convert again"))
      return nil
    }
    if let words, words != found.tokenizer.vocabulary.count {
      note("the vocabulary has \(found.tokenizer.vocabulary.count) tokens, the net \(words) rows for them")
    }
    if !found.unknown.isEmpty {
      note(
        "tokenizer_config.json has settings that nothing is known of: \(found.unknown.prefix(8).joined(separator: ", "))"
      )
    }
    return found.tokenizer
  }
}
