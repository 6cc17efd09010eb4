import Arrays

/// The questions of a file, in whatever form a data set's publisher, or a spreadsheet, gave them.
public struct EvaluationData: Sendable {
  /// The forms that are told apart by what is in the file; docs/DATASETS.md shows each.
  public enum Form: String, Sendable {
    case vqa
    /// An array of objects with image, question and answer: the original BLIP repository's, or anybody's.
    case array
    case aokvqa
    case vizwiz
    case textvqa
    case gqa
    case csv
    case jsonLines
  }

  public let form: Form
  /// In the file's order.
  public var questions: [EvaluationItem]
  private let readingNotes: [String]

  init(_ form: Form, _ questions: [EvaluationItem], notes: [String] = []) throws(Failure) {
    (self.form, self.questions, readingNotes) = (form, questions, notes)
    let missing = questions.compactMap(\.imageProblem)
    if let first = missing.first, missing.count == questions.count {
      var failure = first
      if questions.count > 1 { failure.reason += "; nor is the image of any other question there" }
      throw failure
    }
  }

  /// What its user should know.
  public var notes: [String] {
    let lonely = questions.count { $0.metric == .vqa && $0.answers.count == 1 }
    guard lonely > 0 else { return readingNotes }
    let some = lonely == questions.count ? "the questions have" : "\(lonely) questions have"
    return readingNotes + [
      "\(some) one answer each: VQA's metric compares an annotator with the others, so that none counts; "
        + "--metric single counts answers that are the same"
    ]
  }

  /// Counts answers by another metric than the data set's.
  public mutating func count(by metric: AnswerMetric) {
    for index in questions.indices where !questions[index].answers.isEmpty { questions[index].metric = metric }
  }

  /// Reads a file of any form.
  /// - Parameters:
  ///   - annotations: of VQA v2 and OK-VQA, the file with the answers.
  ///   - folder: of the images; nil is the folder of the file.
  /// - Throws: `Failure` of kind `noInput` when a file, or every image, is missing; `badData` when a file is malformed, or
  ///   of no known form; `usage` when annotations are given with questions that have their own answers.
  public static func read(
    _ path: String, annotations: String? = nil, images folder: String? = nil
  ) throws(Failure) -> EvaluationData {
    try read(path, named: nil, annotations: annotations, images: folder)
  }

  /// - Parameter name: that tells the form, where the path doesn't.
  package static func read(
    _ path: String, named name: String?, annotations: String? = nil, images folder: String?
  ) throws(Failure) -> EvaluationData {
    let file = try DataFile(path, named: name)
    let folder = folder ?? Self.folder(of: path)
    let form = try self.form(of: file)
    if form == .vqa { return try read(questions: file, annotations: annotations, images: folder) }
    if let annotations {
      throw Failure(
        .usage, file: annotations,
        "annotations go with questions of VQA v2 and OK-VQA only; \(path) has its own answers")
    }
    switch form {
    case .csv: return try read(csv: file, images: folder)
    case .jsonLines: return try read(jsonLines: file, images: folder)
    case .textvqa: return try QuestionForms.textVQA(file, folder)
    case .gqa: return try QuestionForms.gqa(file, folder)
    default: return try QuestionForms.array(file, form, folder)
    }
  }

  /// The folder of a file, or of the archive that it is in.
  private static func folder(of path: String) -> String {
    var folder = Paths.folder(of: path)
    while folder != ".", folder != "/", (try? Paths.isFolder(folder)) == false { folder = Paths.folder(of: folder) }
    return folder
  }

  private static func form(of file: DataFile) throws(Failure) -> Form {
    switch file.ending {
    case "csv", "tsv": return .csv
    case "jsonl", "ndjson": return .jsonLines
    default: break
    }
    let json = LargeJSON(file)
    switch json.shape {
    case .array:
      guard let first = try json.firstItem() else { return .array }
      return QuestionForms.form(of: first)
    case .object(let keys):
      if keys.contains("questions") { return .vqa }
      if keys.contains("data") { return .textvqa }
      if keys.contains("annotations") {
        throw Failure(
          .badData, file: file.path, "holds annotations, but no questions",
          hint: "give the questions' file, and this one as --annotations")
      }
      // A line of JSON Lines, whatever the file is called.
      if keys.contains("image"), keys.contains("question") { return .jsonLines }
      return .gqa
    case .other:
      throw Failure(
        .badData, file: file.path, "is no file of questions of a known form",
        hint: "known are \(known): docs/DATASETS.md shows them")
    }
  }

  static let known =
    "VQA v2's, OK-VQA's, A-OKVQA's, VizWiz', TextVQA's and GQA's JSON, an array of objects, JSON Lines (.jsonl) and .csv or "
    + ".tsv, each also as .gz or .zip"
}

extension EvaluationItem {
  /// The questions of a file of any form, as `EvaluationData.read`.
  public static func read(
    _ path: String, annotations: String? = nil, images folder: String? = nil
  ) throws(Failure) -> [EvaluationItem] {
    try EvaluationData.read(path, annotations: annotations, images: folder).questions
  }

  /// Sets the image to the first of these names that is there, or says why none is.
  mutating func setImage(
    _ names: [String], _ what: String, in images: inout ImageFinder
  ) throws(Failure) {
    switch try images.find(names, what) {
    // A picture called so would be standard input.
    case .success(let path): image = path == "-" ? "./-" : path
    case .failure(let failure): (image, imageProblem) = (images.path(of: names[0]), failure)
    }
  }
}

// MARK: - VQA v2 and OK-VQA

extension EvaluationData {
  /// Questions of VQA v2, in the file's order, with their annotations where these are given.
  static func read(questions data: DataFile, annotations: String?, images folder: String) throws(Failure)
    -> EvaluationData
  {
    let file = try VQAQuestions.read(data)
    var annotated: [Int: VQAAnnotations.Annotation] = [:]
    if let annotations {
      for annotation in try VQAAnnotations.read(annotations).annotations {
        annotated[annotation.question] = annotation
      }
    }
    var images = try ImageFinder(folder: folder)
    var out: [EvaluationItem] = []
    out.reserveCapacity(file.questions.count)
    for question in file.questions {
      let annotation = annotated[question.id]
      if let annotations {
        let hint = "\(data.path) and \(annotations) must be of the same part of the data set"
        guard let annotation else {
          throw Failure(.badData, file: annotations, "question \(question.id) has no annotation", hint: hint)
        }
        guard annotation.image == question.image else {
          throw Failure(
            .badData, file: annotations,
            "question \(question.id) is about image \(annotation.image), by \(Paths.name(data.path)) about "
              + "\(question.image)",
            hint: hint)
        }
      }
      let names =
        switch question.image {
        case .number(let number): COCOImages.names(of: number, subset: file.subset)
        case .name(let name): ImageFinder.names(like: name)
        }
      var item = EvaluationItem(
        id: String(question.id), givenID: .integer(question.id), image: "", question: question.text,
        answers: annotation?.answers ?? [], questionType: annotation?.questionType,
        answerType: annotation?.answerType, metric: annotation == nil ? nil : .vqa)
      try item.setImage(names, question.image.description, in: &images)
      out.append(item)
    }
    return try EvaluationData(.vqa, out)
  }
}
