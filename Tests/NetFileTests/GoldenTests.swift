import Arrays
import Checkpoints
import NetFile
import TestSupport
import Testing

/// Files of format versions 1 and 2 that tools/fixtures/fixtures.py wrote from schemas/FORMAT.md, sharing no code with this program.
/// They must stay readable for ever.
@Suite struct GoldenTests {
  private func fixture(_ name: String) -> String { packageFile("Tests/NetFileTests/Fixtures/\(name)") }

  private func data(_ net: NetFile, _ entry: ArrayEntry) throws -> [UInt8] {
    var out: [UInt8] = []
    try net.forEachChunk(of: entry) { out.append(contentsOf: $0) }
    return out
  }

  @Test(arguments: ["golden-v1.ingot", "golden-v1-compressed.ingot"])
  func everyElementTypeIsRead(name: String) throws {
    let net = try NetFile(fixture(name))
    let source = try openCheckpoint(fixture("every-type.safetensors"))
    #expect(try net.damage().isEmpty)
    // Those that came later are in no file of that time.
    let later: Set<ElementType> = [.float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0, .complex32, .complex64, .complex128]
    let known = Set(ElementType.allCases.filter { !$0.isPacked })
    #expect(Set(net.header.arrays.map(\.elementType)) == known.subtracting(later))
    for (index, array) in source.arrays.enumerated() {
      let entry = try #require(net.header.arrays.first { $0.name == array.name })
      #expect(entry.shape == array.shape && entry.elementType == array.elementType)
      #expect(try data(net, entry) == source.data(of: index), "\(array.name)")
    }
  }

  @Test func scalesGoAlongTheDimensionThatTheFileSays() throws {
    let net = try NetFile(fixture("golden-v2.ingot"))
    #expect(try net.damage().isEmpty)
    let weights = net.header.arrays.filter { $0.scales != nil }
    #expect(weights.map(\.scaleAxis) == [nil, 1, 2])
    let scales = net.header.arrays.filter { $0.scales == nil }
    #expect(scales.map(\.shape.dimensions) == [[2], [3], [4]])
  }

  @Test func packedElementsAreThoseOfTheirSource() throws {
    let net = try NetFile(fixture("golden-v2-packed.ingot"))
    #expect(try net.damage().isEmpty)
    let packed = Set(ElementType.allCases.filter(\.isPacked))
    #expect(Set(net.header.arrays.map(\.elementType)) == packed && packed.count == 7)
    let source = try openCheckpoint(packageFile("Tests/CheckpointsTests/Fixtures/packed/typed.onnx"))
    for (index, array) in source.arrays.enumerated() {
      let entry = try #require(net.header.arrays.first { $0.name == array.name })
      #expect(entry.shape == array.shape && entry.elementType == array.elementType && entry.bytes == array.bytes)
      #expect(try data(net, entry) == source.data(of: index), "\(array.name)")
    }
  }

  @Test(arguments: ["golden-v1.ingot", "golden-v2.ingot", "golden-v2-packed.ingot"])
  func writerMakesTheSameBytes(name: String) throws {
    let folder = TemporaryFolder()
    let golden = try NetFile(fixture(name))
    let path = folder.file("again.ingot")
    let writer = try NetFileWriter(path, header: golden.header, compress: false)
    for (index, entry) in golden.header.arrays.enumerated() {
      let bytes = try data(golden, entry)
      try writer.write(index) { try $0(bytes.rawSpan) }
    }
    try writer.finish()
    try writer.commit()
    #expect(try bytes(of: path) == bytes(of: fixture(name)))
  }
}
