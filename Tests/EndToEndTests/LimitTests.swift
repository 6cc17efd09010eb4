import Arrays
import Assurance
import CHDF5
import Checkpoints
import Foundation
import NetFile
import Nets
import Media
import TestSupport
import Testing

/// Every limit that is met says so in an exact line, and its hint raises it: with what the hint says, the file is read.
@Suite struct LimitTests {
  private static let shelf: TemporaryFolder = {
    let folder = TemporaryFolder()
    _ = try? Run(["convert", "weights/demo"], shelf: folder.path)
    _ = try? Run(["convert", "weights/demo", "--compress"], shelf: folder.file("packed"))
    _ = try? folder.write(Array("red\ngreen\nblue\n".utf8), to: "answers.txt")
    _ = try? folder.write(Array("{\"format\":\"x\"}\n".utf8), to: "journal")
    return folder
  }()

  struct Case: Sendable, CustomTestStringConvertible {
    let limit: Limit
    let value: Int
    let arguments: [String]
    /// Without `ingot: error: `; SHELF stands for the test's folder.
    let error: String
    /// What the hint says is enough; nil: it doesn't know.
    let enough: Int?
    var status: Int32 = 65

    init(
      _ limit: Limit, _ value: Int, _ arguments: String, _ error: String, enough: Int? = nil, status: Int32 = 65
    ) {
      self.limit = limit
      self.value = value
      self.arguments = arguments.split(separator: " ").map(String.init)
      self.error = error
      self.enough = enough
      self.status = status
    }

    var testDescription: String { "\(limit.rawValue)=\(value)" }
  }

  private static let everyType = "Tests/NetFileTests/Fixtures/every-type.safetensors"
  private static let hdf5 = "Tests/CheckpointsTests/Fixtures/hdf5/good"
  private static let notWritten = "Tests/CheckpointsTests/Fixtures/hdf5/refused/nothing-behind-many.h5"
  private static let torch = "Tests/CheckpointsTests/Fixtures/torch"
  private static let gguf = "Tests/CheckpointsTests/Fixtures/gguf"
  private static let sharded = "Tests/FamiliesTests/Fixtures/layouts/sharded"
  private static let forms = "Tests/AssuranceTests/Fixtures/forms/good"
  private static let signing = "Tests/SigningTests/Fixtures"
  private static let picture = "weights/demo/pictures/red-circle-0004.png"
  private static let video = "weights/demo/videos/circles.mp4"
  private static let animation = "Tests/MediaTests/Fixtures/videos/animation.webp"

