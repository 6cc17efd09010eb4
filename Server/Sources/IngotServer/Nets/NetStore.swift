import Ingot
import IngotRequests
import Logging
import Synchronization

/// The nets of a shelf: listed as they are there now, opened when they are first asked, and let go when nobody asked for a
/// while.
final class NetStore: Sendable {
  private struct Opened {
    let nets: OpenNets
    var used: ContinuousClock.Instant
  }

  private struct State {
    var listed: [ServedNets] = []
    /// Of the files that the list is of; nil: there is no list yet.
    var marks: [String: Paths.Stamp]?
    var looked: ContinuousClock.Instant?
    var opened: [Digest: Opened] = [:]
  }

  let shelf: Shelf
  private let threads: Int?
  private let logger: Logger
  private let state = Mutex(State())
  /// Nets are listed and opened one at a time; nobody who only asks for a net that is open waits for that.
  private let listing = Mutex(())
  private let opening = Mutex(())

  /// - Parameter threads: that compute together; nil: one per core.
  init(_ shelf: Shelf, threads: Int?, logger: Logger) {
    (self.shelf, self.threads, self.logger) = (shelf, threads, logger)
  }

  /// All nets that there are now. The files are looked for at most once a second, and read when they changed.
  /// - Throws: `Failure`.
  func list() throws(Failure) -> [ServedNets] {
    if let known = state.withLock({ state in state.looked.map { $0 + .seconds(1) > .now } == true ? state.listed : nil }
    ) {
      return known
    }
    let found = listing.withLock { _ -> Result<[ServedNets], Failure> in
      do throws(Failure) { return .success(try read()) } catch { return .failure(error) }
    }
    return try found.get()
  }

  private func read() throws(Failure) -> [ServedNets] {
    let marks = try self.marks()
    let known = state.withLock { state -> [ServedNets]? in
      state.looked = .now
      return state.marks == marks ? state.listed : nil
    }
    if let known { return known }
    var names: Set<String> = []
    var listed: [ServedNets] = []
    for nets in try RunnableNets.all(on: shelf) {
      let changed = nets.files.compactMap { marks[$0.path]?.seconds }.max() ?? 0
      let served = ServedNets(nets, changed: changed)
      // Two of one name would be one of them by chance.
      if names.insert(served.name).inserted {
        listed.append(served)
      } else {
        logger.warning("two nets have one name; the second is left out", metadata: ["name": "\(served.name)"])
      }
    }
    let digests = Set(listed.map(\.digest))
    state.withLock { state in
      state.listed = listed
      state.marks = marks
      state.opened = state.opened.filter { digests.contains($0.key) }
    }
    return listed
  }

  private func marks() throws(Failure) -> [String: Paths.Stamp] {
    var out: [String: Paths.Stamp] = [:]
    for folder in try Paths.names(in: shelf.folder) {
      let folder = Paths.join(shelf.folder, folder)
      guard try Paths.isFolder(folder) else { continue }
      for name in try Paths.names(in: folder) where name.hasSuffix(".ingot") {
        let path = Paths.join(folder, name)
        out[path] = Paths.stamp(path)
      }
    }
    return out
  }

  /// Looks at the shelf again, whatever was seen a moment ago.
  func reload() { state.withLock { $0.looked = nil } }

  /// Nets by their name, by their family's where it has only one, or as Ollama's clients say that: `FAMILY:latest`.
  /// - Throws: `ServiceError` with 404.
  func named(_ name: String) throws -> ServedNets {
    let all = try list()
    if let found = all.first(where: { $0.name == name }) { return found }
    let family = name.hasSuffix(":latest") ? String(name.dropLast(7)) : name
    let those = all.filter { $0.family == family }
    let usual = those.filter { $0.nets.unusual.isEmpty }
    if let only = those.count == 1 ? those.first : usual.first { return only }
    let hint =
      those.isEmpty ? "" : "; of that family there are \(those.prefix(6).map(\.name).joined(separator: ", "))"
    throw ServiceError(
      .notFound, "model \"\(excerpt(name, 80))\" not found\(hint)", parameter: "model", code: "model_not_found")
  }

  /// Opens nets, if they aren't. To be called where waiting is no harm.
  /// - Throws: `Failure`.
  func open(_ served: ServedNets) throws(Failure) -> OpenNets {
    func known() -> OpenNets? {
      state.withLock { state in
        state.opened[served.digest]?.used = .now
        return state.opened[served.digest]?.nets
      }
    }
    if let nets = known() { return nets }
    let opened = opening.withLock { _ -> Result<OpenNets, Failure> in
      if let nets = known() { return .success(nets) }
      do throws(Failure) {
        let nets = try served.nets.open(threads: threads)
        state.withLock { $0.opened[served.digest] = Opened(nets: nets, used: .now) }
        return .success(nets)
      } catch {
        return .failure(error)
      }
    }
    if case .success = opened { logger.info("opened", metadata: ["model": "\(served.name)"]) }
    return try opened.get()
  }

  /// Lets go of nets that nobody asked for so long.
  /// - Returns: how many.
  func letGo(after idle: Duration) -> Int {
    state.withLock { state in
      let before = state.opened.count
      state.opened = state.opened.filter { $0.value.used + idle > .now }
      return before - state.opened.count
    }
  }

  /// Lets go of nets now.
  func letGo(_ served: ServedNets) { state.withLock { $0.opened[served.digest] = nil } }

  /// Nets that are open, and when they were last asked.
  var open: [(ServedNets, ContinuousClock.Instant)] {
    state.withLock { state in
      state.listed.compactMap { served in state.opened[served.digest].map { (served, $0.used) } }
    }
  }
}
