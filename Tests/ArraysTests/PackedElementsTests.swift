import Arrays
import TestSupport
import Testing

/// The values of packed elements, as ml_dtypes has them (tools/fixtures/fixtures_packed.py).
@Suite struct PackedElementsTests {
  static let kinds = ElementType.allCases.filter(\.isPacked)

  @Test(arguments: kinds) func everyPatternIsMlDtypes(type: ElementType) throws {
    let json = try JSONValue(parsing: bytes(of: packageFile("Tests/ArraysTests/Fixtures/packed.json")))
    let expected = try json.member(type.rawValue).array().map { Float(try $0.number()) }
    #expect(expected.count == 1 << type.bits)
    #expect(PackedElements.values(of: type).map(\.bitPattern) == expected.map(\.bitPattern))
  }

  @Test func sizesAreWholeBytes() throws {
    #expect(try Shape([3, 5]).bytes(of: .int4) == 8 && Shape([5]).bytes(of: .uint2) == 2)
    #expect(try Shape([3]).bytes(of: .float6E3M2) == 3 && Shape([0, 7]).bytes(of: .float4E2M1) == 0)
    #expect(try Shape([4]).fillsBytes(.float6E2M3) && !Shape([2]).fillsBytes(.float6E2M3))
    #expect(try Shape([3, 2]).bytes(of: .complex32) == 24 && ElementType.complex32.component == .float16)
    let large = failure { _ = try Shape([1 << 61]).bytes(of: .int4) }
    #expect(large?.reason == "shape [2305843009213693952] of int4 has more bytes than 63 bits can count")
  }

  /// Bits behind the last element are none, whatever they are.
  @Test func whatIsBehindTheLastElementIsNone() {
    var elements = PackedElements(.uint2, elements: 5)
    #expect(Floats.array(elements.float32([0b1110_0100, 0xff].rawSpan)) == [0, 1, 2, 3, 3])
    #expect(elements.float32([0xff].rawSpan).isEmpty)
  }
}
