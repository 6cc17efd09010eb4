import Arrays
import Assurance
import TestSupport
import Testing

/// Data sets' files in the forms in which people have them, made by Python (tools/fixtures/fixtures_forms.py).
@Suite struct DataFormsTests {
  private static let forms = packageFile("Tests/AssuranceTests/Fixtures/forms")

  private let folder = TemporaryFolder()

  /// A folder of images with the names that the files have.
  private func images() throws -> String {
    for name in ["a.png", "b c.png", "été.png"] { try folder.write([], to: name) }
    return folder.path
  }

  @Test func everyFormGivesTheSameQuestions() throws {
    let images = try images()
    let expected = try JSONValue(parsing: bytes(of: Self.forms + "/expected.json")).object()
    #expect(expected.count >= 35)
    #expect(try Set(expected.map(\.key)) == Set(Paths.names(in: Self.forms + "/good")))
    for file in expected {
      let data = try EvaluationData.read("\(Self.forms)/good/\(file.key)", images: images)
      let rows = try file.value.array()
      #expect(data.questions.count == rows.count, "\(file.key)")
      for (question, row) in zip(data.questions, rows) {
        let row = try row.array()
        let found: [JSONValue] = [
          question.givenID ?? .integer(Int(question.id) ?? -1), .string(Paths.name(question.image)),
          .string(question.question), .strings(question.answers),
        ]
        #expect(found == row, "\(file.key)")
        #expect(question.imageProblem == nil, "\(file.key)")
      }
    }
  }

  @Test func formsAreToldApart() throws {
    let images = try images()
    let cases: [(String, EvaluationData.Form, AnswerMetric?)] = [
      ("vqa.json", .vqa, nil), ("aokvqa.json", .aokvqa, .aokvqa), ("vizwiz.json", .vizwiz, .vizwiz),
      ("textvqa.json", .textvqa, .textvqa), ("gqa.json", .gqa, .gqa), ("original.json", .array, .vqa),
      ("plain.csv", .csv, .single), ("lists.csv", .csv, .vqa), ("plain.jsonl", .jsonLines, .single),
      ("lines.json", .jsonLines, .single), ("table.zip", .csv, .single),
    ]
    for (file, form, metric) in cases {
      let data = try EvaluationData.read("\(Self.forms)/good/\(file)", images: images)
      #expect(data.form == form, "\(file)")
      #expect(data.questions[0].metric == metric, "\(file)")
      // What the publishers leave out.
      let isSelected = form == .aokvqa || form == .gqa
      #expect(data.questions.map(\.isCounted) == data.questions.indices.map { !(isSelected && $0 == 1) }, "\(file)")
    }
  }

  @Test(arguments: [
    ("cut.json.gz", "its packed data end early"),
    ("head.json.gz", "its packed data end early"),
    ("checksum.json.gz", "its packed data are damaged: incorrect data check"),
    ("length.json.gz", "its packed data are damaged: incorrect length check"),
    ("garbage.json.gz", "its packed data are damaged: incorrect header check"),
    ("flipped.json.gz", "its packed data are damaged: "),
    ("checksum.zip", "zip entry \"questions.json\": has another checksum than it states"),
    ("size.zip", "zip entry \"questions.json\": unpacks to 350 bytes, not 9"),
    ("cut.zip", "byte 275: the zip archive's directory is missing at the end of the file"),
    ("empty.zip", "the archive has no .json, .jsonl, .csv or .tsv file"),
    ("text.zip", "the archive has no .json, .jsonl, .csv or .tsv file"),
    ("several.zip", "the archive has 2 such files: train.json, val.json"),
    ("bzip2.zip", "zip entry \"questions.json\": is compressed by method 12, which is not read"),
    ("odd.csv", "is UTF-16 with half a character at its end"),
    ("surrogate.csv", "byte 4: is UTF-16 with half of a surrogate pair"),
    ("utf32.csv", "is UTF-32"),
  ])
  func damagedFilesAreRefused(name: String, expected: String) throws {
    let path = "\(Self.forms)/bad/\(name)"
    let error = failure { _ = try EvaluationData.read(path) }
    #expect(error?.kind == .badData && error?.file == path, "\(String(describing: error))")
    let text = error?.withoutFile ?? ""
    #expect(text.hasPrefix(expected) || text.hasSuffix(expected), "\(text)")
  }

