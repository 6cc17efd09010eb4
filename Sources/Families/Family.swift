import Arrays
import NetFile
import Nets
import Remote

/// Nets of one construction: their axes, definitions, profiles, layouts, and what is published where. Read from a family
/// file (schemas/families, described by schemas/family.schema.json).
public struct Family: Sendable {
  /// One parameter of the family.
  public struct Axis: Sendable {
    public enum Selection: String, Sendable {
      /// The axis says which of the family's nets is meant.
      case net
      /// The axis says the weights' element type.
      case precision
    }

    public let name: String
    public let about: String
    public let values: [ParameterValue]
    public let defaultValue: ParameterValue
    /// Whether other values may be given, for nets of one's own.
    public let isOpen: Bool
    public let selects: Selection?
    /// The configuration field that the axis's value is.
    public let field: String?
    /// Whether the value is found by comparing the configuration with the variants.
    public let isInferred: Bool
    /// The value of an inferred axis for configurations that are of no variant; nil: there are none.
    public let otherwise: ParameterValue?
    /// Whether a checkpoint or the user must say the value, where it is a field of the configuration: nothing is assumed.
    public var mustBeTold = false
    /// Whether the default value is left out of headers and file names, as it was before there was the axis.
    public let isImplicit: Bool
    /// Whether the value, where it isn't given, is the name of the checkpoint's folder: of nets of the same dimensions
    /// these don't tell which is meant.
    public let isNamedByFolder: Bool
  }

  /// One of the family's nets.
  public struct NetKind: Sendable {
    public let name: String
    public let definition: NetDefinition
    public let fields: [ConfigurationField]
    public let tokenizer: TokenizerRule?
    /// The net of the family whose vectors it attends over; nil: none.
    public let attendsOver: String?
  }

  /// Where a configuration value comes from.
  public struct ConfigurationField: Sendable {
    public let name: String
    /// Dotted path in config.json.
    public let key: String?
    /// Where it is if not there.
    public let otherKey: String?
    /// The published nets' value.
    public let defaultValue: JSONValue
    /// What the publisher's library takes where config.json has no such key.
    public let classDefault: JSONValue
    /// Whether config.json has a table there, whose length is the value.
    public let isTable: Bool
    /// Values that can be run; nil: any.
    public let values: [JSONValue]?
  }

  public struct TokenizerRule: Sendable {
    public let kind: String
    /// Tokens that the net has rows for but the published vocabulary lacks, in the order of their ids.
    public let addedTokens: [String]
  }

  /// Values of the configuration that go with values of axes.
  public struct Variant: Sendable {
    public let when: [Combination.Parameter]
    public let configuration: [String: [JSONMember]]
  }

  /// How a net must be run to be itself.
  public struct Profile: Sendable {
    public let name: String
    /// What goes into the net file, before the checkpoint's own values are put in.
    public let values: JSONValue
    /// By file of the checkpoint: where to put which of its values.
    public let keys: [(file: String, keys: [ProfileKey])]
    /// The class of transformers that prepares pictures where a checkpoint names none; nil: no file of a checkpoint says
    /// how they are prepared.
    public let imageProcessor: String?
    /// Dotted paths of values that are the ids of these tokens, where there is a vocabulary.
    public let tokens: [(path: String, token: String)]
    /// Whether pictures needn't have the side that the net's positions are of: these are interpolated.
    public let interpolates: Bool
  }

  public struct ProfileKey: Sendable {
    /// Dotted path in the profile.
    public let path: String
    /// Dotted path in the file.
    public let key: String
    /// What can be there; nil: anything.
    public let values: [JSONValue]?
  }

  /// Weights that can be had somewhere.
  public struct Publication: Sendable {
    public struct File: Sendable {
      public let name: String
      public let bytes: Int?
      public let sha256: Digest?
    }

    public let parameters: [Combination.Parameter]
    public let repository: String
    public let revision: String?
    public let licence: String
    public let layout: String
    public let profile: String?
    public let note: String?
    public let files: [File]

    /// Its repository's address on the hub; nil where its files are elsewhere.
    public var address: String? {
      let address = "hf://\(repository)" + (revision.map { "@\($0)" } ?? "")
      guard !repository.hasPrefix("weights/"), (try? RemoteAddress(address)) != nil else { return nil }
      return address
    }
  }

  public let name: String
  public let title: String
  /// `model_type` values of config.json.
  public let modelTypes: [String]
  public let axes: [Axis]
  public let nets: [NetKind]
  public let variants: [Variant]
  public let defaultProfile: String
  public let profiles: [Profile]
  public let layouts: [Layout]
  public let published: [Publication]
  /// What other keys of config.json mean; nil: nothing is known of them.
  public let configurationKeys: ConfigurationKeys?
}

extension Family {
  public func axis(_ name: String) -> Axis? { axes.first { $0.name == name } }

  /// The axis that selects the net; nil for a family of one net.
  public var netAxis: Axis? { axes.first { $0.selects == .net } }

  public var precisionAxis: Axis? { axes.first { $0.selects == .precision } }

