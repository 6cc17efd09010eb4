import Foundation
import Kernels
import Testing

@Suite struct ComparisonTests {
  @Test func errorsAndCosinesAreThoseOfTheirDefinition() throws {
    var comparison = MatrixComparison()
    #expect(comparison.sqnr == nil && comparison.cosine == nil)
    // Reference (3, 4), found (3, 3): signal 25, error 1: 10 log10 25 = 13.979 dB; cosine 21 / (5 √18).
    comparison.add(Matrix(rows: 1, columns: 2, [3, 3]), reference: Matrix(rows: 1, columns: 2, [3, 4]))
    #expect(abs(try #require(comparison.sqnr) - 13.979400086720377) < 1e-12)
    #expect(abs(try #require(comparison.cosine) - 0.9899494936611665) < 1e-12)
    // A second matrix, whose error is nothing: signal 25 + 9 · 40.
    let same = Matrix(rows: 2, columns: 20, [Float](repeating: 3, count: 40))
    comparison.add(same, reference: same)
    #expect(abs(try #require(comparison.sqnr) - 25.854607295085007) < 1e-6)
    var whole = MatrixComparison()
    whole.add(same, reference: same)
    #expect(whole.sqnr == .infinity && whole.cosine == 1)
    var bad = MatrixComparison()
    bad.add(Matrix(rows: 1, columns: 1, [.nan]), reference: Matrix(rows: 1, columns: 1, [1]))
    #expect(bad.sqnr == nil && bad.cosine == nil)
  }

  @Test func divergenceIsThatOfItsDefinition() {
    func row(_ probabilities: [Double]) -> Matrix {
      // Any constant may be added to scores.
      Matrix(rows: 1, columns: probabilities.count, probabilities.map { Float(log($0) + 5) })
    }
    // ½ ln(½ / ¼) + ½ ln(½ / ¾) = 0.143841…
    let found = klDivergence(of: row([0.25, 0.75]), from: row([0.5, 0.5]))
    #expect(abs(found - 0.14384103622589042) < 1e-6)
    #expect(klDivergence(of: row([0.2, 0.8]), from: row([0.2, 0.8])) < 1e-12)
    // A token that the reference never says counts nothing.
    let never = klDivergence(
      of: Matrix(rows: 1, columns: 3, [0, 0, 0]), from: Matrix(rows: 1, columns: 3, [0, 0, -1e30]))
    #expect(abs(never - log(1.5)) < 1e-6)
  }
}
