import Arrays
import Checkpoints
import TestSupport
import Testing

/// Files of every kind that torch writes, with what torch found in them; see tools/fixtures/fixtures_torch_kinds.py.
@Suite struct TorchKindsTests {
  private static let folder = packageFile("Tests/CheckpointsTests/Fixtures/torch-kinds")

  struct Expected: Sendable, CustomTestStringConvertible {
    let file: String
    let json: JSONValue
    var testDescription: String { file }
  }

  static let all: [Expected] = {
    let members = try? JSONValue(parsing: bytes(of: "\(folder)/expected.json")).object()
    return (members ?? []).map { Expected(file: $0.key, json: $0.value) }
  }()

  private func check(_ checkpoint: any Checkpoint, holds expected: JSONValue) throws {
    let members = try expected.object()
    #expect(Set(checkpoint.arrays.map(\.name)) == Set(members.map(\.key)))
    #expect(checkpoint.arrays.count == members.count)
    for member in members {
      guard let index = checkpoint.arrays.firstIndex(where: { $0.name.utf8.elementsEqual(member.key.utf8) }) else {
        continue
      }
      #expect(try checkpoint.arrays[index].shape.dimensions == member.value.member("shape").sizes(), "\(member.key)")
      #expect(
        try checkpoint.arrays[index].elementType.rawValue == member.value.member("type").string(), "\(member.key)")
      let data = try checkpoint.data(of: index)
      #expect(try SHA256.digest(data).description == member.value.member("sha256").string(), "\(member.key)")
      if data.count > 1 {
        var part: [UInt8] = []
        try checkpoint.read(index, at: 1, count: data.count - 1, into: &part)
        #expect(part.elementsEqual(data.dropFirst()), "\(member.key)")
      }
    }
  }

  @Test func thereAreFiles() { #expect(Self.all.count >= 65) }

  @Test(arguments: all)
  func findsWhatTorchFinds(_ expected: Expected) throws {
    let path = "\(Self.folder)/\(expected.file)"
    let checkpoint = try openCheckpoint(path)
    try check(checkpoint, holds: expected.json.member("arrays"))
    let lines = checkpoint.leftovers.map { "\($0.name): \($0.what)" }
    for text in try expected.json.member("left").strings() {
      #expect(lines.contains { $0.hasPrefix(text) }, "\(text) is none of \(lines)")
    }
    #expect(try Set(checkpoint.calls) == Set(expected.json.member("calls").strings()))
    if let all = expected.json["all"] { try check(openCheckpoint(path, .all), holds: all) }
  }

  /// What is no weights is taken from each of several files too, where it is asked for.
  @Test func takesAllOfShards() throws {
    let folder = TemporaryFolder()
    for (number, name) in ["train-full", "tensor"].enumerated() {
      try folder.write(bytes(of: "\(Self.folder)/\(name).pt"), to: "pytorch_model-0000\(number + 1)-of-00002.bin")
    }
    func names(_ path: String, _ part: CheckpointPart) throws -> [String] {
      try openCheckpoint(path, part).arrays.map(\.name)
    }
    for part in [CheckpointPart.weights, .all] {
      let one = try names("\(Self.folder)/train-full.pt", part) + names("\(Self.folder)/tensor.pt", part)
      #expect(try names(folder.path, part) == one)
    }
    #expect(try names(folder.path, .all).count > names(folder.path, .weights).count)
  }

  /// A path chooses a part, whose names go on from it.
  @Test func choosesParts() throws {
    let path = "\(Self.folder)/train-full.pt"
    let whole = try openCheckpoint(path, .all)
    let optimizer = try openCheckpoint(path, .at("optimizer_state"))
    #expect(optimizer.arrays.count == 12 && optimizer.arrays.allSatisfy { $0.name.hasPrefix("state.") })
    #expect(optimizer.leftovers.map(\.name) == ["param_groups"])
    for (index, array) in optimizer.arrays.enumerated() {
      let other = try #require(whole.arrays.firstIndex { $0.name == "optimizer_state." + array.name })
      #expect(try optimizer.data(of: index) == whole.data(of: other))
    }
    #expect(try openCheckpoint(path, .at("seen.0")).arrays.map(\.name) == ["0"])
    let error = failure { _ = try openCheckpoint(path, .at("seen.2")) }
    #expect(error?.reason == "has no arrays at \"seen.2\"" && error?.kind == .noInput)
    #expect(error?.hint?.hasPrefix("paths in it begin with model_state, optimizer_state, seen") == true)
    // Of other containers too.
    let copy = packageFile("weights/demo")
    let part = try openCheckpoint(copy, .at("text_encoder"))
    #expect(!part.arrays.isEmpty && part.arrays.allSatisfy { !$0.name.hasPrefix("text_encoder") })
  }

  @Test func averagesCanBeChosen() throws {
    let path = "\(Self.folder)/gan.pt"
    let average = try openCheckpoint(path, .at("generator_ema"))
    let net = try openCheckpoint(path, .at("generator"))
    #expect(average.arrays.map(\.name) == net.arrays.map(\.name))
    #expect(try average.data(of: 0) != net.data(of: 0))
  }
}
