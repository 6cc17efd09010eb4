import Arrays
import Assurance
import Families
import TestSupport
import Testing

/// Statistics of arrays whose values were worked out by hand. tools/checks/check_formats.py holds them against NumPy too.
@Suite struct StatisticsTests {
  private let folder = TemporaryFolder()

  private func measure(_ shape: [Int], _ type: String, _ bytes: [UInt8]) throws -> ArrayStatistics {
    let header =
      "{\"x\":{\"dtype\":\"\(type)\",\"shape\":[\(shape.map(String.init).joined(separator: ","))],\"data_offsets\":[0,\(bytes.count)]}}"
    let path = try folder.write(safetensors(header) + bytes, to: "x.safetensors")
    let inspection = try Inspection(.path(path), shelf: Shelf(folder.path))
    let statistics = try #require(try InspectionStatistics(inspection))
    let found = try statistics.run()
    return try #require(found["x"])
  }

  private func measure(_ shape: [Int], _ values: [Float]) throws -> ArrayStatistics {
    try measure(shape, "F32", Floats.bytes(values))
  }

  /// Names that are other bytes and the same text.
  @Test func namesAreToldApartByTheirBytes() throws {
    func entry(_ name: String, _ place: Int) -> String {
      "\"\(name)\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[\(place),\(place + 1)]}"
    }
    let header = "{\(entry("\u{e9}", 0)),\(entry("e\u{301}", 1))}"
    let path = try folder.write(safetensors(header) + [1, 2], to: "x.safetensors")
    let inspection = try Inspection(.path(path), shelf: Shelf(folder.path))
    let found = try #require(try InspectionStatistics(inspection)).run()
    #expect(found["\u{e9}"]?.maximum == 1 && found["e\u{301}"]?.maximum == 2)
  }

  @Test func valuesAreMeasured() throws {
    let found = try measure([4, 2], [2, 4, 4, 4, 5, 5, 7, 9])
    #expect(found.minimum == 2 && found.maximum == 9 && found.mean == 5 && found.deviation == 2)
    #expect(found.zeros == 0 && found.rows == 4 && found.deadRows == 0 && found.elements == 8)
    // Ranges of 7 / 41: 4 is 2 / 7 of the way, in range 11; 5 in 17, 7 in 29, 9 in the last.
    var wanted = [Int](repeating: 0, count: 41)
    for (place, count) in [(0, 1), (11, 3), (17, 2), (29, 1), (40, 1)] { wanted[place] = count }
    #expect(found.histogram == wanted)
  }

  @Test func rowsOfZerosAreDead() throws {
    let found = try measure([5, 3], [0, 0, 0, 1, 0, 2, 0, -0.0, 0, 0, 0, 3, 0, 0, 0])
    #expect(found.zeros == 12 && found.sparsity == 0.8 && found.rows == 5 && found.deadRows == 3)
    #expect(try measure([6], [0, 0, 0, 0, 0, 0]).rows == 0)
    #expect(try measure([2, 0], []).deadRows == 0)
    // Rows that are longer than what is looked at together, and that end in its midst.
    var values = [Float](repeating: 0, count: 3 * 5000)
    values[7500] = 1
    let long = try measure([3, 5000], values)
    #expect(long.deadRows == 2 && long.zeros == 14_999)
    values = [Float](repeating: 1, count: 3 * 5000)
    for index in 5000..<10_000 { values[index] = 0 }
    #expect(try measure([3, 5000], values).deadRows == 1)
  }

  @Test func whatIsNotFiniteIsCountedAndLeftOut() throws {
    let found = try measure([7], [.nan, 1, .infinity, -1, -.infinity, 3, .nan])
    #expect(found.notNumbers == 2 && found.infinities == 2 && found.minimum == -1 && found.maximum == 3)
    #expect(found.mean == 1 && found.histogram.reduce(0, +) == 3 && found.largestMagnitude == 3)
    let none = try measure([2], [.nan, .infinity])
    #expect(none.minimum == nil && none.mean == nil && none.histogram.isEmpty && none.largestMagnitude == nil)
  }

  @Test func oneValueIsInTheMiddle() throws {
    let found = try measure([3], [0.25, 0.25, 0.25])
    #expect(found.deviation == 0 && found.histogram[20] == 3 && found.histogram.count == 41)
    #expect(try measure([0], []).histogram.isEmpty)
  }

  /// The mean of large values next to each other: sums of squares would lose it.
  @Test func deviationsOfLargeValuesAreRight() throws {
    let values = (0..<100_000).map { Float(16_000_000 + $0 % 2) }
    let found = try measure([100_000], values)
    #expect(found.mean == 16_000_000.5 && abs((found.deviation ?? 0) - 0.5) < 1e-9)
  }

  @Test func anyFloat64IsSurvived() throws {
    func bytes(_ values: [Double]) -> [UInt8] { values.flatMap { $0.bitPattern.littleEndianBytes } }
    let huge = try measure([2], "F64", bytes([-1.7e308, 1.7e308]))
    #expect(huge.minimum == -1.7e308 && huge.maximum == 1.7e308 && huge.histogram[0] == 1 && huge.histogram[40] == 1)
    let tiny = try measure([2], "F64", bytes([0, .leastNonzeroMagnitude]))
    #expect(tiny.zeros == 1 && tiny.histogram.reduce(0, +) == 2)
  }

  @Test func everyTypeIsRead() throws {
    #expect(try measure([3], "I8", [0x80, 0, 0x7f]).minimum == -128)
    #expect(try measure([2], "U8", [0, 255]).maximum == 255)
    #expect(try measure([2], "BF16", [0x80, 0x3f, 0x00, 0xc0]).minimum == -2)
    #expect(try measure([1], "F8_E4M3", [0x7e]).maximum == 448)
    #expect(try measure([2], "F8_E5M2", [0x7b, 0x7c]).infinities == 1)
    #expect(try measure([2], "BOOL", [0, 1]).mean == 0.5)
    #expect(try measure([1], "U64", [UInt8](repeating: 255, count: 8)).maximum == 0x1p64)
  }
}
