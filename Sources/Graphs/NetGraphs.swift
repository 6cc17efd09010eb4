import Arrays
import Families
import NetFile
import Nets

/// Which graphs are made of the nets of a family.
struct NetGraphs {
  private let family: Family
  private let nets: [NetFile]
  private let arrays: NetArrays

  /// - Parameter nets: every net of one combination, once.
  init(_ family: Family, _ nets: [NetFile], _ arrays: NetArrays) {
    (self.family, self.nets, self.arrays) = (family, nets, arrays)
  }

  /// The graphs, and what their files are called.
  /// - Throws: `Failure` of kind `badData` when a net's configuration or profile makes none.
  func builders() throws(Failure) -> [(name: String, graph: GraphBuilder)] {
    let definitions = Set(family.nets.map(\.definition))
    if definitions == [.blipImageEncoder, .blipTextEncoder, .blipTextDecoder] { return try answering() }
    if definitions == [.blipImageEncoder, .blipTextDecoder] { return try captioning() }
    if definitions == [.blipImageMatcher, .blipTextMatcher] { return try matching() }
    if definitions == [.clipImageEncoder, .clipTextEncoder] { return try clip() }
    if definitions == [.bertEncoder] { return try embedder() }
    if let kind = family.nets.first, kind.definition.isImageClassifier { return try imageNet(kind) }
    throw Failure.unsupported("no graphs are made of nets of the family \(family.name)")
  }

  private func graph(_ name: String, _ fill: (GraphBuilder) -> Void) -> (name: String, graph: GraphBuilder) {
    let builder = GraphBuilder(name, arrays)
    fill(builder)
    return (name, builder)
  }

  /// The file of one of the family's nets.
  private func file(_ definition: NetDefinition) throws(Failure) -> NetFile {
    let name = family.nets.first { $0.definition == definition }?.name
    guard let net = nets.first(where: { $0.header.net == name }) else {
      throw Failure(.usage, "the net \(name ?? definition.rawValue) is missing")
    }
    return net
  }

  // MARK: Families

  private func answering() throws(Failure) -> [(name: String, graph: GraphBuilder)] {
    let (imageFile, textFile) = (try file(.blipImageEncoder), try file(.blipTextEncoder))
    let image = try arrays.open(imageFile, BlipImageEncoder.init)
    let text = try arrays.open(textFile, BlipTextEncoder.init)
    let decoder = try arrays.open(file(.blipTextDecoder), BlipTextDecoder.init)
    _ = try side(image.trunk, imageFile)
    try checkWidth(text.trunk.contextSize, image.trunk.size, textFile)
    try checkWidth(decoder.trunk.contextSize, text.trunk.size, file(.blipTextDecoder))
    return [
      graph("image") { $0.blipImages(image, decoder: nil) }, graph("question") { $0.question(text, decoder: decoder) },
      graph("decoder") { $0.decoder(decoder, hasMask: true) },
    ]
  }

  private func captioning() throws(Failure) -> [(name: String, graph: GraphBuilder)] {
    let imageFile = try file(.blipImageEncoder)
    let image = try arrays.open(imageFile, BlipImageEncoder.init)
    let decoder = try arrays.open(file(.blipTextDecoder), BlipTextDecoder.init)
    _ = try side(image.trunk, imageFile)
    let textFile = try file(.blipTextDecoder)
    try checkWidth(decoder.trunk.contextSize, image.trunk.size, textFile)
    guard case .integer(let end)? = textFile.header.profile[path: "caption.endToken"]?.content else {
      throw Failure(
        .badData, file: textFile.path, place: "profile", "caption.endToken, with which captions end, is missing",
        hint: "convert the checkpoint again")
    }
    return [
      graph("model") { $0.captions(image, decoder, endToken: end) },
      graph("image") { $0.blipImages(image, decoder: decoder) },
      graph("decoder") { $0.decoder(decoder, hasMask: false) },
    ]
  }