  static let cases: [Case] = [
    Case(.arrays, 3, "inspect \(everyType)", "\(everyType): has 19 arrays; at most 3 are read", enough: 19),
    Case(
      .arrays, 3, "inspect \(hdf5)/keras-2.h5", "\(hdf5)/keras-2.h5: /: there are more than 3 objects (limit arrays)"),
    Case(
      .arrayMemory, 10, "inspect \(hdf5)/chunked.h5 --statistics",
      "\(hdf5)/chunked.h5: array \"f4\": has 420 bytes; at most 10 are held in memory", enough: 420),
    // All 826,496 parameters, of 4 bytes.
    Case(
      .arrayMemory, 3_000_000, "ask \(picture) what? --set Release=demo --shelf SHELF/packed",
      "SHELF/packed/blip-vqa/CapFilt=true,Part=ImageEncoder,Precision=float32,Release=demo.ingot: unpacks to 3305984 bytes; at most 3000000 are held in memory",
      enough: 3_305_984),
    Case(
      .headerBytes, 100, "inspect \(everyType)",
      "\(everyType): byte 0: the header length 1472 is over the limit of 100",
      enough: 1472),
    Case(.jsonValues, 5, "inspect \(everyType)", "\(everyType): byte 95: more than 5 JSON values"),
    Case(
      .shards, 1, "inspect \(sharded)",
      "\(sharded)/model.safetensors.index.json: has 3 files of weights; at most 1 are read",
      enough: 3),
    Case(
      .indexBytes, 50, "inspect \(sharded)",
      "\(sharded)/model.safetensors.index.json: has 8472 bytes; at most 50 are read", enough: 8472),
    Case(
      .configBytes, 100, "convert weights/demo --shelf SHELF/x",
      "weights/demo/config.json: has 1363 bytes; at most 100 are read", enough: 1363),
    Case(.vocabulary, 10, "convert weights/demo --shelf SHELF/x", "weights/demo/vocab.txt: has more than 10 tokens"),
    Case(
      .zipEntries, 1, "inspect \(torch)/zip.pt", "\(torch)/zip.pt: zip directory: has 33 entries; at most 1 are read",
      enough: 33),
    Case(
      .zipDirectory, 10, "inspect \(torch)/zip.pt",
      "\(torch)/zip.pt: zip directory: has 1908 bytes; at most 10 are read", enough: 1908),
    Case(
      .ggufHeader, 100, "inspect \(gguf)/plain.gguf",
      "\(gguf)/plain.gguf: the header goes on after 100 bytes, all that are read"),
    Case(
      .metadata, 5, "inspect \(gguf)/metadata.gguf",
      "\(gguf)/metadata.gguf: has 19 entries of metadata; at most 5 are read", enough: 19),
    Case(
      .pickleBytes, 10, "inspect \(torch)/zip.pt",
      "\(torch)/zip.pt: zip/data.pkl: has 2521 bytes; at most 10 are read", enough: 2521),
    Case(
      .pickleBytes, 200, "inspect \(torch)/legacy.pth",
      "\(torch)/legacy.pth: state dict, byte 198: the pickles go on after 200 bytes, all that are read"),
    Case(.pickleValues, 5, "inspect \(torch)/zip.pt", "\(torch)/zip.pt: zip/data.pkl, byte 56: more than 5 values"),
    Case(
      .repeatedBytes, 1, "inspect \(torch)/zip.pt",
      "\(torch)/zip.pt: zip/data.pkl, array \"expanded\": repeats the 3 elements of its storage to 48 bytes", enough: 48
    ),
    Case(
      .hdf5List, 100, "inspect \(hdf5)/keras-2.h5",
      "\(hdf5)/keras-2.h5: encoder/encoder/layer_._0/dense/bias:0: the list of arrays is too long (limit hdf5-list)"),
    Case(
      .hdf5Chunk, 4, "inspect \(hdf5)/chunked.h5",
      "\(hdf5)/chunked.h5: f4: the chunks are empty or larger than 4 bytes (limit hdf5-chunk); nor is anything else read of the file's 3 objects"
    ),
    Case(
      .hdf5Expansion, 1000, "inspect \(notWritten)",
      "\(notWritten): a2: with it 100663296 bytes of elements are declared: no file of 1251 bytes can hold them (limit hdf5-expansion)"
    ),
    Case(
      .netMemory, 1000, "ask \(picture) what? --set Release=demo --shelf SHELF",
      "SHELF/blip-vqa/CapFilt=true,Part=ImageEncoder,Precision=float32,Release=demo.ingot: configuration: its dimensions need more than 1000 bytes to compute with",
      enough: 431_872),
    // Keys and values of 2 blocks, 19 tokens and 128 elements, for 64 beams and as many to come.
    Case(
      .netMemory, 4_000_000, "ask \(picture) what? --beams 64 --set Release=demo --shelf SHELF",
      "SHELF/blip-vqa/CapFilt=true,Part=TextDecoder,Precision=float32,Release=demo.ingot: 64 beams of up to 19 tokens need more than 4000000 bytes to compute with",
      enough: 2 * 2 * 19 * 128 * 4 * 128),
    Case(
      .imageBytes, 10, "ask \(picture) what? --set Release=demo --shelf SHELF",
      "\(picture): has 641 bytes; at most 10 are read", enough: 641),
    Case(
      .imagePixels, 10, "ask \(picture) what? --set Release=demo --shelf SHELF",
      "\(picture): is 64 × 64 pixels: more than the 10 allowed"),
    Case(
      .images, 2, "features weights/demo/pictures --output SHELF/x.csv --set Release=demo --shelf SHELF",
      "weights/demo/pictures: holds more than 2 pictures"),
    Case(
      .videoPixels, 10, "ask \(video) what? --set Release=demo --shelf SHELF",
      "\(video): has a frame of 64 × 64 pixels: 1 to 10 are allowed (limit video-pixels)"),
    Case(
      .videoFrames, 2, "ask \(video) what? --set Release=demo --shelf SHELF",
      "\(video): has more than 2 frames (limit video-frames)"),
    Case(
      .animationBytes, 20, "ask \(animation) what? --frames 2 --set Release=demo --shelf SHELF",
      "\(animation): is an animation of more than 20 bytes (limit animation-bytes)"),
    Case(
      .answers, 2, "ask \(picture) what? --answers SHELF/answers.txt --set Release=demo --shelf SHELF",
      "SHELF/answers.txt: holds more than 2 answers", enough: 3),
    Case(
      .answersBytes, 2, "ask \(picture) what? --answers SHELF/answers.txt --set Release=demo --shelf SHELF",
      "SHELF/answers.txt: has 15 bytes; at most 2 are read", enough: 15),
    Case(
      .questionsBytes, 2, "evaluate --questions weights/demo/questions.jsonl --set Release=demo --shelf SHELF",
      "weights/demo/questions.jsonl: has 4871 bytes; at most 2 are read", enough: 4871),
    // Small as it is packed.
    Case(
      .questionsBytes, 300, "evaluate --questions \(forms)/vqa.json.gz --set Release=demo --shelf SHELF",
      "\(forms)/vqa.json.gz: unpacks to more than 300 bytes"),
    Case(
      .questionsBytes, 300, "evaluate --questions \(forms)/vqa.zip --set Release=demo --shelf SHELF",
      "\(forms)/vqa.zip: zip entry \"v2/questions.json\": has 350 bytes; at most 300 are read", enough: 350),
    Case(
      .journalBytes, 2,
      "evaluate --questions weights/demo/questions.jsonl --journal SHELF/journal --set Release=demo --shelf SHELF",
      "SHELF/journal: has 15 bytes; at most 2 are read", enough: 15),
    Case(
      .scanFiles, 2, "scan weights/demo/pictures", "weights/demo/pictures: has 12 files; at most 2 are read", enough: 12
    ),
    Case(
      .signatureBytes, 10, "verify weights/demo --signature \(signing)/p256.sig --key \(signing)/p256.pub",
      "\(signing)/p256.sig: has 2431 bytes; at most 10 are read", enough: 2431),
    Case(
      .receiptBytes, 10, "verify --receipt weights/demo/config.json",
      "weights/demo/config.json: has 1363 bytes; at most 10 are read", enough: 1363),
    Case(
      .signedFiles, 2, "sign weights/demo/pictures --key \(signing)/p256.pem --signature SHELF/pictures.sig",
      "weights/demo/pictures: has 12 files; at most 2 are read", enough: 12),
  ]

