import Arrays
import TestSupport
import Testing

@Suite struct EvaluateTests {
  private let folder = TemporaryFolder()
  private var shelf: String { folder.file("shelf") }
  private static let questions = "weights/demo/questions.jsonl"

  init() throws { #expect(try Run(["convert", "weights/demo"], shelf: folder.file("shelf")).status == 0) }

  private func run(_ command: String, _ arguments: String...) throws -> Run {
    try Run([command, "--set", "Release=demo"] + arguments, shelf: shelf)
  }

  @Test func accuracyIsPrinted() throws {
    let run = try run("evaluate", "--questions", Self.questions)
    #expect(run.status == 0 && run.errors == "")
    #expect(
      run.output == """
        45 questions about 12 images
        A  CapFilt=true Precision=float32 Release=demo

        accuracy  93.33 %

        """)
  }

  @Test func netsAreCompared() throws {
    #expect(try run("quantize").status == 0)
    let report = try run(
      "evaluate", "--set", "Precision=int8", "--against", "Precision=float32", "--questions", Self.questions, "--json",
      "--layers", "2"
    ).json()
    #expect(try report.member("nets").member("b").member("name") == "CapFilt=true Precision=float32 Release=demo")
    #expect(try report.member("layers").array().count == 58)
    #expect(try report.member("agreement").number() > 0.9)
    let same = try run(
      "evaluate", "--against", "Precision=float32", "--questions", Self.questions, "--limit", "3", "--layers", "1")
    #expect(same.output.contains("same answer                    100.00 %  0 answers flipped"))
    #expect(same.output.hasSuffix("no layer differs\n"))
  }

  @Test func aJournalIsGoneOnFrom() throws {
    let journal = folder.file("journal.jsonl")
    let first = try run("evaluate", "--questions", Self.questions, "--journal", journal)
    let second = try run("evaluate", "--questions", Self.questions, "--journal", journal)
    #expect(first.status == 0 && second.output == first.output)
    let other = try run("evaluate", "--questions", Self.questions, "--limit", "4", "--journal", journal)
    #expect(other.status == 73 && other.errors.contains("is not the journal of this evaluation"))
  }

