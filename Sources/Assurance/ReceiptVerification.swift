import Arrays
import Kernels
import Media
import NetFile
import Tasks

/// Computes again what a receipt is of, and compares the scores' SHA-256.
public struct ReceiptVerification {
  /// What was found of one result.
  public struct Finding: Sendable {
    public let item: Receipt.Item
    /// Why it isn't what the receipt says; nil: it is.
    public let reason: String?
  }

  private let receipt: Receipt
  private let files: [NetFile]
  private let threads: Int?
  private let level: Engine.Level?

  /// - Parameters:
  ///   - files: the nets that the receipt names, in its order.
  ///   - threads: that compute together; nil: one per core.
  ///   - level: what kernels compute with; nil: the best there is.
  /// - Throws: `Failure` of kind `usage` when other nets are given, or kernels whose bits are their own.
  public init(_ receipt: Receipt, files: [NetFile], threads: Int? = nil, level: Engine.Level? = nil) throws(Failure) {
    try Receipt.check(level ?? .best)
    for net in receipt.nets where !files.contains(where: { $0.digest == net.digest }) {
      throw Failure(
        .usage, "none of the nets is the receipt's \(net.name), whose head has the SHA-256 \(net.digest)",
        hint: "`ingot verify --receipt FILE` finds nets on the shelf; name none to have it look there")
    }
    self.receipt = receipt
    self.files = files
    self.threads = threads
    self.level = level
  }

  /// - Parameter progress: is told of each result that is done.
  /// - Returns: a finding per result, in their order.
  /// - Throws: `Failure` as the nets of the task do; `noInput` for an image that isn't there.
  public func run(progress: () -> Void = {}) throws(Failure) -> [Finding] {
    let record = ReceiptRecord()
    var compute = try computer(record)
    var out: [Finding] = []
    for item in receipt.items {
      out.append(Finding(item: item, reason: try difference(item, record, &compute)))
      progress()
    }
    return out
  }

  private func difference(
    _ item: Receipt.Item, _ record: ReceiptRecord, _ compute: inout Computer
  ) throws(Failure) -> String? {
    if let image = item.image {
      let digest = try PictureSource(image).digest()
      guard digest == item.imageDigest else { return "the image is another: its SHA-256 is \(digest)" }
    }
    try compute(item)
    guard let made = record.items.last else { return "nothing was computed" }
    if made.scores == item.scores { return nil }
    return made.result == item.result
      ? "the scores differ" : "\"\(shortened(made.result, to: 60))\" was computed"
  }

  private typealias Computer = (Receipt.Item) throws(Failure) -> Void

  /// What computes an item and notes it in the record.
  private func computer(_ record: ReceiptRecord) throws(Failure) -> Computer {
    let settings = receipt.settings
    func image(_ item: Receipt.Item) throws(Failure) -> String {
      guard let image = item.image else { throw Failure(.badData, "an item of the receipt has no image") }
      return image
    }
    func picture(_ path: String) throws(Failure) -> Picture {
      var turned: [String] = []
      return try Picture(path, isUpright: settings.isUpright, turned: &turned)
    }
    func text(_ item: Receipt.Item) throws(Failure) -> String {
      guard let text = item.text else { throw Failure(.badData, "an item of the receipt has no text") }
      return text
    }
    switch receipt.task {
    case .ask:
      var run = AskingRun(
        try VisualQuestionAnswering(VQANets(files: files), threads: threads, level: level), options: settings.ofAnswers,
        from: try settings.answers.map { list throws(Failure) in try AnswerList(list) }, receipt: record,
        frames: settings.frames, isUpright: settings.isUpright)
      return { item throws(Failure) in _ = try run.ask(image(item), [text(item)]) }
    case .caption:
      var run = CaptioningRun(
        try ImageCaptioning(CaptionNets(files: files), threads: threads, level: level), options: settings.ofCaptions,
        receipt: record, frames: settings.frames, isUpright: settings.isUpright)
      return { item throws(Failure) in _ = try run.caption(image(item), prompt: item.text) }
    case .match:
      var run = MatchingRun(
        try ImageTextMatching(MatchNets(files: files), threads: threads, level: level), receipt: record,
        frames: settings.frames, isUpright: settings.isUpright)
      return { item throws(Failure) in _ = try run.match(image(item), [text(item)]) }
    case .classify:
      var run = try classification()
      return { item throws(Failure) in
        let path = try image(item)
        try record.add(path, run.classes(picture(path)))
      }
    case .embed:
      let embedder = try Embedder(files: files, side: settings.side, threads: threads, level: level)
      return { item throws(Failure) in
        if let path = item.image {
          try record.add(.image(path), vector: embedder.vector(of: picture(path)))
        } else {
          let text = try text(item)
          try record.add(.text(text), vector: embedder.vectors(of: [text], prompt: settings.prompt ?? "")[0])
        }
      }
    }
  }

  private func classification() throws(Failure) -> ClassificationRun {
    let settings = receipt.settings
    guard let labels = settings.labels else {
      return ClassificationRun(
        try ImageClassification(files[0], side: settings.side, threads: threads, level: level))
    }
    let embedding = try ImageTextEmbedding(ClipNets(files: files), threads: threads, level: level)
    return ClassificationRun(
      embedding, try ZeroShotClassification(embedding, labels: labels, templates: settings.templates),
      templates: settings.templates)
  }
}
