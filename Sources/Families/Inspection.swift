import Arrays
import Checkpoints
import NetFile
import Nets

/// What is inside a net file, a combination or a checkpoint, from headers alone.
public struct Inspection: Sendable {
  public enum Subject: Sendable {
    case netFile(NetFile)
    /// Not on the shelf: what it would consist of.
    case combination(Catalogue.Status)
    case checkpoint(any Checkpoint)
  }

  public struct ArrayLine: Sendable {
    public let name: String
    public let shape: Shape
    public let elementType: ElementType
    /// As stored; 0 where there is no data.
    public let bytes: Int
    /// What stands in the file for its values, where these are made of it.
    public let packing: Packing?

    init(name: String, shape: Shape, elementType: ElementType, bytes: Int, packing: Packing? = nil) {
      (self.name, self.shape, self.elementType, self.bytes) = (name, shape, elementType, bytes)
      self.packing = packing
    }
  }

  /// One net of a checkpoint or the one of a net file.
  public struct NetSummary: Sendable {
    public let name: String
    public let description: NetDescription
    public let layerTypes: [(type: LayerType, count: Int)]

    init(_ name: String, _ description: NetDescription) {
      (self.name, self.description, layerTypes) = (name, description, description.layerTypes)
    }

    public var arrays: Int { description.arrays.count }
    public var parameters: Int { description.parameters }
  }

  public let subject: Subject
  /// nil: the arrays are of no known family.
  public let family: Family?
  public let layout: Layout?
  /// What is known of the parameter combination; a checkpoint leaves the part open.
  public let parameters: [Combination.Parameter]
  public let arrays: [ArrayLine]
  public let nets: [NetSummary]
  public let configuration: [JSONMember]
  public let profile: JSONValue?
  public let ties: [Tie]
  public let coverage: Coverage?
  /// What is known of weights that were published quantized; nil: nothing.
  public let quantization: PublishedQuantization?
  /// What the user should know.
  public let notes: [String]

  /// What was fetched to know all this; nil where nothing had to be.
  public var fetched: FetchTally? {
    guard case .checkpoint(let checkpoint) = subject, let file = checkpoint.files.first else { return nil }
    return file.folder?.fetched
  }

  public var elements: Int { arrays.reduce(0) { $0 + $1.shape.elements } }
  public var bytes: Int { arrays.reduce(0) { $0 + $1.bytes } }
  /// nil for arrays of no known family.
  public var parameterCount: Int? { nets.isEmpty ? nil : nets.reduce(0) { $0 + $1.parameters } }

  /// Layers of each type in all nets; nil for arrays of no known family.
  public var layerTypes: [(type: LayerType, count: Int)]? {
    guard !nets.isEmpty else { return nil }
    return LayerType.allCases.compactMap { type in
      let count = nets.reduce(0) { sum, net in sum + (net.layerTypes.first { $0.type == type }?.count ?? 0) }
      return count > 0 ? (type, count) : nil
    }
  }

  /// Layers that arrays of no known family seem to belong to; nil where the family is known.
  public var inferredLayers: InferredLayers? {
    guard nets.isEmpty, !arrays.isEmpty, family == nil || family?.name == Family.plain.name else { return nil }
    return InferredLayers(arrays.map { ($0.name, $0.shape) })
  }

  /// Arrays, elements and bytes by element type, the most bytes first.
  public var elementTypes: [(type: ElementType, arrays: Int, elements: Int, bytes: Int)] {
    ElementType.allCases.compactMap { type in
      let group = arrays.filter { $0.elementType == type }
      guard !group.isEmpty else { return nil }
      return (type, group.count, group.reduce(0) { $0 + $1.shape.elements }, group.reduce(0) { $0 + $1.bytes })
    }.sorted { $0.bytes > $1.bytes }
  }
}

extension Inspection {
  /// Arrays whose values are made of something else, by what that is: their elements, and bytes in the file, the most first.
  public var packings: [(type: String, arrays: Int, elements: Int, bytes: Int)] {
    let groups = Dictionary(grouping: arrays.filter { $0.packing != nil }) { $0.packing?.type ?? "" }
    return groups.map { type, group in
      (
        type, group.count, group.reduce(0) { $0 + $1.shape.elements },
        group.reduce(0) { $0 + ($1.packing?.bytes ?? 0) }
      )
    }.sorted { ($1.bytes, $0.type) < ($0.bytes, $1.type) }
  }

  /// Bytes of all arrays in the file.
  public var packedBytes: Int { arrays.reduce(0) { $0 + ($1.packing?.bytes ?? $1.bytes) } }
}

extension Inspection {
  /// Of whatever a selection names.
  /// - Parameter part: which arrays of a checkpoint are meant; nil: those of its net.
  public init(_ selection: NetSelection, shelf: Shelf, part: CheckpointPart? = nil) throws(Failure) {
    switch selection {
    case .path(let path):
      if try Paths.exists(path), try !Paths.isFolder(path) {
        let file = try InputFile(path)
        if try FileKind.of(file) == .netFile {
          try Self.checkIsWhole(part, path)
          try self.init(NetFile(file))
          return
        }
      }
      try self.init(openCheckpoint(path, part ?? .weights))
    case .combination(let family, let combination):
      let path = shelf.path(family, combination)
      try Self.checkIsWhole(part, path)
      if try Paths.exists(path) {
        try self.init(NetFile(path))
      } else {
        try self.init(family, combination)
      }
    }
  }