  @Test func aFileOfAnArchiveIsNamed() throws {
    let images = try images()
    let archive = "\(Self.forms)/bad/several.zip"
    #expect(failure { _ = try EvaluationData.read(archive) }?.hint?.hasSuffix("several.zip/train.json") == true)
    #expect(try EvaluationData.read("\(archive)/val.json", images: images).questions.count == 4)
    let none = failure { _ = try EvaluationData.read("\(archive)/test.json") }
    #expect(none?.kind == .noInput && none?.reason == "the archive has no file \"test.json\"")
    // Images stand beside the archive where no folder is named.
    let copy = try folder.write(bytes(of: archive), to: "data.zip")
    #expect(try EvaluationData.read("\(copy)/val.json").questions[0].image == folder.file("a.png"))
  }

  @Test func unknownFormsAreNamed() throws {
    func reason(_ text: String, _ name: String) throws -> String? {
      let path = try folder.write(Array(text.utf8), to: name)
      return failure { _ = try EvaluationData.read(path) }?.reason
    }
    #expect(try reason("circle\nsquare\n", "list.txt") == "is no file of questions of a known form")
    #expect(try reason("", "empty.json") == "is no file of questions of a known form")
    #expect(try reason(#"{"annotations": []}"#, "a.json") == "holds annotations, but no questions")
    #expect(try reason(#"{"a": {"imageId": "1"}}"#, "gqa.json") == "has no member \"question\"")
    #expect(try reason(#"{"a": 1}"#, "other.json") == "an object is needed, not 1")
    #expect(
      try reason(#"{"a": {"imageId": "1", "question": "q"}, "a": {"imageId": "1", "question": "q"}}"#, "g.json")
        == "question a is there twice")
    #expect(try reason(#"{"data": [{"image_id": "x", "question": "q"}]}"#, "t.json") == "has no member \"question_id\"")
    #expect(try reason(#"[{"image": "VizWiz_test_1.jpg", "question": ""}]"#, "v.json") == "the question is empty")
    let tar = [UInt8](repeating: 0, count: 257) + Array("ustar".utf8) + [UInt8](repeating: 0, count: 300)
    let path = try folder.write(tar, to: "x.json")
    #expect(failure { _ = try EvaluationData.read(path) }?.reason == "is a tar archive")
  }

  // MARK: Images

