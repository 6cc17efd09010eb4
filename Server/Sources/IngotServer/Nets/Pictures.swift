import Ingot

/// A picture of a request: the bytes of its file, which are decoded elsewhere.
struct SentPicture: Sendable {
  let bytes: [UInt8]
  let digest: Digest
  /// Where the bytes are to be had, which aren't there yet.
  let address: String?
  /// Of the member that it came in.
  let name: String

  fileprivate init(_ bytes: [UInt8], _ name: String) throws {
    guard !bytes.isEmpty else { throw ServiceError.badRequest("\(name) is empty", name, code: "invalid_image") }
    (self.bytes, self.name, address) = (bytes, name, nil)
    digest = SHA256.digest(bytes)
  }

  private init(address: String, _ name: String) {
    (bytes, digest, self.name) = ([], .zero, name)
    self.address = address
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

  /// Of an address with the picture in it, or one of the web, which is fetched only from hosts that were allowed. No other is
  /// followed, and no path is opened.
  init(dataAddress text: String, _ name: String) throws {
    if text.hasPrefix("http://") || text.hasPrefix("https://") {
      self.init(address: text, name)
      return
    }
    guard text.utf8.starts(with: "data:".utf8) else { throw Self.notFetched(name) }
    let bytes: [UInt8]
    do throws(Failure) {
      bytes = try Ingot.bytes(ofDataAddress: text)
    } catch {
      throw ServiceError.badRequest("\(name): \(error.reason)", name, code: "invalid_image_url")
    }
    try self.init(bytes, name)
  }
}

extension SentPicture {
  static func notFetched(_ name: String) -> ServiceError {
    .badRequest(
      "\(name) is to be a data: address with the picture in it; other addresses are not fetched, and no files opened",
      name, code: "invalid_image_url")
  }

  /// The picture with its bytes: those of an address are fetched, where its host was allowed.
  /// - Throws: `ServiceError`.
  func fetched(from hosts: [String], in work: RequestWork) async throws -> SentPicture {
    guard let address else { return self }
    guard !hosts.isEmpty else { throw Self.notFetched(name) }
    return try await work.fetch { [name] in
      let bytes: [UInt8]
      do throws(Failure) {
        bytes = try PublicFetch.bytes(
          of: address, from: hosts, limit: .requestBytes, seconds: Limit.bodySeconds.value)
      } catch {
        throw ServiceError.badRequest("\(name) \(error.reason)", name, code: "invalid_image_url")
      }
      return try SentPicture(bytes, name)
    }
  }
}

extension Services {
  /// What nets see in a picture: as they saw it before, or looking now.
  func look(
    _ served: ServedNets, at sent: SentPicture, in work: RequestWork
  ) async throws -> Looks.Look {
    let picture = try await sent.fetched(from: settings.fetchHosts, in: work)
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
