import ArgumentParser
import Arrays
import Families

@main
struct IngotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ingot",
    abstract:
      "Casts published neural-net weights into one verified, versioned net file, tells what is in them, and runs the nets.",
    discussion: """
      A net is named by the path of its file, or by parameters (--set NAME=VALUE) on the shelf: --shelf DIR, else \
      $INGOT_SHELF, else weights/shelf. `ingot list` shows families, parameters and nets.

      Exit status: 0 done; 1 it ran and the answer is no; 64 wrong usage; 65 bad input data; 66 no such input; 69 an address doesn't \
      give it; 73 cannot create output; 74 I/O error.
      """,
    version: Families.Ingot.version,
    subcommands: [
      Convert.self, Pull.self, List.self, Inspect.self, ScanCommand.self, Create.self, Sign.self, Verify.self,
      Diff.self,
      Export.self,
      Quantize.self,
      Evaluate.self, Ask.self, CaptionCommand.self, Match.self, Attention.self, Features.self, Classify.self,
      Embed.self,
      Serve.self, Tokenize.self, Limits.self,
      HDF5Child.self, VideoChild.self, PictureChildCommand.self,
    ])

  /// Runs the command; an error is a line on standard error, its hint a second one, and the exit status its kind.
  static func main() {
    Console.takeClosedDescriptors()
    ChildProcess.thisProgramIsIngot()
    do {
      try Console.checkArguments()
      var command = try parseAsRoot()
      if let limited = command as? any LimitedCommand { try Limit.set(limited.limits.chosen) }
      // What runs as a child is ended by its parent; what goes on as another program leaves signals as they were.
      if command is HDF5Child || command is VideoChild || command is PictureChildCommand {
        try Ending.withParent()
      } else if !(command is Serve) {
        try Ending.takeSignals()
      }
      try command.run()
    } catch let failure as Failure {
      Console.printError("ingot: error: \(failure)")
      Console.printError("hint: \(printable(failure.hint ?? failure.kind.usualHint))")
      exit(withError: ExitCode(failure.exitStatus))
    } catch  where exitCode(for: error) == .validationFailure {
      Console.printError("ingot: error: \(printable(message(for: error)))")
      Console.printError("hint: `ingot help` shows the commands, `ingot help COMMAND` one of them")
      exit(withError: ExitCode(Failure.Kind.usage.exitStatus))
    } catch {
      exit(withError: error)
    }
  }
}