  /// Whether its nets take pictures.
  var isAboutPictures: Bool { profiles.contains { $0.values["image"] != nil } }

  /// Whether two combinations have the same values for all axes but that of precision.
  package func areSameButPrecision(_ a: Combination, _ b: Combination) -> Bool {
    var a = a
    if let name = precisionAxis?.name { a[name] = b[name] }
    return a == b
  }

  /// The default combination with some values set.
  /// - Throws: `Failure` of kind `usage` for an unknown axis or value.
  public func combination(setting values: [Combination.Parameter]) throws(Failure) -> Combination {
    var combination = Combination(axes.map { .init($0.name, $0.defaultValue) })
    for given in values {
      guard let axis = axis(given.name) else {
        throw Failure(
          .usage, "\(name) has no parameter \(given.name)",
          hint: "its parameters: \(axes.map(\.name).joined(separator: ", "))")
      }
      guard axis.allows(given.value) else {
        throw Failure(
          .usage, "\(given.name) can't be \(given.value)",
          hint: axis.isOpen
            ? "names are made of letters, digits, '.', '_' and '-', at most 64 of them"
            : "allowed values: \(axis.values.map(\.description).joined(separator: ", "))")
      }
      combination[given.name] = given.value
    }
    return combination
  }

  fileprivate static func isReleaseName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: ".")
      && text.unicodeScalars.allSatisfy {
        $0.isASCII && ($0.properties.isAlphabetic || "0123456789._-".unicodeScalars.contains($0))
      }
  }

  /// Every combination of the axes' listed values, the last axis changing fastest.
  public var combinations: [Combination] {
    axes.reduce([Combination([])]) { partial, axis in
      partial.flatMap { combination in
        axis.values.map { Combination(combination.parameters + [.init(axis.name, $0)]) }
      }
    }
  }

  /// What a combination is written as: without the defaults of implicit axes.
  package func written(_ combination: Combination) -> Combination {
    Combination(
      combination.parameters.filter { parameter in
        guard let axis = axis(parameter.name) else { return true }
        return !(axis.isImplicit && axis.defaultValue == parameter.value)
      })
  }

  /// The combination of a net file: its header's, and the defaults of implicit axes.
  /// - Throws: `Failure` of kind `badData` when a value is none.
  package func combination(ofHeader header: NetHeader) throws(Failure) -> Combination {
    let found = try Combination(json: header.parameters)
    guard axes.contains(where: { $0.isImplicit && found[$0.name] == nil }) else { return found }
    return Combination(
      axes.compactMap { axis in
        (found[axis.name] ?? (axis.isImplicit ? axis.defaultValue : nil)).map { .init(axis.name, $0) }
      } + found.parameters.filter { self.axis($0.name) == nil })
  }

  /// The net that a combination picks.
  public func net(of combination: Combination) throws(Failure) -> NetKind {
    guard let first = nets.first else {
      throw Failure(
        .usage, "the family \(name) has no net definitions", hint: "its nets are made from checkpoints only")
    }
    guard let axis = netAxis else { return first }
    let wanted = combination[axis.name]?.description ?? ""
    guard let net = nets.first(where: { $0.name == wanted }) else {
      throw Failure(.badData, "\(name) has no net \(wanted)")
    }
    return net
  }

  /// The configuration of a net nobody gave one for: the family's defaults, changed as the combination's values ask.
  public func configuration(of combination: Combination) throws(Failure) -> Configuration {
    let net = try net(of: combination)
    if let axis = axes.first(where: { $0.otherwise != nil && combination[$0.name] == $0.otherwise }) {
      throw Failure(
        .usage, "\(axis.name)=\(combination[axis.name]?.description ?? "") stands for nets of any other size",
        hint: "such nets are made by `ingot convert` of a checkpoint with a config.json, which says their size")
    }
    var configuration = Configuration(net.fields.map { JSONMember($0.name, $0.defaultValue) })
    for variant in variants where combination.matches(variant.when) {
      for member in variant.configuration[net.name] ?? [] { configuration[member.key] = member.value }
    }
    for axis in axes {
      if let field = axis.field, configuration[field] != nil { configuration[field] = combination[axis.name]?.json }
    }
    return configuration
  }

  public func profile(_ name: String) -> Profile? { profiles.first { $0.name == name } }

  /// Where a combination's weights are published; nil if nowhere.
  public func publication(of combination: Combination) -> Publication? {
    published.first { combination.matches($0.parameters) }
  }

  /// The published file with that digest.
  public func publishedFile(_ digest: Digest) -> (publication: Publication, file: Publication.File)? {
    for publication in published {
      if let file = publication.files.first(where: { $0.sha256 == digest }) { return (publication, file) }
    }
    return nil
  }
}

extension Family.Axis {
  /// Whether a net may have that value: a listed one, any good name where the axis is open, any number where it is a field
  /// of the configuration.
  func allows(_ value: ParameterValue) -> Bool {
    if values.contains(value) || value == otherwise || isOpen && Family.isReleaseName(value.description) { return true }
    if field != nil, case .integer(let number) = value { return number > 0 }
    return false
  }
}