  /// What is met otherwise: by the tests below, or only by files too large for a test.
  private static let others: Set<Limit> = [
    .expansion, .hdf5Memory, .hdf5Seconds, .hdf5Expansion, .videoMemory, .videoSeconds, .lineBytes, .scanMemory,
    .scanUnpacked,
    // The server's: tools/checks/check_server_life.py and Tests/MediaTests/PictureChildTests.swift meet them.
    .requestBytes, .requestMemory, .requestPixels, .requestItems, .requestSeconds, .bodySeconds, .headSeconds,
    .connections, .queue, .pictureMemory, .pictureSeconds,
  ]

  @Test func everyLimitHasACase() {
    #expect(Set(Self.cases.map(\.limit)).union(Self.others) == Set(Limit.allCases))
  }

  private func arguments(_ given: [String]) -> [String] {
    given.map { $0.replacingOccurrences(of: "SHELF", with: Self.shelf.path) }
  }

  @Test(arguments: cases) func theErrorSaysHowToRaiseIt(_ item: Case) throws {
    let given = arguments(item.arguments)
    let run = try Run(given + ["--allow", "\(item.limit.rawValue)=\(item.value)"])
    let unit = item.limit.unit == .bytes ? "SIZE" : "NUMBER"
    let enough = item.enough.map { "\($0)" } ?? unit
    let error = item.error.replacingOccurrences(of: "SHELF", with: Self.shelf.path)
    #expect(
      run.errors
        == "ingot: error: \(error)\nhint: if you trust the file, raise the limit: --allow \(item.limit.rawValue)=\(enough)\n"
    )
    #expect(run.status == item.status && run.output == "")
    guard let enough = item.enough else { return }
    let raised = try Run(given + ["--allow", "\(item.limit.rawValue)=\(enough)"]).errors
    // There may be another that is too much, such as a further net.
    #expect(!raised.contains(error))
  }

  @Test func littleOfASmallFileIsMeasured() throws {
    let given = ["inspect", Self.notWritten, "--statistics", "--allow", "hdf5-expansion=1000000"]
    let run = try Run(given + ["--allow", "expansion=2"])
    #expect(
      run.errors == """
        ingot: error: \(Self.notWritten): states arrays of 134217728 bytes but has 1251: its values are not measured
        hint: inspect it without --html and --statistics, or if you trust the file, raise the limit: --allow expansion=9

        """)
    #expect(try Run(given + ["--allow", "expansion=9"]).status == 0)
  }

  /// A child that waits for something that never comes is ended by its clock.
  @Test func aChildHasAnEnd() throws {
    let child = Process()
    child.executableURL = Run.binary
    child.arguments = ["hdf5-child", "--allow", "hdf5-seconds=1", "--", "write", Self.shelf.file("never.h5")]
    let input = Pipe()
    child.standardInput = input
    try child.run()
    child.waitUntilExit()
    #expect(child.terminationReason == .uncaughtSignal && child.terminationStatus == 14)
  }

  @Test func aLineIsBoundToo() throws {
    let run = try Run(
      ["ask", "--set", "Release=demo", "--allow", "line-bytes=10"], shelf: Self.shelf.path,
      input: "{\"image\": \"a\", \"question\": \"b\"}\n")
    #expect(try run.json()["error"]?["message"]?.string() == "line 1: has more than 10 bytes")
    #expect(
      try run.json()["error"]?["hint"]?.string() == "if you trust the file, raise the limit: --allow line-bytes=SIZE")
  }

  /// Libraries that don't fit the memory of a child aren't called missing.
  @Test(arguments: [
    ("hdf5-memory=10MB", "inspect", "\(hdf5)/keras-2.h5"),
    ("video-memory=50MB", "ask", "\(video) what? --set Release=demo"),
  ]) func aChildHasLittleMemory(limit: String, command: String, rest: String) throws {
    let run = try Run(
      [command] + rest.split(separator: " ").map(String.init) + ["--allow", limit],
      shelf: command == "ask" ? Self.shelf.path : nil)
    let name = limit.prefix { $0 != "=" }
    #expect(run.status == 74)
    #expect(
      run.errors.hasSuffix("(limit \(name))\nhint: if you trust the file, raise the limit: --allow \(name)=SIZE\n"))
  }

  /// While it decodes, a child has no means left but what it needs.
  @Test func aChildIsConfined() throws {
    let child = Process()
    child.executableURL = Run.binary
    child.arguments = ["video-child", "--", packageFile(Self.video), "64"]
    let output = Pipe()
    child.standardOutput = output
    try child.run()
    defer {
      child.terminate()
      child.waitUntilExit()
    }
    // It writes after it has confined itself, and more than a pipe holds.
    #expect(try output.fileHandleForReading.read(upToCount: 9) == Data("INGOTVF\u{1}H".utf8))
    func lines(_ name: String) throws -> [[Substring]] {
      try String(contentsOfFile: "/proc/\(child.processIdentifier)/\(name)", encoding: .utf8).split(separator: "\n")
        .map { $0.split { $0 == " " || $0 == "\t" } }
    }
    let limits = try lines("limits")
    #expect(limits.contains { $0.prefix(5) == ["Max", "open", "files", "0", "0"] })
    #expect(limits.contains { $0.prefix(6) == ["Max", "core", "file", "size", "0", "0"] })
    #expect(limits.contains { $0.prefix(5) == ["Max", "address", "space", "2147483648", "2147483648"] })
    #expect(limits.contains { $0.prefix(5) == ["Max", "cpu", "time", "300", "301"] })
    // Not every kernel has it.
    let status = try lines("status")
    if status.contains(where: { $0.first == "Seccomp:" }) {
      #expect(status.contains(["Seccomp:", "2"]) && status.contains(["NoNewPrivs:", "1"]))
    }
  }

  @Test(arguments: [
    ("shard=1", "there is no limit \"shard\"", "`ingot limits` lists them"),
    ("shards", "\"shards\" is not NAME=VALUE", "for example --allow shards=4096"),
    ("shards=", "the limit shards can't be \"\"", "it is a whole number from 1 to 65536"),
    ("shards=0", "the limit shards can't be 0", "it is a whole number from 1 to 65536"),
    ("shards=12x", "the limit shards can't be \"12x\"", "it is a whole number from 1 to 65536"),
    ("shards=-1", "the limit shards can't be \"-1\"", "it is a whole number from 1 to 65536"),
    ("shards=1GB", "the limit shards can't be \"1GB\"", "it is a whole number from 1 to 65536"),
    (
      "hdf5-memory=2XB", "the limit hdf5-memory can't be \"2XB\"",
      "it is a whole number from 1 to 17592186044416, of bytes or with a unit: 512MiB, 16GB"
    ),
    (
      "hdf5-memory=99999999999TB", "the limit hdf5-memory can't be \"99999999999TB\"",
      "it is a whole number from 1 to 17592186044416, of bytes or with a unit: 512MiB, 16GB"
    ),
    (
      "hdf5-memory=9000TB", "the limit hdf5-memory can't be 9000000000000000",
      "it is a whole number from 1 to 17592186044416"
    ),
  ]) func refusesWhatIsNoLimit(argument: String, error: String, hint: String) throws {
    let run = try Run(["limits", "--allow", argument])
    #expect(run.errors == "ingot: error: \(error)\nhint: \(hint)\n")
    #expect(run.status == 64 && run.output == "")
  }

  @Test func listsLimitsInForce() throws {
    let limits = try Run(["limits", "--json", "--allow", "hdf5-memory=4GiB", "--allow", "images=7"]).json()
      .member("limits").array()
    #expect(try limits.map { try $0.member("name").string() } == Limit.allCases.map(\.rawValue))
    for limit in limits {
      let name = try limit.member("name").string()
      let known = try #require(Limit(rawValue: name))
      #expect(try limit.member("default").integer() == known.usual)
      let value = ["hdf5-memory": 4 << 30, "images": 7][name] ?? known.usual
      #expect(try limit.member("value").integer() == value)
    }
  }

  /// What can't be set stands in the page as in the code.
  @Test func fixedLimitsAreThoseOfTheCode() throws {
    let text = String(decoding: try bytes(of: packageFile("SECURITY.md")), as: UTF8.self)
    func number(_ value: Int) -> String { value.formatted(.number.locale(.init(identifier: "en_US"))) }
    let rows = [
      ("dimensions of an array", number(Shape.maximumRank)),
      ("bytes of all arrays of a checkpoint or net file", number(Shape.largestTotal)),
      ("bytes of a net file's header", number(NetFormat.maximumHeaderLength)),
      (
        "nesting of JSON: files, configurations, net files' headers",
        "\(JSONRules.strict.maximumDepth), \(JSONRules.lenient.maximumDepth), \(NetFormat.headerRules.maximumDepth)"
      ),
      ("values in a net file's header", number(NetFormat.headerRules.maximumValues)),
      ("bytes of an HDF5 dataset", number(Int(INGOT_HDF5_MAX_BYTES))),
      ("bytes of the names of all arrays of a PyTorch file", number(TorchCheckpoint.mostNameBytes)),
      ("groups in groups of an HDF5 file", number(Int(INGOT_HDF5_MAX_DEPTH))),
      ("bytes of a name in an HDF5 file, with its groups", number(Int(INGOT_HDF5_MAX_NAME))),
      ("attributes of an HDF5 file that are looked at", number(Int(INGOT_HDF5_MAX_ATTRIBUTES))),
      (
        "a dimension of a net; its layers",
        "\(number(Configuration.largestDimension)); \(number(Configuration.mostLayers))"
      ),
      ("frames of a video that are looked at", number(Video.mostFrames)),
      ("members beside the list in a file of questions", number(VQAAnnotations.mostOtherMembers)),
      // The tests of their readers go one past these.
      ("bytes of a NumPy array's header", number(1 << 20)),
      ("bytes of a key in a TensorFlow index; of all of them", "4,096; \(number(64 << 20))"),
      ("nesting of a MessagePack file; bytes of a key; chunks of an array", "64; 4,096; 65,536"),
      ("graphs in graphs of an ONNX model; bytes of a name in one", "16; 4,096"),
      ("nesting of a NumPy array's header; lists in lists of a GGUF file's metadata", "16; 8"),
      ("nesting of a list of answers in a table's cell", "8"),
      ("bytes of a packed note in a PNG, unpacked", number(1 << 20)),
      ("combining marks in a row, in any text of a file", "30"),
      ("bytes of an array's name in a checkpoint", "4,096"),
      ("bytes of a storage's key in a PyTorch file", "64"),
      (
        "members of dictionaries, lists and objects of a PyTorch file that are looked at, each as often as it is met",
        "2,000,000"
      ),
      (
        "dictionaries in dictionaries of a PyTorch file that are followed; calls in calls that make one tensor",
        "100; 8"
      ),
      ("bytes of the name of a function or class in a pickle", "1,024"),
      ("pickles of a PyTorch package", "1,000"),
      ("tokens of an answer that a net file may ask for", "1,024"),
      ("bytes of a tile or strip of a TIFF: those of the picture, or", number(1 << 27)),
      ("archives in archives that are scanned", "8"),
      ("bytes of a file of keys or certificates; certificates in one, or in a signature", "\(number(1 << 20)); 1,000"),
      ("bytes behind a pickle, or of an unknown format, in which pickles are looked for", number(64 << 20)),
    ]
    for (name, value) in rows { #expect(text.contains("| \(name) | \(value) |\n"), "\(name): \(value)") }
    #expect(
      text.split(separator: "\n").filter { $0.hasPrefix("| ") && $0.filter { $0 == "|" }.count == 3 }.count == rows
        .count + 1)
  }

  /// The table of SECURITY.md is that of the program.
  @Test func theTableIsTheProgram() throws {
    let text = String(decoding: try bytes(of: packageFile("SECURITY.md")), as: UTF8.self)
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") && $0.contains("` |") }
      .map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }.filter { $0.count == 3 }
    let table = rows.map { "\($0[0]) \($0[1]) \($0[2])" }
    let expected = Limit.allCases.map { limit in
      let unit = limit.unit == .count ? "" : " \(limit.unit.rawValue)"
      return
        "`\(limit.rawValue)` \(limit.usual.formatted(.number.locale(.init(identifier: "en_US"))))\(unit) \(limit.what)"
    }
    #expect(table == expected)
  }
}
