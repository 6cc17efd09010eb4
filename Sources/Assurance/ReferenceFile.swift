import Arrays
import Checkpoints
import Media
import Tasks

/// What other software computed for some images and questions: a safetensors file as `tools/reference/outputs.py` and
/// `ingot ask --trace` write it. Of several images and questions, names begin with `images.I.` and `questions.J.`; of one
/// each they don't. Of captions, as `tools/reference/captions.py` and `ingot caption --trace` write them, names begin with
/// `captions.J.`; of vectors of images and texts, as `tools/reference/clip.py` writes them, with `texts.J.`;
/// of texts that are matched with images (`tools/reference/matches.py`) with `matches.J.`. Of nets that look at images alone,
/// as `tools/reference/images.py` writes them, there are images only.
public struct ReferenceFile: Sendable {
  /// What nets did with the images.
  public enum Kind: String, Sendable {
    case questions, captions, texts, matches
    /// None but what nets make of the images alone.
    case images
  }

  public let kind: Kind
  /// Inputs and outputs of one image, question, caption or match, by the names of its arrays.
  struct Case: Sendable {
    /// With a final dot, or empty.
    let prefix: String
    /// Which image it is about.
    let image: Int
    /// The question, the text that is matched, or what the caption begins with.
    let text: String?
  }

  public var checkpoint: SafetensorsCheckpoint { arrays.checkpoint }
  private let arrays: ReferenceArrays
  let images: [Case]
  /// Or captions, or texts, or matches.
  let questions: [Case]
  let options: AnswerOptions
  /// The closed list that questions were asked with.
  let answers: AnswerList?
  private var metadata: [String: String] { arrays.metadata }

  /// - Throws: `Failure` of kind `noInput`, or `badData` when the file is no such file.
  public init(_ path: String) throws(Failure) {
    let arrays = try ReferenceArrays(path, hint: Self.hint)
    let metadata = arrays.metadata
    self.arrays = arrays
    let usual = arrays.has("images.0.pooled") ? Kind.images : .questions
    kind = [Kind.captions, .texts, .matches].first { arrays.has("\($0.rawValue).0.input_ids") } ?? usual
    let kept = metadata["kTest"].flatMap { Int($0) }
    do throws(Failure) {
      var options = AnswerOptions()
      if let text = metadata["decoding"] {
        let decoding = try JSONValue(parsing: Array(text.utf8))
        options.beams = try decoding["beams"]?.size()
        options.maximumTokens = try decoding["maximumTokens"]?.size()
        options.minimumTokens = try decoding["minimumTokens"]?.size()
        options.temperature = try decoding["temperature"]?.number() ?? 0
        if let seed = decoding["seed"] {
          guard let number = UInt64(try seed.string()) else { throw seed.failure("is no seed") }
          options.seed = number
        }
      }
      self.options = options
      answers = try metadata["answers"].map { text throws(Failure) in
        try AnswerList(
          JSONValue(parsing: Array(text.utf8)).strings(), kept: kept ?? AnswerList.usuallyKept)
      }
    } catch {
      throw Failure(.badData, file: path, place: "metadata", error.reason, hint: Self.hint)
    }
    if arrays.has("pixel_values") {
      images = [Case(prefix: "", image: 0, text: nil)]
      questions = [Case(prefix: "", image: 0, text: nil)]
      return
    }
    var images: [Case] = []
    while true {
      let prefix = "images.\(images.count)."
      guard arrays.has(prefix + "pixel_values") else { break }
      images.append(Case(prefix: prefix, image: images.count, text: nil))
    }
    var questions: [Case] = []
    while true {
      let prefix = "\(kind.rawValue).\(questions.count)."
      guard arrays.has(prefix + "input_ids") else { break }
      let text = metadata[prefix + "image"] ?? "0"
      guard let image = Int(text), images.indices.contains(image) else {
        throw Failure(
          .badData, file: path, place: "metadata",
          "\(prefix)image is \"\(shortened(text, to: 40))\", none of the images",
          hint: Self.hint)
      }
      questions.append(
        Case(prefix: prefix, image: image, text: metadata[prefix + (kind == .captions ? "prompt" : "text")]))
    }
    guard !images.isEmpty, !questions.isEmpty || kind == .images else {
      throw Failure(.badData, file: path, "holds no images and questions with their outputs", hint: Self.hint)
    }
    self.images = images
    self.questions = questions
  }

