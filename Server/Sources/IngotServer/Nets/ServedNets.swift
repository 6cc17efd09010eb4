import Ingot

/// Nets as clients know them.
struct ServedNets: Sendable {
  /// `FAMILY:TAG`, as Ollama's clients expect names to be: the tag is the release, then what else is not usual.
  let name: String
  let nets: RunnableNets
  /// Of the headers of all files.
  let digest: Digest
  /// When the files were last changed, in seconds since 1970.
  let changed: Int

  var family: String { nets.family }

  init(_ nets: RunnableNets, changed: Int) {
    self.nets = nets
    self.changed = changed
    digest = nets.digest
    let release = nets.parameters.first { $0.name == "Release" }?.value ?? "unnamed"
    var tag = [release]
    for (name, value) in nets.unusual where name != "Release" {
      // A size or a precision says by itself what it is.
      let isWord = value.first?.isLetter == true && value != "true" && value != "false"
      tag.append(isWord ? value : "\(name)-\(value)")
    }
    name = "\(nets.family):\(tag.joined(separator: "-"))"
  }

  /// What the nets do, and what they can't, in words for people.
  var about: String {
    switch nets.task {
    case .answer:
      "Answers a question about one picture in a few words. Each question stands alone: earlier messages and instructions are not read. It is no chat net."
    case .caption:
      "Says in a sentence what one picture shows. It reads no questions and no instructions; a caption can be made to begin with given words."
    case .match:
      "Says how well texts fit a picture: the probability that a text is true of it, and the cosine of their vectors."
    case .classify: "Says which of its own classes a picture shows. It reads no texts."
    case .embed:
      nets.takesPictures && nets.takesTexts
        ? "Makes vectors of pictures and texts in one space, to be compared."
        : nets.takesPictures
          ? "Makes vectors of pictures. It reads no texts." : "Makes vectors of texts. It sees no pictures."
    }
  }

  /// By Ollama's names for what nets can.
  var capabilities: [String] {
    switch nets.task {
    case .answer, .caption: ["completion", "vision"]
    case .embed: nets.takesPictures ? ["embedding", "vision"] : ["embedding"]
    case .match, .classify: ["vision"]
    }
  }

  var precision: String { nets.parameters.first { $0.name == "Precision" }?.value ?? "float32" }

  /// The model card: what clients have no other member for.
  var card: JSONValue {
    .object([
      "task": .string(nets.task.rawValue), "about": .string(about), "family": .string(nets.title),
      "parameters": JSONValue(.object(nets.parameters.map { JSONMember($0.name, .string($0.value)) })),
      "takes": .strings((nets.takesPictures ? ["picture"] : []) + (nets.takesTexts ? ["text"] : [])),
      "bytes": .integer(nets.bytes), "elements": .integer(nets.elements),
      "limits": .object([
        "pictures": nets.takesPictures ? .integer(nets.task == .embed ? Limit.requestItems.value : 1) : nil,
        "pixels": nets.takesPictures ? .integer(Limit.requestPixels.value) : nil,
        "requestBytes": .integer(Limit.requestBytes.value),
      ]),
    ])
  }
}
