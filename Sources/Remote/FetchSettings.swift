import Arrays
import Synchronization

/// How addresses are asked, for the whole process.
public struct FetchSettings: Sendable {
  /// Seconds until a connection must stand, and for which less than a kilobyte a second may come.
  public var timeout = 30
  /// How often a request is made before its failure is told, where another try may help.
  public var attempts = 5
  /// Seconds before the second try; each further wait is twice as long.
  public var backoff = 0.5
  /// The most seconds that are waited because a server says so.
  public var longestWait = 120.0
  /// Told before a wait: how many seconds, and why.
  public var waiting: @Sendable (_ seconds: Double, _ why: Failure) -> Void = { _, _ in }

  private static let stored = Mutex(FetchSettings())
  /// Those in force.
  public static var current: FetchSettings {
    get { stored.withLock { $0 } }
    set { stored.withLock { $0 = newValue } }
  }
}
