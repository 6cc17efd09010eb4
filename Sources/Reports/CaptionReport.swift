import Arrays
import Kernels
import Media
import Tasks

/// Captions of images, for people and as JSON (schemas/reports/caption.schema.json).
public struct CaptionReport {
  private let captions: [(path: String, caption: Caption)]
  private let kernels: Engine.Level
  private let failed: FailedInputs

  /// - Parameters:
  ///   - kernels: what they were computed with.
  ///   - failed: images that could not be read.
  public init(
    _ captions: [(path: String, caption: Caption)], kernels: Engine.Level, failed: FailedInputs = FailedInputs()
  ) {
    self.captions = captions
    self.kernels = kernels
    self.failed = failed
  }

  /// One caption alone is all there is to print; several stand beside their images.
  public var text: String {
    if captions.count + failed.count == 1, let only = captions.first { return printable(only.caption.text) }
    var table = TextTable([.left, .left])
    for (path, caption) in captions { table.add(path, caption.text) }
    return table.lines.joined(separator: "\n")
  }

  public var json: JSONValue {
    .object([
      "captions": .array(captions.map { $0.caption.json(image: $0.path) }),
      "failed": failed.json,
      "kernels": .string(kernels.rawValue),
    ])
  }
}

extension Caption {
  func json(image: String) -> JSONValue {
    .object([
      "image": .string(image), "caption": .string(text), "prompt": prompt.map { .string($0) },
      "promptTokens": .integers(promptTokens), "tokens": .integers(tokens), "logProbability": .number(logProbability),
      "frames": frames.map(SeenFrame.json),
      "seconds": .object(["image": .number(seconds.image), "caption": .number(seconds.caption)]),
    ])
  }
}
