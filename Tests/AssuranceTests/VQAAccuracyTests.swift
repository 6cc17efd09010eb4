import Arrays
import Assurance
import TestSupport
import Testing

/// The accuracy against that of the published code (tools/fixtures/fixtures_vqa.py).
@Suite struct VQAAccuracyTests {
  private let fixture = Result {
    try JSONValue(parsing: bytes(of: packageFile("Tests/AssuranceTests/Fixtures/vqa/cases.json")))
  }

  private func list(_ name: String) throws -> [JSONValue] { try fixture.get().member(name).array() }

  /// Strings of the same code points: Swift takes differently composed ones for the same.
  private func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

  @Test func accuraciesAreThosePublished() throws {
    let cases = try list("cases")
    #expect(cases.count >= 600)
    var total = VQAAccuracy()
    for (number, item) in cases.enumerated() {
      let prediction = try item.member("prediction").string()
      let accuracy = VQAAccuracy.accuracy(prediction, annotators: try item.member("answers").strings())
      let expected = try item.member("accuracy").number()
      #expect(abs(accuracy - expected) <= 1e-12, "case \(number): \(prediction.debugDescription)")
      var single = VQAAccuracy()
      single.add(accuracy)
      #expect(single.overall.percentage == (try item.member("rounded").number()), "case \(number)")
      total.add(
        accuracy, questionType: try item.member("question_type").string(),
        answerType: try item.member("answer_type").string())
    }
    let totals = try fixture.get().member("totals")
    #expect(total.overall.percentage == (try totals.member("overall").number()))
    #expect(total.overall.questions == cases.count)
    for (name, tallies) in [("perQuestionType", total.perQuestionType), ("perAnswerType", total.perAnswerType)] {
      let expected = try totals.member(name).object()
      #expect(tallies.count == expected.count)
      for member in expected {
        #expect(tallies[member.key]?.percentage == (try member.value.number()), "\(name): \(member.key)")
      }
    }
  }

  @Test func normalizedFormsAreThosePublished() throws {
    let texts = try list("normalized")
    #expect(texts.count >= 1000)
    for pair in texts {
      let pair = try pair.strings()
      let normalized = VQAAccuracy.normalized(pair[0])
      #expect(
        isSame(normalized, pair[1]),
        "\(pair[0].debugDescription): \(normalized.debugDescription), not \(pair[1].debugDescription)")
    }
  }

  @Test func numbersAreRoundedAsPythonDoes() throws {
    let numbers = try list("rounded")
    #expect(numbers.count >= 200)
    for pair in numbers {
      let pair = try pair.array()
      // The tally of one question rounds a hundredfold of what it is given: exact where that is.
      let (number, rounded) = (try pair[0].number(), try pair[1].number())
      guard number / 100 * 100 == number else { continue }
      var tally = VQAAccuracy()
      tally.add(number / 100)
      #expect(tally.overall.percentage == rounded, "\(number)")
    }
  }

  @Test func peculiaritiesAreKept() {
    let yes = [String](repeating: "yes", count: 10)
    #expect(VQAAccuracy.accuracy("yes", annotators: yes) == 1)
    #expect(VQAAccuracy.accuracy(" yes\n", annotators: yes) == 1)
    // Nothing is normalized where all agree …
    #expect(VQAAccuracy.accuracy("Yes", annotators: yes) == 0)
    #expect(VQAAccuracy.accuracy("yes.", annotators: yes) == 0)
    // … and all is where one differs.
    #expect(VQAAccuracy.accuracy("The YES.", annotators: yes.dropLast() + ["no"]) == 1)
    // Each of three is measured by two others, and each of seven by three.
    let three = ["a cat", "cat", "Cat!"] + [String](repeating: "dog", count: 7)
    #expect(abs(VQAAccuracy.accuracy("cat", annotators: three) - 0.9) < 1e-12)
    #expect(abs(VQAAccuracy.accuracy("cat", annotators: ["cat"] + yes.dropLast()) - 0.3) < 1e-12)
    // No others, no accuracy.
    #expect(VQAAccuracy.accuracy("cat", annotators: ["cat"]) == 0)
    #expect(VQAAccuracy.accuracy("cat", annotators: []) == 0)
    #expect(VQAAccuracy.isSame("The Cat.", as: "cat") && !VQAAccuracy.isSame("cat", as: "cats"))
    // Differently composed, and so different.
    #expect(!VQAAccuracy.isSame("caf\u{e9}", as: "cafe\u{301}"))
    // A comma between digits takes all marks away: what they kept apart becomes one word, which no table has.
    let runs = [String](repeating: String(repeating: "\u{345}\u{334}", count: 15), count: 5000)
    #expect(VQAAccuracy.isSame("1,2 e" + runs.joined(separator: "-"), as: "12 e" + runs.joined()))
    #expect(VQAAccuracy().overall.percentage == 0 && VQAAccuracy().overall.mean == 0)
  }
}

