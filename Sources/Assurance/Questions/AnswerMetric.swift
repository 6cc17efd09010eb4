/// How an answer is counted against those of annotators: each data set's publisher has a script of their own.
public enum AnswerMetric: String, CaseIterable, Sendable {
  /// Whether it is the same as the right answer, or one of several, when both are normalized: for data without a script.
  case single
  /// VQA v2 and OK-VQA (vqaEval.py of GT-Vision-Lab/VQA): for each annotator, the others who gave the answer, of whom three
  /// are enough; nothing is normalized where all annotators agree.
  case vqa
  /// VizWiz (its Python API): as VQA's, but the answer is always normalized, annotators' never.
  case vizwiz
  /// TextVQA (EvalAI's TextVQAAccuracyEvaluator, in facebookresearch/mmf): as VQA's, all always normalized, in lower case
  /// and without commas and question marks first.
  case textvqa
  /// A-OKVQA's direct answers (allenai/aokvqa, eval_predictions.py): a third for each annotator who gave the very answer, at
  /// most 1.
  case aokvqa
  /// GQA (its eval.py): the very answer.
  case gqa

  /// 0...1.
  /// - Parameter answers: at least one.
  func accuracy(_ prediction: String, _ answers: [String]) -> Double {
    switch self {
    case .single: answers.contains { VQAAccuracy.isSame(prediction, as: $0) } ? 1 : 0
    case .vqa: VQAAccuracy.accuracy(prediction, annotators: answers)
    case .vizwiz: VQAAccuracy.vizWiz(prediction, annotators: answers)
    case .textvqa: VQAAccuracy.textVQA(prediction, annotators: answers)
    case .aokvqa: min(1, Double(answers.count { $0.utf8.elementsEqual(prediction.utf8) }) / 3)
    case .gqa: answers.contains { $0.utf8.elementsEqual(prediction.utf8) } ? 1 : 0
    }
  }
}
