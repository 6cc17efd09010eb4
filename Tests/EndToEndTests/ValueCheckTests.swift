import Arrays
import TestSupport
import Testing

/// `inspect --check`: values that can't be right.
@Suite struct ValueCheckTests {
  private let folder = TemporaryFolder()

  private func file(_ arrays: [(name: String, dtype: String, bytes: [UInt8])]) throws -> String {
    var (members, data): ([String], [UInt8]) = ([], [])
    for array in arrays {
      let size = ["F32": 4, "F16": 2, "I64": 8][array.dtype] ?? 1
      members.append(
        "\"\(array.name)\":{\"dtype\":\"\(array.dtype)\",\"shape\":[\(array.bytes.count / size)],"
          + "\"data_offsets\":[\(data.count),\(data.count + array.bytes.count)]}")
      data += array.bytes
    }
    let header = Array("{\(members.joined(separator: ","))}".utf8)
    return try folder.write(UInt64(header.count).littleEndianBytes + header + data, to: "weights.safetensors")
  }

  @Test func whatIsWrongIsNamed() throws {
    let path = try file([
      ("odd", "F32", Floats.bytes([1, .nan, .infinity, -.infinity])), ("zeros", "F32", Floats.bytes([0, -0.0])),
      ("half", "F16", [0x00, 0x7e, 0x00, 0x3c]), ("sound", "F32", Floats.bytes([0, 2])),
      ("one", "F32", Floats.bytes([0])), ("count", "I64", [UInt8](repeating: 0, count: 16)),
    ])
    let run = try Run(["inspect", path, "--check"])
    #expect(run.status == 1)
    #expect(
      run.output.contains(
        """
        check  6 arrays, of which 3 can't be right
          odd: 1 NaN, 2 infinities, of 4
          zeros: all zeros, of 2
          half: 1 NaN, of 2
        """))
    let json = try Run(["inspect", path, "--check", "--json"])
    let check = try json.json().member("check")
    #expect(json.status == 1)
    #expect(
      try check.member("arrays") == 6
        && check.member("findings").array().map { $0["array"] } == ["odd", "zeros", "half"])
  }

  @Test func whatIsSoundIsSaidToBe() throws {
    let run = try Run(["inspect", try file([("w", "F32", Floats.bytes([1, 2]))]), "--check"])
    #expect(run.status == 0 && run.output.contains("check  1 array, no NaN, no infinity, none all zeros"))
  }
}