/// Questions, annotations and results, in files that are well formed and malformed.
@Suite struct VQAFilesTests {
  private let folder = TemporaryFolder()

  @discardableResult
  private func write(_ text: String, _ name: String) throws -> String {
    try folder.write(Array(text.utf8), to: name)
  }

  private static let questions = """
    {"info": {"version": "2.0"}, "data_subtype": "val2014", "questions": [
      {"image_id": 42, "question": "What color is the \\"dog]\\"?", "question_id": 42001},
      {"image_id": 7, "question": "Is it?", "question_id": 7000}, {"image_id": 42, "question": "One?", "question_id": 3},
      {"image_id": 9, "question": "Two?", "question_id": 4}, {"image_id": 10, "question": "Three?", "question_id": 5}],
     "task_type": "Open-Ended"}

    """

  private func annotation(_ question: Int, _ image: Int, answers: Int = 10, id: Int? = nil) -> String {
    let answers = (1...max(1, answers)).prefix(answers).map {
      #"{"answer": "a\#($0)", "answer_confidence": "maybe", "answer_id": \#(id ?? $0)}"#
    }
    return
      #"{"question_type": "is it", "multiple_choice_answer": "yes", "answers": [\#(answers.joined(separator: ", "))], "#
      + #""image_id": \#(image), "answer_type": "yes/no", "question_id": \#(question)}"#
  }