  private static func checkIsWhole(_ part: CheckpointPart?, _ path: String) throws(Failure) {
    guard part != nil else { return }
    throw Failure(
      .usage, file: path, "is a net file, of which no part can be chosen", hint: "--all and --at go with a checkpoint")
  }

  /// Of a net file; its definition, made from its own configuration, must demand just the arrays that it holds.
  public init(_ net: NetFile) throws(Failure) {
    let header = net.header
    subject = .netFile(net)
    layout = nil
    coverage = nil
    notes = []
    configuration = header.configuration
    profile = header.profile
    do throws(Failure) {
      quantization = try header.family == Family.plain.name ? PublishedQuantization(net) : nil
      if header.family == Family.plain.name {
        parameters = try Family.plain.combination(ofHeader: header).parameters
        family = .plain
        (ties, nets) = ([], [])
        arrays = header.arrays.map {
          .init(name: $0.name, shape: $0.shape, elementType: $0.elementType, bytes: $0.storedBytes)
        }
        return
      }
      let (family, kind, description) = try header.definition()
      self.family = family
      parameters = try family.combination(ofHeader: header).parameters
      ties = description.ties
      if header.isInitialized {
        arrays = header.arrays.map {
          .init(name: $0.name, shape: $0.shape, elementType: $0.elementType, bytes: $0.storedBytes)
        }
      } else {
        arrays = Inspection.lines(of: description, Combination(parameters), family)
      }
      nets = [NetSummary(kind.name, description)]
    } catch {
      throw error.inFile(net.path)
    }
  }

  /// Of a combination that isn't on the shelf.
  public init(_ family: Family, _ combination: Combination) throws(Failure) {
    self.family = family
    subject = .combination(family.publication(of: combination).map(Catalogue.Status.published) ?? .uninitialized)
    layout = nil
    coverage = nil
    notes = []
    parameters = combination.parameters
    let kind = try family.net(of: combination)
    let configuration = try family.configuration(of: combination)
    // How an embedder makes its vectors is told by its checkpoint.
    let description = try kind.definition.description(configuration)
    self.configuration = configuration.members
    (profile, quantization) = (nil, nil)
    ties = description.ties
    arrays = Inspection.lines(of: description, combination, family)
    nets = [NetSummary(kind.name, description)]
  }

  private static func lines(of description: NetDescription, _ combination: Combination, _ family: Family) -> [ArrayLine]
  {
    let type =
      combination[family.precisionAxis?.name ?? ""].flatMap { ElementType(rawValue: $0.description) } ?? .float32
    return description.arrays.map { ArrayLine(name: $0.name, shape: $0.shape, elementType: type, bytes: 0) }
  }

  /// Of a checkpoint, before converting it; whatever its arrays are.
  public init(_ checkpoint: any Checkpoint) throws(Failure) {
    subject = .checkpoint(checkpoint)
    arrays = checkpoint.arrays.map {
      .init(
        name: $0.name, shape: $0.shape, elementType: $0.elementType, bytes: $0.bytes, packing: $0.packing)
    }
    configuration = []
    quantization = try ifFound { () throws(Failure) in try PublishedQuantization(checkpoint) }
    var notes = checkpoint.notes
    let naming = try ifFound { () throws(Failure) -> Naming? in
      do throws(Failure) { return try Naming.recognize(checkpoint) } catch {
        notes.append("\(error)")
        throw error
      }
    }
    if let foreign = try Foreign(checkpoint) {
      let failure = foreign.failure
      notes.append([failure.reason, failure.hint].compactMap(\.self).joined(separator: "; "))
    }
    guard let naming else {
      (self.family, self.layout, profile, coverage) = (nil, nil, nil, nil)
      (parameters, nets, ties, self.notes) = ([], [], [], notes)
      return
    }
    family = naming.family
    layout = naming.layout
    let isRemote = try checkpoint.folder.isRemote
    do throws(Failure) {
      // Any precision will do: nothing is converted here.
      let plan = try ConversionPlan(checkpoint, ConversionRequest(), isSketch: true)
      let varying = Set([plan.family.netAxis?.name].compactMap(\.self))
      parameters = plan.nets[0].combination.parameters.filter { !varying.contains($0.name) }
      nets = plan.nets.map { NetSummary($0.header.net, $0.description) }
      profile = isRemote ? nil : plan.nets[0].header.profile
      ties = plan.nets.flatMap(\.description.ties)
      coverage = plan.coverage
      let afar = "how the net is run isn't shown: of an address, only what tells its construction is fetched"
      self.notes = plan.notes + (isRemote ? [afar] : [])
    } catch {
      if error.isOfMachine { throw error }
      (parameters, nets, profile, ties, coverage) = ([], [], nil, [], nil)
      self.notes = notes + naming.notes + ["can't be converted as it is: \(error)"]
    }
  }
}
