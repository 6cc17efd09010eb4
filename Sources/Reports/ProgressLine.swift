import Arrays
import Synchronization

/// Shows how far a piece of work is on one line of the terminal: what is being done, how much, rate, time left. Nothing is
/// shown where standard error is no terminal.
public final class ProgressLine: Sendable {
  private struct State {
    var done = 0
    var shown = 0.0
    var hasLine = false
  }

  /// What is counted.
  public enum Unit: Sendable {
    case bytes
    /// Things of that name, in the plural.
    case things(String)
  }

  private let title: String
  private let total: Int
  private let unit: Unit
  private let start = Paths.seconds
  private let isShown: Bool
  private let state = Mutex(State())

  public init(
    _ title: String, total: Int, unit: Unit = .bytes, isShown: Bool = Paths.standardErrorIsTerminal
  ) {
    self.title = title
    self.total = total
    self.unit = unit
    self.isShown = isShown
  }

  /// Counts more as done; from any thread.
  public func add(_ what: String, _ more: Int) {
    guard isShown else { return }
    let now = Paths.seconds
    let line: String? = state.withLock { state in
      state.done += more
      // Ten times a second is enough for eyes, and costs nothing.
      guard now - state.shown > 0.1 else { return nil }
      state.shown = now
      state.hasLine = true
      return text(what, state.done, now - start)
    }
    if let line { Console.printError("\r\u{1b}[K" + line, terminator: "") }
  }

  /// Clears the line.
  public func finish() {
    let hasLine = state.withLock { state in
      defer { state.hasLine = false }
      return state.hasLine
    }
    if isShown, hasLine { Console.printError("\r\u{1b}[K", terminator: "") }
  }

  private func text(_ what: String, _ done: Int, _ seconds: Double) -> String {
    let rate = Double(done) / max(seconds, 1e-3)
    let left = rate > 0 ? Double(max(0, total - done)) / rate : 0
    let amounts =
      switch unit {
      case .bytes: "\(sized(done)) of \(sized(total))  \(sized(Int(rate)))/s"
      case .things(let name): "\(grouped(done)) of \(grouped(total)) \(name)  \(rounded(rate, 1))/s"
      }
    return "\(title) \(100 * done / max(1, total)) %  \(amounts)  \(rounded(left, 0)) s left  "
      + "\(printable(what).suffix(48))"
  }
}
