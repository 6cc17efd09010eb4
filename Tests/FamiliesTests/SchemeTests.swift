import Arrays
import Checkpoints
import Families
import NetFile
import TestSupport
import Testing

/// Weights that were published quantized, by the schemes' own libraries or by their documentation, and others that only look
/// like these; see tools/fixtures/fixtures_schemes.py.
@Suite struct SchemeTests {
  private static let folder = packageFile("Tests/FamiliesTests/Fixtures/schemes")

  struct Expected: Sendable, CustomTestStringConvertible {
    let file: String
    let json: JSONValue
    var testDescription: String { file }
  }

  static let all: [Expected] = {
    let members = try? JSONValue(parsing: bytes(of: "\(folder)/expected.json")).object()
    return (members ?? []).map { Expected(file: $0.key, json: $0.value) }
  }()

  private static func group(_ group: PublishedQuantization.Group) -> String {
    switch group {
    case .tensor: "tensor"
    case .row: "row"
    case .elements(let count): "\(count)"
    case .block(let rows, let columns): "\(rows)x\(columns)"
    }
  }

  private func check(_ found: PublishedQuantization?, _ json: JSONValue, knowsClasses: Bool = true) throws {
    let wanted = try json.member("schemes").array()
    let found = try #require(found)
    #expect(found.schemes.count == wanted.count)
    for (scheme, wanted) in zip(found.schemes, wanted) {
      #expect(try scheme.scheme.name == wanted.member("name").string())
      let bits = wanted["bits"].flatMap { try? $0.integer() }
      #expect(scheme.scheme.bits == bits)
      #expect(try Self.group(scheme.scheme.group) == wanted.member("group").string())
      #expect(try scheme.arrays == wanted.member("arrays").integer())
      #expect(try scheme.weights == wanted.member("weights").integer())
    }
    let parameters = try json.member("parameters").integer()
    #expect(found.parameters == parameters && found.floatBytes == found.parameters * found.floatType.size)
  }

  @Test func thereAreFiles() { #expect(Self.all.count >= 32) }

  @Test(arguments: all)
  func recognizesWhatIsQuantized(_ expected: Expected) throws {
    let checkpoint = try openCheckpoint("\(Self.folder)/\(expected.file)")
    let found = try PublishedQuantization(checkpoint)
    try check(found, expected.json)
    if found?.knowsFloatType == true {
      #expect(try found?.floatType.rawValue == expected.json.member("floatType").string())
    }
    // A plain net of it says the same, where arrays alone tell.
    let shelf = TemporaryFolder()
    let plan = try ConversionPlan(checkpoint, ConversionRequest(keepsUnknown: true))
    #expect(plan.notes.contains { $0.hasPrefix("its weights are quantized: ") })
    let made = try plan.run(on: Shelf(shelf.path), replacing: true, compress: false)[0]
    #expect(try made.floatParameters == expected.json.member("parameters").integer())
    guard !expected.file.hasPrefix("torchao"), !expected.file.hasPrefix("compressed") else { return }
    try check(Inspection(NetFile(made.path)).quantization, expected.json)
  }

  static let lookalikes: [String] = {
    let names = try? Paths.names(in: "\(folder)/lookalikes")
    return (names ?? []).sorted()
  }()

  @Test func thereAreLookalikes() { #expect(Self.lookalikes.count >= 16) }

  @Test(arguments: lookalikes)
  func claimsNothingOfWhatOnlyLooksSo(_ name: String) throws {
    let checkpoint = try openCheckpoint("\(Self.folder)/lookalikes/\(name)")
    #expect(try PublishedQuantization(checkpoint) == nil)
    let plan = try ConversionPlan(checkpoint, ConversionRequest(keepsUnknown: true))
    #expect(!plan.notes.contains { $0.contains("weights are quantized") })
    #expect(try !Inspection(checkpoint).notes.contains { $0.contains("weights are quantized") })
  }

  @Test func noOtherPrecisionIsMadeOfIt() throws {
    let checkpoint = try openCheckpoint("\(Self.folder)/awq")
    let error = failure {
      _ = try ConversionPlan(checkpoint, ConversionRequest(precision: .float32, keepsUnknown: true))
    }
    #expect(error?.reason == "its weights are quantized (AWQ), and their numbers not worked out")
  }
}