  @Test func filesOfVQAAreRead() throws {
    let questions = try folder.write(
      Array(
        #"{"data_subtype":"val2014","questions":[{"question_id":7,"image_id":3,"question":"what shape is present?"}]}"#
          .utf8),
      to: "questions.json")
    let answers = (1...10).map { #"{"answer":"\#($0 <= 7 ? "circle" : "a ball")","answer_id":\#($0)}"# }
    let annotations = try folder.write(
      Array(
        #"{"annotations":[{"question_id":7,"image_id":3,"question_type":"what","answer_type":"other","answers":[\#(answers.joined(separator: ","))]}]}"#
          .utf8), to: "annotations.json")
    try folder.write(bytes(of: packageFile("weights/demo/pictures/red-circle-0004.png")), to: "3.png")
    let report = try run("evaluate", "--questions", questions, "--annotations", annotations, "--json").json()
    // Seven of ten say circle: of each annotator at least six others agree.
    #expect(try report.member("accuracy").member("a").number() == 1)
    #expect(try report.member("accuracy").member("perAnswerType").member("other").member("questions") == 1)
  }

  @Test func netsWithinABudgetAreMade() throws {
    let run = try run("quantize", "--questions", Self.questions, "--min-agreement", "50", "--max-drop", "10")
    #expect(run.status == 0 && run.output.contains("no array needs help"))
    #expect(run.output.hasPrefix("on 45 questions, of which the float nets answer 93.33 % right:\n"))
  }

  @Test func classifiersAreEvaluatedAndQuantized() throws {
    let net = packageFile("Tests/FamiliesTests/Fixtures/tiny-vit")
    #expect(try Run(["convert", net, "--set", "Release=tiny"], shelf: shelf).status == 0)
    for (number, name) in ["red-circle-0004", "teal-rectangle-0048"].enumerated() {
      try folder.write(bytes(of: packageFile("weights/demo/pictures/\(name).png")), to: "v/LABEL_\(number)/\(name).png")
    }
    let chosen = ["--set", "Release=tiny", "--labelled", folder.file("v")]
    let quantized = try Run(["quantize", "--min-agreement", "100"] + chosen, shelf: shelf)
    #expect(quantized.status == 0 && quantized.output.hasPrefix("on 2 images, of which the float nets find "))
    let evaluated = try Run(
      ["evaluate", "--set", "Precision=int8", "--against", "Precision=float32", "--html", folder.file("page.html")]
        + chosen, shelf: shelf)
    #expect(evaluated.status == 0 && evaluated.output.hasPrefix("2 images\nA  "))
    #expect(evaluated.output.contains("same class") && evaluated.output.contains("100.00 %  0 classes flipped"))
    #expect(try bytes(of: folder.file("page.html")).count > 1000)
    try folder.write(Array("not a picture".utf8), to: "v/LABEL_0/b.png")
    let float = ["evaluate", "--set", "Precision=float32"] + chosen
    let damaged = try Run(float, shelf: shelf)
    #expect(damaged.status == 1 && damaged.output.contains("1 not counted: 1 image could not be read"))
    let report = try Run(float + ["--json"], shelf: shelf).json()
    #expect(try report.member("task").string() == "classification" && report.member("images") == 3)
  }

  @Test func wrongUsageSaysWhatIsWrong() throws {
    let unjudged = try folder.write(
      Array(
        "{\"image\": \"\(packageFile("weights/demo/pictures/red-circle-0004.png"))\", \"question\": \"what?\"}\n".utf8),
      to: "unjudged.jsonl")
    let cases: [(arguments: [String], status: Int32, error: String)] = [
      (["evaluate"], 64, "there are no questions"),
      (["evaluate", "--questions", "none.jsonl"], 66, "none.jsonl: no such file"),
      (["evaluate", "--questions", "Package.swift"], 65, "Package.swift"),
      (["evaluate", "--questions", Self.questions, "--limit", "0"], 64, "--limit is a number from 1"),
      (["evaluate", "--questions", Self.questions, "--layers", "-1"], 64, "--layers"),
      (["evaluate", "--questions", Self.questions, "--against", "Precision"], 64, "Precision"),
      (["evaluate", "--questions", Self.questions, "--against", "Precision=int8"], 66, "this net is not on the shelf"),
      (["evaluate", "--questions", Self.questions, "--journal", "/proc/nowhere/x"], 73, "/proc/nowhere/x"),
      (["evaluate", "--questions", Self.questions, "--labelled", "x"], 64, "of different nets"),
      (["evaluate", "--labelled", "x", "--metric", "vqa"], 64, "go with --questions"),
      (["evaluate", "--questions", Self.questions, "--by-order"], 64, "--by-order goes with --labelled"),
      (["quantize", "--max-drop", "1"], 64, "need --questions"),
      (["quantize", "--questions", Self.questions, "--max-drop", "101"], 64, "from 0 to 100"),
      (["quantize", "--questions", unjudged, "--max-drop", "1"], 64, "the questions have no right answers"),
      (["quantize", "--precision", "float16", "--keep", "a"], 64, "there is nothing to choose"),
      (["quantize", "--rest", "int8"], 64, "Please provide one of 'float16' and 'bfloat16'"),
      (["quantize", "--beams", "2"], 64, "how answers are made matters"),
      (["quantize", "--activations", "int4"], 64, "int4"),
    ]
    for (arguments, status, error) in cases {
      let run = try Run(arguments + ["--set", "Release=demo"], shelf: shelf)
      #expect(run.status == status, "\(arguments) \(run.errors)")
      let lines = run.errors.split(separator: "\n")
      #expect(lines.count == 2 && lines[0].contains(error) && lines[1].hasPrefix("hint: "), "\(run.errors)")
    }
  }
}
