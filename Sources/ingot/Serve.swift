import ArgumentParser
import Arrays

struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Serves nets to programs that know OpenAI's, Ollama's or the Open Inference interface, and a page to people.",
    discussion: """
      This starts the program ingot-serve, which stands beside this one: the command itself knows no network server. Its \
      options are shown by `ingot serve --help`; docs/SERVER.md tells of it.
      """)

  @Argument(parsing: .captureForPassthrough, help: "What ingot-serve is given.")
  var arguments: [String] = []

  func run() throws {
    let program = ChildProcess.beside("ingot-serve")
    throw Failure(
      .unavailable, file: program, "can't be started: \(ChildProcess.become(program, arguments))",
      hint: "the server is a program of its own: tools/serve builds it, and the packages bring it")
  }
}
