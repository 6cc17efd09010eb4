import Arrays
import Families
import NetFile

/// Net files on a shelf that do something together: all parts of one parameter combination.
public struct RunnableNets: Sendable {
  /// What nets do.
  public enum Task: String, Sendable, CaseIterable {
    /// Questions about a picture are answered.
    case answer
    /// It is said what a picture shows.
    case caption
    /// It is said how well texts fit a picture.
    case match
    /// It is said which of the net's classes a picture shows.
    case classify
    /// Vectors are made of texts, of pictures, or of both in one space.
    case embed
  }

  public let task: Task
  public let family: String
  /// The family's, for people.
  public let title: String
  /// The combination without the part, in the family's order.
  public let parameters: [(name: String, value: String)]
  /// Those of the parameters that are not the family's defaults.
  public let unusual: [(name: String, value: String)]
  /// In the order in which the family lists its nets.
  public let files: [NetFile]
  public let takesPictures: Bool
  public let takesTexts: Bool

  /// All that there are on a shelf, family by family; nets without weights, and those of which a part lacks or whose file
  /// can't be read, are left out.
  /// - Throws: `Failure` of kind `noInput` when the shelf is a file, `io` when a folder can't be listed.
  public static func all(on shelf: Shelf) throws(Failure) -> [RunnableNets] {
    var out: [RunnableNets] = []
    for family in Family.known {
      var found: [(combination: Combination, files: [String: NetFile])] = []
      for item in try shelf.items(of: family) {
        guard case .success(let net) = item.net, net.header.isInitialized,
          let whole = try? family.combination(ofHeader: net.header)
        else { continue }
        let combination = Combination(whole.parameters.filter { $0.name != family.netAxis?.name })
        let index = found.firstIndex { $0.combination == combination } ?? found.count
        if index == found.count { found.append((combination, [:])) }
        found[index].files[net.header.net] = net
      }
      for (combination, files) in found {
        if let nets = RunnableNets(family, combination, files) { out.append(nets) }
      }
    }
    return out
  }

  /// nil where a part lacks, or nobody knows how to run them.
  private init?(_ family: Family, _ combination: Combination, _ files: [String: NetFile]) {
    let parts = family.nets.compactMap { files[$0.name] }
    guard parts.count == family.nets.count, let first = parts.first else { return nil }
    if VQANets.isFamily(family) {
      (task, takesPictures, takesTexts) = (.answer, true, true)
    } else if CaptionNets.isFamily(family) {
      (task, takesPictures, takesTexts) = (.caption, true, false)
    } else if MatchNets.isFamily(family) {
      (task, takesPictures, takesTexts) = (.match, true, true)
    } else if ClipNets.isFamily(family) {
      (task, takesPictures, takesTexts) = (.embed, true, true)
    } else if TextEmbedding.isFamily(family) {
      (task, takesPictures, takesTexts) = (.embed, false, true)
    } else if ImageNet.isFamily(family) {
      let classes = first.header.configuration.first { $0.key == "classes" }?.value
      let hasClasses = ((try? classes?.size()) ?? 0) > 0
      (task, takesPictures, takesTexts) = (hasClasses ? .classify : .embed, true, false)
    } else {
      return nil
    }
    self.family = family.name
    title = family.title
    self.files = parts
    parameters = combination.parameters.map { ($0.name, $0.value.description) }
    unusual = combination.parameters.filter { family.axis($0.name)?.defaultValue != $0.value }
      .map { ($0.name, $0.value.description) }
  }

  /// Bytes of the files.
  public var bytes: Int { files.reduce(0) { $0 + $1.file.size } }

  /// Elements of all arrays, each once.
  public var elements: Int { files.reduce(0) { $0 + $1.header.elements } }

  /// Changes with every byte of the nets' headers, which have a digest of every array.
  public var digest: Digest {
    var hash = SHA256()
    for file in files {
      for array in file.header.arrays {
        let bytes = array.sha256.bytes
        hash.update(bytes.rawSpan)
      }
      let told = Array(file.header.profile.compactText.utf8)
      hash.update(told.rawSpan)
    }
    return hash.finish()
  }

  /// Opens the nets; their weights are mapped, and read when they are first used.
  /// - Parameter threads: that compute together; nil: one per core.
  /// - Throws: `Failure` of kind `badData` when a file is damaged or the nets don't fit each other, `io` when memory is
  ///   short.
  public func open(threads: Int? = nil) throws(Failure) -> OpenNets {
    switch task {
    case .answer: .answer(try VisualQuestionAnswering(VQANets(files: files), threads: threads))
    case .caption: .caption(try ImageCaptioning(CaptionNets(files: files), threads: threads))
    case .match: .match(try ImageTextMatching(MatchNets(files: files), threads: threads))
    case .classify: .classify(try ImageClassification(files[0], threads: threads))
    case .embed:
      if takesPictures, takesTexts {
        .embed(Embedder(try ImageTextEmbedding(ClipNets(files: files), threads: threads)))
      } else if takesTexts {
        .embed(Embedder(try TextEmbedding(files[0], threads: threads)))
      } else {
        .embed(Embedder(try ImageFeatures(files[0], pool: .pooled, threads: threads)))
      }
    }
  }
}

/// Nets that can be run.
public enum OpenNets: Sendable {
  case answer(VisualQuestionAnswering)
  case caption(ImageCaptioning)
  case match(ImageTextMatching)
  case classify(ImageClassification)
  case embed(Embedder)
}

extension NetHeader {
  /// Of all arrays, scales and what is told of layers' inputs apart.
  fileprivate var elements: Int {
    let hidden = hiddenArrays
    return arrays.reduce(0) { $0 + (hidden.contains($1.name) ? 0 : $1.shape.elements) }
  }
}
