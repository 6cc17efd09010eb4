import ArgumentParser
import Arrays
import Checkpoints
import Families
import Reports

struct ScanCommand: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan",
    abstract: "Tells what loading files elsewhere would run: pickles, layers with code, graphs, templates.",
    discussion: """
      Of each file, and of every file in folders and archives: nothing in it can run; something could; or it can't be told. \
      Nothing is loaded, run or written.

      Exit status: 0 nothing can run; 1 something could; 65 it can't be told of some file, and something could in none.
      """)

  @Argument(
    help: "Files and folders: any checkpoint, whatever its format; or addresses, hf://ORG/NAME or https://….",
    completion: .file())
  var paths: [String]

  @Flag(help: "List the functions and classes that pickles name, harmless ones too.")
  var globals = false

  @Flag(help: "Print the findings as SARIF 2.1.0 on standard output and nothing else there.")
  var sarif = false

  @OptionGroup var fetching: FetchOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if sarif, output.json { throw ValidationError("--json and --sarif are two forms of one answer") }
  }

  func run() throws {
    let scan = try Scan(paths)
    if sarif {
      try Console.print(printableJSON(scan.sarif(version: Families.Ingot.version).prettyText))
    } else {
      try output.print(json: scan.json, text: scan.text(listsGlobals: globals))
    }
    switch scan.verdict {
    case .nothing: break
    case .cannotTell: throw ExitCode(Failure.Kind.badData.exitStatus)
    case .something: throw ExitCode(Failure.Kind.mismatch.exitStatus)
    }
  }
}
