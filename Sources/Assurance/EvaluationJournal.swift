import Arrays

/// The outputs of an evaluation that goes on, in a file of JSON Lines: the first says what is evaluated, each further one is
/// an item's.
public struct EvaluationJournal: Sendable {
  private let file: JournalFile
  /// Done before.
  let done: [Int: EvaluatedItem]

  /// Opens the journal of an evaluation, or begins it.
  /// - Throws: `Failure` of kind `cannotCreate` when the file is the journal of another evaluation, or none: it is left as
  ///   it is; `io`.
  public init<Task: NetTask>(_ path: String, of evaluation: Evaluation<Task>) throws(Failure) {
    let (file, lines) = try JournalFile.open(path)
    self.file = file
    let identity = evaluation.identity
    if lines.isEmpty { try file.add(identity.compactText) }
    do throws(Failure) {
      done = try Self.answered(
        lines, of: identity, questions: evaluation.items.count, isComparison: evaluation.b != nil)
    } catch {
      throw error.inFile(path)
    }
  }

  /// The answers in a journal's lines.
  /// - Throws: as `init`, without the file.
  package static func answered(
    _ lines: [[UInt8]], of identity: JSONValue, questions: Int, isComparison: Bool
  ) throws(Failure) -> [Int: EvaluatedItem] {
    guard let first = lines.first else { return [:] }
    guard let found = try? JSONValue(parsing: first), found == identity else {
      throw Failure(
        .cannotCreate, "is not the journal of this evaluation: other nets, questions or options",
        hint: "choose another name, or remove it first")
    }
    var done: [Int: EvaluatedItem] = [:]
    for (number, line) in lines.enumerated().dropFirst() {
      do throws(Failure) {
        let question = try EvaluatedItem(json: JSONValue(parsing: line))
        guard question.index < questions, (question.b != nil) == isComparison else {
          throw Failure(.badData, "is of no question of this evaluation")
        }
        done[question.index] = question
      } catch {
        throw Failure(
          .badData, place: ["line \(number + 1)", error.place].compactMap(\.self).joined(separator: ", "),
          error.reason, hint: "remove the journal; the evaluation then begins anew")
      }
    }
    return done
  }

  func add(_ question: EvaluatedItem) throws(Failure) { try file.add(question.json.compactText) }
}
