import Arrays
import Assurance
import Checkpoints
import Families
import NetFile
import Tasks
import TestSupport
import Testing

/// CLIP's choice of labels as a task: what is right, what int8 changes, what a budget finds.
@Suite struct ZeroShotClassifyingTests {
  private let folder = TemporaryFolder()
  private let shelf: Shelf
  private let nets: [NetFile]
  private let labels = ["red circle", "green square", "blue triangle", "small dog"]

  init() throws {
    shelf = Shelf(folder.path)
    let request = ConversionRequest(parameters: [try .init(argument: "Release=tiny")])
    let plan = try ConversionPlan(openCheckpoint(packageFile("Tests/FamiliesTests/Fixtures/clip/2")), request)
    nets = try plan.run(on: shelf, replacing: true, compress: false).map { try NetFile($0.path) }
  }

  private func task(_ nets: [NetFile]) throws -> ZeroShotClassifying {
    ZeroShotClassifying(try ZeroShotClassification(ImageTextEmbedding(ClipNets(files: nets)), labels: labels))
  }

  /// What the net itself says of each picture is right; of one of them something else.
  private func items(_ task: ZeroShotClassifying) throws -> [EvaluationItem] {
    let folder = packageFile("weights/demo/pictures")
    let names = ["red-circle-0004.png", "blue-circle-0014.png"]
    return try names.enumerated().map { number, name in
      let best = try task.classifier.classes(.init("\(folder)/\(name)"))
      var item = EvaluationItem(
        id: name, image: "\(folder)/\(name)", question: "", answers: [best[number].label],
        answerType: best[number].label)
      item.classIndex = best[number].index
      return item
    }
  }

  @Test func whatIsRightIsCounted() throws {
    let task = try task(nets)
    let result = try Evaluation(task, on: items(task)).run()
    #expect(result.accuracy?.overall.mean == 0.5 && result.further.map(\.name) == ["top-5"])
    #expect(result.further[0].a == 1)
  }

  @Test func int8IsComparedLayerByLayer() throws {
    let float = try task(nets)
    let int8 = try task(
      Quantization.run(nets.map { try Quantization($0) }, on: shelf, replacing: false).map { try NetFile($0.net.path) })
    let result = try Evaluation(int8, against: float, on: items(float)).run()
    let layers = try #require(result.layers?.errors)
    #expect(
      layers.contains { $0.name.hasPrefix("TextEncoder.blocks.1.") }
        && layers.contains { $0.name.hasPrefix("ImageEncoder.blocks.0.") })
    #expect(try #require(result.divergence) > 0)
    let inputs = try LayerInputs(float, on: items(float))
    #expect(nets.allSatisfy { !inputs.of($0).isEmpty })
  }

  @Test func budgetsAreSearched() throws {
    let task = try task(nets)
    let search = try BudgetSearch(
      task, on: items(task), QuantizationBudget(maximumDrop: 0, minimumAgreement: 100), base: [:])
    let found = try search.run(folder: folder.path)
    #expect(found.best.isWithin && found.best.agreement == 1 && found.floatAccuracy == 0.5)
  }
}
