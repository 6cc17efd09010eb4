import ArgumentParser
import Arrays
import Families
import NetFile
import Text
import Reports

struct Tokenize: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the token ids of texts, as a net's tokenizer makes them.",
    discussion: """
      Without texts, JSON Lines are read from standard input, {"text": TEXT}, and answered by lines {"ids": […]}. The ids \
      are those between the first and the last token of a question.
      """)

  @Argument(help: "Texts.")
  var texts: [String] = []

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var limits: LimitOptions

  func run() throws {
    // Where no part is named, the first that has a tokenizer is meant.
    let net = try selection.net { $0.tokenizer != nil }
    guard let description = net.header.tokenizer else {
      throw Failure(.badData, file: net.path, "has no vocabulary", hint: "text encoders and decoders have one")
    }
    let tokenizer = try description.tokenizer()
    func show(_ text: String) throws(Failure) {
      try Console.print(JSONValue.object(["ids": .integers(tokenizer.tokens(text))]).compactText)
    }
    for text in texts { try show(text) }
    guard texts.isEmpty else { return }
    var input = InputLines()
    var number = 0
    while let line = try input.next() {
      number += 1
      do throws(Failure) {
        guard case .bytes(let bytes) = line else {
          throw Limit.lineBytes.failure("has more than \(Limit.lineBytes.value) bytes")
        }
        if bytes.allSatisfy({ [0x20, 0x09, 0x0d].contains($0) }) { continue }
        try show(try JSONValue(parsing: bytes).member("text").string())
      } catch {
        throw error.inFile("line \(number)").hinting("each line is one object {\"text\": TEXT}")
      }
    }
  }
}
