import Arrays
import Checkpoints
import TestSupport
import Testing

/// Elements of fewer bits than a byte, and other types that few have, as the publishers' libraries read them; see
/// tools/fixtures/fixtures_packed.py.
@Suite struct PackedTests {
  private static let folder = packageFile("Tests/CheckpointsTests/Fixtures/packed")

  private static func expected() throws -> [JSONMember] {
    try JSONValue(parsing: bytes(of: "\(folder)/expected.json")).object()
  }

  @Test(arguments: ["pairs.safetensors", "six.safetensors", "raw.onnx", "typed.onnx", "kinds.pt", "quantized.pt"])
  func arraysAreThePublishers(file: String) throws {
    let members = try #require(Self.expected().first { $0.key == file }).value.object()
    let checkpoint = try openCheckpoint("\(Self.folder)/\(file)")
    #expect(Set(checkpoint.arrays.map(\.name)) == Set(members.map(\.key)) && checkpoint.arrays.count == members.count)
    for member in members {
      let index = try #require(checkpoint.arrays.firstIndex { $0.name == member.key })
      let array = checkpoint.arrays[index]
      #expect(try array.shape.dimensions == member.value.member("shape").sizes(), "\(member.key)")
      #expect(try array.elementType.rawValue == member.value.member("type").string(), "\(member.key)")
      let data = try checkpoint.data(of: index)
      #expect(try SHA256.digest(data).description == member.value.member("sha256").string(), "\(member.key)")
      guard array.elementType.isPacked else { continue }
      // In pieces that end within elements.
      var elements = PackedElements(array.elementType, elements: array.shape.elements)
      var floats: [UInt8] = []
      for start in stride(from: 0, to: data.count, by: 2) {
        floats += elements.float32(data.rawSpan.extracting(start..<min(start + 2, data.count)))
      }
      #expect(try SHA256.digest(floats).description == member.value.member("values").string(), "\(member.key)")
    }
  }

  @Test func tellsWhatBytesStandFor() throws {
    let arrays = try openCheckpoint("\(Self.folder)/kinds.pt").arrays
    let told = Dictionary(uniqueKeysWithValues: arrays.map { ($0.name, $0.packing?.type) })
    #expect(told["turned"] == "float4_e2m1fn_x2" && told["bits1x8"] == "bits1x8" && told["pairs"] == .some(nil))
    let odd = try openCheckpoint("\(Self.folder)/quantized.pt").arrays.first { $0.name == "odd.int_repr" }
    #expect(odd?.packing?.type == "quint4x2")
  }

  @Test func safetensorsNotesTheOrderThatItTakes() throws {
    #expect(try openCheckpoint("\(Self.folder)/six.safetensors").notes.count == 1)
    #expect(try openCheckpoint("\(Self.folder)/pairs.safetensors").notes.isEmpty)
  }

  /// What is written has the same dtypes again, and what doesn't fill its bytes is refused.
  @Test(arguments: ["pairs.safetensors", "six.safetensors"])
  func safetensorsHoldsThem(file: String) throws {
    let checkpoint = try openCheckpoint("\(Self.folder)/\(file)")
    let folder = TemporaryFolder()
    let writer = try SafetensorsWriter(folder.file("copy.safetensors"), arrays: checkpoint.arrays)
    for index in checkpoint.arrays.indices {
      let data = try checkpoint.data(of: index)
      try writer.write(index) { try $0(data.rawSpan) }
    }
    try writer.finish()
    try writer.commit()
    let copy = try openCheckpoint(folder.file("copy.safetensors"))
    #expect(copy.arrays == checkpoint.arrays)
    for index in copy.arrays.indices { #expect(try copy.data(of: index) == checkpoint.data(of: index)) }
    let odd = CheckpointArray(name: "a", shape: try Shape([3]), elementType: .float4E2M1, bytes: 2)
    let error = failure { _ = try SafetensorsWriter(folder.file("odd.safetensors"), arrays: [odd]) }
    #expect(error?.reason == "is float4E2M1 that does not fill whole bytes, which safetensors files can't hold")
  }
}
