import Arrays
import Foundation
import TestSupport
import Testing

@Suite struct AskTests {
  private static let picture = "weights/demo/pictures/red-circle-0004.png"

  private let folder = TemporaryFolder()
  private var shelf: String { folder.file("shelf") }

  init() throws { #expect(try Run(["convert", "weights/demo"], shelf: folder.file("shelf")).status == 0) }

  private func ask(_ arguments: String..., input: String? = nil) throws -> Run {
    try Run(["ask", "--set", "Release=demo"] + arguments, shelf: shelf, input: input)
  }

  @Test func oneAnswerIsAllThatIsPrinted() throws {
    let run = try ask(Self.picture, "what shape is present?")
    #expect(run.status == 0 && run.output == "circle\n" && run.errors == "")
  }

  @Test func severalAnswersStandBesideTheirQuestions() throws {
    let run = try ask(
      Self.picture, "what shape is present?", "what is the color of the circle?", "--image",
      "weights/demo/pictures/blue-circle-0014.png")
    #expect(
      run.output == """
        weights/demo/pictures/red-circle-0004.png
          what shape is present?            circle
          what is the color of the circle?  red
        weights/demo/pictures/blue-circle-0014.png
          what shape is present?            circle
          what is the color of the circle?  blue

        """)
  }

  @Test func jsonHasTokensProbabilityAndSeconds() throws {
    let answers = try ask(Self.picture, "what shape is present?", "--json").json().member("answers").array()
    #expect(answers.count == 1)
    #expect(answers[0]["image"] == .string(Self.picture) && answers[0]["question"] == "what shape is present?")
    #expect(answers[0]["answer"] == "circle" && answers[0]["tokens"] == [18, 3])
    // The reference implementation's sum of log-probabilities for these tokens.
    #expect(abs(try answers[0].member("logProbability").number() + 0.003054) < 1e-5)
    for stage in ["image", "question", "answer"] {
      #expect(try answers[0].member("seconds").member(stage).number() > 0)
    }
  }

  @Test func linesAreAnsweredLineByLine() throws {
    let lines = """
      {"image": "\(Self.picture)", "question": "what shape is present?", "id": 7}
      {"image": "\(Self.picture)", "question": "what is the color of the circle?"}

      {"image": "nowhere.png", "question": "what?"}
      {"image": "\(Self.picture)"}
      {"image": "\(Self.picture)", "question": ""}
      not JSON
      {"image": "Package.swift", "question": "what?"}
      {"image": "\(Self.picture)", "question": "is there a triangle?"}
      """
    let run = try ask(input: lines)
    #expect(run.status == 1 && run.errors == "")
    let answers = try run.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    #expect(answers.map { $0["answer"] } == ["circle", "red", nil, nil, nil, nil, nil, "no"])
    #expect(answers.map { $0["error"]?["status"] } == [nil, nil, 66, 65, 64, 65, 65, nil])
    #expect(answers.map { $0["line"] } == [nil, nil, 4, 5, 6, 7, 8, nil])
    #expect(answers[0]["id"] == 7 && answers[0]["tokens"] == [18, 3])
    // The second question is about an image that was looked at already.
    #expect(try answers[0].member("seconds").member("image").number() > 0)
    #expect(try answers[1].member("seconds").member("image").number() == 0)
    #expect(answers[2]["error"]?["message"] == "nowhere.png: no such file")
  }

  @Test func answersComeAsTheLinesDo() throws {
    let process = Process()
    process.executableURL = Run.binary
    process.arguments = ["ask", "--set", "Release=demo", "--shelf", shelf]
    process.currentDirectoryURL = URL(filePath: packageFolder)
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    for answer in ["circle", "red"] {
      let question = answer == "red" ? "what is the color of the circle?" : "what shape is present?"
      try input.fileHandleForWriting.write(
        contentsOf: Data("{\"image\": \"\(Self.picture)\", \"question\": \"\(question)\"}\n".utf8))
      // Standard input is still open: the answer can only be there because it came at once.
      let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
      #expect(line.contains("\"answer\":\"\(answer)\""))
    }
    try input.fileHandleForWriting.close()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }

