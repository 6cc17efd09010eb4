import Arrays
import Kernels
import Synchronization

/// What is computed on the way to captions, as a safetensors file that other software's can be compared with
/// (tools/reference/captions.py writes such).
///
/// Of image I `images.I.pixel_values` and `images.I.image_embeds` as `AnswerTrace` has them; of caption J
/// `captions.J.input_ids` (the start token and the prompt's), `captions.J.first_step_logits` (words) and
/// `captions.J.caption_ids` (these tokens and the caption's). The metadata `captions.J.image` says which image it is of,
/// `captions.J.decoding` (JSON) how it was made.
public final class CaptionTrace: Sendable {
  private struct Content {
    var arrays = TraceArrays()
    var captions = 0
  }

  private let content = Mutex(Content())

  public init() {}

  /// Notes a caption and its image.
  /// - Parameter text: of all of its tokens.
  func add(
    _ image: SeenImage, name: String, _ caption: Caption, _ text: String, _ first: Matrix?, _ rules: DecodingRules
  ) {
    content.withLock { content in
      let number = content.arrays.add(image, name: name)
      let prefix = "captions.\(content.captions)."
      content.captions += 1
      let decoding: JSONValue = .object([
        "beams": .integer(rules.beams), "maximumTokens": .integer(rules.maximumTokens),
        "minimumTokens": .integer(rules.minimumTokens), "repetitionPenalty": .number(rules.repetitionPenalty),
        "temperature": rules.temperature > 0 ? .number(rules.temperature) : nil,
        "seed": rules.temperature > 0 ? .string(String(rules.seed)) : nil,
      ])
      content.arrays.metadata.append((prefix + "image", String(number)))
      if let prompt = caption.prompt { content.arrays.metadata.append((prefix + "prompt", prompt)) }
      content.arrays.metadata.append((prefix + "decoding", decoding.compactText))
      content.arrays.metadata.append((prefix + "caption", text))
      content.arrays.add(prefix + "input_ids", caption.promptTokens)
      if let first { content.arrays.add(prefix + "first_step_logits", [first.columns], first.elements) }
      content.arrays.add(prefix + "caption_ids", caption.promptTokens + caption.tokens)
    }
  }

  /// Writes the file.
  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  public func write(_ path: String) throws { try content.withLock { $0 }.arrays.write(path, isShort: false) }
}
