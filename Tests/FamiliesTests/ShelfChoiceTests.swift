import Arrays
import Checkpoints
import Families
import NetFile
import TestSupport
import Testing

/// Which net parameters mean that don't say all.
@Suite struct ShelfChoiceTests {
  private let folder = TemporaryFolder()
  private var shelf: Shelf { Shelf(folder.path) }

  private func convert(_ name: String, _ release: String?, _ precision: ElementType? = nil) throws -> String {
    let parameters = release.map { [Combination.Parameter("Release", .word($0))] } ?? []
    let plan = try ConversionPlan(
      openCheckpoint(packageFile("Tests/FamiliesTests/Fixtures/\(name)")),
      ConversionRequest(parameters: parameters, precision: precision))
    return try plan.run(on: shelf, replacing: false, compress: false)[0].path
  }

  private func choice(_ arguments: String...) throws -> String {
    let parameters = try arguments.map { try Combination.Parameter(argument: $0) }
    return try shelf.choice(of: Family.meant(nil, by: parameters), parameters).combination.description
  }

  @Test func theOnlyNetThatFitsIsMeant() throws {
    _ = try convert("layouts/float16", "mine")
    #expect(try choice("Release=mine").contains("Precision=float16"))
    #expect(try choice("Precision=float16").contains("Release=mine"))
    // Nothing fits: the default's name, which isn't there.
    #expect(try choice("Release=other").contains("Precision=float32"))
  }

  @Test func severalAreListed() throws {
    _ = try convert("layouts/float16", "mine")
    _ = try convert("layouts/bfloat16", "mine")
    let error = failure { _ = try choice("Release=mine") }
    #expect(error?.kind == .usage && error?.reason == "2 nets on the shelf fit Release=mine")
    #expect(error?.hint == "say which: --set Precision=bfloat16; or --set Precision=float16")
    // The default is meant where it is there.
    _ = try convert("layouts/huggingface", "mine")
    #expect(try choice("Release=mine").contains("Precision=float32"))
  }

  @Test func familiesAreToldApart() throws {
    _ = try convert("layouts/float16", "mine")
    _ = try convert("names/plain", "mine")
    let error = failure { _ = try choice("Release=mine") }
    #expect(error?.hint == "say which: --family blip-vqa; or --family vit-imagenet")
    #expect(try choice("Release=mine", "ImageSize=8").contains("ModelSize=custom"))
    // The default is meant where it is there.
    _ = try convert("layouts/huggingface", "mine")
    #expect(try choice("Release=mine").contains("Precision=float32"))
  }

  /// Files from before there was the axis, and those of the default release, are named alike.
  @Test func twoFineTunesOfAViTStandOnOneShelf() throws {
    let first = try convert("names/plain", nil)
    #expect(Paths.name(first) == "ModelSize=custom,PatchSize=4,ImageSize=8,Precision=float32.ingot")
    #expect(try NetFile(first).header.parameters.map(\.key) == ["ModelSize", "PatchSize", "ImageSize", "Precision"])
    let second = try convert("names/plain", "mine")
    #expect(Paths.name(second) == "ModelSize=custom,PatchSize=4,ImageSize=8,Precision=float32,Release=mine.ingot")
    let error = failure { _ = try choice("ImageSize=8") }
    #expect(error?.hint == "say which: --set Release=mine; or --set Release=published")
    #expect(try choice("ImageSize=8", "Release=published").contains("Release=published"))
    #expect(try Inspection(NetFile(first)).parameters.last?.value == .word("published"))
  }

  @Test func customStandsForNoOneSize() throws {
    let family = try Family.named("vit-imagenet")
    let error = failure {
      _ = try Creation(family, family.combination(setting: [.init("ModelSize", .word("custom"))]), seed: 1)
    }
    #expect(error?.kind == .usage && error?.reason == "ModelSize=custom stands for nets of any other size")
  }
}
