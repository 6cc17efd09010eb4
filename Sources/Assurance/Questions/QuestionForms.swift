import Arrays

/// JSON of data sets that have question and answers in one file.
enum QuestionForms {
  /// Of which data set an array is, by its first item.
  static func form(of item: JSONValue) -> EvaluationData.Form {
    if item["direct_answers"] != nil || item["image_id"] != nil && item["choices"] != nil { return .aokvqa }
    let hasID = item["question_id"] != nil || item["id"] != nil
    // The questions of its test part have no answers, and nothing else that tells.
    let isVizWizImage = (try? item["image"]?.string().hasPrefix("VizWiz_")) == true
    if !hasID, item["answerable"] != nil || isVizWizImage { return .vizwiz }
    return .array
  }

  /// An array: `[{"image", "question", "answer", "question_id", "dataset"}]` (BLIP's vqa_val.json), A-OKVQA's or VizWiz'.
  static func array(_ file: DataFile, _ form: EvaluationData.Form, _ folder: String) throws(Failure) -> EvaluationData {
    var list = QuestionList(folder: try ImageFinder(folder: folder))
    var unused: Set<String> = []
    _ = try LargeJSON(file).forEach(nil) { item throws(Failure) in
      switch form {
      case .aokvqa: try addAOKVQA(item, to: &list)
      case .vizwiz: try addVizWiz(item, to: &list)
      default: try list.add(item, number: list.questions.count + 1, unused: &unused)
      }
    }
    return try EvaluationData(form, list.questions, notes: list.notes(unused: unused, "member"))
  }

  /// `{"split", "image_id", "question_id", "question", "choices", "correct_choice_idx", "direct_answers",
  /// "difficult_direct_answer", "rationales"}`: answered directly, not by choice.
  private static func addAOKVQA(_ item: JSONValue, to list: inout QuestionList) throws(Failure) {
    let reference = try ImageReference(item.member("image_id"))
    let split = try item["split"]?.string()
    var names = ImageFinder.names(like: reference.description)
    if case .number(let number) = reference {
      names = COCOImages.names(of: number, subset: nil)
      // It is made of COCO 2017.
      if let split, COCOImages.isName(split), let padded = names.first(where: { $0.utf8.count == 16 }) {
        names.insert("\(split)2017/\(padded)", at: 0)
      }
    }
    let answers = try item["direct_answers"].map { value throws(Failure) in try AnswerTexts(value).texts } ?? []
    var question = EvaluationItem(
      id: "", image: "", question: "", answers: answers, metric: .aokvqa)
    question.isCounted = try item["difficult_direct_answer"]?.boolean() != true
    try list.add(
      question, id: item.member("question_id"), text: item.member("question"), names: names,
      reference.description)
  }

  /// `{"image", "question", "answers": [{"answer", "answer_confidence"}], "answer_type", "answerable"}`: an image has one
  /// question, which it is the name of.
  private static func addVizWiz(_ item: JSONValue, to list: inout QuestionList) throws(Failure) {
    let image = try item.member("image")
    let reference = try ImageReference(image)
    let answers = try item["answers"].map { value throws(Failure) in try AnswerTexts(value).texts } ?? []
    let part = reference.description.split(separator: "_").dropFirst().first.map(String.init)
    let names = ImageFinder.names(like: reference.description, folders: part.map { [$0] } ?? [])
    let question = EvaluationItem(
      id: "", image: "", question: "", answers: answers, answerType: try item["answer_type"]?.string(), metric: .vizwiz)
    try list.add(question, id: image, text: item.member("question"), names: names, reference.description)
  }

  /// `{"data": [{"question_id", "image_id", "question", "answers": [TEXT]}]}`.
  static func textVQA(_ file: DataFile, _ folder: String) throws(Failure) -> EvaluationData {
    var list = QuestionList(folder: try ImageFinder(folder: folder))
    _ = try LargeJSON(file).forEach("data") { item throws(Failure) in
      let reference = try ImageReference(item.member("image_id"))
      let answers = try item["answers"].map { value throws(Failure) in try AnswerTexts(value).texts } ?? []
      let question = EvaluationItem(id: "", image: "", question: "", answers: answers, metric: .textvqa)
      try list.add(
        question, id: item.member("question_id"), text: item.member("question"),
        names: ImageFinder.names(like: reference.description, folders: ["train_images", "test_images"]),
        reference.description)
    }
    return try EvaluationData(.textvqa, list.questions)
  }

  /// `{ID: {"imageId", "question", "answer", "fullAnswer", "isBalanced", "types": {"structural", "semantic"}}}`.
  static func gqa(_ file: DataFile, _ folder: String) throws(Failure) -> EvaluationData {
    var list = QuestionList(folder: try ImageFinder(folder: folder))
    try LargeJSON(file).forEachMember { key, item throws(Failure) in
      let reference = try ImageReference(item.member("imageId"))
      let answers = try item["answer"].map { value throws(Failure) in try AnswerTexts(value).texts } ?? []
      let structure = try item["types"]?["structural"]?.string()
      var question = EvaluationItem(
        id: "", image: "", question: "", answers: answers, questionType: structure,
        answerType: structure.map { $0 == "query" ? "open" : "binary" }, metric: .gqa)
      question.isCounted = try item["isBalanced"]?.boolean() != false
      try list.add(
        question, id: key, text: item.member("question"),
        names: ImageFinder.names(like: reference.description, folders: ["images"]), reference.description)
    }
    return try EvaluationData(.gqa, list.questions)
  }
}
