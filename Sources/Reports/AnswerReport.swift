import Arrays
import Kernels
import Media
import Tasks

/// Answers about images, for people and as JSON (schemas/reports/ask.schema.json).
public struct AnswerReport {
  private let images: [(path: String, answers: [Answer])]
  private let list: AnswerList?
  private let kernels: Engine.Level
  private let failed: FailedInputs

  /// - Parameters:
  ///   - list: that answers were chosen from.
  ///   - kernels: what they were computed with.
  ///   - failed: images that could not be read.
  public init(
    _ images: [(path: String, answers: [Answer])], list: AnswerList? = nil, kernels: Engine.Level,
    failed: FailedInputs = FailedInputs()
  ) {
    self.images = images
    self.list = list
    self.kernels = kernels
    self.failed = failed
  }

  /// One answer alone is all there is to print; several stand beside their questions, under their images.
  public var text: String {
    let isAlone = images.count + failed.count == 1
    if isAlone, images.count == 1, images[0].answers.count == 1 { return printable(images[0].answers[0].text) }
    return images.map { image in
      var table = TextTable([.left, .left], indent: isAlone ? 0 : 2)
      for answer in image.answers { table.add(answer.question, answer.text) }
      return ((isAlone ? [] : [printable(image.path)]) + table.lines).joined(separator: "\n")
    }.joined(separator: "\n")
  }

  public var json: JSONValue {
    .object([
      "answers": .array(
        images.flatMap { image in image.answers.map { $0.json(image: image.path, list: list) } }),
      "failed": failed.json,
      "kernels": .string(kernels.rawValue),
    ])
  }
}

extension Answer {
  /// Most answers of a ranking that are told.
  private static let toldRanks = 10

  /// - Parameter list: that the answer was chosen from.
  func json(image: String, list: AnswerList?) -> JSONValue {
    let ranking = list.flatMap { list in
      self.ranking.map { ranking in
        JSONValue.array(
          ranking.prefix(Self.toldRanks).map {
            .object(["answer": .string(list.answers[$0.index]), "loss": .number($0.loss)])
          })
      }
    }
    return .object([
      "image": .string(image), "question": .string(question), "answer": .string(text), "tokens": .integers(tokens),
      "logProbability": .number(logProbability), "ranking": ranking, "frames": frames.map(SeenFrame.json),
      "seconds": .object([
        "image": .number(seconds.image), "question": .number(seconds.question), "answer": .number(seconds.answer),
      ]),
    ])
  }
}

extension SeenFrame {
  /// The frames that a video's features are the mean of; one that was taken several times stands there as often.
  static func json(_ frames: [SeenFrame]) -> JSONValue {
    .array(
      frames.flatMap { frame in
        [JSONValue](
          repeating: .object(["time": .number(frame.time), "index": .integer(frame.index)]), count: frame.picks)
      })
  }
}
