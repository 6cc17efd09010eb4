import ArgumentParser
import Arrays
import Remote

/// A command that reads files of strangers, within limits that can be chosen.
protocol LimitedCommand: ParsableCommand {
  var limits: LimitOptions { get }
}

struct LimitOptions: ParsableArguments {
  @Option(
    name: .customLong("allow"),
    help: .init("Set a limit on what is read, of those that `ingot limits` lists; repeatable.", valueName: "name=value")
  )
  var chosen: [String] = []
}

/// How addresses are asked.
struct FetchOptions: ParsableArguments {
  @Option(
    help: .init(
      "Of addresses: seconds until a connection must stand, and for which less than a kilobyte a second may come.",
      valueName: "seconds"))
  var timeout = 30

  func validate() throws {
    guard (1...3600).contains(timeout) else { throw ValidationError("--timeout is 1 to 3600 seconds") }
    FetchSettings.current.timeout = timeout
    guard Paths.standardErrorIsTerminal else { return }
    FetchSettings.current.waiting = { seconds, why in
      // Shorter waits are nobody's matter.
      if seconds >= 4 { Console.printError("\r\u{1b}[K\(why); trying again in \(Int(seconds)) s") }
    }
  }
}

extension Limit {
  /// The value in force, as C has it.
  func number<Number: FixedWidthInteger>() -> Number { Number(clamping: value) }
}