  private func matching() throws(Failure) -> [(name: String, graph: GraphBuilder)] {
    let (imageFile, textFile) = (try file(.blipImageMatcher), try file(.blipTextMatcher))
    let image = try arrays.open(imageFile, BlipImageMatcher.init)
    let text = try arrays.open(textFile, BlipTextMatcher.init)
    _ = try side(image.trunk, imageFile)
    try checkWidth(text.trunk.contextSize, image.trunk.size, textFile)
    try checkWidth(text.projection.outputs, image.projection.outputs, textFile)
    guard case .string(let token)? = textFile.header.profile[path: "text.matchToken"]?.content,
      let id = textFile.header.tokenizer?.vocabulary.firstIndex(where: { $0.isSameBytes(as: token) })
    else {
      throw Failure(
        .badData, file: textFile.path, place: "profile",
        "text.matchToken, with which texts begin that are matched, is no token of the vocabulary",
        hint: "convert the checkpoint again with its vocab.txt or tokenizer.json beside the weights")
    }
    return [graph("model") { $0.matching(image, text, matchToken: id) }]
  }

  private func clip() throws(Failure) -> [(name: String, graph: GraphBuilder)] {
    let imageFile = try file(.clipImageEncoder)
    let image = try arrays.open(imageFile, ClipImageEncoder.init)
    let text = try arrays.open(file(.clipTextEncoder), ClipTextEncoder.init)
    _ = try side(image.trunk, imageFile)
    try checkWidth(text.projection.outputs, image.projection.outputs, file(.clipTextEncoder))
    return [
      graph("model") { $0.clip(image, text) },
      graph("vision_model") {
        $0.output("image_embeds", $0.clipImages(image, "batch"), [.named("batch"), .fixed(image.projection.outputs)])
      },
      graph("text_model") {
        $0.output("text_embeds", $0.clipTexts(text, "batch"), [.named("batch"), .fixed(text.projection.outputs)])
      },
    ]
  }

  private func embedder() throws(Failure) -> [(name: String, graph: GraphBuilder)] {
    let net = try file(.bertEncoder)
    let encoder = try arrays.open(net, BertEncoder.init)
    do {
      let rules = try TextVectorRules(json: net.header.profile.member("embedding"))
      return [graph("model") { $0.embedder(encoder, rules) }]
    } catch {
      throw error.inFile(net.path)
    }
  }

  private func imageNet(_ kind: Family.NetKind) throws(Failure) -> [(name: String, graph: GraphBuilder)] {
    let net = try file(kind.definition)
    let found = try arrays.open(net) { configuration, source throws(Failure) in
      try kind.definition.imageClassifier(configuration, source)
    }
    guard let found else { return [] }
    let side = try side(found.trunk, net)
    return [graph("model") { $0.imageNet(found, side: side) }]
  }

  // MARK: What nets have to have in common

  private func checkWidth(_ width: Int, _ other: Int, _ file: NetFile) throws(Failure) {
    guard width == other else {
      throw Failure(
        .badData, file: file.path, "takes vectors of \(width) elements where it is given such of \(other)",
        hint: "are these the nets of one checkpoint? convert it again")
    }
  }

  /// Of the images that a net takes, in pixels: as its profile says, where positions can be interpolated to it.
  private func side(_ trunk: VisionTrunk, _ net: NetFile) throws(Failure) -> Int {
    let profile = family.profiles.first { net.header.profile["name"] == .string($0.name) }
    guard case .integer(let side)? = net.header.profile[path: "image.side"]?.content,
      side == trunk.imageSide
        || profile?.interpolates == true && trunk.patchSide <= side && side <= 4096
          && side.isMultiple(of: trunk.patchSide)
    else {
      throw Failure(
        .badData, file: net.path, "its profile and its configuration differ in the pictures they take",
        hint: "convert the checkpoint again")
    }
    return side
  }
}
