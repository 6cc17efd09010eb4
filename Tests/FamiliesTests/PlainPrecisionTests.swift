import Arrays
import Assurance
import Checkpoints
import Families
import NetFile
import TestSupport
import Testing

/// Plain nets of another precision, held against what torch's `.to()` makes of the same floats
/// (tools/fixtures/fixtures_precision.py).
@Suite struct PlainPrecisionTests {
  private let folder = TemporaryFolder()
  private static let fixtures = packageFile("Tests/FamiliesTests/Fixtures")

  private func converted(_ file: String, _ precision: ElementType?, compress: Bool = false) throws -> WrittenNet {
    let plan = try ConversionPlan(
      openCheckpoint(file), ConversionRequest(precision: precision, keepsUnknown: true))
    return try plan.run(on: Shelf(folder.path), replacing: true, compress: compress)[0]
  }

  private func data(_ net: NetFile, _ array: ArrayEntry) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try net.forEachCheckedChunk(of: array) { bytes.append(contentsOf: $0) }
    return bytes
  }

  /// With all NaN made the same.
  private static func digest(_ bytes: [UInt8], _ type: ElementType) -> String {
    var bytes = bytes
    let size = type.size
    guard type.isFloatingPoint else { return SHA256.digest(bytes).description }
    let floats = Floats.array(FloatConversion.convert(bytes.rawSpan, from: type, to: .float32))
    for (index, value) in floats.enumerated() where value.isNaN {
      for place in index * size..<(index + 1) * size { bytes[place] = 0xff }
    }
    return SHA256.digest(bytes).description
  }

  @Test(arguments: [ElementType.float32, .float16, .bfloat16], [false, true])
  func valuesAreTorchs(precision: ElementType, compress: Bool) throws {
    let file = "\(Self.fixtures)/precision.safetensors"
    let made = try converted(file, precision, compress: compress)
    #expect(made.path.hasSuffix("Name=precision,Precision=\(precision.rawValue).ingot"))
    let net = try NetFile(made.path)
    let expected = try JSONValue(parsing: bytes(of: "\(Self.fixtures)/precision.json")).member(precision.rawValue)
    #expect(try net.header.arrays.count == expected.object().count)
    let overflows = Dictionary(uniqueKeysWithValues: made.overflows)
    for entry in net.header.arrays {
      let wanted = try expected.member(entry.name)
      #expect(try entry.elementType.rawValue == wanted.member("type").string(), "\(entry.name)")
      let digest = Self.digest(try data(net, entry), entry.elementType)
      #expect(try digest == wanted.member("sha256").string(), "\(entry.name)")
      #expect(try overflows[entry.name] ?? 0 == wanted.member("overflows").integer(), "\(entry.name)")
    }
    #expect(made.header.provenance.convertedFrom == .float64)
    // The checkpoint gives the same again.
    #expect(try Verification(net, source: openCheckpoint(file)).run().isVerified)
    let other = try Verification(NetFile(converted(file, nil).path), source: openCheckpoint(file)).run()
    #expect(other.isVerified && other.source?.arrays == net.header.arrays.count)
  }

  /// Packed floats become numbers, packed integers stay; `quantize` makes the same.
  @Test func packedFloatsAreConverted() throws {
    let file = packageFile("Tests/CheckpointsTests/Fixtures/packed/typed.onnx")
    let net = try NetFile(converted(file, .bfloat16).path)
    let facts = try bytes(of: packageFile("Tests/CheckpointsTests/Fixtures/packed/expected.json"))
    let expected = try JSONValue(parsing: facts).member("typed.onnx")
    for entry in net.header.arrays {
      let wanted = try expected.member(entry.name)
      let isFloat = try wanted.member("type").string().hasPrefix("float")
      #expect(entry.elementType == .bfloat16 ? isFloat : entry.elementType.isPacked && !isFloat)
      if isFloat {
        let stored = try data(net, entry)
        let floats = FloatConversion.convert(stored.rawSpan, from: .bfloat16, to: .float32)
        let values = try wanted.member("values").string()
        #expect(SHA256.digest(floats).description == values, "\(entry.name)")
      }
    }
    let original = try NetFile(converted(file, nil).path)
    let again = try Quantization.run(
      [Quantization(original, QuantizationOptions(precision: .bfloat16))], on: Shelf(folder.path), replacing: true)
    #expect(again[0].net.header.arrays.map(\.sha256) == net.header.arrays.map(\.sha256))
  }

  @Test func refusesWhatItCanNotDo() throws {
    let file = "\(Self.fixtures)/precision.safetensors"
    func reason(_ parameters: [Combination.Parameter], _ precision: ElementType? = nil, _ file: String) -> String? {
      failure {
        _ = try ConversionPlan(
          openCheckpoint(file), ConversionRequest(parameters: parameters, precision: precision, keepsUnknown: true))
      }?.reason
    }
    #expect(
      reason([.init("Precision", .word("int8"))], nil, file) == "no checkpoint is converted to Precision=int8")
    #expect(
      reason([.init("Precision", .word("float16"))], .float32, file)
        == "--precision float32 contradicts Precision=float16")
    let whole = try folder.write(
      safetensors(#"{"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}}"#, data: 2), to: "whole.safetensors")
    #expect(reason([], .float16, whole) == "holds no floating-point numbers to convert")
    #expect(try converted(file, nil).overflows.isEmpty)
  }
}
