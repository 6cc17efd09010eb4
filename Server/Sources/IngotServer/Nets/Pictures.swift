import Ingot
import IngotRequests

extension SentPicture {
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
      return try SentPicture(file: bytes, name)
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
