import Arrays

/// Tells on one line of the terminal what is being done, where nobody knows how much is left. Nothing is shown where standard
/// error is no terminal.
public final class StatusLine {
  private let title: String
  private let isShown: Bool
  private var shown = 0.0

  public init(_ title: String, isShown: Bool = Paths.standardErrorIsTerminal) {
    self.title = title
    self.isShown = isShown
  }

  public func show(_ what: String) {
    let now = Paths.seconds
    guard isShown, now - shown > 0.1 else { return }
    shown = now
    Console.printError("\r\u{1b}[K\(title): \(printable(what).prefix(100))", terminator: "")
  }

  /// Clears the line.
  public func finish() {
    if isShown, shown > 0 { Console.printError("\r\u{1b}[K", terminator: "") }
  }
}