  private static let hint =
    "a reference file is what tools/reference/outputs.py, captions.py, clip.py, images.py, matches.py, or `ingot ask --trace`, `ingot caption --trace` writes"

  /// How a caption was made, and its text.
  /// - Throws: `Failure` of kind `badData` when the metadata are not understood.
  func caption(_ item: Case) throws(Failure) -> (options: CaptionOptions, text: String?) {
    var options = CaptionOptions(prompt: item.text ?? "")
    let name = item.prefix + "decoding"
    do throws(Failure) {
      guard let text = metadata[name] else { return (options, metadata[item.prefix + "caption"]) }
      let decoding = try JSONValue(parsing: Array(text.utf8))
      options.beams = try decoding["beams"]?.size()
      options.maximumTokens = try decoding["maximumTokens"]?.size()
      options.minimumTokens = try decoding["minimumTokens"]?.size()
      options.repetitionPenalty = try decoding["repetitionPenalty"]?.number() ?? 1
      options.temperature = try decoding["temperature"]?.number() ?? 0
      if let seed = decoding["seed"] {
        guard let number = UInt64(try seed.string()) else { throw seed.failure("is no seed") }
        options.seed = number
      }
    } catch {
      throw Failure(
        .badData, file: checkpoint.path, place: "metadata", "\(name): \(error.reason)", hint: Self.hint)
    }
    return (options, metadata[item.prefix + "caption"])
  }

  func has(_ name: String) -> Bool { arrays.has(name) }
  func shape(_ name: String) -> [Int] { arrays.shape(name) }
  func floats(_ name: String) throws(Failure) -> [Float] { try arrays.floats(name) }
  func tokens(_ name: String) throws(Failure) -> [Int] { try arrays.tokens(name) }

  /// How many times each of a video's frames counts.
  /// - Throws: `Failure` of kind `badData` when the metadata doesn't say it of so many frames.
  func picks(ofImage item: Case, frames: Int) throws(Failure) -> [Int] {
    let name = "images.\(item.image).frames"
    do throws(Failure) {
      guard let text = metadata[name] else { throw Failure(.badData, "is missing") }
      var out: [Int] = []
      for frame in try JSONValue(parsing: Array(text.utf8)).array() { out.append(try frame.member("picks").size()) }
      guard out.count == frames, out.allSatisfy({ (1...Video.mostFrames).contains($0) }) else {
        throw Failure(.badData, "does not tell of \(frames) frames how many times they count")
      }
      return out
    } catch {
      throw Failure(
        .badData, file: checkpoint.path, place: "metadata", "\(name) \(error.reason)", hint: Self.hint)
    }
  }

  /// The side of the images that positions were interpolated to; nil: they weren't.
  public var side: Int? { metadata["side"].flatMap { Int($0) } }

  /// A picture of height × width × 3 bytes.
  func picture(_ name: String) throws(Failure) -> Picture {
    let (array, bytes) = try arrays.data(name)
    let dimensions = array.shape.dimensions
    guard array.elementType == .uint8, dimensions.count == 3, dimensions[2] == 3, !bytes.isEmpty else {
      throw failure(name, "is not a picture of height × width × 3 bytes")
    }
    return Picture(width: dimensions[1], height: dimensions[0], rgb: bytes)
  }

  func failure(_ name: String, _ reason: String) -> Failure { arrays.failure(name, reason) }
}