  @Test func aListIsRanked() throws {
    let list = try folder.write(Array("yes\nno\n\ncircle\r\ntriangle\n".utf8), to: "answers.txt")
    let run = try ask(Self.picture, "what shape is present?", "--answers", list, "--json")
    let answer = try run.json().member("answers").array()[0]
    #expect(answer["answer"] == "circle")
    #expect(try answer.member("ranking").array().count == 4)
    let empty = try folder.write([], to: "empty.txt")
    #expect(try ask(Self.picture, "what?", "--answers", empty).status == 65)
    #expect(try ask(Self.picture, "what?", "--answers", folder.file("none.txt")).status == 66)
    #expect(try ask(Self.picture, "what?", "--answers", list, "--beams", "2").status == 64)
  }

  @Test func tracesAndReferencesAreCompared() throws {
    let trace = folder.file("trace.safetensors")
    #expect(try ask(Self.picture, "what shape is present?", "--trace", trace).output == "circle\n")
    let verify = try Run(["verify", "--set", "Release=demo", "--reference", trace], shelf: shelf)
    #expect(verify.status == 0 && verify.output.contains("question_cross_attention"))

    // However answers were made: the trace tells, and they are made in the same way.
    let list = try folder.write(Array("circle\nsquare\nyes\n".utf8), to: "list.txt")
    for (index, options) in [
      ["--min-tokens", "4"], ["--beams", "2"], ["--temperature", "1.5", "--seed", "7", "--max-tokens", "3"],
      ["--answers", list],
    ].enumerated() {
      let trace = folder.file("trace-\(index).safetensors")
      let arguments = ["ask", Self.picture, "what shape?", "--set", "Release=demo", "--trace", trace] + options
      #expect(try Run(arguments, shelf: shelf).status == 0)
      let verify = try Run(["verify", "--set", "Release=demo", "--reference", trace], shelf: shelf)
      #expect(verify.status == 0, "\(options) \(verify.output) \(verify.errors)")
      #expect(verify.output.contains(options[0] == "--answers" ? "ranked_answers" : "answer_ids"))
    }

    let reference = try Run(
      ["verify", "--set", "Release=demo", "--reference", "weights/demo/reference.safetensors", "--json"], shelf: shelf)
    #expect(reference.status == 0)
    #expect(try reference.json().member("verified").boolean())
    #expect(try reference.json().member("outputs").array().allSatisfy { $0["passed"] == true })

    let strict = try Run(
      ["verify", "--set", "Release=demo", "--reference", "weights/demo/reference.safetensors", "--tolerance", "1e-12"],
      shelf: shelf)
    #expect(strict.status == 1 && strict.output.contains("DIFFERS"))
  }

