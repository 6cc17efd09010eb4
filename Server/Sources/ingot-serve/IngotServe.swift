import ArgumentParser
import Ingot
import IngotServer
import Logging

@main
struct IngotServe: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ingot serve",
    abstract: "Serves the nets of a shelf to programs that know OpenAI's, Ollama's or the Open Inference interface.",
    discussion: """
      It listens on this machine only, unless --host says otherwise, which needs --token-file. The paths are /v1/… of OpenAI, \
      /api/… of Ollama, /v2/… of the Open Inference Protocol, /metrics, /healthz, /readyz, /openapi.json, and a page at /. \
      SIGTERM ends it once what was asked is answered; SIGHUP has the shelf looked at again.
      """,
    version: Ingot.version)

  @Option(help: .init("The address to listen on. (default: 127.0.0.1)", valueName: "address"))
  var host: String?

  @Option(help: "The port to listen on; 0 for one that is free.")
  var port = 11435

  @Option(help: .init("Folder of net files. (default: $INGOT_SHELF, else weights/shelf)", valueName: "dir"))
  var shelf: String?

  @Option(help: "Threads that compute together. (default: one per core)")
  var threads: Int?

  @Option(help: .init("A file whose first line clients must show as a bearer token.", valueName: "file"))
  var tokenFile: String?

  @Option(
    help: .init(
      "A name by which clients may call this server, besides this machine's own; repeatable.", valueName: "name"))
  var allowHost: [String] = []

  @Option(
    help: .init(
      "Pages of this origin, such as https://example.org, may ask; repeatable; * is all.", valueName: "origin"))
  var allowOrigin: [String] = []

  @Option(
    help: .init(
      "Fetch pictures whose addresses requests name from this host, HOST or HOST:PORT; repeatable. Never from private networks.",
      valueName: "host"))
  var allowFetch: [String] = []

  @Flag(help: "Turn pictures as the camera noted (EXIF orientation).")
  var upright = false

  @Option(help: .init("Nets that nobody asks are let go after so long.", valueName: "seconds"))
  var idle = 300

  @Option(help: "Pictures of which it is kept what the nets saw.")
  var looks = 32

  @Option(help: .init("How long requests may take to end when the server is told to.", valueName: "seconds"))
  var drain = 30

  @Option(help: "What the log tells on standard error: debug, info, notice, warning or error.")
  var log = "info"

  @Option(
    name: .customLong("allow"),
    help: .init("Set a limit, of those that `ingot limits` lists; repeatable.", valueName: "name=value"))
  var limits: [String] = []

  func run() async throws {
    do {
      try await serve()
    } catch let failure as Failure {
      Console.printError("ingot serve: error: \(failure)")
      Console.printError("hint: \(failure.hint ?? failure.kind.usualHint)")
      throw ExitCode(failure.exitStatus)
    }
  }

  private func serve() async throws {
    try Limit.set(limits)
    let settings = try settings()
    LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
    var logger = Logger(label: "ingot")
    logger.logLevel = settings.logLevel
    do {
      try await IngotApplication(settings, logger: logger).run()
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(
        .unavailable, "\(settings.host):\(settings.port) can't be listened on: \(error)",
        hint: "another program may have the port: choose one by --port, or let one be chosen by --port 0")
    }
  }

  private func settings() throws -> ServerSettings {
    var settings = ServerSettings()
    settings.host = host ?? settings.host
    guard (0...65535).contains(port) else { throw Failure(.usage, "the port \(port) is none", hint: "0 to 65535 are") }
    settings.port = port
    settings.shelf = shelf
    if let threads, threads < 1 { throw Failure(.usage, "\(threads) threads can't compute", hint: "1 at least can") }
    settings.threads = threads
    settings.token = try tokenFile.map { try Token.read($0) }
    guard settings.token != nil || Self.isLoopback(settings.host) else {
      throw Failure(
        .usage, "listening on \(settings.host) lets other machines ask, and there is no token",
        hint: "write one into a file that only you can read, and name it: --token-file FILE")
    }
    settings.hosts = allowHost.map { $0.lowercased() }
    settings.origins = allowOrigin
    settings.fetchHosts = allowFetch.map { $0.lowercased() }
    settings.isUpright = upright
    guard idle >= 1, looks >= 0, drain >= 1 else {
      throw Failure(
        .usage, "--idle and --drain are seconds from 1, --looks a number from 0", hint: "see ingot serve --help")
    }
    (settings.idleSeconds, settings.looks, settings.drainSeconds) = (idle, looks, drain)
    guard let level = Logger.Level(rawValue: log) else {
      throw Failure(.usage, "there is no log level \"\(log)\"", hint: "debug, info, notice, warning and error are")
    }
    settings.logLevel = level
    return settings
  }

  /// Of what is written as a name, only this one means this machine whatever the system's tables say.
  private static func isLoopback(_ host: String) -> Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return host == "localhost" || host == "::1"
      || parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}

/// What clients must show.
enum Token {
  /// The first line of a file.
  /// - Throws: `Failure`.
  static func read(_ path: String) throws -> String {
    let text = String(decoding: try fileContents(of: path, mostBytes: 4096), as: UTF8.self)
    let line = text.prefix { !$0.isNewline }.filter { $0 != " " && $0 != "\t" }
    guard line.utf8.count >= 16, line.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw Failure(
        .badData, file: path, "holds no token: its first line is to be 16 printable characters or more",
        hint: "`openssl rand -hex 32 >FILE` makes one")
    }
    return String(line)
  }
}
