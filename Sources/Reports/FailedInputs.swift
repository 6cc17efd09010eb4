import Arrays

/// The inputs of a command of which some could not be read: they cost themselves only.
public struct FailedInputs: Sendable {
  private var failures: [(name: String, failure: Failure)] = []

  public init() {}

  public var count: Int { failures.count }

  public mutating func add(_ name: String, _ failure: Failure) { failures.append((name, failure.inFile(name))) }

  /// What standard error is told: each failure's two lines, and how many there are of how many.
  /// - Parameters:
  ///   - total: inputs in all.
  ///   - lost: what else they cost, e.g. `5 questions were not asked`.
  public func lines(of total: Int, _ what: String = "image", lost: String? = nil) -> [String] {
    guard !failures.isEmpty else { return [] }
    var lines: [String] = []
    for (_, failure) in failures {
      lines += ["ingot: error: \(failure)", "hint: \(printable(failure.hint ?? failure.kind.usualHint))"]
    }
    let cost = lost.map { ": \($0)" } ?? ""
    return lines + ["ingot: \(counted(total, what)), \(grouped(count)) could not be read\(cost)"]
  }

  /// nil where there is none.
  public var json: JSONValue? {
    failures.isEmpty
      ? nil
      : .array(failures.map { .object(["image": .string($0.name), "error": $0.failure.json]) })
  }
}

extension Failure {
  /// As in all reports (schemas/reports/ask.schema.json).
  var json: JSONValue { json(hint: kind.usualHint) }

  /// - Parameter message: what is told to people, where that is more than this.
  func json(hint usual: String, message: String? = nil) -> JSONValue {
    .object([
      "message": .string(message ?? "\(self)"), "hint": .string(hint ?? usual), "status": .integer(Int(exitStatus)),
      "kind": .string(kind.name), "file": file.map { .string($0) }, "place": place.map { .string($0) },
      "reason": .string(shortened(reason)),
    ])
  }
}

/// Says that pictures were taken with the camera turned, where nobody asked for that to be heeded.
public func noteOnTurned(_ names: [String]) -> String? { noteOnTurned(names.count, first: names.first ?? "") }

/// - Parameter count: of pictures; 0: there is nothing to say.
public func noteOnTurned(_ count: Int, first: String?) -> String? {
  guard count > 0 else { return nil }
  let which = count == 1 ? first.map { printable($0) } ?? "a picture" : "\(grouped(count)) pictures"
  let (were, them) = count == 1 ? ("was", "it") : ("were", "them")
  return
    "ingot: note: \(which) \(were) taken with the camera turned (EXIF orientation), and looked at as stored, as the "
    + "publisher's code does; --upright turns \(them)"
}
