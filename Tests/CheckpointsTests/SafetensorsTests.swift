import Arrays
import Checkpoints
import TestSupport
import Testing

@Suite struct SafetensorsTests {
  private func open(_ bytes: [UInt8]) throws -> SafetensorsCheckpoint {
    let folder = TemporaryFolder()
    return try SafetensorsCheckpoint(InputFile(folder.write(bytes, to: "x.safetensors")))
  }

  @Test func readsASmallFile() throws {
    let header =
      #"{"__metadata__":{"format":"pt"},"b":{"dtype":"F16","shape":[2],"data_offsets":[4,8]},"#
      + #""a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"none":{"dtype":"I8","shape":[3,0],"data_offsets":[4,4]}}   "#
    let file = try open(safetensors(header) + [0, 0, 128, 63, 0, 60, 0, 64])
    #expect(file.arrays.map(\.name) == ["a", "none", "b"])
    #expect(file.arrays.map(\.elementType) == [.float32, .int8, .float16])
    #expect(try file.data(of: 0) == [0, 0, 128, 63])
    #expect(try file.data(of: 2) == [0, 60, 0, 64])
    #expect(try file.data(of: 1) == [])
    #expect(file.metadata.map(\.name) == ["format"] && file.metadata.map(\.value) == ["pt"])
  }

  /// The one name that means something else.
  @Test func writesNoArrayOfThatName() throws {
    let folder = TemporaryFolder()
    let array = CheckpointArray(name: "__metadata__", shape: try Shape([1]), elementType: .int8, bytes: 1)
    let error = failure { _ = try SafetensorsWriter(folder.file("x.safetensors"), arrays: [array]) }
    #expect(error?.withoutFile == "array \"__metadata__\": has a name that stands for something else in safetensors")
    #expect(folder.names.isEmpty)
  }

  @Test func readsAnEmptyFile() throws {
    #expect(try open(safetensors("{}")).arrays.isEmpty)
  }

  static let brokenFrames: [([UInt8], String)] = [
    (Array(safetensors("").dropLast(3)), "has 5 bytes, fewer than the 8 of a safetensors header length"),
    (safetensors(""), "byte 8: the header does not begin with '{'"),
    (safetensors(" {}"), "byte 8: the header does not begin with '{'"),
    (safetensors("{}", length: 3), "byte 0: the header of 3 bytes goes past the end of the file (10 bytes)"),
    (safetensors("{}", length: 100_000_001), "byte 0: the header length 100000001 is over the limit of 100000000"),
    (safetensors("{}", length: .max), "byte 0: the header length 18446744073709551615 is over the limit of 100000000"),
    (safetensors("{}x"), "byte 10: text after the end of the JSON value"),
    (safetensors("{}\0"), "byte 10: text after the end of the JSON value"),
    (safetensors("{\"a\":"), "byte 13: the JSON text ends where a value is needed"),
    (safetensors("{}", data: 4), "byte 10: 4 bytes after the last array belong to none"),
  ]

  @Test(arguments: brokenFrames)
  func refusesBrokenFrames(bytes: [UInt8], message: String) {
    #expect(failure { _ = try open(bytes) }?.withoutFile == message)
  }