  private func annotations(_ items: [String]) -> String { #"{"annotations": [\#(items.joined(separator: ","))]}"# }

  @Test func questionsOfVQAAreRead() throws {
    let questions = try write(Self.questions, "questions.json")
    let pairs = [(42001, 42), (7000, 7), (3, 42), (4, 9), (5, 10), (99, 1)]
    let path = try write(annotations(pairs.map { annotation($0, $1) }), "annotations.json")
    // The first name that there is: COCO's before others.
    for name in [
      "COCO_val2014_000000000042.jpg", "000000000042.jpg", "000000000007.jpg", "7.jpg", "9.jpg", "9.png", "10.png",
    ] { try write("", name) }
    let read = try EvaluationItem.read(questions, annotations: path, images: folder.path)
    #expect(read.map(\.id) == ["42001", "7000", "3", "4", "5"])
    #expect(
      read.map { Paths.name($0.image) } == [
        "COCO_val2014_000000000042.jpg", "000000000007.jpg", "COCO_val2014_000000000042.jpg", "9.jpg", "10.png",
      ])
    #expect(read[0].question == "What color is the \"dog]\"?")
    #expect(read[1].answers == (1...10).map { "a\($0)" })
    #expect(read[1].questionType == "is it" && read[1].answerType == "yes/no")
    #expect(try EvaluationItem.read(questions, annotations: path) == read)
    let bare = try EvaluationItem.read(questions)
    #expect(bare.count == 5 && bare.allSatisfy { $0.answers.isEmpty && $0.questionType == nil })
    #expect(try VQAAnnotations.read(path).annotations.last?.commonAnswer == "yes")
    let results = try VQAResults.read(
      write(#" [ {"question_id": 3, "answer": "two [or {"} , {"answer": "", "question_id": 4} ] "#, "r.json"))
    #expect(results.results.map(\.answer) == ["two [or {", ""] && results.results.map(\.question) == [3, 4])
    #expect(try VQAResults.read(write("[]", "r.json")).results.isEmpty)
  }

  @Test func questionsOfTestDevAreAboutImagesOfTest() throws {
    try write("", "COCO_test2015_000000000001.jpg")
    let questions = try write(
      #"{"data_subtype": "test-dev2015", "questions": [{"image_id": 1, "question": "What?", "question_id": 1}]}"#,
      "q.json")
    #expect(
      try EvaluationItem.read(questions).map { Paths.name($0.image) } == ["COCO_test2015_000000000001.jpg"])
  }

  @Test func simpleFilesAreRead() throws {
    for name in ["a.jpg", "b c.png"] { try write("", name) }
    let csv = try write(
      "\u{feff}answer,\"image\",question,id\r\n\"yes, \"\"it\"\"\nis\",a.jpg,Is it?,first\r\n\r\n,b c.png,\"Two\r\nlines?\",\n",
      "q.csv")
    let read = try EvaluationItem.read(csv)
    #expect(read.map(\.id) == ["first", "5"])
    #expect(read.map(\.answers) == [["yes, \"it\"\nis"], []])
    #expect(read.map(\.question) == ["Is it?", "Two\r\nlines?"])
    #expect(read.map(\.image) == [folder.file("a.jpg"), folder.file("b c.png")])
    let ten = (1...10).map { #""\#($0)""# }.joined(separator: ", ")
    let lines = try write(
      """
      {"image": "a.jpg", "question": "Is it?", "answer": "yes", "id": 12}

      {"image": "\(folder.file("b c.png"))", "question": "What?", "answers": [\(ten)], "answer_type": "other"}\r
      {"image": "a.jpg", "question": "And?"}
      """, "q.jsonl")
    let more = try EvaluationItem.read(lines)
    #expect(more.map(\.id) == ["12", "3", "4"] && more.map(\.answers.count) == [1, 10, 0])
    #expect(more[1].answerType == "other" && more[1].answers[9] == "10" && more[1].image == folder.file("b c.png"))
    #expect(try EvaluationItem.read(csv, images: folder.path) == read)
    #expect(failure { _ = try EvaluationItem.read(csv, annotations: lines) }?.kind == .usage)
  }

  @Test(arguments: [
    ("", "byte 0: an object with \"questions\" is needed"),
    ("[]", "byte 0: an object with \"questions\" is needed"),
    ("{}", "byte 0: has no member \"questions\""),
    (#"{"questions": {}}"#, "byte 14: an array is needed"),
    (#"{"questions": []} x"#, "byte 18: text after the end of the JSON value"),
    (#"{"questions": [], "questions": []}"#, "byte 18: duplicate key \"questions\""),
    (#"{"a": 1, "a": 2, "questions": []}"#, "byte 9: duplicate key \"a\""),
    (#"{"questions": [1"#, "byte 15: an object is needed, not 1"),
    (#"{"questions": [{}]}"#, "byte 15: has no member \"question_id\""),
    (#"{"questions": [,]}"#, "byte 15: a JSON value is needed"),
    (#"{"questions": [] "a": 1}"#, "byte 17: ',' or '}' expected"),
    (#"{"questions" []}"#, "byte 13: ':' expected after a key"),
    (#"{"questions": [], }"#, "byte 18: a JSON value is needed"),
    (#"{"questions": []"#, "byte 16: the JSON text ends early"),
    (
      #"{"questions": [{"question_id": 1.5, "image_id": 1, "question": "q"}]}"#,
      "byte 31: an integer is needed, not the number 1.5"
    ),
    (#"{"questions": [{"question_id": 1, "image_id": -1, "question": "q"}]}"#, "byte 46: -1 is negative"),
    (#"{"questions": [{"question_id": 1, "image_id": 1, "question": " "}]}"#, "byte 61: is empty"),
    (
      #"{"questions": [{"question_id": 1, "image_id": 1, "question": "q"}, {"question_id": 1, "image_id": 1, "question": "q"}]}"#,
      "byte 83: question 1 is there twice"
    ),
    (
      #"{"data_subtype": "../val", "questions": []}"#,
      "byte 17: data_subtype \"../val\" is no part of a file's name"
    ),
    (#"{"data_subtype": 1, "questions": []}"#, "byte 17: a string is needed, not 1"),
    (
      #"{"questions": [{"question_id": 1, "image_id": 1, "question": "\ud800"}]}"#,
      "byte 62: half of a surrogate pair"
    ),
    (#"{"questions": [{"question_id": 1, "question": "q}"#, "byte 46: the string that starts here has no end"),
  ])
  func malformedQuestionsAreRefused(text: String, expected: String) throws {
    let path = try write(text, "malformed.json")
    let failure = failure { _ = try VQAQuestions.read(path) }
    #expect(failure?.withoutFile == expected)
    #expect(failure?.kind == .badData && failure?.file == path && failure?.hint != nil)
  }

  /// Members beside the long array are compared with each other, and so few.
  @Test func fewOtherMembersAreTaken() throws {
    func text(_ members: Int) -> String {
      "{" + (0..<members).map { "\"m\($0)\": 0, " }.joined() + "\"annotations\": []}"
    }
    let path = try write(text(100), "few.json")
    #expect(try VQAAnnotations.read(path).annotations.isEmpty)
    let many = try write(text(101), "many.json")
    #expect(
      failure { _ = try VQAAnnotations.read(many) }?.withoutFile
        == "byte \(1 + 10 * 9 + 90 * 10): more than 100 members")
  }

  @Test func malformedAnnotationsAndResultsAreRefused() throws {
    func reason(_ text: String) throws -> String? {
      let path = try write(text, "a.json")
      let failure = failure { _ = try VQAAnnotations.read(path) }
      #expect(failure?.kind == .badData && failure?.file == path && failure?.hint != nil)
      return failure?.reason
    }
    #expect(try reason(annotations([annotation(1, 1, answers: 0)])) == "question 1 has no answers")
    #expect(try reason(annotations([annotation(1, 1, id: 5)])) == "an answer_id is there twice")
    #expect(try reason(annotations([annotation(8, 1), annotation(8, 2)])) == "question 8 is there twice")
    #expect(try reason(#"{"annotations": [{"question_id": 1}]}"#) == "has no member \"answers\"")
    func results(_ text: String) throws -> String? {
      let path = try write(text, "r.json")
      return failure { _ = try VQAResults.read(path) }?.withoutFile
    }
    #expect(try results("{}") == "byte 0: an array is needed")
    #expect(try results(#"[{"question_id": 1}]"#) == "byte 1: has no member \"answer\"")
    #expect(
      try results(#"[{"question_id": "1", "answer": "x"}]"#) == "byte 17: an integer is needed, not a string")
    #expect(
      try results(#"[{"question_id": 1, "answer": "x"}, {"question_id": 1, "answer": "y"}]"#)
        == "byte 52: question 1 is answered twice")
  }

  @Test func filesThatDoNotFitTogetherAreRefused() throws {
    let questions = try write(
      #"{"questions": [{"image_id": 1, "question": "What?", "question_id": 1}]}"#, "questions.json")
    func refusal(_ text: String) throws -> Failure? {
      let path = try write(annotations([text]), "annotations.json")
      return failure { _ = try EvaluationItem.read(questions, annotations: path) }
    }
    #expect(try refusal(annotation(2, 1))?.reason == "question 1 has no annotation")
    #expect(try refusal(annotation(1, 2))?.reason == "question 1 is about image 2, by questions.json about 1")
    let missing = try refusal(annotation(1, 1))
    #expect(
      missing?.kind == .noInput
        && missing?.reason.hasPrefix("has no image 1: none of COCO_val2014_000000000001.jpg, ") == true)
    #expect(
      failure { _ = try EvaluationItem.read(questions, images: "/nowhere/images") }?.reason
        == "there is no such folder")
    #expect(failure { _ = try EvaluationItem.read("/nowhere/q.csv") }?.kind == .noInput)
    #expect(failure { _ = try EvaluationItem.read("/nowhere/q.json") }?.kind == .noInput)
  }

  @Test(arguments: [
    ("", "is empty"),
    ("\n\r\n", "is empty"),
    ("image,answer\n", "line 1: there is no column \"question\" among \"image\", \"answer\""),
    ("question\n", "line 1: there is no column \"image\" among \"question\""),
    ("image,question,Image\n", "line 1: column \"image\" twice"),
    ("image;question\ta\n", "line 1: there is no column \"image\" among \"image;question\\u{9}a\""),
    ("image,question,answer,answers\n", "line 1: both answer and answers are there"),
    (
      "image,question,answer\na.jpg,What?,\"['a', b]\"\n",
      "line 2: \"b\" without quotes in a list of answers"
    ),
    ("image,question,answer\na.jpg,What?,\"['a' 'b]\"\n", "line 2: a quote that is not closed in a list of answers"),
    ("image,question,answer\na.jpg,What?,['a']x]\n", "line 2: text after the end of the list in a list of answers"),
    ("image,question,answer\na.jpg,What?,[[[[[[[[[1]]]]]]]]]\n", "line 2: lists nested too deep in a list of answers"),
    ("image,question,answer\na.jpg,What?,['\\ud800']\n", "line 2: an escape that is no character in a list of answers"),
    (
      "image,question,answer\na.jpg,What?,[None]\n",
      "line 2: an answer is a text, a number or a list of these, not null"
    ),
    ("image,question,answer\na.jpg,What?,[{'a': 1}]\n", "line 2: has no member \"answer\""),
    ("image,question\na.jpg\n", "line 2: has 1 field, the header 2"),
    ("image,question\n\na.jpg,yes,it is\n", "line 3: has 3 fields, the header 2"),
    ("image,question\na.jpg,\"What\n?\n", "line 2: the quote that is opened here is not closed"),
    ("image,question\na.jpg,\"What\n\"x\n", "line 3: text after a closing quote"),
    ("image,question\na.jpg,What \"now\"?\n", "line 2: a quote inside a text without quotes"),
    ("image,question\na.jpg,What\r?\n", "line 2: a carriage return without a line feed"),
    ("image,question\n,What?\n", "line 2: the image is empty"),
    ("image,question\na.jpg,\" \"\n", "line 2: the question is empty"),
    ("image,question,id\na.jpg,What?,x\na.jpg,What?,x\n", "line 3: id \"x\" is there twice"),
    ("image,question,id\na.jpg,What?,3\na.jpg,What?,\n", "line 3: id \"3\" is there twice"),
    ("image,question\na.jpg,What?\na.jpg\0,What?\n", "line 3: the image's path holds a zero byte"),
  ])
  func malformedCSVIsRefused(text: String, expected: String) throws {
    try write("", "a.jpg")
    let path = try write(text, "malformed.csv")
    let failure = failure { _ = try EvaluationItem.read(path) }
    #expect(failure?.withoutFile == expected)
    #expect(failure?.kind == .badData && failure?.file == path && failure?.hint != nil)
  }

  @Test(arguments: [
    ("", "is empty"),
    ("\n[]\n", "line 2, byte 0: an object is needed, not an array"),
    (#"{"image": "a.jpg"}"#, "line 1, byte 0: has no member \"question\""),
    (
      #"{"image": "a.jpg", "question": "q", "answer": "a", "answers": ["a"]}"#,
      "line 1, byte 62: both answer and answers are there"
    ),
    (
      #"{"image": "a.jpg", "question": "q", "answers": [true]}"#,
      "line 1, byte 48: an answer is a text, a number or a list of these, not true"
    ),
    (
      #"{"image": "a.jpg", "question": "q", "id": 1.5}"#,
      "line 1, byte 42: a whole number or a string is needed, not the number 1.5"
    ),
    (#"{"image": "a.jpg", "question": "q", "question_id": ""}"#, "line 1, byte 51: is empty"),
    (#"{"image": "a.jpg", "question": ""}"#, "line 1: the question is empty"),
    (#"{"image": "", "question": "q"}"#, "line 1: the image is empty"),
    (#"{"image": "a.jpg", "question": "q", "image": "b"}"#, "line 1, byte 36: duplicate key \"image\""),
    ("{\"image\": \"a.jpg\",\n\"question\": \"q\"}", "line 1, byte 18: the JSON text ends inside an object"),
  ])
  func malformedLinesAreRefused(text: String, expected: String) throws {
    try write("", "a.jpg")
    let path = try write(text, "malformed.jsonl")
    let failure = failure { _ = try EvaluationItem.read(path) }
    #expect(failure?.withoutFile == expected)
    #expect(failure?.kind == .badData && failure?.file == path && (failure?.hint != nil || text.isEmpty))
  }

  @Test func textsAreUTF8AndImagesAreThere() throws {
    try write("", "a.jpg")
    let csv = try folder.write(Array("image,question\na.jpg,caf".utf8) + [0xe9, 0x0a], to: "q.csv")
    #expect(failure { _ = try EvaluationItem.read(csv) }?.withoutFile == "line 2: is not UTF-8")
    let lines = try write(#"{"image": "b.jpg", "question": "q"}"#, "q.jsonl")
    let missing = failure { _ = try EvaluationItem.read(lines) }
    #expect(missing?.kind == .noInput)
    #expect(missing?.withoutFile == "line 1: there is no image \(folder.file("b.jpg"))" && missing?.hint != nil)
    // Longer than the name of any file.
    let long = failure {
      _ = try EvaluationItem.read(write("image,question\n\(String(repeating: "b", count: 300)),q", "l.csv"))
    }
    #expect(long?.kind == .noInput && long?.place == "line 2" && long?.reason.hasPrefix("there is no image ") == true)
  }
}
