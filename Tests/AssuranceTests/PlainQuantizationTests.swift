import Arrays
import Assurance
import Checkpoints
import Families
import Foundation
import NetFile
import TestSupport
import Testing

/// int8 of plain nets, held against what tools/fixtures/fixtures_plain.py makes of the same floats by NumPy.
@Suite struct PlainQuantizationTests {
  private let folder = TemporaryFolder()
  private var shelf: Shelf { Shelf(folder.path) }

  private struct Expected: Decodable {
    let axis: Int
    let elements: String
    let scales: String
    let sqnr: Double
    let worstRow: Int
    let worstSQNR: Double
    let lostRows: Int
  }

  private func expected() throws -> [String: Expected] {
    let path = packageFile("Tests/AssuranceTests/Fixtures/plain-cases.json")
    return try JSONDecoder().decode([String: Expected].self, from: Data(bytes(of: path)))
  }

  private func float() throws -> NetFile {
    let checkpoint = try openCheckpoint(packageFile("Tests/AssuranceTests/Fixtures/plain-cases.safetensors"))
    let plan = try ConversionPlan(checkpoint, ConversionRequest(family: .plain))
    return try NetFile(plan.run(on: shelf, replacing: true, compress: false)[0].path)
  }

  private func quantized(_ net: NetFile, _ options: QuantizationOptions = .init()) throws -> QuantizedNet {
    try Quantization.run([Quantization(net, options)], on: shelf, replacing: true)[0]
  }

