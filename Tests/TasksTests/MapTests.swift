import Arrays
import Checkpoints
import Families
import NetFile
import TestSupport
import Testing

import Media
import Tasks

/// Maps against scikit-learn's (tools/fixtures/fixtures_maps.py), and what is told of neighbours and classes.
@Suite struct MapTests {
  private struct Case {
    let vectors: [[Float]]
    let components: [[Double]]
    let variance: [Double]
    let perplexity, divergence, trustworthiness: Double
    let neighbours: Int
  }

  private static func numbers(_ value: JSONValue) throws -> [Double] { try value.array().map { try $0.number() } }

  private static func cases() throws -> [Case] {
    let content = try JSONValue(parsing: bytes(of: packageFile("Tests/TasksTests/Fixtures/maps.json")))
    return try content.member("cases").array().map { item in
      Case(
        vectors: try item.member("vectors").array().map { try numbers($0).map { Float($0) } },
        components: try item.member("principalComponents").array().map { try numbers($0) },
        variance: try numbers(item.member("variance")), perplexity: try item.member("perplexity").number(),
        divergence: try item.member("divergence").number(),
        trustworthiness: try item.member("trustworthiness").number(),
        neighbours: try content.member("neighbours").size())
    }
  }

  @Test func principalComponentsAreScikitLearns() throws {
    for item in try Self.cases() {
      let found = PrincipalComponents(item.vectors)
      let largest = item.components.flatMap(\.self).map(abs).max() ?? 0
      for component in 0..<2 {
        let (ours, theirs) = (found.places.map { $0[component] }, item.components.map { $0[component] })
        let sign = zip(ours, theirs).reduce(0) { $0 + $1.0 * $1.1 } < 0 ? -1.0 : 1
        #expect(zip(ours, theirs).allSatisfy { abs($0 - sign * $1) < 1e-8 * largest })
        #expect(abs(found.shares[component] - item.variance[component]) < 1e-10)
      }
    }
  }

  @Test func vectorsWithoutVarianceLieAtZero() {
    #expect(PrincipalComponents([[1, 2, 3]]).places == [[0, 0]])
    let same = PrincipalComponents([[1, 2], [1, 2], [1, 2]])
    #expect(same.places == [[0, 0], [0, 0], [0, 0]] && same.shares == [0, 0])
    let line = PrincipalComponents([[1, 1], [2, 2], [4, 4]])
    #expect(abs(line.shares[0] - 1) < 1e-12 && line.places.allSatisfy { $0[1] == 0 })
  }

  /// Of vectors and their map (Venna and Kaski 2001): 1 when all that are near on the map were near before.
  private func trustworthiness(_ vectors: [[Float]], _ map: [[Double]], _ neighbours: Int) -> Double {
    func order(_ distance: (Int) -> Double, _ index: Int) -> [Int] {
      vectors.indices.filter { $0 != index }.sorted { distance($0) < distance($1) }
    }
    func squared<Number: BinaryFloatingPoint>(_ a: [Number], _ b: [Number]) -> Double {
      zip(a, b).reduce(0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }
    }
    let count = vectors.count
    var sum = 0
    for index in vectors.indices {
      let before = order({ squared(vectors[index], vectors[$0]) }, index)
      for near in order({ squared(map[index], map[$0]) }, index).prefix(neighbours) {
        sum += max(0, (before.firstIndex(of: near) ?? 0) + 1 - neighbours)
      }
    }
    return 1 - 2 * Double(sum) / Double(count * neighbours * (2 * count - 3 * neighbours - 1))
  }

  @Test func neighbourMapsAreAsGoodAsScikitLearns() throws {
    for item in try Self.cases() {
      let start = PrincipalComponents(item.vectors).places
      func map(_ seed: UInt64) -> NeighbourMap {
        NeighbourMap(item.vectors, start: start, perplexity: item.perplexity, seed: seed)
      }
      #expect(NeighbourMap.usualPerplexity(item.vectors.count) == item.perplexity)
      let found = map(0)
      #expect(found.divergence <= 1.05 * item.divergence, "\(found.divergence) \(item.divergence)")
      let trust = trustworthiness(item.vectors, found.places, item.neighbours)
      #expect(trust >= 0.95 * item.trustworthiness, "\(trust) \(item.trustworthiness)")
      #expect(map(0).places == found.places && map(1).places != found.places)
    }
  }