  @Test func wrongInputsSayWhatIsWrong() throws {
    /// A PNG whose header promises 30,000 × 30,000 pixels.
    let bomb = "Tests/MediaTests/Fixtures/images/malformed/png_bomb.png"
    let one = try folder.write(
      [UInt8](
        Data(
          base64Encoded:
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC") ?? Data()),
      to: "one.png")
    #expect(try ask(one, "what shape is present?").status == 0)
    let cases: [(arguments: [String], status: Int32, error: String)] = [
      (["nowhere.png", "what?"], 66, "nowhere.png: no such file"),
      (["Package.swift", "what?"], 65, "Package.swift: is not an image of a known format"),
      (["Tests", "what?"], 66, "Tests: is a folder"),
      ([bomb, "what?"], 65, "is 30000 × 30000 pixels: more than the 178956970 allowed"),
      ([Self.picture, ""], 64, "the question is empty"),
      (
        [Self.picture, String(repeating: "what ", count: 10_000)], 64, "the question has 10002 tokens; the net takes 64"
      ),
      ([Self.picture], 64, "there is no question"),
      ([Self.picture, "what?", "--set", "Release=none"], 66, "this net is not on the shelf"),
      ([Self.picture, "what?", "--set", "Part=TextEncoder"], 64, "Part is given, but asking takes all parts"),
      ([Self.picture, "what?", "--threads", "0"], 64, "--threads is a number from 1 to 1024"),
      ([Self.picture, "what?", "--max-tokens", "0"], 64, "answers of 0 tokens"),
      ([Self.picture, "what?", "--trace", "Package.swift/t"], 73, "Package.swift"),
    ]
    for (arguments, status, error) in cases {
      let run = try Run(["ask", "--set", "Release=demo"] + arguments, shelf: shelf)
      #expect(run.status == status, "\(arguments.joined(separator: " ").prefix(80)): \(run.errors)")
      let lines = run.errors.split(separator: "\n")
      #expect(lines.count == 2 && lines[0].contains(error) && lines[1].hasPrefix("hint: "), "\(run.errors)")
    }
  }

  @Test func int8NetsAreMadeAskedAndVerified() throws {
    let missing = try ask(Self.picture, "what?", "--set", "Precision=int8")
    #expect(missing.status == 66 && missing.errors.contains("ingot quantize"))
    let quantize = try Run(["quantize", "--set", "Release=demo"], shelf: shelf)
    #expect(quantize.status == 0 && quantize.output.contains("TextDecoder   22 arrays to int8"))
    #expect(try ask(Self.picture, "what shape is present?", "--set", "Precision=int8").output == "circle\n")
    func net(_ precision: String) -> String {
      folder.file("shelf/blip-vqa/CapFilt=true,Part=TextDecoder,Precision=\(precision),Release=demo.ingot")
    }
    let verify = try Run(["verify", net("int8"), "--source", net("float32")])
    #expect(verify.status == 0 && verify.output.contains("83 arrays compared, all bit-identical"))
    // Of all parts, the one that came from that net.
    let parts = try Run(
      ["verify", "--set", "Release=demo", "--set", "Precision=int8", "--source", net("float32")], shelf: shelf)
    #expect(parts.status == 0, "\(parts.errors)")
    #expect(parts.output.components(separatedBy: "83 arrays compared, all bit-identical").count == 2)
    #expect(parts.output.components(separatedBy: "source: not compared: was not made of that net").count == 3)
    let none = try Run(["verify", "--set", "Release=demo", "--source", net("float32")], shelf: shelf)
    #expect(none.status == 65 && none.errors.contains("none of the nets came from it"))
    // No checkpoint holds int8 nets: on a whole shelf they are left out of the comparison, alone they are refused.
    let all = try Run(["verify", "--source", "weights/demo"], shelf: shelf)
    #expect(all.status == 0, "\(all.errors)")
    #expect(all.output.components(separatedBy: "arrays compared, all bit-identical").count == 4)
    #expect(all.output.components(separatedBy: "source: not compared: is an int8 net").count == 4)
    let alone = try Run(["verify", net("int8"), "--source", "weights/demo"], shelf: shelf)
    #expect(
      alone.status == 64 && alone.errors.contains("is an int8 net") && alone.errors.contains("hint: give that float"))
    #expect(try Run(["quantize", net("int8")], shelf: shelf).status == 65)
    #expect(try Run(["quantize", "--set", "Release=demo", "--keep", "nothing"], shelf: shelf).status == 64)
  }

  /// The first file opened would otherwise be read as standard input.
  @Test func closedStandardInputIsAnError() throws {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = [
      "-c", "\"$0\" ask --set Release=demo --shelf \"$1\" <&- 2>&1", Run.binary.path(percentEncoded: false), shelf,
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let errors = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(
      process.terminationStatus == 74 && errors.hasPrefix("ingot: error: standard input: can't be read"), "\(errors)")
  }

  @Test func aMissingPartIsNamed() throws {
    let decoder = folder.file("shelf/blip-vqa/CapFilt=true,Part=TextDecoder,Precision=float32,Release=demo.ingot")
    try FileManager.default.removeItem(atPath: decoder)
    let run = try ask(Self.picture, "what?")
    #expect(run.status == 66 && run.errors.contains("Part=TextDecoder"))
  }

  @Test func tokensArePrinted() throws {
    let arguments = ["tokenize", "--set", "Release=demo", "--set", "Part=TextEncoder"]
    let run = try Run(arguments + ["what shape is present?"], shelf: shelf)
    #expect(run.status == 0 && run.output.hasPrefix("{\"ids\":["))
    let lines = try Run(arguments, shelf: shelf, input: "{\"text\": \"what shape is present?\"}\n")
    #expect(lines.output == run.output)
    let bad = try Run(arguments, shelf: shelf, input: "{}\n")
    #expect(bad.status == 65 && bad.errors.contains("line 1"))
  }
}
