import ArgumentParser
import Arrays
import Kernels
import NetFile
import Tasks

/// Where a receipt of results goes (docs/RECEIPTS.md).
struct ReceiptOption: ParsableArguments {
  @Option(
    help: .init(
      "Write what the results are a function of, and their scores' SHA-256: `ingot verify --receipt` computes them again.",
      valueName: "file"), completion: .file())
  var receipt: String?

  /// What results are noted in; nil: nobody wants a receipt.
  var record: ReceiptRecord? { receipt.map { _ in ReceiptRecord() } }

  /// Before anything is computed.
  /// - Throws: `Failure` of kind `usage` for kernels whose bits are their own, `cannotCreate` when it can't be written.
  func check(_ level: Engine.Level) throws(Failure) {
    guard let receipt else { return }
    try Receipt.check(level)
    try OutputFile.checkCanBeWritten(receipt)
  }

  /// - Parameter record: nil without the option.
  func write(
    _ task: Receipt.Task, _ files: [NetFile], _ settings: ReceiptSettings, _ record: ReceiptRecord?
  ) throws(Failure) {
    guard let receipt, let record else { return }
    let text = Array((Receipt(task, files, settings, record.items).json.prettyText + "\n").utf8)
    let file = try OutputFile(receipt)
    try file.write(text.rawSpan, at: 0)
    try file.flush()
    try file.commit()
  }
}

extension DecodingOptions {
  /// With pictures' and videos'.
  func settings(_ pictures: PictureOptions, frames: Int?) -> ReceiptSettings {
    var settings = ReceiptSettings()
    (settings.isUpright, settings.frames) = (pictures.upright, frames)
    (settings.maximumTokens, settings.minimumTokens, settings.beams) = (maxTokens, minTokens, beams)
    (settings.temperature, settings.seed) = (temperature, seed ?? 0)
    return settings
  }
}
