import Arrays
import Kernels
import NetFile

/// What some results are a function of, and the SHA-256 of the scores that they were made of: whoever has the same nets and
/// inputs computes them again, to the bit, on any machine (docs/RECEIPTS.md).
public struct Receipt: Sendable, Equatable {
  /// Of the form of the file.
  static let version = 1

  public enum Task: String, Sendable, CaseIterable { case ask, caption, match, classify, embed }

  /// One of the nets that computed.
  public struct Net: Sendable, Equatable {
    /// Which of the task's nets it is, as its file's header says.
    public let name: String
    /// SHA-256 of the head of its file, which names those of all arrays.
    public let digest: Digest

    public init(_ file: NetFile) { (name, digest) = (file.header.net, file.digest) }

    init(name: String, digest: Digest) { (self.name, self.digest) = (name, digest) }
  }

  /// One result.
  public struct Item: Sendable, Equatable {
    /// The image or video as it was named; nil: there is none.
    public let image: String?
    /// Of its bytes.
    public let imageDigest: Digest?
    /// What was asked, matched or embedded, or a prompt; nil: nothing.
    public let text: String?
    /// For people: the answer, the caption, the likeliest class.
    public let result: String
    /// Of the scores; see `ReceiptScores`.
    public let scores: Digest

    public init(image: String?, imageDigest: Digest?, text: String?, result: String, scores: Digest) {
      (self.image, self.imageDigest, self.text) = (image, imageDigest, text)
      (self.result, self.scores) = (result, scores)
    }
  }

  public let task: Task
  public let nets: [Net]
  public let settings: ReceiptSettings
  public let items: [Item]

  public init(_ task: Task, _ files: [NetFile], _ settings: ReceiptSettings, _ items: [Item]) {
    (self.task, nets, self.settings, self.items) = (task, files.map(Net.init), settings, items)
  }

  /// Of all items' scores, one after the other.
  public var scores: Digest {
    var hash = SHA256()
    for item in items { hash.update(item.scores.bytes.rawSpan) }
    return hash.finish()
  }

  /// - Throws: `Failure` of kind `usage` for kernels whose bits are not those of other machines.
  public static func check(_ level: Engine.Level) throws(Failure) {
    guard level == .openblas || level == .fast else { return }
    throw Failure(
      .usage, "a receipt needs kernels that compute the same bits everywhere, and these are \(level.rawValue)",
      hint: level == .fast ? "leave --fast out" : "give --kernels portable")
  }

  // MARK: As JSON

  public var json: JSONValue {
    .object([
      "receipt": .integer(Self.version), "arithmetic": .integer(Engine.arithmetic), "task": .string(task.rawValue),
      "nets": .array(nets.map { .object(["net": .string($0.name), "sha256": .string($0.digest.description)]) }),
      "settings": settings.json,
      "items": .array(
        items.map { item in
          .object([
            "image": item.image.map(JSONValue.string), "imageSHA256": item.imageDigest.map { .string($0.description) },
            "text": item.text.map(JSONValue.string), "result": .string(item.result),
            "scoresSHA256": .string(item.scores.description),
          ])
        }),
      "scoresSHA256": .string(scores.description),
    ])
  }

  /// - Throws: `Failure` of kind `noInput` when there is no such file, `badData` naming the byte for what is no receipt, or
  ///   one of another arithmetic.
  public init(file path: String) throws(Failure) {
    do throws(Failure) { try self.init(parsing: contents(of: path, limit: .receiptBytes)) } catch {
      throw error.inFile(path)
    }
  }

