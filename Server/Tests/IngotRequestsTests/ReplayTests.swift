import Ingot
import RequestTargets
import Testing

/// What fuzzing found worth keeping is read again, by the same code with the same demands.
@Suite struct ReplayTests {
  @Test(arguments: RequestTarget.all)
  func readersKeepTheirWord(target: RequestTarget) throws {
    let inputs = try seeds(of: target.name)
    var verdicts: Set<Bool> = []
    for (number, input) in inputs.enumerated() {
      do { verdicts.insert(try target.run(input)) } catch { Issue.record("seed \(number): \(error)") }
    }
    #expect(verdicts == [true, false], "the seeds are not of both kinds")
  }

  /// The length of each in 32 bits, the lowest byte first, then its bytes.
  private func seeds(of target: String) throws -> [[UInt8]] {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    var rest = try fileContents(of: "/\(folder)/Seeds/\(target).seeds", mostBytes: 1 << 24)[...]
    var inputs: [[UInt8]] = []
    while rest.count >= 4 {
      let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
      inputs.append(Array(rest.dropFirst(4).prefix(length)))
      rest = rest.dropFirst(4 + length)
    }
    return inputs
  }
}
