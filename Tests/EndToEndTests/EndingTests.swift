import Arrays
import Foundation
import TestSupport
import Testing

/// How the command ends when it doesn't do so by itself.
@Suite struct EndingTests {
  private static let pictures = "weights/demo/pictures"

  private let folder = TemporaryFolder()
  private var shelf: String { folder.file("shelf") }

  init() throws { #expect(try Run(["convert", "weights/demo"], shelf: folder.file("shelf")).status == 0) }

  private func start(_ arguments: [String]) throws -> (process: Process, input: Pipe, output: Pipe, errors: Pipe) {
    let process = Process()
    process.executableURL = Run.binary
    process.arguments = arguments + ["--shelf", shelf]
    process.currentDirectoryURL = URL(filePath: packageFolder)
    let pipes = (Pipe(), Pipe(), Pipe())
    (process.standardInput, process.standardOutput, process.standardError) = pipes
    try process.run()
    return (process, pipes.0, pipes.1, pipes.2)
  }

  /// The page's file is begun before the first of so many questions that they are never all answered.
  @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func aSignalLeavesNoUnfinishedFile(_ signal: Int32) throws {
    let names = try Paths.names(in: packageFile(Self.pictures))
    let lines = (0..<40_000).map { number in
      "{\"image\": \"\(packageFile(Self.pictures))/\(names[number % names.count])\", \"question\": \"is it \(number)?\"}\n"
    }
    let questions = try folder.write(Array(lines.joined().utf8), to: "questions.jsonl")
    let pages = folder.file("pages")
    let run = try start([
      "evaluate", "--set", "Release=demo", "--questions", questions, "--html", Paths.join(pages, "page.html"),
      "--journal", folder.file("journal"),
    ])
    while try Paths.names(in: pages).isEmpty, run.process.isRunning { usleep(1000) }
    #expect(try Paths.names(in: pages).count == 1)
    kill(run.process.processIdentifier, signal)
    run.process.waitUntilExit()
    #expect(run.process.terminationReason == .uncaughtSignal)
    #expect(run.process.terminationStatus == signal)
    #expect(try Paths.names(in: pages) == [])
    #expect(try Paths.exists(folder.file("journal")))
  }

  /// In C, in the threads that compute, and in Swift, in the first one.
  @Test(arguments: ["ImageEncoder", "TextEncoder", "TextDecoder"]) func aNetCutShortIsNamed(_ part: String) throws {
    let net = Paths.join(shelf, "blip-vqa/CapFilt=true,Part=\(part),Precision=float32,Release=demo.ingot")
    let run = try start(["ask", "--set", "Release=demo", "--threads", "2"])
    func ask(_ picture: String) throws {
      let line = "{\"image\": \"\(Self.pictures)/\(picture)\", \"question\": \"what shape is present?\"}\n"
      try run.input.fileHandleForWriting.write(contentsOf: Data(line.utf8))
    }
    try ask("red-circle-0004.png")
    // An answer: the net is mapped, and has been used.
    #expect(run.output.fileHandleForReading.availableData.last == 0x0a)
    let file = try FileHandle(forUpdating: URL(filePath: net))
    try file.truncate(atOffset: 4096)
    try file.close()
    try ask("blue-circle-0014.png")
    let errors = String(decoding: run.errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    run.process.waitUntilExit()
    #expect(run.process.terminationReason == .exit && run.process.terminationStatus == 74)
    let lines = errors.split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines[0] == "ingot: error: \(net): became shorter while it was in use, or its disk failed")
    #expect(lines[1].hasPrefix("hint: "))
  }

  /// As many bytes as `ulimit -f` allows.
  @Test func aFileThatMayNotGrowIsAnError() throws {
    let run = try start(
      "ulimit -f 8; exec \"$@\"", ["convert", "weights/demo", "--set", "Release=other", "--shelf", shelf])
    #expect(run.status == 74)
    #expect(run.errors.contains("file too large\nhint: files may not become that large here"))
    #expect(try Paths.names(in: Paths.join(shelf, "blip-vqa")).count == 3)
  }

  @Test func namesMayHoldAnyCharacter() throws {
    let name = "a b\n\"c\" 'd'\u{7}"
    let odd = folder.file(name)
    try FileManager.default.copyItem(atPath: shelf, toPath: odd)
    let picture = Paths.join(odd, "picture\n.png")
    try FileManager.default.copyItem(atPath: packageFile("\(Self.pictures)/red-circle-0004.png"), toPath: picture)
    let ask = try Run(["ask", picture, "what shape is present?", "--set", "Release=demo"], shelf: odd)
    #expect(ask.output == "circle\n" && ask.status == 0)
    let list = try Run(["list"], shelf: odd)
    #expect(list.output.contains("a b\\u{a}\"c\" 'd'\\u{7}:\n"))
    let missing = try Run(["inspect", Paths.join(odd, "n\no")])
    #expect(missing.status == 66)
    #expect(missing.errors.split(separator: "\n").count == 2)
    #expect(missing.errors.contains("a b\\u{a}\"c\" 'd'\\u{7}/n\\u{a}o: no such file"))
  }

  /// Whoever starts the program may have told the system that it waits for no child.
  @Test func childrenAreWaitedForWhateverTheProgramWasStartedWith() throws {
    let file = packageFile("Tests/CheckpointsTests/Fixtures/hdf5/good/chunked.h5")
    let run = try start("trap '' CHLD; exec \"$1\" inspect \"$2\"", [file])
    #expect(run.status == 0, "\(run.errors)")
  }

  @Test func argumentsOfNoCommandForgeNoLine() throws {
    let run = try Run(["inspect", "a", "b\u{1b}[31m\nforged"])
    #expect(run.status == 64 && run.errors.split(separator: "\n").count == 2 && !run.errors.contains("\u{1b}"))
  }

  /// Characters that steer a terminal stand in JSON as escapes, which mean the same.
  @Test func jsonSteersNoTerminal() throws {
    let folder = TemporaryFolder()
    let name = "x\u{9b}31m\u{202e}\u{2028}\u{e0001}é"
    let path = try folder.write(
      safetensors("{\"\(name)\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"), to: "x.safetensors")
    let run = try Run(["inspect", path, "--json"])
    #expect(run.output.contains("\"x\\u009b31m\\u202e\\u2028\\udb40\\udc01é\""))
    #expect(try run.json().member("arrays").array()[0].member("name").string() == name)
  }

  /// A `String` can't hold such names.
  @Test func namesThatAreNotUTF8AreRefused() throws {
    let run = try start("exec \"$1\" ask \"$(printf 'caf\\351\\n.png')\" what", [])
    #expect(run.status == 64)
    #expect(run.errors.hasPrefix("ingot: error: argument 2 is not UTF-8: caf\\xe9\\x0a.png\nhint: "))
    let shelf = try start("export INGOT_SHELF=\"$(printf 's\\377')\"; exec \"$1\" list", [])
    #expect(shelf.status == 64)
    #expect(shelf.errors.hasPrefix("ingot: error: $INGOT_SHELF is not UTF-8: s\\xff\nhint: "))
    let copy = try start(
      "cp \"$2\"/blip-vqa/*TextEncoder* \"$2/blip-vqa/$(printf 'caf\\351').ingot\"; exec \"$1\" verify --shelf \"$2\"",
      [self.shelf])
    #expect(copy.status == 1)
    #expect(copy.output.contains("no such file, or its name is not UTF-8"))
  }

  /// A script of the shell, which gets the command and then the arguments.
  private func start(_ script: String, _ arguments: [String]) throws -> (status: Int32, output: String, errors: String)
  {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", script, "sh", Run.binary.path] + arguments
    process.currentDirectoryURL = URL(filePath: packageFolder)
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    let texts = [output, errors].map {
      String(decoding: $0.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    }
    process.waitUntilExit()
    return (process.terminationStatus, texts[0], texts[1])
  }
}
