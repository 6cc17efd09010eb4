import HTTPTypes
import Hummingbird
import Ingot
import IngotRequests

/// What no other interface has paths for: matching, classes and labels, and what words look at.
struct OwnPaths: Sendable {
  let services: Services

  /// `POST /ingot/v1/match`: how well texts fit a picture.
  func match(_ call: Call) async throws -> Response {
    let (served, request, share) = try await read(call)
    guard served.nets.task == .match else {
      throw ServiceError.badRequest("the model \(served.name) does not match: \(served.about)", "model")
    }
    let texts = try request.texts()
    let matches = try await worked(call, share) { services, work -> [ImageTextMatch] in
      guard case .seen(let image) = try await services.look(served, at: request.picture, in: work) else { return [] }
      var out: [ImageTextMatch] = []
      // A few at a time, so that others have their turns.
      for start in stride(from: 0, to: texts.count, by: 16) {
        let part = texts[start..<min(texts.count, start + 16)]
        out += try await work.compute {
          do throws(Failure) {
            guard case .match(let nets) = try services.store.open(served) else { return [] }
            var matches: [ImageTextMatch] = []
            // One by one: together, their last bits would be others.
            for text in part { matches += try nets.match(image, nets.read([text])) }
            return matches
          } catch {
            throw ServiceError(running: error)
          }
        }
      }
      return out
    }
    let told = matches.map { match -> JSONValue in
      .object([
        "text": .string(match.text), "probability": .number(match.probability), "cosine": .number(match.cosine),
      ])
    }
    return .json(.object(["model": .string(served.name), "matches": .array(told)]))
  }

  /// `POST /ingot/v1/classify`: which of a net's classes a picture shows, or, by a net that compares, which of given labels.
  func classify(_ call: Call) async throws -> Response {
    let (served, request, share) = try await read(call)
    let asked = try request.classes()
    let classes = try await worked(call, share) { services, work -> [ImageClassification.Class] in
      switch try await services.look(served, at: request.picture, in: work) {
      case .classes(let classes):
        guard asked.labels == nil else {
          throw ServiceError.badRequest("the model \(served.name) has classes of its own and takes no labels", "labels")
        }
        return classes
      case .vector(let vector) where served.nets.takesTexts:
        guard let labels = asked.labels else {
          throw ServiceError.badRequest("labels is missing: the model chooses from them", "labels")
        }
        return try await work.compute {
          do throws(Failure) {
            guard case .embed(let nets) = try services.store.open(served), let clip = nets.images as? ImageTextEmbedding
            else { return [] }
            let choice = try ZeroShotClassification(
              clip, labels: labels, templates: [asked.template ?? ZeroShotClassification.usualTemplate])
            return choice.classes(ofVector: vector)
          } catch {
            throw ServiceError(running: error)
          }
        }
      default: throw ServiceError.badRequest("the model \(served.name) does not classify: \(served.about)", "model")
      }
    }
    let told = classes.prefix(asked.top).map { each -> JSONValue in
      .object(["label": .string(each.label), "index": .integer(each.index), "value": .number(each.value)])
    }
    return .json(.object(["model": .string(served.name), "classes": .array(told)]))
  }

  /// `POST /ingot/v1/attention`: what each word of a question, or of a caption, looks at in a picture.
  func attention(_ call: Call) async throws -> Response {
    let (served, request, share) = try await read(call)
    let asked = try request.attention()
    let made = try await worked(call, share) { services, work -> ImageAttention in
      guard case .seen(let image) = try await services.look(served, at: request.picture, in: work) else {
        throw ServiceError.badRequest("the model \(served.name) has no words: \(served.about)", "model")
      }
      return try await work.compute {
        do throws(Failure) {
          switch try services.store.open(served) {
          case .answer(let nets): return try nets.attention(asked.question, about: image)
          case .caption(let nets): return try nets.attention(about: image)
          default: throw Failure(.usage, "this model has no words that look at a picture")
          }
        } catch {
          throw ServiceError(running: error)
        }
      }
    }
    guard asked.block ?? 0 < made.image.blocks, asked.head ?? 0 < made.image.heads else {
      throw ServiceError.badRequest(
        "there are \(made.image.blocks) blocks and \(made.image.heads) heads, counted from 0",
        asked.block.map { _ in "block" } ?? "head")
    }
    let heat = made.heat(block: asked.block ?? made.usualBlock, head: asked.head)
    let said =
      switch made.subject {
      case .question(_, let answer): answer
      case .caption(let text): text
      case .classToken: ""
      }
    let tokens = zip(made.tokens, heat).map { token, heat -> JSONValue in
      .object(["text": .string(token.text), "heat": .array(heat.map { JSONValue.float(Float($0)) })])
    }
    return .json(
      .object([
        "model": .string(served.name), "text": .string(said), "grid": .integer(made.grid), "tokens": .array(tokens),
        "blocks": .integer(made.image.blocks), "heads": .integer(made.image.heads),
        "block": .integer(asked.block ?? made.usualBlock),
      ]))
  }

  /// `GET /ingot/v1/arrays/{model}`: the arrays of a net's files, as their headers have them.
  func arrays(_ call: Call) async throws -> Response {
    let served = try services.store.named(call.name("model"))
    let arrays = served.nets.files.flatMap { file in
      file.header.arrays.map { array -> JSONValue in
        .object([
          "part": .string(file.header.net), "name": .string(array.name), "shape": .integers(array.shape.dimensions),
          "type": .string(array.elementType.rawValue), "bytes": .integer(array.bytes),
        ])
      }
    }
    return .json(.object(["model": .string(served.name), "arrays": .array(arrays)]))
  }

  private func read(_ call: Call) async throws -> (ServedNets, PictureRequest, BodyRoom.Share) {
    let (fields, share) = try await call.json(in: services.room)
    let request = try PictureRequest(fields)
    let served = try services.store.named(request.model)
    guard served.nets.takesPictures else {
      throw ServiceError.badRequest("the model \(served.name) sees no pictures", "model")
    }
    return (served, request, share)
  }

  private func worked<Value: Sendable>(
    _ call: Call, _ share: BodyRoom.Share, _ body: @escaping @Sendable (Services, RequestWork) async throws -> Value
  ) async throws -> Value {
    try await call.connection.whileThere { [services] in
      defer { withExtendedLifetime(share) {} }
      return try await services.queue.work { work in try await body(services, work) }
    }
  }
}
