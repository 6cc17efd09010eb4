import Arrays
import Checkpoints
import Families
import Kernels
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
      let reach = NeighbourMap.reach(item.perplexity)
      let nearest = try NearestVectors(item.vectors, byDistance: reach, byCosine: 0, Engine(threads: 1))
      func map(_ seed: UInt64) -> NeighbourMap {
        NeighbourMap(nearest, start: start, perplexity: item.perplexity, seed: seed, threads: 1)
      }
      #expect(NeighbourMap.usualPerplexity(item.vectors.count) == item.perplexity)
      let found = map(0)
      #expect(found.divergence <= 1.05 * item.divergence, "\(found.divergence) \(item.divergence)")
      let trust = trustworthiness(item.vectors, found.places, item.neighbours)
      #expect(trust >= 0.95 * item.trustworthiness, "\(trust) \(item.trustworthiness)")
      #expect(map(0).places == found.places && map(1).places != found.places)
    }
  }

  /// As fixtures_maps.py makes them.
  private static func made(_ count: Int, _ size: Int, _ centres: Int) -> [[Float]] {
    var state: UInt64 = 1
    func noise() -> Double {
      var total = 0.0
      for _ in 0..<4 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        total += Double(state >> 40) / Double(1 << 24)
      }
      return total - 2
    }
    let middles = (0..<centres).map { _ in (0..<size).map { _ in 3 * noise() } }
    return (0..<count).map { index in (0..<size).map { Float(middles[index % centres][$0] + noise()) } }
  }

  @Test func mapsByATreeAreAsGoodAsScikitLearns() throws {
    let content = try JSONValue(parsing: bytes(of: packageFile("Tests/TasksTests/Fixtures/maps.json"))).member("large")
    let count = try content.member("count").size()
    let vectors = Self.made(count, try content.member("size").size(), try content.member("centres").size())
    let engine = try Engine(threads: 2)
    let perplexity = NeighbourMap.usualPerplexity(count)
    let nearest = try NearestVectors(
      vectors, byDistance: NeighbourMap.reach(perplexity), byCosine: 9, engine)
    for (place, value) in try content.member("byDistance").array().enumerated() {
      let start = 10 * place * nearest.distanceCount
      let found = (start..<start + 9).map { Double(nearest.byDistance[$0].index) }
      #expect(found == (try Self.numbers(value)))
    }
    for (place, value) in try content.member("byCosine").array().enumerated() {
      let found = (90 * place..<90 * place + 9).map { Double(nearest.byCosine[$0].index) }
      #expect(found == (try Self.numbers(value)))
    }
    let start = PrincipalComponents(vectors).places
    func map(_ angle: Float, _ threads: Int) -> NeighbourMap {
      NeighbourMap(nearest, start: start, perplexity: perplexity, seed: 0, angle: angle, threads: threads)
    }
    let found = map(0.5, 2)
    let divergence = try content.member("divergence").number()
    #expect(found.divergence <= 1.05 * divergence, "\(found.divergence) \(divergence)")
    let trust = trustworthiness(vectors, found.places, 5)
    let theirs = try content.member("trustworthiness").number()
    #expect(trust >= 0.99 * theirs, "\(trust) \(theirs)")
    #expect(map(0.5, 3).places == found.places)
    #expect(map(0, 2).divergence <= 1.05 * divergence)
  }

  @Test func forcesByATreeAreNearThoseOfAllPairs() {
    var random = RandomNumbers(seed: 5)
    var points = (0..<400).map { _ in SIMD2<Float>(Float(random.fraction()) * 60, Float(random.fraction()) * 40) }
    // Many in one place, and one far away.
    points += [SIMD2<Float>](repeating: SIMD2(3, 4), count: 90) + [SIMD2(1000, -1000)]
    let (exact, near) = (PointForces(points, angle: 0), PointForces(points, angle: 0.5))
    var (sum, error, kernel) = (0.0, 0.0, 0.0)
    for (index, point) in points.enumerated() {
      var force = SIMD2<Double>.zero
      for other in points {
        let way = SIMD2<Double>(Double(point.x) - Double(other.x), Double(point.y) - Double(other.y))
        let value = 1 / (1 + (way * way).sum())
        kernel += value
        force += value * value * way
      }
      let all = SIMD2<Double>(Double(exact.vectors[index].x), Double(exact.vectors[index].y))
      #expect(((all - force) * (all - force)).sum().squareRoot() < 1e-5 * (1 + (force * force).sum().squareRoot()))
      let some = SIMD2<Double>(Double(near.vectors[index].x), Double(near.vectors[index].y))
      error += ((some - force) * (some - force)).sum()
      sum += (force * force).sum()
    }
    #expect(
      abs(exact.kernel + Double(points.count) - kernel) < 1e-5 * kernel
        && abs(near.kernel + Double(points.count) - kernel) < 0.01 * kernel)
    #expect(error < 1e-4 * sum && error > 0)
  }

  @Test func oddVectorsAreMapped() throws {
    let engine = try Engine(threads: 2)
    let same = try FeatureMap(
      ["a", "b", "c", "d", "e"], vectors: [[Float]](repeating: [1, 2], count: 5), classes: nil, engine: engine)
    #expect(same.points.allSatisfy { ($0.neighbourhood ?? []).allSatisfy(\.isFinite) && $0.neighbours.count == 4 })
    let one = try FeatureMap(["a"], vectors: [[0, 0]], classes: nil, engine: engine)
    #expect(one.divergence == nil && one.points[0].neighbours.isEmpty && one.purity == nil)
    let huge = try FeatureMap(
      (0..<6).map(String.init), vectors: (0..<6).map { [Float($0) * 1e30, 1] }, classes: nil, engine: engine)
    #expect(huge.points.allSatisfy { ($0.neighbourhood ?? []).allSatisfy(\.isFinite) })
  }

  @Test func writtenVectorsAreReadAgain() throws {
    let folder = TemporaryFolder()
    let map = try FeatureMap(
      ["a/1.png", "b/2.png"], vectors: [[1, 2, 3], [4, 5, 6.5]], classes: ["a", "b"], engine: Engine(threads: 1))
    try map.writeSafetensors(folder.file("map.safetensors"))
    let read = try FeatureFile(folder.file("map.safetensors"))
    #expect(read.paths == ["a/1.png", "b/2.png"] && read.classes == ["a", "b"])
    #expect(read.vectors == [[1, 2, 3], [4, 5, 6.5]])
    func refusal(_ header: String, _ numbers: [Float]) throws -> String? {
      let data = Floats.bytes(numbers)
      let file = try folder.write(safetensors(header) + data, to: "odd.safetensors")
      return failure { _ = try FeatureFile(file) }.map { "\($0.place ?? ""): \($0.reason)" }
    }
    func array(_ name: String, _ shape: String, _ offsets: String) -> String {
      "\"\(name)\":{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[\(offsets)]}"
    }
    let two = array("x", "2,1", "0,8")
    #expect(try refusal("{\(two)}", [1, 2]) == nil)
    #expect(
      try refusal("{\(two),\(array("y", "1", "8,12"))}", [1, 2, 3])
        == ": has 2 arrays, and none of them is named features")
    #expect(
      try refusal("{\(array("x", "2", "0,8"))}", [1, 2])
        == "x: is float32 of 2, where floats of images × elements are needed")
    #expect(try refusal("{\(two)}", [1, .infinity]) == "x: row 2 has an element that is not finite")
    let names = "\"__metadata__\":{\"images\":\"[\\\"a\\\"]\"}"
    #expect(
      try refusal("{\(names),\(two)}", [1, 2])
        == "metadata images: names 1, where there are 2 vectors")
  }

  @Test func purityCountsNearestNeighboursOfTheSameClass() throws {
    let vectors: [[Float]] = [[1, 0], [1, 0.1], [0, 1], [0.1, 1], [0.9, 0.2], [-1, -1]]
    let map = try FeatureMap(
      ["1", "2", "3", "4", "5", "6"], vectors: vectors, classes: ["x", "x", "y", "y", "y", "z"],
      engine: Engine(threads: 1))
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