  /// Each is the header of a file with 8 bytes of data.
  static let brokenHeaders: [(String, String)] = [
    (#"{"a":1}"#, "byte 13: array \"a\": an object is needed, not 1"),
    (#"{"a":{}}"#, "byte 13: array \"a\": has no dtype"),
    (#"{"a":{"dtype":"F32"}}"#, "byte 13: array \"a\": has no shape"),
    (#"{"a":{"dtype":"F32","shape":[2]}}"#, "byte 13: array \"a\": has no data_offsets"),
    (#"{"a":{"dtype":"f32","shape":[2],"data_offsets":[0,8]}}"#, "byte 22: array \"a\": unknown dtype \"f32\""),
    (
      #"{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,8]}}"#,
      "byte 13: array \"a\": data_offsets span 8 bytes, but float4E2M1 of shape [2] takes 1"
    ),
    (
      #"{"a":{"dtype":"F6_E2M3","shape":[2],"data_offsets":[0,8]}}"#,
      "byte 13: array \"a\": float6E2M3 of shape [2] does not fill whole bytes"
    ),
    (#"{"a":{"dtype":32,"shape":[2],"data_offsets":[0,8]}}"#, "byte 22: array \"a\": a string is needed, not 32"),
    (#"{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}"#, "byte 36: array \"a\": an array is needed, not 2"),
    (
      #"{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#,
      "byte 37: array \"a\": an integer is needed, not the number 2.0"
    ),
    (
      #"{"a":{"dtype":"F32","shape":[2e0],"data_offsets":[0,8]}}"#,
      "byte 37: array \"a\": an integer is needed, not the number 2.0"
    ),
    (
      #"{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}"#,
      "byte 37: array \"a\": an integer is needed, not a string"
    ),
    (
      #"{"a":{"dtype":"F32","shape":[true],"data_offsets":[0,8]}}"#,
      "byte 37: array \"a\": an integer is needed, not true"
    ),
    (#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, "byte 37: array \"a\": -2 is negative"),
    (
      #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
      "byte 13: array \"a\": data_offsets span 8 bytes, but float32 of shape [3] takes 12"
    ),
    (
      #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#,
      "byte 36: array \"a\": shape [4294967296, 4294967296] has more elements than 63 bits can count"
    ),
    (
      #"{"a":{"dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,8]}}"#,
      "byte 13: array \"a\": shape [9223372036854775807] of float32 has more bytes than 63 bits can count"
    ),
    (
      #"{"a":{"dtype":"F32","shape":[18446744073709551618],"data_offsets":[0,8]}}"#,
      "byte 37: the integer 18446744073709551618… does not fit 64 bits"
    ),
    (
      #"{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}}"#,
      "byte 36: array \"a\": shape has 9 dimensions; at most 8 are supported"
    ),
    (
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
      "byte 13: array \"a\": data_offsets end (0) before they begin (8)"
    ),
    (
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8]}}"#,
      "byte 55: array \"a\": data_offsets has 1 numbers, not 2"
    ),
    (
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}"#,
      "byte 55: array \"a\": data_offsets has 3 numbers, not 2"
    ),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#, "byte 56: array \"a\": -8 is negative"),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}"#, "byte 65: array \"a\": unknown member \"x\""),
    (#"{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "byte 28: duplicate key \"dtype\""),
    (
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
      "byte 62: duplicate key \"a\""
    ),
    (
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
      "byte 62: duplicate key \"a\""
    ),
    (
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
      "byte 62: a hole of 4 bytes between the header and array \"a\""
    ),
    (
      #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}"#,
      "byte 115: a hole of 2 bytes between array \"a\" and array \"b\""
    ),
    (
      #"{"a":{"dtype":"U8","shape":[6],"data_offsets":[0,6]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}"#,
      "byte 117: array \"b\" overlaps array \"a\" by 2 bytes"
    ),
    (
      #"{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}"#,
      "byte 113: array \"b\" overlaps array \"a\" by 8 bytes"
    ),
    (
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, "byte 66: 4 bytes after the last array belong to none"
    ),
    (
      #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#,
      "byte 71: the file ends inside array \"a\", 8 bytes before its end"
    ),
    (
      #"{"a":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}"#,
      "byte 13: array \"a\": data_offsets do not fit 63 bits"
    ),
    (
      #"{"a":{"dtype":"U8","shape":[8],"data_offsets":[9223372036854775799,9223372036854775807]}}"#,
      "byte 13: array \"a\": data_offsets do not fit 63 bits"
    ),
    (
      #"{"__metadata__":[],"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
      "byte 24: __metadata__: an object is needed, not an array"
    ),
    (
      #"{"__metadata__":{"n":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
      "byte 29: __metadata__: a string is needed, not 1"
    ),
    (#"{"a":{"dtype":"F32","shape":[[[2]]],"data_offsets":[0,8]}}"#, "byte 38: nested more than 4 deep"),
    (
      #"{"a\u0000b\n":{"dtype":"X","shape":[2],"data_offsets":[0,8]}}"#,
      "byte 31: array \"a\\u{0}b\\u{a}\": unknown dtype \"X\""
    ),
  ]

  @Test(arguments: brokenHeaders)
  func refusesBrokenHeaders(header: String, message: String) {
    let error = failure { _ = try open(safetensors(header, data: 8)) }
    #expect(error?.withoutFile == message)
    #expect(error?.kind == .badData)
    #expect(error?.file?.hasSuffix("x.safetensors") == true)
  }

  /// A header of the greatest length, of the greatest number of values: refused without much memory.
  @Test func boundsHostileHeaders() {
    let many = "{\"a\":[" + String(repeating: "0,", count: 10_000_000) + "0]}"
    #expect(failure { _ = try open(safetensors(many)) }?.reason == "more than 500000 JSON values")
  }
}

@Suite struct SnifferTests {
  static let lookalikes: [([UInt8], String)] = [
    ([UInt8](), "is empty, where a checkpoint is needed"),
    (
      Array("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1538800584\n".utf8),
      "is a Git LFS pointer, not the file itself, where a checkpoint is needed"
    ),
    (Array("<!DOCTYPE html><html>".utf8), "is an HTML page, where a checkpoint is needed"),
    (Array("\n <html lang=\"en\">".utf8), "is an HTML page, where a checkpoint is needed"),
    (
      [0x50, 0x4b, 3, 4, 0, 0],
      "byte 6: the zip archive's directory is missing at the end of the file"
    ),
    ([0x80, 2, 0x8a, 0x0a], "pickle, byte 4: the pickle ends early"),
    (
      [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0],
      "file: cut short: it has 9 bytes and ends inside the superblock"
    ),
    (Array("GGUF\u{3}\0\0\0".utf8), "byte 8: 8 bytes expected, 0 left"),
    (Array("lmgg\u{1}\0\0\0".utf8), "is a GGML file, the format before GGUF, where a checkpoint is needed"),
    ([0x1f, 0x8b, 8, 0], "is a gzip file, where a checkpoint is needed"),
    (Array("{\"error\": \"Entry not found\"}".utf8), "is a JSON text, where a checkpoint is needed"),
    (Array("Entry not found".utf8), "is a text file, where a checkpoint is needed"),
    ([1, 2, 3, 0xff], "is of no known format, where a checkpoint is needed"),
  ]

  @Test(arguments: lookalikes)
  func namesLookalikes(bytes: [UInt8], message: String) throws {
    let folder = TemporaryFolder()
    let path = try folder.write(bytes, to: "weights.bin")
    let error = failure { _ = try openCheckpoint(path) }
    #expect(error?.withoutFile == message)
    #expect(error?.kind == .badData && error?.hint != nil)
  }

  @Test func endlessNamesAreRefused() throws {
    let folder = TemporaryFolder()
    for count in [4096, 4097] {
      let name = String(repeating: ".", count: count)
      let path = try folder.write(
        safetensors("{\"\(name)\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"), to: "x.safetensors")
      let error = failure { _ = try openCheckpoint(path) }
      #expect((error == nil) == (count == 4096))
      #expect(error == nil || error?.reason == "has a name of 4097 bytes; at most 4096 are read")
    }
  }

  @Test func contentCountsNotTheName() throws {
    let folder = TemporaryFolder()
    let path = try folder.write(safetensors("{}"), to: "pytorch_model.bin")
    #expect(try openCheckpoint(path).format == "safetensors")
  }

  @Test func findsWeightsInFolders() throws {
    let folder = TemporaryFolder()
    #expect(failure { _ = try openCheckpoint(folder.path) }?.reason == "holds no weights file")
    for (name, reason) in [
      ("__0_0.distcp", "is a checkpoint of torch.distributed (.distcp files), which is not read"),
      ("manifest.ocdbt", "is a checkpoint of Orbax, which is not read"),
    ] {
      let other = TemporaryFolder()
      try other.write([1], to: name)
      #expect(failure { _ = try openCheckpoint(other.path) }?.reason == reason)
    }
    try folder.write(safetensors("{}"), to: "one.safetensors")
    #expect(try openCheckpoint(folder.path).arrays.isEmpty)
    try folder.write(safetensors("{}"), to: "two.safetensors")
    #expect(
      failure { _ = try openCheckpoint(folder.path) }?.reason
        == "holds 2 weights files, none of a usual name")
    try folder.write(safetensors("{}"), to: "model.safetensors")
    #expect(try openCheckpoint(folder.path).files[0].path == folder.file("model.safetensors"))
  }
}
