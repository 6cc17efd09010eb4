import Arrays
import Nets

/// How a text's vector is made of what a net computes for its tokens, as the net's profile says it under `embedding`.
/// What the words mean is what sentence-transformers 6.2 does (source: its modules transformer.py, pooling.py,
/// normalize.py).
public struct TextVectorRules: Sendable, Equatable {
  /// How one vector is made of those of the tokens.
  public typealias Pooling = TextPooling.Mode

  /// How alike two vectors are; of more alike ones it is larger.
  public enum Similarity: String, Sendable, CaseIterable {
    case cosine, dot
    /// The distance, negative.
    case euclidean, manhattan
  }

  public struct Prompt: Sendable, Equatable {
    public let name: String
    public let text: String
  }

  /// Of a text, from [CLS] to [SEP]; at least 2.
  public var maximumTokens: Int
  /// The vectors of several are joined in this order.
  public var pooling: [Pooling]
  /// Whether the tokens of a prompt are pooled too.
  public var poolsPrompt: Bool
  /// Whether the vector is divided by its length.
  public var normalizes: Bool
  public var similarity: Similarity
  /// What is put before texts of a kind.
  public var prompts: [Prompt]
  /// The prompt of texts of no named kind; nil: none.
  public var defaultPrompt: String?

  /// - Throws: `Failure` of kind `badData` naming the member that is wrong.
  public init(json: JSONValue) throws(Failure) {
    maximumTokens = try json.member("maximumTokens").size()
    guard maximumTokens >= 2 else { throw try json.member("maximumTokens").failure("is less than 2") }
    var pooling: [Pooling] = []
    for mode in try json.member("pooling").array() { pooling.append(try mode.choice("way of pooling")) }
    guard !pooling.isEmpty else { throw try json.member("pooling").failure("is empty") }
    self.pooling = pooling
    poolsPrompt = try json.member("poolsPrompt").boolean()
    normalizes = try json.member("normalizes").boolean()
    similarity = try json.member("similarity").choice("similarity")
    var prompts: [Prompt] = []
    for member in try json.member("prompts").object() {
      prompts.append(Prompt(name: member.key, text: try member.value.string()))
    }
    self.prompts = prompts
    let name = try json.member("defaultPrompt")
    defaultPrompt = name.content == .null ? nil : try name.string()
    guard defaultPrompt == nil || prompts.contains(where: { $0.name == defaultPrompt }) else {
      throw name.failure("is none of the prompts")
    }
  }

  /// What of it makes a vector of those of the tokens.
  public var vectors: BertEmbedder.Rules { BertEmbedder.Rules(pooling: pooling, normalizes: normalizes) }

  public var json: JSONValue {
    .object([
      "maximumTokens": .integer(maximumTokens), "pooling": .strings(pooling.map(\.rawValue)),
      "poolsPrompt": .boolean(poolsPrompt), "normalizes": .boolean(normalizes),
      "similarity": .string(similarity.rawValue),
      "prompts": JSONValue(.object(prompts.map { JSONMember($0.name, .string($0.text)) })),
      "defaultPrompt": defaultPrompt.map { .string($0) } ?? .null,
    ])
  }

  /// Every net has these, empty where its publisher says nothing else.
  static let usualPrompts = ["query", "document"]

  /// The first of some names that a prompt has; nil: none has.
  public func firstPrompt(of names: [String]) -> String? {
    names.first { name in prompts.contains { $0.name == name } }
  }

  /// The text of a prompt.
  /// - Parameter name: nil: the default one.
  /// - Throws: `Failure` of kind `usage` when there is none of that name.
  public func prompt(_ name: String?) throws(Failure) -> String {
    guard let name = name ?? defaultPrompt else { return "" }
    guard let prompt = prompts.first(where: { $0.name == name }) else {
      if Self.usualPrompts.contains(name) { return "" }
      throw Failure(
        .usage, "the net has no prompt \"\(shortened(name, to: 60))\"",
        hint: prompts.isEmpty
          ? "it has no prompts: leave out --prompt"
          : "it has \(prompts.map { "\"\(shortened($0.name, to: 40))\"" }.prefix(8).joined(separator: ", "))")
    }
    return prompt.text
  }
}
