import Arrays
import NetFile

/// The file of merges that the original CLIP repository and open_clip have, from which both make their vocabulary (source:
/// simple_tokenizer.py): the bytes, the bytes that end a word, what the merges make, and two tokens.
struct OriginalMerges {
  private let files: SmallFiles

  init(_ files: SmallFiles) {
    self.files = files
  }

  static let name = "bpe_simple_vocab_16e6.txt"
  /// How many of the file's merges are taken: 49,152 tokens but for the bytes and two more.
  private static let most = 49_152 - 256 - 2

  /// - Returns: nil when there is no such file.
  func read() throws(Failure) -> (vocabulary: [String], merges: [String], file: String)? {
    let name: String
    let bytes: [UInt8]
    if let packed = try files.bytes(Self.name + ".gz") {
      name = Self.name + ".gz"
      do throws(Failure) {
        bytes = try Inflation.gzip(packed, limit: .configBytes)
      } catch {
        throw error.inFile(files.path(name))
      }
    } else if let plain = try files.bytes(Self.name) {
      (name, bytes) = (Self.name, plain)
    } else {
      return nil
    }
    let path = files.path(name)
    // In the original's order: those that can be seen first.
    let letters = ByteLetters.all
    var vocabulary = (letters.filter { $0.value <= 0xff } + letters.filter { $0.value > 0xff }).map { String($0) }
    vocabulary += vocabulary.map { $0 + "</w>" }
    var ids = Set(vocabulary.map { TokenBytes($0) })
    var merges: [String] = []
    try BytePairFiles.forEachLine(bytes, path) { number, line throws(Failure) in
      guard number > 1, merges.count < Self.most else { return }
      guard let merge = TokenizerDescription.merge(line), ids.contains(merge.first), ids.contains(merge.second) else {
        throw Failure(
          .badData, "the merge \"\(shortened(line, to: 40))\" is not two tokens that are there, with a space between")
      }
      merges.append(line)
      ids.insert(merge.joined)
      vocabulary.append(String(String.UnicodeScalarView(line.unicodeScalars.filter { $0 != " " })))
    }
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    return (vocabulary, merges, path)
  }
}
