import Arrays
import Checkpoints
import TestSupport
import Testing

@Suite struct ShardTests {
  private let folder = TemporaryFolder()

  private func shard(_ name: String, _ arrays: [String]) throws {
    let entries = arrays.enumerated().map {
      "\"\($1)\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[\($0),\($0 + 1)]}"
    }
    try folder.write(safetensors("{\(entries.joined(separator: ","))}", data: arrays.count), to: name)
  }

  private func open(_ index: String) throws -> any Checkpoint {
    try openCheckpoint(folder.write(Array(index.utf8), to: "model.safetensors.index.json"))
  }

  @Test func joinsShards() throws {
    try shard("one.safetensors", ["a", "b"])
    try shard("two.safetensors", ["c"])
    let map =
      #"{"metadata":{"total_size":3},"weight_map":{"c":"two.safetensors","a":"one.safetensors","b":"one.safetensors"}}"#
    let checkpoint = try open(map)
    #expect(checkpoint.arrays.map(\.name) == ["a", "b", "c"])
    #expect(checkpoint.files.count == 2)
    #expect(try checkpoint.data(of: 2) == [7])
    #expect(try openCheckpoint(folder.path).arrays.count == 3)
  }

  static let indices: [(String, String)] = [
    ("", "byte 0: the JSON text ends where a value is needed"),
    ("{}", "byte 0: has no member \"weight_map\""),
    ("{\"weight_map\":[]}", "byte 14: an object is needed, not an array"),
    ("{\"weight_map\":{\"a\":1}}", "byte 19: a string is needed, not 1"),
    ("{\"weight_map\":{\"a\":\"\"}}", "byte 19: \"\" is not the bare name of a file"),
    ("{\"weight_map\":{\"a\":\"..\"}}", "byte 19: \"..\" is not the bare name of a file"),
    ("{\"weight_map\":{\"a\":\"../x\"}}", "byte 19: \"../x\" is not the bare name of a file"),
    ("{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "byte 19: \"/etc/passwd\" is not the bare name of a file"),
    ("{\"weight_map\":{\"a\":\"sub/x\"}}", "byte 19: \"sub/x\" is not the bare name of a file"),
    ("{\"weight_map\":{\"a\":\"..\\\\x\"}}", "byte 19: \"..\\x\" is not the bare name of a file"),
    ("{\"weight_map\":{\"a\":\"x\\u0000y\"}}", "byte 19: \"x\\u{0}y\" is not the bare name of a file"),
    ("{\"weight_map\":{\"a\":\"one\",\"a\":\"one\"}}", "byte 25: duplicate key \"a\""),
    ("{\"weight_map\":{\"a\":\"gone\"}}", "no such file"),
    ("{\"weight_map\":{\"a\":\"one\"}}", "array \"b\": is not in the index"),
    (
      "{\"weight_map\":{\"a\":\"one\",\"b\":\"one\",\"z\":\"one\"}}", "array \"z\": is in the index but not in the file"
    ),
    ("{\"weight_map\":{\"a\":\"one\",\"b\":\"two\",\"c\":\"two\"}}", "array \"b\": should be in two by the index"),
    (
      "{\"weight_map\":{\"a\":\"one\",\"b\":\"one\",\"c\":\"twice\"}}",
      "array \"b\": is in another file of the checkpoint too"
    ),
    ("{\"weight_map\":{\"a\":\"text\"}}", "is a text file, where a checkpoint is needed"),
  ]

  @Test(arguments: indices)
  func refusesIndices(index: String, message: String) throws {
    try shard("one", ["a", "b"])
    try shard("two", ["c"])
    try shard("twice", ["b", "c"])
    try folder.write(Array("nothing".utf8), to: "text")
    let error = failure { _ = try open(index) }
    #expect(error?.withoutFile == message)
    #expect(error?.hint != nil)
  }
}