  @Test func elementsScalesAndErrorsAreNumPys() throws {
    let float = try float()
    let made = try quantized(float)
    let net = try NetFile(made.net.path)
    let entries = Dictionary(uniqueKeysWithValues: net.header.arrays.map { ($0.name, $0) })
    let expected = try expected()
    #expect(Set(made.errors.map(\.array)) == Set(expected.keys))
    for (array, error) in made.errors {
      let (entry, wanted) = (try #require(entries[array]), try #require(expected[array]))
      let scales = try #require(entry.scales.flatMap { entries[$0] })
      #expect(entry.elementType == .int8 && (entry.scaleAxis ?? 0) == wanted.axis, "\(array)")
      #expect(entry.sha256.description == wanted.elements, "elements of \(array)")
      #expect(scales.sha256.description == wanted.scales, "scales of \(array)")
      #expect(abs(error.sqnr - wanted.sqnr) < 1e-9, "\(array)")
      #expect(error.worstRow?.index == wanted.worstRow, "\(array)")
      #expect(abs((error.worstRow?.sqnr ?? 0) - wanted.worstSQNR) < 1e-9, "\(array)")
      #expect(error.lostRows == wanted.lostRows, "\(array)")
    }
    // A file with scales along another dimension is none that an older program would misread.
    #expect(try bytes(of: net.path)[8] == 2, "major version")
    #expect(net.header.parameters.map(\.key) == ["Name", "Precision"])
    #expect(try net.damage().isEmpty)
  }

  @Test func whatGainsNothingStaysBitForBit() throws {
    let float = try float()
    let made = try quantized(float)
    let old = Dictionary(uniqueKeysWithValues: float.header.arrays.map { ($0.name, $0) })
    let new = Dictionary(uniqueKeysWithValues: made.net.header.arrays.map { ($0.name, $0) })
    let reasons = Dictionary(uniqueKeysWithValues: made.quantization.left.map { ($0.name, $0.reason) })
    let wanted: [String: LeftReason] = [
      "broken.weight": .notFinite, "large.weight": .notFinite, "short.weight": .shortRows, "bias": .fewDimensions,
      "counts": .noFloat(.int64), "empty.weight": .shortRows, "dense.weight.scales": .fewDimensions,
    ]
    #expect(reasons == wanted)
    for name in wanted.keys {
      #expect(new[name]?.elementType == old[name]?.elementType && new[name]?.sha256 == old[name]?.sha256, "\(name)")
    }
    // An array was published under the name that the scales would have.
    #expect(new["dense.weight"]?.scales == "dense.weight.scales_")
  }

  @Test func sameNetAgainAndVerified() throws {
    let float = try float()
    let options = QuantizationOptions(
      kept: ["half.weight": nil], rest: .bfloat16, minimumSQNR: 40, fallback: .float16)
    for options in [QuantizationOptions(), options, QuantizationOptions(precision: .bfloat16)] {
      let path = try quantized(float, options).net.path
      let first = try bytes(of: path)
      #expect(try bytes(of: quantized(float, options).net.path) == first)
      let findings = try Verification(NetFile(path), quantizedFrom: float).run()
      #expect(findings.isVerified && findings.source?.arrays == findings.arrays)
      // Each array of the int8 net is looked at.
      let net = try NetFile(path)
      let entry = try #require(net.header.arrays.first { $0.name == "conv/kernel" })
      var changed = first
      changed[entry.offset + 5] ^= 1
      let other = try NetFile(folder.write(changed, to: "changed.ingot"))
      let found = try Quantization(of: other, from: float).differences(from: other)
      #expect(found.isEmpty, "the digests are those of the header, which was not changed")
      #expect(try other.damage().map(\.array) == ["conv/kernel"])
    }
  }

  @Test func whatFallsBelowStaysOrBecomesNarrower() throws {
    let float = try float()
    let net = try quantized(float, .init(minimumSQNR: 40, fallback: .float16))
    let types = Dictionary(uniqueKeysWithValues: net.net.header.arrays.map { ($0.name, $0.elementType) })
    #expect(types["outlier.weight"] == .float16 && types["broken.weight"] == .float32 && types["dense.weight"] == .int8)
    #expect(net.quantization.left.first { $0.name == "outlier.weight" }?.reason.isBelow == true)
    #expect(net.errors.allSatisfy { $0.error.sqnr >= 40 })
    let kept = try quantized(float, .init(minimumSQNR: 40))
    #expect(kept.net.header.arrays.first { $0.name == "outlier.weight" }?.elementType == .float32)
    let none = failure { _ = try quantized(float, .init(minimumSQNR: 400)) }
    #expect(none?.kind == .mismatch && none?.reason == "no array has 400.0 dB or more as int8")
  }

  @Test func whatCannotBeIsRefused() throws {
    let float = try float()
    let large = failure { _ = try quantized(float, .init(precision: .float16)) }
    #expect(large?.place == "array \"rows.weight\"" && large?.reason == "holds numbers that are too large for float16")
    #expect(failure { _ = try Quantization(float, .init(kept: ["bias": nil])) }?.kind == .usage)
    let int8 = try NetFile(quantized(float).net.path)
    #expect(failure { _ = try Quantization(int8) }?.reason == "is an int8 net: only float nets can be quantized")
    #expect(failure { _ = try Verification(float, quantizedFrom: float) }?.kind == .badData)
  }

  @Test func aDifferenceTellsWhatInt8Lost() throws {
    let float = try float()
    let made = try quantized(float)
    let difference = try Comparison(float.path, made.net.path).run()
    #expect(difference.onlyInA.isEmpty && difference.onlyInB.isEmpty)
    let items = Dictionary(uniqueKeysWithValues: difference.different.map { ($0.name, $0) })
    #expect(Set(items.keys) == Set(made.errors.map(\.array)))
    for (name, wanted) in try expected() {
      // Products are rounded to single precision here.
      #expect(abs((items[name]?.sqnr ?? 0) - wanted.sqnr) < 1e-3, "\(name)")
    }
    let reversed = try Comparison(made.net.path, float.path).run()
    #expect(reversed.different.map(\.sqnr) == difference.different.map(\.sqnr))
  }

  @Test func floatAndInt8StandBesideEachOther() throws {
    let float = try float()
    _ = try quantized(float)
    let name = Combination.Parameter("Name", .word("plain-cases"))
    let chosen = try shelf.choice(of: [.plain], [name])
    #expect(chosen.combination["Precision"] == .word("original"))
    #expect(shelf.path(.plain, chosen.combination) == float.path)
    let int8 = try shelf.choice(of: [.plain], [name, .init("Precision", .word("int8"))])
    #expect(try NetFile(shelf.path(.plain, int8.combination)).header.arrays.contains { $0.elementType == .int8 })
    #expect(try Catalogue(.plain, shelf: shelf).items.count == 2)
  }
}
