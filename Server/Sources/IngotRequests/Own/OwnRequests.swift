import Ingot

/// What the bodies of the server's own paths have in common.
package struct PictureRequest: Sendable {
  package let model: String
  package let picture: SentPicture
  private let fields: Fields

  /// - Throws: `ServiceError`.
  package init(_ fields: Fields) throws {
    model = try fields.requiredString("model")
    picture = try SentPicture(base64: fields.requiredString("image"), "image")
    self.fields = fields
  }

  /// Of `POST /ingot/v1/match`: the texts that are to be compared with the picture.
  /// - Throws: `ServiceError`.
  package func texts() throws -> [String] {
    let texts = try fields.texts("texts") ?? []
    guard (1...Limit.requestItems.value).contains(texts.count) else {
      throw ServiceError.badRequest("texts is to have 1 to \(Limit.requestItems.value) texts", "texts")
    }
    return texts
  }

  /// Of `POST /ingot/v1/classify`.
  package struct Classes: Sendable {
    /// From which a net that compares chooses.
    package let labels: [String]?
    package let template: String?
    /// How many are told.
    package let top: Int
  }

  /// - Throws: `ServiceError`.
  package func classes() throws -> Classes {
    let labels = try fields.texts("labels")
    let template = try fields.string("template")
    let top = try fields.integer("top", 1...Limit.requestItems.value) ?? 5
    if let labels, !(1...Limit.requestItems.value).contains(labels.count) {
      throw ServiceError.badRequest("labels is to have 1 to \(Limit.requestItems.value) labels", "labels")
    }
    return Classes(labels: labels, template: template, top: top)
  }

  /// Of `POST /ingot/v1/attention`.
  package struct Attention: Sendable {
    package let question: String
    /// Of the net, counted from 0; nil: the usual one.
    package let block: Int?
    /// nil: the mean of all.
    package let head: Int?
  }

  /// - Throws: `ServiceError`.
  package func attention() throws -> Attention {
    Attention(
      question: try fields.string("question") ?? "", block: try fields.integer("block", 0...1 << 16),
      head: try fields.integer("head", 0...1 << 16))
  }
}
