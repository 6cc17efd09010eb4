import ArgumentParser
import Arrays
import Assurance
import Families
import Reports
import Tasks

extension Evaluate {
  /// Whether the nets that are named make vectors of images and captions rather than captions.
  func comparesVectors(_ parameters: [Combination.Parameter], on shelf: Shelf) throws(Failure) -> Bool {
    try comparing(parameters, on: shelf) != nil
  }

  private func comparing(_ parameters: [Combination.Parameter], on shelf: Shelf) throws(Failure) -> Family? {
    func isFit(_ family: Family) -> Bool {
      ClipNets.isFamily(family) || MatchNets.isFamily(family) || CaptionNets.isFamily(family)
    }
    let families = try Family.meant(selection.family, by: parameters, fit: isFit)
    let family = families.count == 1 ? families[0] : try shelf.choice(of: families, parameters).family
    return ClipNets.isFamily(family) || MatchNets.isFamily(family) ? family : nil
  }

  func evaluateRetrieval(
    _ items: [EvaluationItem], _ parameters: [Combination.Parameter], _ other: [Combination.Parameter]?, on shelf: Shelf
  ) throws {
    guard !options.isGiven, journal == nil, html == nil else {
      throw Failure(
        .usage, "retrieval is evaluated without making texts, a journal or a page",
        hint: "leave out --journal, --html and the options of decoding")
    }
    let a = try retrieving(parameters, on: shelf)
    let b = try other.map { parameters throws(Failure) in try retrieving(parameters, on: shelf) }
    let evaluation = try RetrievalEvaluation(a, against: b, on: items, isUpright: pictures.upright)
    let progress = ProgressLine("embedding", total: evaluation.total, unit: .things("items"))
    defer { progress.finish() }
    let result = try evaluation.run(progress: progress.add)
    progress.finish()
    let report = RetrievalReport(result)
    try output.print(json: report.json, text: report.text)
    if let note = noteOnTurned(pictures.upright ? 0 : result.turned, first: nil) { Console.printError(note) }
    guard report.failed.count > 0 else { return }
    report.failed.tell(of: items.count)
    throw ExitCode(Failure.Kind.mismatch.exitStatus)
  }

  private func retrieving(_ parameters: [Combination.Parameter], on shelf: Shelf) throws(Failure) -> RetrievalNets {
    let family = try comparing(parameters, on: shelf)
    if let family, MatchNets.isFamily(family) {
      let nets = try MatchNets(family: family.name, parameters: parameters, on: shelf)
      return RetrievalNets(try ImageTextMatching(nets, threads: computing.threads, level: computing.level))
    }
    let nets = try ClipNets(family: family?.name ?? selection.family, parameters: parameters, on: shelf)
    return RetrievalNets(try ImageTextEmbedding(nets, threads: computing.threads, level: computing.level))
  }
}
