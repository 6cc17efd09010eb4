import Arrays
import Families
import Kernels
import NetFile
import Nets
import Text

/// Makes vectors of texts with a sentence embedder: texts that mean the same have vectors that point the same way.
public final class TextEmbedding: Sendable {
  public let file: NetFile
  /// How vectors are made, as the net's publisher says.
  public let rules: TextVectorRules
  private let embedder: BertEmbedder
  package let engine: Engine
  private let tokenizer: WordPiece

  /// Tokens that are run together: enough for the products to be efficient, few enough to stay in a near cache.
  private static let tokensAtOnce = 2048

  /// Whether a family has nets that embed texts.
  public static func isFamily(_ family: Family) -> Bool {
    family.nets.contains { $0.definition == .bertEncoder }
  }

  /// - Parameters:
  ///   - threads: that compute together; nil: one per core.
  ///   - level: what kernels compute with; nil: the best there is.
  /// - Throws: `Failure` of kind `usage` when the net embeds no texts or the level isn't available, `badData` when it can't
  ///   be run, `io` when memory is short.
  public convenience init(_ file: NetFile, threads: Int? = nil, level: Engine.Level? = nil) throws(Failure) {
    try self.init(file, engine: Engine(threads: threads, level: level))
  }

  /// - Parameter weights: nil: the file's own.
  package init(_ file: NetFile, engine: Engine, weights: (any WeightProvider)? = nil) throws(Failure) {
    let kind = Family.known.first { $0.name == file.header.family }?.nets.first { $0.name == file.header.net }
    guard kind?.definition == .bertEncoder else {
      throw Failure(
        .usage, file: file.path, "is no net that embeds texts",
        hint: "`ingot list text-embedding` shows the family of those")
    }
    self.file = file
    self.engine = engine
    do throws(Failure) {
      rules = try TextVectorRules(json: file.header.profile.member("embedding"))
      guard let description = file.header.tokenizer else {
        throw Failure(
          .badData, "has no vocabulary, so it takes no texts",
          hint: "put vocab.txt or tokenizer.json beside the checkpoint's weights, and convert it again")
      }
      tokenizer = try WordPiece(description)
      let source = if let weights { weights } else { try MappedWeights(file) as any WeightProvider }
      embedder = try BertEmbedder(
        Configuration(file.header.configuration), rules.vectors, WeightSource(source, net: file.header.net))
      let net = embedder.encoder
      guard rules.maximumTokens <= net.mostTokens else {
        throw Failure(
          .badData, place: "profile",
          "texts may have \(rules.maximumTokens) tokens, but the net takes \(net.mostTokens)",
          hint: "convert the checkpoint again")
      }
    } catch {
      throw error.inFile(file.path)
    }
    try checkMemory(
      embedder.encoder.activationElements(
        tokens: max(Self.tokensAtOnce, rules.maximumTokens), longest: rules.maximumTokens),
      file.path)
  }

  /// Elements of a vector.
  public var size: Int { embedder.encoder.size * rules.pooling.count }

  /// Of a text, from [CLS] to [SEP].
  public var mostTokens: Int { rules.maximumTokens }

  /// Threads that compute together.
  public var threads: Int { engine.threads }

  /// What kernels compute with.
  public var level: Engine.Level { engine.level }

  /// Ids of a text from [CLS] to [SEP], cut off at the net's length.
  /// - Parameter prompt: what is put before the text.
  public func tokens(_ text: String, prompt: String = "") -> [Int] {
    tokenizer.question(prompt + text, maximumTokens: rules.maximumTokens)
  }

  /// A vector per text, in their order. What a text's vector is depends on the text alone, to the bit, whatever it is
  /// computed with (but not so at the level of OpenBLAS).
  /// - Parameters:
  ///   - prompt: what is put before each text: `rules.prompt(NAME)`.
  ///   - progress: is told how many more texts are done.
  /// - Throws: `Failure` of kind `usage` for a prompt that leaves no room for a text, `badData` when the net's numbers are
  ///   not finite, `io` when memory is short.
  public func vectors(
    of texts: [String], prompt: String = "", progress: (Int) -> Void = { _ in }
  ) throws(Failure) -> [[Float]] {
    let promptTokens = try promptTokens(prompt)
    var out: [[Float]] = []
    out.reserveCapacity(texts.count)
    var batch: [[Int]] = []
    var count = 0
    func run() throws(Failure) {
      out += try vectors(ofTokens: batch, promptTokens: promptTokens)
      progress(batch.count)
      (batch, count) = ([], 0)
    }
    for text in texts {
      let tokens = tokens(text, prompt: prompt)
      if count + tokens.count > Self.tokensAtOnce, !batch.isEmpty { try run() }
      batch.append(tokens)
      count += tokens.count
    }
    if !batch.isEmpty { try run() }
    return out
  }

  /// How many tokens at the beginning of each text are left out of its vector.
  package func promptTokens(_ prompt: String) throws(Failure) -> Int {
    guard !rules.poolsPrompt, !prompt.isEmpty else { return 0 }
    // All but [SEP].
    let count = tokens(prompt).count - 1
    guard count + 1 < rules.maximumTokens else {
      throw Failure(
        .usage, "the prompt has \(count) tokens, of \(rules.maximumTokens) that a text may have with it",
        hint: "use a shorter one")
    }
    return count
  }

  /// A vector per text, of texts that are run together.
  /// - Parameter promptTokens: at the beginning of each, which are not pooled.
  package func vectors(ofTokens texts: [[Int]], promptTokens: Int = 0) throws(Failure) -> [[Float]] {
    let all = try embedder.encoder(texts, engine)
    var out: [[Float]] = []
    var start = 0
    for text in texts {
      let first = min(promptTokens, max(0, text.count - 1))
      out.append(embedder.vector(all.rows(start..<start + text.count), from: first))
      start += text.count
    }
    guard out.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { throw notFinite.inFile(file.path) }
    return out
  }
}