  public init(parsing bytes: [UInt8]) throws(Failure) {
    do throws(Failure) {
      let json = try JSONValue(parsing: bytes)
      let version = try json.member("receipt")
      guard try version.integer() == Self.version else {
        throw version.failure("is of version \(try version.integer()); this program reads version \(Self.version)")
      }
      let arithmetic = try json.member("arithmetic")
      guard try arithmetic.integer() == Engine.arithmetic else {
        var failure = arithmetic.failure(
          "was computed by arithmetic \(try arithmetic.integer()); this program's is \(Engine.arithmetic)")
        failure.hint = "take the version of ingot that wrote it"
        throw failure
      }
      task = try json.member("task").choice("a task")
      nets = try Self.each(json.member("nets")) { value throws(Failure) in
        Net(name: try value.member("net").string(), digest: try value.member("sha256").digest())
      }
      settings = try ReceiptSettings(json.member("settings"))
      items = try Self.each(json.member("items")) { value throws(Failure) in
        let digest = try value["imageSHA256"]?.digest()
        let image = try value["image"]?.string()
        guard (image == nil) == (digest == nil) else { throw value.failure("an image and its SHA-256 go together") }
        return Item(
          image: image, imageDigest: digest, text: try value["text"]?.string(),
          result: try value.member("result").string(), scores: try value.member("scoresSHA256").digest())
      }
      let all = try json.member("scoresSHA256")
      guard try all.digest() == scores else { throw all.failure("is not that of the items' scores") }
      guard !nets.isEmpty else { throw json.failure("names no nets") }
    } catch {
      var failure = error
      failure.hint =
        error.hint ?? "a receipt is what --receipt of `ingot ask`, caption, match, classify and embed writes"
      throw failure
    }
  }

  private static func each<Element>(
    _ value: JSONValue, _ make: (JSONValue) throws(Failure) -> Element
  ) throws(Failure) -> [Element] {
    var out: [Element] = []
    for element in try value.array() { out.append(try make(element)) }
    return out
  }
}

/// All that was chosen, as far as results depend on it; nil: as the nets' profile says.
public struct ReceiptSettings: Sendable, Equatable {
  /// Whether pictures are turned as the camera noted.
  public var isUpright = false
  /// Of a video.
  public var frames: Int?
  public var maximumTokens: Int?
  public var minimumTokens: Int?
  public var beams: Int?
  public var temperature = 0.0
  public var seed: UInt64 = 0
  public var repetitionPenalty: Double?
  /// A closed list of answers.
  public var answers: [String]?
  /// Of images, in pixels.
  public var side: Int?
  public var labels: [String]?
  public var templates: [String] = []
  /// Text that is put before those that are embedded.
  public var prompt: String?

  public init() {}

  /// As options of a task.
  public var ofAnswers: AnswerOptions {
    AnswerOptions(
      maximumTokens: maximumTokens, minimumTokens: minimumTokens, beams: beams, temperature: temperature, seed: seed)
  }

  public var ofCaptions: CaptionOptions {
    CaptionOptions(
      maximumTokens: maximumTokens, minimumTokens: minimumTokens, beams: beams, temperature: temperature, seed: seed,
      repetitionPenalty: repetitionPenalty ?? 1)
  }

  var json: JSONValue {
    .object([
      "upright": isUpright ? true : nil, "frames": frames.map(JSONValue.integer),
      "maximumTokens": maximumTokens.map(JSONValue.integer), "minimumTokens": minimumTokens.map(JSONValue.integer),
      "beams": beams.map(JSONValue.integer), "temperature": temperature > 0 ? .number(temperature) : nil,
      "seed": temperature > 0 ? .string(String(seed)) : nil,
      "repetitionPenalty": repetitionPenalty.map(JSONValue.number), "answers": answers.map(JSONValue.strings),
      "side": side.map(JSONValue.integer), "labels": labels.map(JSONValue.strings),
      "templates": templates.isEmpty ? nil : .strings(templates), "prompt": prompt.map(JSONValue.string),
    ])
  }

  init(_ json: JSONValue) throws(Failure) {
    let known = [
      "upright", "frames", "maximumTokens", "minimumTokens", "beams", "temperature", "seed", "repetitionPenalty",
      "answers", "side", "labels", "templates", "prompt",
    ]
    for member in try json.object() where !known.contains(member.key) {
      throw member.value.failure("the setting \"\(shortened(member.key, to: 60))\" is unknown")
    }
    isUpright = try json["upright"]?.boolean() ?? false
    frames = try json["frames"]?.integer()
    maximumTokens = try json["maximumTokens"]?.integer()
    minimumTokens = try json["minimumTokens"]?.integer()
    beams = try json["beams"]?.integer()
    temperature = try json["temperature"]?.number() ?? 0
    if let value = json["seed"] {
      guard let number = UInt64(try value.string()) else { throw value.failure("is no seed") }
      seed = number
    }
    repetitionPenalty = try json["repetitionPenalty"]?.number()
    answers = try json["answers"]?.strings()
    side = try json["side"]?.integer()
    labels = try json["labels"]?.strings()
    templates = try json["templates"]?.strings() ?? []
    prompt = try json["prompt"]?.string()
  }
}
