/// Difference of two accuracies that were measured on the same questions, and how sure it is.
public struct PairedDifference: Sendable, Equatable {
  private var sum = 0.0
  private var squares = 0.0
  public private(set) var questions = 0

  public init() {}

  /// Counts a question in: its accuracy with one net and with the other, 0...1 each.
  public mutating func add(_ accuracy: Double, _ other: Double) {
    let difference = accuracy - other
    sum += difference
    squares += difference * difference
    questions += 1
  }

  /// -1...1; 0 when there is no question.
  public var mean: Double { questions == 0 ? 0 : sum / Double(questions) }

  /// 95 % confidence interval of the mean, by the normal approximation of the paired differences after half a question has
  /// been added to each of the four ways in which both nets can be right or wrong: so it is right to be unsure although
  /// no answer differs. Of right and wrong answers this is the interval of Agresti and Min (Simple improved confidence
  /// intervals for comparing matched proportions, Statistics in Medicine 24, 2005).
  public var interval: ClosedRange<Double> {
    let count = Double(questions) + 2
    let mean = sum / count
    // Two of the four have differences, of 1 and -1.
    let variance = (squares + 1) / count - mean * mean
    let half = 1.959_963_984_540_054 * (max(0, variance) / count).squareRoot()
    return max(-1, mean - half)...min(1, mean + half)
  }
}
