import ArgumentParser
import Arrays

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

extension Limit {
  /// The value in force, as C has it.
  func number<Number: FixedWidthInteger>() -> Number { Number(clamping: value) }
}
