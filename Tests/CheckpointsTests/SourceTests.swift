import Arrays
import Checkpoints
import TestSupport
import Testing

@Suite struct SourceTests {
  /// Files of every container are read through any source (of HDF5: HDF5Tests): their arrays are what the publishers'
  /// libraries found in the file.
  @Test(arguments: ContainerTests.containers)
  func readsThroughAnySource(container: String) throws {
    let folder = Paths.join(ContainerFixtures.folder, container)
    let beside = Dictionary(
      uniqueKeysWithValues: try Paths.names(in: folder).map { ($0, try bytes(of: Paths.join(folder, $0))) })
    for member in try ContainerFixtures.expected(container) {
      // Some are named by a folder, or by what several files begin with.
      guard let content = beside[member.key], !member.key.contains("-of-") else { continue }
      let source = MemorySource(member.key, content, beside: beside)
      try ContainerFixtures.check(openWeights(source, openedBy: source.path), member.value)
    }
  }

  @Test func anIndexOpensItsShards() throws {
    let one = safetensors(#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, data: 2)
    let two = safetensors(#"{"b":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#, data: 3)
    let index = Array(#"{"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}"#.utf8)
    let source = MemorySource(
      "model.safetensors.index.json", index, beside: ["one.safetensors": one, "two.safetensors": two])
    #expect(try ShardedCheckpoint(index: source, openedBy: "x").arrays.map(\.name) == ["a", "b"])
    let alone = MemorySource("model.safetensors.index.json", index, beside: ["one.safetensors": one])
    let missing = failure { _ = try ShardedCheckpoint(index: alone, openedBy: "x") }
    #expect(missing?.hint == "memory://model.safetensors.index.json names this file: fetch it too")
  }

  /// Opening reads what tells of the arrays, and nothing of them.
  @Test func opensWithoutReadingArrays() throws {
    let gigabytes = 3 << 30
    let header = safetensors(#"{"w":{"dtype":"U8","shape":[\#(gigabytes)],"data_offsets":[0,\#(gigabytes)]}}"#)
    let source = MemorySource("large.safetensors", header, size: header.count + gigabytes)
    let checkpoint = try openWeights(source, openedBy: source.path)
    #expect(checkpoint.arrays[0].bytes == gigabytes)
    #expect(source.read < 4096)
    var buffer: [UInt8] = []
    try checkpoint.read(0, at: gigabytes - 8, count: 8, into: &buffer)
    #expect(source.read < 4096)
  }
}