  @Test func oddVectorsAreMapped() {
    let same = FeatureMap(["a", "b", "c", "d", "e"], vectors: [[Float]](repeating: [1, 2], count: 5), classes: nil)
    #expect(same.points.allSatisfy { ($0.neighbourhood ?? []).allSatisfy(\.isFinite) && $0.neighbours.count == 4 })
    let one = FeatureMap(["a"], vectors: [[0, 0]], classes: nil)
    #expect(one.divergence == nil && one.points[0].neighbours.isEmpty && one.purity == nil)
    let huge = FeatureMap(
      (0..<6).map(String.init), vectors: (0..<6).map { [Float($0) * 1e30, 1] }, classes: nil)
    #expect(huge.points.allSatisfy { ($0.neighbourhood ?? []).allSatisfy(\.isFinite) })
  }

  @Test func purityCountsNearestNeighboursOfTheSameClass() {
    let vectors: [[Float]] = [[1, 0], [1, 0.1], [0, 1], [0.1, 1], [0.9, 0.2], [-1, -1]]
    let map = FeatureMap(
      ["1", "2", "3", "4", "5", "6"], vectors: vectors, classes: ["x", "x", "y", "y", "y", "z"])
    #expect(map.purity?.same == 4 && map.purity?.pictures == 5)
    #expect(map.classPurities["x"]?.share == 1 && map.classPurities["z"] == nil && map.classes == ["x", "y", "z"])
    #expect(map.points[0].neighbours.first?.index == 1 && map.points[4].neighbours.first?.index == 1)
  }

  @Test func classesAreFoldersOrBeginningsOfNames() {
    #expect(FeatureMap.classes(of: ["a/cat/1.png", "a/dog/1.png"]) == ["cat", "dog"])
    #expect(FeatureMap.classes(of: ["a/red-circle-04.png", "a/blue-box-7-9.png"]) == ["red-circle", "blue-box"])
    #expect(FeatureMap.classes(of: ["a/red-circle-04.png", "a/other.png"]) == nil)
    #expect(FeatureMap.classes(of: ["a/red-1.png", "a/red-2.png"]) == nil)
    #expect(FeatureMap.classes(of: ["a/red-circle-04.png", "a/red_box-7.png"], part: 2) == ["circle", "box"])
    #expect(FeatureMap.classes(of: ["a/red.png", "a/blue-2.png"], part: 2) == nil)
  }

  @Test func vectorsArePooledFromTheImageEncoder() throws {
    let folder = TemporaryFolder()
    let plan = try ConversionPlan(openCheckpoint(packageFile("weights/demo")), ConversionRequest())
    let nets = try plan.run(on: Shelf(folder.path), replacing: true, compress: false).map { try NetFile($0.path) }
    let picture = try Picture(packageFile("weights/demo/pictures/red-circle-0004.png"))
    let seen = try VisualQuestionAnswering(VQANets(files: nets)).look(at: picture).vectors
    let encoder = try #require(nets.first { $0.header.net == "ImageEncoder" || $0.path.contains("ImageEncoder") })
    let first = try ImageFeatures(encoder, pool: .class).vector(of: picture)
    #expect(first == seen.rows(0..<1).elements)
    let mean = try ImageFeatures(encoder).vector(of: picture)
    for column in mean.indices {
      let sum = (1..<seen.rows).reduce(0.0) { $0 + Double(seen[$1, column]) }
      #expect(abs(Double(mean[column]) - sum / Double(seen.rows - 1)) < 1e-6)
    }
    let other = try #require(nets.first { $0.path.contains("TextEncoder") })
    #expect(failure { _ = try ImageFeatures(other) }?.kind == .usage)
  }
}
