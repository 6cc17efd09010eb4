import Ingot
import IngotRequests
import Synchronization

/// What is asked of nets that say something about a picture.
struct Asked: Sendable {
  var nets: ServedNets
  var picture: SentPicture
  /// What nets that answer are asked; the others don't read it.
  var question: String?
  /// What a caption is to begin with; nil: as the net's publisher has it.
  var beginning: String?
  var options = SayOptions()
}

/// What nets said.
struct Said: Sendable {
  var text: String
  /// Of the question, or of what a caption began with, as the net's tokenizer has them.
  var promptTokens: Int
  /// That were made, the end token included.
  var tokens: Int
  /// Whether it ended because no more tokens were allowed.
  var isCut: Bool
  /// Of looking, in seconds; 0 where the picture was known.
  var seconds: (look: Double, say: Double)
}

extension Services {
  /// - Parameters:
  ///   - telling: is told pieces of the answer as they are made, and what is missing of it at the end.
  ///   - isWanted: says whether anybody still waits.
  /// - Throws: `ServiceError`.
  func ask(
    _ asked: Asked, in work: RequestWork, isWanted: @escaping @Sendable () -> Bool,
    telling: (@Sendable (String) -> Void)? = nil
  ) async throws -> Said {
    let start = ContinuousClock.now
    guard case .seen(let image) = try await look(asked.nets, at: asked.picture, in: work) else {
      throw ServiceError.badRequest("this model says nothing about pictures", "model", code: "model_not_supported")
    }
    let middle = ContinuousClock.now
    let pieces = TextPieces(stop: asked.options.stop, telling: telling)
    var said = try await work.compute { [store] in
      do throws(Failure) {
        return try Self.say(asked, try store.open(asked.nets), image) { text in isWanted() && pieces.more(text) }
      } catch {
        throw ServiceError(running: error)
      }
    }
    said.text = pieces.end(said.text)
    if pieces.isStopped { said.isCut = false }
    said.seconds = ((middle - start).seconds, (ContinuousClock.now - middle).seconds)
    return said
  }

  private static func say(
    _ asked: Asked, _ nets: OpenNets, _ image: SeenImage, _ telling: @escaping @Sendable (String) -> Bool
  ) throws(Failure) -> Said {
    switch nets {
    case .answer(let vqa):
      let options = AnswerOptions(
        maximumTokens: asked.options.maximumTokens, temperature: asked.options.temperature, seed: asked.options.seed)
      // One at a time: together with others its last bits would be others.
      let answer = try vqa.answer([asked.question ?? ""], about: image, options: options) { _, text in telling(text) }[
        0]
      return Said(
        text: answer.text, promptTokens: answer.questionTokens.count, tokens: answer.tokens.count,
        isCut: answer.tokens.last != vqa.profile.answer.endToken, seconds: (0, 0))
    case .caption(let net):
      let options = CaptionOptions(
        prompt: asked.beginning, maximumTokens: asked.options.maximumTokens, temperature: asked.options.temperature,
        seed: asked.options.seed)
      let caption = try net.caption(image, options: options, telling: telling)
      return Said(
        text: caption.text, promptTokens: caption.promptTokens.count, tokens: caption.tokens.count,
        isCut: caption.tokens.last != net.profile.endToken, seconds: (0, 0))
    default: throw Failure(.usage, "this model says nothing about pictures")
    }
  }
}

/// A text that is told piece by piece: but for its last words, which what follows may still join.
private final class TextPieces: Sendable {
  private let stop: [String]
  private let telling: (@Sendable (String) -> Void)?
  private let state = Mutex((told: "", isStopped: false))

  init(stop: [String], telling: (@Sendable (String) -> Void)?) { (self.stop, self.telling) = (stop, telling) }

  var isStopped: Bool { state.withLock { $0.isStopped } }

  /// - Returns: whether more is wanted.
  func more(_ text: String) -> Bool {
    if cut(text) != nil {
      state.withLock { $0.isStopped = true }
      return false
    }
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    // A text that may be the beginning of a stop stays here too: it has fewer words than these, or it is told too early.
    let held = 2 + (stop.map { $0.split(separator: " ").count }.max() ?? 0)
    if words.count > held { tell(words.dropLast(held).joined(separator: " ")) }
    return true
  }

  /// - Returns: the whole text.
  func end(_ text: String) -> String {
    let whole = cut(text) ?? text
    tell(whole)
    return whole
  }

  /// The text before a stop; nil where there is none in it.
  private func cut(_ text: String) -> String? {
    let starts = stop.compactMap { stop in text.firstRange(of: stop)?.lowerBound }
    return starts.min().map { String(text[..<$0]) }
  }

  private func tell(_ text: String) {
    guard let telling else { return }
    let new = state.withLock { state -> String in
      guard text.utf8.count > state.told.utf8.count, text.hasPrefix(state.told) else { return "" }
      defer { state.told = text }
      return String(text.dropFirst(state.told.count))
    }
    if !new.isEmpty { telling(new) }
  }
}
