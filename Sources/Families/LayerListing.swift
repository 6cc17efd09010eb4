import Arrays
import NetFile
import Nets

/// The layers of nets in the order in which they run, with the work that each is for a text of a stated length.
public struct LayerListing: Sendable {
  public struct Layer: Sendable {
    public let record: LayerRecord
    /// Multiplications, each with an addition; 0 where there are none, and of what isn't run.
    public let multiplyAdds: Int
  }

  /// Vectors of another net that a net attends over.
  public struct Attended: Sendable {
    /// The net whose they are.
    public let net: String
    public let count: Int
    /// Where the number comes from.
    public let origin: Origin

    public enum Origin: Sendable {
      case given
      /// The configuration of that net, which is there.
      case configuration
      /// That net isn't there: it is that of the published one.
      case published
      /// It reads a text, of as many tokens.
      case tokens
    }
  }

  public struct Net: Sendable {
    public let name: String
    public let layers: [Layer]
    /// Of the text that it reads; nil: it reads none.
    public let tokens: Int?
    /// nil: it attends over its own vectors only.
    public let attended: Attended?
    public let parameters: Int
    public let multiplyAdds: Int
  }

  /// Empty where the order is not known.
  public let nets: [Net]
  /// Why it isn't; nil: it is.
  public let whyUnknown: String?
}

extension Inspection {
  /// The layers of all nets.
  /// - Parameters:
  ///   - tokens: of a text; nil: the most that each net takes.
  ///   - context: vectors that are attended over; nil: as many as the net makes whose they are.
  /// - Throws: `Failure` of kind `usage` for a length that no net takes, `badData` when there is too much work to count.
  public func layerListing(tokens: Int? = nil, context: Int? = nil) throws(Failure) -> LayerListing {
    guard let family, !nets.isEmpty else {
      let isKnown = family.map { $0.name != Family.plain.name } ?? false
      let why = isKnown ? "as the checkpoint can't be converted as it is" : "as the family isn't"
      return LayerListing(nets: [], whyUnknown: "the order in which layers run is not known, \(why)")
    }
    if tokens != nil, nets.allSatisfy({ $0.description.mostTokens == nil }) {
      throw Failure(.usage, "--tokens: no net here reads a text")
    }
    if context != nil, !nets.contains(where: \.description.hasContext) {
      throw Failure(.usage, "--context: no net here attends over the vectors of another")
    }
    var listed: [LayerListing.Net] = []
    for net in nets { listed.append(try listing(of: net, family, tokens, context)) }
    return LayerListing(nets: listed, whyUnknown: nil)
  }

  private func listing(
    of net: NetSummary, _ family: Family, _ tokens: Int?, _ context: Int?
  ) throws(Failure) -> LayerListing.Net {
    let most = net.description.mostTokens
    if let most, let tokens, !(1...most).contains(tokens) {
      throw Failure(.usage, "--tokens: \(net.name) takes 1 to \(most) tokens, not \(tokens)")
    }
    let length = most.map { tokens ?? $0 }
    let attended = try net.description.hasContext ? attended(by: net, family, tokens: length ?? 0, given: context) : nil
    let lengths = RunLengths(tokens: length ?? 0, context: attended?.count ?? 0)
    var layers: [LayerListing.Layer] = []
    var sum = 0
    for record in net.description.layers {
      let count = try record.multiplyAdds(lengths)
      layers.append(.init(record: record, multiplyAdds: count))
      let result = sum.addingReportingOverflow(count)
      guard !result.overflow else { throw Failure(.badData, place: net.name, "has too many multiply-adds to count") }
      sum = result.partialValue
    }
    return .init(
      name: net.name, layers: layers, tokens: length, attended: attended, parameters: net.parameters,
      multiplyAdds: sum)
  }

  private func attended(
    by net: NetSummary, _ family: Family, tokens: Int, given: Int?
  ) throws(Failure) -> LayerListing.Attended? {
    guard let name = family.nets.first(where: { $0.name == net.name })?.attendsOver else { return nil }
    if let given { return .init(net: name, count: given, origin: .given) }
    let here = nets.first { $0.name == name }?.description
    if let other = try here == nil ? besideNetFile(name, family) : here {
      return Self.attended(name, other, .configuration, tokens: tokens)
    }
    guard let other = published(name, family) else { return nil }
    return Self.attended(name, other, .published, tokens: tokens)
  }

  private static func attended(
    _ name: String, _ net: NetDescription, _ origin: LayerListing.Attended.Origin, tokens: Int
  ) -> LayerListing.Attended {
    guard let vectors = net.imageVectors else { return .init(net: name, count: tokens, origin: .tokens) }
    return .init(net: name, count: vectors, origin: origin)
  }

  /// Of a net file: another net of its combination, in the same folder.
  private func besideNetFile(_ name: String, _ family: Family) throws(Failure) -> NetDescription? {
    guard case .netFile(let net) = subject else { return nil }
    let file = family.written(combination(of: name, family)).description + Shelf.suffix
    let path = Paths.join(Paths.folder(of: net.path), file)
    return try ifFound { () throws(Failure) in try NetFile(path).header.definition().description }
  }

  private func published(_ name: String, _ family: Family) -> NetDescription? {
    let combination = combination(of: name, family)
    guard let kind = try? family.net(of: combination), var configuration = try? family.configuration(of: combination)
    else { return nil }
    if let side = profile?["image"]?["side"], configuration["imageSide"] != nil { configuration["imageSide"] = side }
    return try? kind.definition.description(configuration)
  }

  private func combination(of name: String, _ family: Family) -> Combination {
    var combination = Combination(parameters)
    if let axis = family.netAxis { combination[axis.name] = .word(name) }
    return combination
  }
}
