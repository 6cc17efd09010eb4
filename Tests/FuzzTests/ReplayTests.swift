import Arrays
import FuzzTargets
import TestSupport
import Testing

/// What fuzzing found is read again, by the same code with the same demands. One after the other: the targets have files
/// in memory that they share.
@Suite(.serialized) struct ReplayTests {
  @Test(arguments: FuzzTarget.all)
  func readersKeepTheirWord(target: FuzzTarget) throws {
    let inputs = try seeds(of: target.name)
    var verdicts: Set<Bool> = []
    for (number, input) in inputs.enumerated() {
      do { verdicts.insert(try target.run(input)) } catch { Issue.record("seed \(number): \(error)") }
    }
    #expect(verdicts == [true, false], "the seeds are not of both kinds")
    let folder = packageFile("tools/fuzz/FailCases/\(target.name)")
    for name in try Paths.names(in: folder) {
      do { try target.run(bytes(of: Paths.join(folder, name))) } catch { Issue.record("\(name): \(error)") }
    }
  }

  /// Inputs that reach something of their own: the length of each, then its bytes.
  private func seeds(of target: String) throws -> [[UInt8]] {
    var reader = ByteReader(try bytes(of: packageFile("tools/fuzz/Seeds/\(target).seeds")))
    var inputs: [[UInt8]] = []
    while reader.remaining > 0 { inputs.append(Array(try reader.take(Int(try reader.integer(UInt32.self))))) }
    return inputs
  }

  /// Every stored case is of a target that there is.
  @Test func casesAreOfTargets() throws {
    let names = Set(FuzzTarget.all.map(\.name))
    #expect(try names.isSuperset(of: Paths.names(in: packageFile("tools/fuzz/FailCases"))))
    #expect(
      try names == Set(Paths.names(in: packageFile("tools/fuzz/Seeds")).map { String($0.dropLast(".seeds".count)) }))
  }
}
