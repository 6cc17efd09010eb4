import Arrays
import Assurance
import TestSupport
import Testing

/// What is made of the lines of an evaluation's journal.
@Suite struct JournalTests {
  private func answered(_ lines: String..., isComparison: Bool = false) throws -> [Int: EvaluatedItem] {
    try EvaluationJournal.answered(
      lines.map { Array($0.utf8) }, of: .object(["nets": "x"]), questions: 3, isComparison: isComparison)
  }

  private static let head = #"{"nets":"x"}"#
  private static let line = #"{"question":2,"a":{"answer":"red","tokens":[5],"accuracy":0.5}}"#

  @Test func readsAnswers() throws {
    #expect(try answered().isEmpty)
    #expect(try answered(Self.head).isEmpty)
    let question = try #require(try answered(Self.head, Self.line)[2])
    #expect(question.a.answer == "red" && question.a.tokens == [5] && question.a.accuracy == 0.5 && question.b == nil)
    let both =
      #"{"question":0,"a":{"answer":"","tokens":[]},"b":{"answer":"x","tokens":[1]},"divergence":1,"sameFirstToken":false}"#
    let compared = try #require(try answered(Self.head, both, isComparison: true)[0])
    #expect(compared.isFlipped && compared.firstToken?.divergence == 1 && compared.firstToken?.isSame == false)
  }

  @Test(arguments: ["", "{", #"{"nets":"y"}"#])
  func anotherJournalIsLeftAlone(first: String) {
    let error = failure { _ = try answered(first, Self.line) }
    #expect(error?.reason == "is not the journal of this evaluation: other nets, questions or options")
    #expect(error?.kind == .cannotCreate)
  }

  @Test(arguments: [
    ("{", "line 3, byte 1: the JSON text ends inside an object"),
    (#"{"question":3,"a":{"answer":"","tokens":[]}}"#, "line 3: is of no question of this evaluation"),
    (#"{"question":-1}"#, "line 3, byte 12: -1 is negative"),
    (#"{"question":1,"a":{"answer":"","tokens":[-1]}}"#, "line 3, byte 41: -1 is negative"),
    (
      #"{"question":1,"a":{"answer":"","tokens":[]},"b":{"answer":"","tokens":[]}}"#,
      "line 3: is of no question of this evaluation"
    ),
    (
      #"{"question":1,"a":{"answer":"","tokens":[]},"divergence":0}"#,
      "line 3, byte 0: has no member \"sameFirstToken\""
    ),
  ])
  func malformedLinesAreRefused(line: String, message: String) {
    let error = failure { _ = try answered(Self.head, Self.line, line) }
    #expect(error?.withoutFile == message)
    #expect(error?.kind == .badData && error?.hint != nil)
  }
}
