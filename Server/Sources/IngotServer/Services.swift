import Ingot
import Logging

/// How the server is to work.
public struct ServerSettings: Sendable {
  /// An address of this machine, or of all: `0.0.0.0`.
  public var host = "127.0.0.1"
  /// 0: one that is free.
  public var port = 11435
  /// nil: `$INGOT_SHELF`, else weights/shelf.
  public var shelf: String?
  /// Threads that compute together; nil: one per core.
  public var threads: Int?
  /// What clients must show; nil: nothing, and only this machine can ask.
  public var token: String?
  /// Names by which clients may call the server besides this machine's.
  public var hosts: [String] = []
  /// Of pages that may ask.
  public var origins: [String] = []
  /// Hosts from which pictures may be fetched that requests name by their addresses.
  public var fetchHosts: [String] = []
  /// Whether pictures are turned as the camera noted.
  public var isUpright = false
  /// Seconds after which nets that nobody asks are let go.
  public var idleSeconds = 300
  /// Pictures whose looks are kept.
  public var looks = 32
  /// Seconds that requests have to end when the server is told to.
  public var drainSeconds = 30
  public var logLevel = Logger.Level.info

  public init() {}
}

/// What all handlers share.
struct Services: Sendable {
  let settings: ServerSettings
  let store: NetStore
  let looks: Looks
  let queue: WorkQueue
  let room: BodyRoom
  let batcher: TextBatcher
  let metrics: ServerMetrics
  let logger: Logger

  init(_ settings: ServerSettings, metrics: ServerMetrics, logger: Logger) {
    (self.settings, self.metrics, self.logger) = (settings, metrics, logger)
    store = NetStore(.chosen(settings.shelf), threads: settings.threads, logger: logger)
    looks = Looks(most: settings.looks)
    queue = WorkQueue()
    room = BodyRoom()
    batcher = TextBatcher()
  }
}
