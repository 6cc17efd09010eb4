import Arrays
import TestSupport
import Testing

/// The values of 8-bit floats, as torch has them (tools/fixtures/fixtures_float8.py).
@Suite struct Float8Tests {
  static let kinds: [ElementType] = [.float8E4M3, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0]

  @Test(arguments: kinds) func everyByteIsTorchs(type: ElementType) throws {
    let json = try JSONValue(parsing: bytes(of: packageFile("Tests/ArraysTests/Fixtures/float8.json")))
    let expected = try json.member("values").member(type.rawValue).array()
    let table = Float8Values.table(of: type)
    #expect(expected.count == 256 && table.count == 256)
    let codes: [UInt8] = Array(0...255)
    let converted = Floats.array(FloatConversion.convert(codes.rawSpan, from: type, to: .float32))
    for (byte, value) in expected.enumerated() {
      let wanted = try Self.number(value)
      let isSame = wanted.isNaN ? table[byte].isNaN : table[byte].bitPattern == wanted.bitPattern
      #expect(isSame, "byte \(byte)")
      #expect(converted[byte].bitPattern == table[byte].bitPattern, "byte \(byte)")
    }
  }

  private static func number(_ json: JSONValue) throws -> Float {
    guard case .string(let word) = json.content else { return Float(try json.number()) }
    return word == "nan" ? .nan : word == "inf" ? .infinity : -.infinity
  }

  @Test func sizesAreThoseOfTheFormats() throws {
    let shape = try Shape([3, 2])
    #expect(try shape.bytes(of: .complex64) == 48 && shape.bytes(of: .complex128) == 96)
    #expect(try shape.bytes(of: .float8E8M0) == 6)
    #expect(ElementType.complex128.component == .float64 && !ElementType.complex64.isFloatingPoint)
  }
}