  @Test func aMissingImageCostsItsQuestion() throws {
    try folder.write([], to: "a.png")
    let path = try folder.write(
      Array("image,question\na.png,Is it?\nb.png,Is it?\nc.png,Or?\n".utf8), to: "q.csv")
    let data = try EvaluationData.read(path)
    #expect(
      data.questions.map { $0.imageProblem?.withoutFile } == [
        nil, "line 3: there is no image \(folder.file("b.png"))", "line 4: there is no image \(folder.file("c.png"))",
      ])
    let address = try folder.write(Array("image,question\na.png,Is it?\nhttps://x.org/b.png,Or?\n".utf8), to: "a.csv")
    let problem = try EvaluationData.read(address).questions[1].imageProblem
    #expect(problem?.reason == "https://x.org/b.png: is an address; pictures are read from files")
    #expect(problem?.hint?.hasPrefix("download it first") == true)
    let none = try folder.write(Array("image,question\nb.png,Is it?\nc.png,Or?\n".utf8), to: "none.csv")
    let error = failure { _ = try EvaluationData.read(none) }
    #expect(error?.kind == .noInput && error?.place == "line 2")
    #expect(error?.reason.hasSuffix("; nor is the image of any other question there") == true)
  }

  /// Names of COCO 2014 without `data_subtype`, of COCO 2017, without an ending, in the folders of their parts, and as
  /// Windows writes them.
  @Test func imagesAreFoundByTheNamesThatTheyHave() throws {
    func found(_ text: String, _ images: [String]) throws -> [String] {
      let folder = TemporaryFolder()
      for image in images {
        try Paths.makeFolder(Paths.folder(of: folder.file(image)))
        try folder.write([], to: image)
      }
      let path = try folder.write(Array(text.utf8), to: "q.json")
      return try EvaluationData.read(path).questions.map { String($0.image.dropFirst(folder.path.count + 1)) }
    }
    let vqa = #"{"questions": [{"question_id": 1, "image_id": 42, "question": "q"}]}"#
    for name in [
      "COCO_val2014_000000000042.jpg", "train2014/COCO_train2014_000000000042.jpg", "val2017/000000000042.jpg",
      "42.png",
    ] { #expect(try found(vqa, [name]) == [name]) }
    let aokvqa = #"[{"split": "val", "image_id": 42, "question_id": "x", "question": "q", "direct_answers": []}]"#
    for name in ["val2017/000000000042.jpg", "000000000042.jpg", "COCO_train2014_000000000042.jpg"] {
      #expect(try found(aokvqa, [name]) == [name])
    }
    let textvqa = #"{"data": [{"question_id": 1, "image_id": "0ab", "question": "q"}]}"#
    for name in ["0ab.jpg", "train_images/0ab.jpg", "0ab.png"] { #expect(try found(textvqa, [name]) == [name]) }
    let original = #"[{"image": "val2014/x.jpg", "question": "q"}, {"image": "d\\y.jpg", "question": "q"}]"#
    #expect(try found(original, ["val2014/x.jpg", "d/y.jpg"]) == ["val2014/x.jpg", "d/y.jpg"])
    #expect(try found(original, ["x.jpg", "y.jpg"]) == ["x.jpg", "y.jpg"])
    let vizwiz = #"[{"image": "VizWiz_val_00000001.jpg", "question": "q"}]"#
    for name in ["VizWiz_val_00000001.jpg", "val/VizWiz_val_00000001.jpg"] {
      #expect(try found(vizwiz, [name]) == [name])
    }
    let gqa = #"{"07": {"imageId": "n1", "question": "q"}}"#
    for name in ["n1.jpg", "images/n1.jpg"] { #expect(try found(gqa, [name]) == [name]) }
  }

  // MARK: Notes

  @Test func whatIsLeftAloneIsTold() throws {
    try folder.write([], to: "a.png")
    func notes(_ text: String, _ name: String) throws -> [String] {
      try EvaluationData.read(folder.write(Array(text.utf8), to: name)).notes
    }
    #expect(
      try notes("image,question,label\na.png,Is it?,yes\n", "q.csv") == [
        "the questions have no answers: no column is called \"answer\"; left alone are \"label\""
      ])
    #expect(try notes("image,question,answer,label\na.png,Is it?,yes,no\n", "r.csv").isEmpty)
    #expect(
      try notes(#"{"image": "a.png", "question": "q", "anwser": "a"}"#, "q.jsonl") == [
        "the questions have no answers: no member is called \"answer\"; left alone are \"anwser\""
      ])
    let questions = try folder.write(
      Array(#"{"questions": [{"question_id": 1, "image_id": "a", "question": "q"}]}"#.utf8), to: "q.json")
    let annotations = try folder.write(
      Array(#"{"annotations": [{"question_id": 1, "image_id": "a", "answers": [{"answer": "yes"}]}]}"#.utf8),
      to: "a.json")
    var data = try EvaluationData.read(questions, annotations: annotations)
    #expect(data.notes.count == 1 && data.notes[0].contains("one answer each"))
    #expect(data.questions[0].accuracy(of: "yes") == 0)
    data.count(by: .single)
    #expect(data.notes.isEmpty && data.questions[0].accuracy(of: "Yes.") == 1)
  }

  // MARK: Metrics

  /// Against the publishers' own scripts (tools/fixtures/fixtures_metrics.py).
  @Test func accuraciesAreThoseOfThePublishers() throws {
    let cases = try JSONValue(
      parsing: bytes(of: packageFile("Tests/AssuranceTests/Fixtures/vqa/metrics.json"))
    ).array()
    #expect(cases.count >= 1200)
    var seen: [AnswerMetric: Int] = [:]
    for (number, item) in cases.enumerated() {
      let metric = try #require(AnswerMetric(rawValue: item.member("metric").string()))
      seen[metric, default: 0] += 1
      let question = EvaluationItem(
        id: "1", image: "", question: "", answers: try item.member("answers").strings(), metric: metric)
      let accuracy = try question.accuracy(of: item.member("prediction").string())
      #expect(
        abs(try #require(accuracy) - item.member("accuracy").number()) < 1e-12, "case \(number): \(item.compactText)")
    }
    #expect(seen.count == 4 && seen.values.allSatisfy { $0 > 300 })
  }

  @Test func singleAnswersAndGQA() {
    func accuracy(_ prediction: String, _ answers: [String], _ metric: AnswerMetric?) -> Double? {
      EvaluationItem(id: "1", image: "", question: "", answers: answers, metric: metric).accuracy(of: prediction)
    }
    #expect(accuracy("The cat.", ["cat"], nil) == 1 && accuracy("cat", ["cats"], nil) == 0)
    #expect(accuracy("cat", [], nil) == nil && accuracy("cat", [], .gqa) == nil)
    #expect(accuracy("cat", ["cat", "a cat"], .single) == 1)
    // GQA's script compares texts as they are.
    #expect(accuracy("cat", ["cat"], .gqa) == 1 && accuracy("Cat", ["cat"], .gqa) == 0)
    #expect(accuracy("caf\u{e9}", ["cafe\u{301}"], .gqa) == 0 && accuracy("caf\u{e9}", ["cafe\u{301}"], .aokvqa) == 0)
    var question = EvaluationItem(id: "1", image: "", question: "", answers: ["cat"], metric: .gqa)
    question.isCounted = false
    #expect(question.accuracy(of: "cat") == nil)
  }

  // MARK: Results

  @Test func resultsAreAsTheServersTakeThem() throws {
    func text(_ form: EvaluationData.Form) -> String {
      var file = ResultsFile(form)
      file.add(262_148_000, answer: "yes")
      file.add("q1", answer: "a \"b\"\n")
      return file.text
    }
    let answers = [
      #"[{"question_id":262148000,"answer":"yes"},{"question_id":"q1","answer":"a \"b\"\n"}]"#,
      #"[{"image":262148000,"answer":"yes"},{"image":"q1","answer":"a \"b\"\n"}]"#,
      #"[{"questionId":262148000,"prediction":"yes"},{"questionId":"q1","prediction":"a \"b\"\n"}]"#,
      #"{"262148000":{"direct_answer":"yes"},"q1":{"direct_answer":"a \"b\"\n"}}"#,
    ]
    let forms: [EvaluationData.Form] = [.vqa, .vizwiz, .gqa, .aokvqa]
    for (form, expected) in zip(forms, answers) {
      #expect(try JSONValue(parsing: Array(text(form).utf8)).compactText == expected)
    }
    #expect(try JSONValue(parsing: Array(ResultsFile(.textvqa).text.utf8)) == [])
    let path = folder.file("r.json")
    var file = ResultsFile(.textvqa)
    file.add(3, answer: "x")
    try file.write(to: OutputFile(path))
    // What reads servers' results reads it.
    #expect(try VQAResults.read(path).results.map(\.answer) == ["x"])
  }
}
