import Arrays
import Kernels
import Media
import NetFile

/// Runs nets on the same items, and compares what they give: with what is right where that is known, and with each other.
public struct Evaluation<Task: NetTask>: Sendable {
  public struct Options: Sendable {
    /// Items on which layers are compared, and as many of those whose outputs flipped.
    public var layerItems: Int
    /// Whether pictures are turned as the camera noted.
    public var isUpright: Bool

    public init(layerItems: Int = 50, isUpright: Bool = false) {
      self.layerItems = layerItems
      self.isUpright = isUpright
    }
  }

  /// The nets that are evaluated.
  let a: Task
  /// The nets that they are compared with.
  let b: Task?
  let items: [EvaluationItem]
  private let options: Options

  /// - Throws: `Failure` of kind `usage` when there are no items, `badData` when outputs of the two can't be compared.
  public init(
    _ a: Task, against b: Task? = nil, on items: [EvaluationItem], _ options: Options = Options()
  ) throws(Failure) {
    guard !items.isEmpty else { throw Failure(.usage, "there are no \(Task.words.item)s to evaluate on") }
    self.a = a
    self.b = b
    self.items = items
    self.options = options
    if let b { try a.checkComparable(with: b) }
  }

  /// Runs the nets on all items that the journal doesn't have yet, and compares. An image that isn't there, or can't be read,
  /// costs the items about it.
  /// - Parameter progress: called with the number of items done since the last call.
  /// - Throws: `Failure` naming the item that the nets can't be run on, or the image where not one can be read.
  public func run(
    journal: EvaluationJournal? = nil, progress: (_ what: String, _ items: Int) -> Void = { _, _ in }
  ) throws(Failure) -> EvaluationResult {
    var done = journal?.done ?? [:]
    var failed: [EvaluationResult.FailedImage] = []
    var turned = 0
    progress("", done.count)
    for (path, indices) in EvaluationItem.byImage(items, items.indices.filter { done[$0] == nil }) {
      let (picture, image, reference): (Picture, Task.Seen, Task.Seen?)
      do throws(Failure) {
        if let problem = items[indices[0]].imageProblem { throw problem }
        picture = try self.picture(path)
        image = try a.look(at: picture)
        reference = try b.map { b throws(Failure) in try b.look(at: picture) }
      } catch {
        failed.append(.init(path: path, failure: error.inFile(path), items: indices.count))
        progress(path, indices.count)
        continue
      }
      turned += picture.isTurned ? 1 : 0
      for item in try outputs(indices, about: image, reference, path) {
        try journal?.add(item)
        done[item.index] = item
        progress(path, 1)
      }
    }
    let evaluated = items.indices.compactMap { done[$0] }
    if evaluated.isEmpty, let first = failed.first { throw first.failure }
    return EvaluationResult(
      words: Task.words, a: a.files, b: b?.files, items: items, evaluated: evaluated, failed: failed, turned: turned,
      layers: try layers(evaluated, progress))
  }

  private func picture(_ path: String) throws(Failure) -> Picture {
    let picture = try Picture(path)
    return options.isUpright ? picture.upright() : picture
  }

  /// Items whose scores are held at once.
  private static var batch: Int { 64 }

  private func outputs(
    _ indices: [Int], about image: Task.Seen, _ reference: Task.Seen?, _ path: String
  ) throws(Failure) -> [EvaluatedItem] {
    var out: [EvaluatedItem] = []
    for start in stride(from: 0, to: indices.count, by: Self.batch) {
      let batch = Array(indices[start..<min(start + Self.batch, indices.count)])
      let given = batch.map { items[$0] }
      do throws(Failure) {
        let ours = try a.outputs(of: given, about: image, wantsScores: b != nil)
        var theirs: [TaskOutput]?
        if let b, let reference { theirs = try b.outputs(of: given, about: reference, wantsScores: true) }
        for (number, index) in batch.enumerated() {
          out.append(
            EvaluatedItem(
              index: index, a: side(index, ours[number]), b: theirs.map { side(index, $0[number]) },
              firstToken: first(ours[number].scores, theirs?[number].scores)))
        }
      } catch {
        throw error.inFile(path)
      }
    }
    return out
  }

  private func side(_ index: Int, _ output: TaskOutput) -> EvaluatedItem.Side {
    .init(answer: output.text, tokens: output.tokens, accuracy: a.accuracy(of: output, for: items[index]))
  }

  private func first(_ scores: Matrix?, _ reference: Matrix?) -> EvaluatedItem.FirstToken? {
    guard let scores, let reference else { return nil }
    return .init(
      divergence: klDivergence(of: scores, from: reference),
      isSame: scores.largest(inRow: 0) == reference.largest(inRow: 0))
  }

  /// Compares layers on items that are spread over all of them, and on those whose outputs flipped.
  private func layers(
    _ evaluated: [EvaluatedItem], _ progress: (String, Int) -> Void
  ) throws(Failure) -> EvaluationResult.Layers? {
    guard let b, options.layerItems > 0 else { return nil }
    let spread = min(options.layerItems, evaluated.count)
    let sample = (0..<spread).map { $0 * evaluated.count / spread }
    let flipped = evaluated.indices.filter { evaluated[$0].isFlipped }.prefix(options.layerItems)
    let comparison = try LayerComparison(a, reference: b)
    // What the reference gave is given by both.
    let given = Dictionary(evaluated.map { ($0.index, $0.b?.tokens ?? []) }) { first, _ in first }
    for (chosen, isFlipped) in [(sample, false), (Array(flipped), true)] {
      for (path, indices) in EvaluationItem.byImage(items, chosen.map { evaluated[$0].index }) {
        progress("layers, \(path)", 0)
        let outputs = indices.map { given[$0] ?? [] }
        do throws(Failure) {
          try comparison.add(
            try picture(path), indices.map { items[$0] }, outputs: outputs, isFlipped: isFlipped)
        } catch {
          throw error.inFile(path)
        }
      }
    }
    return .init(errors: comparison.errors, items: sample.count, flippedItems: flipped.count)
  }

  /// What a journal must be about.
  var identity: JSONValue {
    var hash = SHA256()
    for item in items {
      var fields = [item.id, item.image, item.question, item.questionType ?? "", item.answerType ?? ""]
      fields += item.answers
      if let metric = item.metric { fields.append(metric.rawValue) }
      if let classIndex = item.classIndex { fields.append("\(classIndex)") }
      hash.update(Array(JSONValue.strings(fields).compactText.utf8).rawSpan)
    }
    var settings = a.options
    if options.isUpright { settings[0] += ", upright" }
    return .object([
      "journal": "ingot evaluate 1", "a": Self.identity(a.files), "b": b.map { Self.identity($0.files) },
      "questions": .integer(items.count), "questionsSHA256": .string(hash.finish().description),
      "options": .strings(settings.map { SHA256.digest(Array($0.utf8)).description }),
    ])
  }

  private static func identity(_ files: [NetFile]) -> JSONValue {
    .strings(files.map { SHA256.digest(Array($0.header.json.compactText.utf8)).description })
  }
}
