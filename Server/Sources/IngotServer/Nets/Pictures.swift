import Ingot

/// A picture of a request: the bytes of its file, which are decoded elsewhere.
struct SentPicture: Sendable {
  let bytes: [UInt8]
  let digest: Digest
  /// Of the member that it came in.
  let name: String

  private init(_ bytes: [UInt8], _ name: String) throws {
    guard !bytes.isEmpty else { throw ServiceError.badRequest("\(name) is empty", name, code: "invalid_image") }
    (self.bytes, self.name) = (bytes, name)
    digest = SHA256.digest(bytes)
  }

  init(file bytes: [UInt8], _ name: String) throws { try self.init(bytes, name) }

  /// Of base64, with or without what a `data:` address begins with.
  init(base64 text: String, _ name: String) throws {
    if text.utf8.starts(with: "data:".utf8) {
      try self.init(dataAddress: text, name)
      return
    }
    guard let bytes = Ingot.bytes(ofBase64: text) else {
      throw ServiceError.badRequest("\(name) is to be a picture's file in base64", name, code: "invalid_image")
    }
    try self.init(bytes, name)
  }

  /// Of an address with the picture in it. No other is followed here, and no path is opened.
  init(dataAddress text: String, _ name: String) throws {
    guard text.utf8.starts(with: "data:".utf8) else {
      throw ServiceError.badRequest(
        "\(name) is to be a data: address with the picture in it; other addresses are not fetched, and no files opened",
        name, code: "invalid_image_url")
    }
    let bytes: [UInt8]
    do throws(Failure) {
      bytes = try Ingot.bytes(ofDataAddress: text)
    } catch {
      throw ServiceError.badRequest("\(name): \(error.reason)", name, code: "invalid_image_url")
    }
    try self.init(bytes, name)
  }
}

extension Services {
  /// What nets see in a picture: as they saw it before, or looking now.
  func look(
    _ served: ServedNets, at picture: SentPicture, in work: RequestWork
  ) async throws -> Looks.Look {
    let key = Looks.Key(nets: served.digest, picture: picture.digest)
    if let known = looks[key] { return known }
    let isUpright = settings.isUpright
    return try await work.decode(picture.bytes, name: picture.name) { [store, looks] decoded in
      do throws(Failure) {
        let decoded = isUpright ? decoded.upright() : decoded
        let look: Looks.Look =
          switch try store.open(served) {
          case .answer(let nets): .seen(try nets.look(at: decoded))
          case .caption(let nets): .seen(try nets.look(at: decoded))
          case .match(let nets): .seen(try nets.look(at: decoded))
          case .classify(let net): .classes(try net.classes(decoded))
          case .embed(let nets): .vector(try nets.vector(of: decoded))
          }
        looks.keep(look, key)
        return look
      } catch {
        throw ServiceError(running: error)
      }
    }
  }
}
