import Arrays
import Checkpoints
import Foundation
import TestSupport
import Testing

/// What `Scan` says of files by hand, and of tools/corpus/scan_corpus.py's.
@Suite struct ScanTests {
  private let folder = TemporaryFolder()

  private func scan(_ bytes: [UInt8], as name: String = "file") throws -> ScannedFile {
    try #require(try Scan([folder.write(bytes, to: name)]).files.first)
  }

  /// Findings as `severity rule place+offset subject`, notes left out.
  private func findings(_ bytes: [UInt8], as name: String = "file") throws -> [String] {
    try scan(bytes, as: name).findings.filter { $0.severity != .note }.map {
      "\($0.severity.rawValue) \($0.rule.rawValue) \($0.place.joined(separator: ">"))+\($0.offset) \($0.subject)"
    }
  }

  private func expect(
    _ bytes: [UInt8], as name: String = "file", _ wanted: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let found = try findings(bytes, as: name)
    #expect(found == wanted, sourceLocation: sourceLocation)
  }

  private func text(_ text: String) -> [UInt8] { Array(text.utf8) }

  private let system: [UInt8] = Array("cos\nsystem\n(S'true'\ntR".utf8)

  // MARK: The corpus

  private static func corpus(_ kind: String) throws -> [(name: String, bytes: [UInt8])] {
    let path = packageFile("Tests/CheckpointsTests/Fixtures/scan/corpus.json")
    let json = try JSONValue(parsing: bytes(of: path), rules: .lenient)
    return try json.member(kind).object().map { member in
      (member.key, [UInt8](try #require(Data(base64Encoded: try member.value.string()))))
    }
  }

  @Test func everyMaliciousFileIsFound() throws {
    let corpus = try Self.corpus("malicious")
    #expect(corpus.count >= 230)
    for (name, bytes) in corpus {
      let file = try scan(bytes, as: Paths.name(name))
      #expect(file.verdict == .something, "\(name): \(file.findings.map(\.message))")
      #expect(file.findings.allSatisfy { $0.offset >= 0 && $0.count > 0 && !$0.message.isEmpty }, "\(name)")
    }
  }

  @Test func noHarmlessFileIsTakenForMalicious() throws {
    let corpus = try Self.corpus("harmless")
    #expect(corpus.count >= 130)
    for (name, bytes) in corpus {
      let file = try scan(bytes, as: Paths.name(name))
      #expect(file.verdict == .nothing, "\(name): \(file.findings.map(\.message))")
    }
  }

  /// The same pickle, whatever is around it and whatever its name.
  @Test func aPickleIsFoundWhereverItStands() throws {
    let pickle = system + text(".")
    try expect(pickle, ["harmful pickle-call +21 os.system"])
    try expect(pickle, as: "a.safetensors", ["harmful pickle-call +21 os.system"])
    try expect(torchArchive(pickle: pickle), ["harmful pickle-call archive/data.pkl+21 os.system"])
    let nested = zip([ZipPart("outer.zip", torchArchive(pickle: pickle))])
    try expect(nested, ["harmful pickle-call outer.zip>archive/data.pkl+21 os.system"])
    // Behind another pickle, and behind one that is cut short.
    try expect([0x80, 2, 0x4e, 0x2e] + pickle, ["harmful pickle-call +25 os.system"])
    try expect(system, ["harmful pickle-call +21 os.system"])
  }

  // MARK: Pickles

  @Test func namesAreFoundOnTheStack() throws {
    func short(_ text: String) -> [UInt8] { [0x8c, UInt8(text.utf8.count)] + Array(text.utf8) }
    let call: [UInt8] = [0x93, 0x29, 0x52, 0x2e]
    try expect([0x80, 4] + short("os") + short("getcwd") + call, ["harmful pickle-call +16 os.getcwd"])
    // Remembered under numbers that opcodes count differently.
    let confused: [UInt8] =
      [0x80, 4] + short("os") + [0x71, 0] + short("system") + [0x71, 1] + short("a") + [0x94] + short("b") + [0x94]
    #expect(try scan(confused + [0x68, 0, 0x68, 1] + call).globals.map(\.name) == ["os.system"])
    // Text with escapes.
    #expect(try scan([0x80, 4] + text("V\\u006fs\nS'\\163yste\\x6d'\n") + call).globals.map(\.name) == ["os.system"])
    // A name that a call gives can't be known.
    let computed: [UInt8] = [0x80, 4] + text("cbuiltins\nstr\n") + [0x29, 0x52] + short("system") + call
    try expect(
      computed, ["unknown pickle-computed +26 a module or name", "unknown pickle-computed +28 what is not known"])
  }

  @Test func harmlessCallsAreKnownByWhatTheyAreGiven() throws {
    let dictionary = "cbuiltins\ndict\n"
    try expect(text("cbuiltins\ngetattr\n(\(dictionary)S'fromkeys'\ntR."), [])
    try expect(
      text("cbuiltins\ngetattr\n(\(dictionary)S'__class__'\ntR."),
      [
        "unknown pickle-call +48 builtins.getattr"
      ])
    try expect(text("cfunctools\npartial\n(\(dictionary)tR."), [])
    // A partial that is called calls its function.
    try expect(text("cfunctools\npartial\n(\(dictionary)tR(tR."), [])
    try expect(
      text("cfunctools\npartial\n(cos\nsystem\ntR(tR."),
      [
        "harmful pickle-global +20 os.system", "unknown pickle-computed +35 what a call gave",
        "unknown pickle-call +32 functools.partial",
      ])
    try expect(text("c_codecs\nencode\n(S'a'\nS'latin1'\ntR."), [])
    try expect(text("c_codecs\nencode\n(S'a'\nS'zip'\ntR."), ["unknown pickle-call +30 _codecs.encode"])
  }

  @Test func instancesAreMadeWithoutTheirInitializers() throws {
    let linear = "ctorch.nn.modules.linear\nLinear\n"
    try expect([0x80, 2] + text(linear) + [0x29, 0x81, 0x2e], [])
    try expect(
      [0x80, 2] + text(linear) + [0x29, 0x52, 0x2e],
      [
        "unknown pickle-call +35 torch.nn.modules.linear.Linear"
      ])
    try expect(
      [0x80, 2] + text("c__main__\nNet\n") + [0x29, 0x81, 0x2e],
      [
        "unknown pickle-call +17 __main__.Net"
      ])
  }

  @Test func changesOfFunctionsAndClassesAreTold() throws {
    let state = "}S'a'\nS'b'\nsb."
    try expect(
      text("ccollections\nOrderedDict\n" + state),
      [
        "harmful pickle-change +37 collections.OrderedDict"
      ])
    let instance = [0x80, 2] + text("cargparse\nNamespace\n") + [0x29, 0x81]
    try expect(instance + text(state), [])
    try expect(instance + text("}S'__setstate__'\nNsb."), ["unknown pickle-change +43 __setstate__"])
  }

  @Test func extensionsAndFilesInPicklesAreTold() throws {
    try expect([0x80, 2, 0x82, 7, 0x2e], ["unknown pickle-extension +2 extension 7"])
    let inner = system + text(".")
    let bytes = [0x42] + UInt32(inner.count).littleEndianBytes + inner
    let outer: [UInt8] = [0x80, 3] + text("ctorch.storage\n_load_from_bytes\n") + bytes + [0x85, 0x52, 0x2e]
    try expect(outer, ["harmful pickle-call bytes at 39+21 os.system"])
  }

  @Test func valuesAreBounded() throws {
    let pickle: [UInt8] = [0x80, 2] + [UInt8](repeating: UInt8(ascii: "N"), count: 2_000_100) + [0x2e]
    let file = try scan(pickle)
    #expect(file.verdict == .cannotTell)
    #expect(
      file.findings.map(\.message) == [
        "the pickle has more than 2000000 values; if you trust the file, raise the limit: --allow pickle-values=NUMBER"
      ])
  }

  // MARK: Archives

  @Test func whatReadersOfArchivesDisagreeAboutIsRead() throws {
    var evil = ZipPart("archive/data.pkl", system + text("."))
    evil.flags = 1
    try expect(zip([evil]), ["harmful pickle-call archive/data.pkl+21 os.system"])
    evil.flags = 0
    evil.localName = text("archive/data.txt")
    try expect(zip([evil]), ["harmful pickle-call archive/data.pkl+21 os.system"])
    evil.localName = nil
    evil.method = 99
    try expect(zip([evil]), ["unreadable unread archive/data.pkl+0 data.pkl"])
    var encrypted = ZipPart("a", [9, 8, 7])
    encrypted.flags = 1
    let file = try scan(zip([encrypted]))
    #expect(file.verdict == .cannotTell)
    #expect(file.findings.map(\.message) == ["is encrypted"])
    // Without its directory, and with bytes in front of it.
    let whole = zip([ZipPart("a.pkl", system + text("."))])
    try expect([UInt8](whole[..<(whole.count - 60)]), ["harmful pickle-call a.pkl+21 os.system"])
    try expect([UInt8](repeating: 0, count: 100) + whole, ["harmful pickle-call a.pkl+21 os.system"])
  }

  @Test func archivesInArchivesEnd() throws {
    var archive = zip([ZipPart("a", [1])])
    for _ in 0..<12 { archive = zip([ZipPart("inner.zip", archive)]) }
    let file = try scan(archive)
    #expect(file.verdict == .cannotTell)
    #expect(file.findings.map(\.message) == ["stands in more than 8 archives in archives, and is not looked at"])
  }

  @Test func pathsThatLeadOutAreTold() throws {
    try expect(zip([ZipPart("../../a", [1])]), ["unknown outside-path +0 ../../a"])
    try expect(zip([ZipPart("a/..b", [1])]), [])
  }

  @Test func packedFilesThatArentUnpackedAreNoAnswer() throws {
    #expect(
      try scan([0x42, 0x5a, 0x68, 0x39, 1, 2, 3, 4]).findings.map(\.message) == [
        "begins as if packed by bzip2, but can't be unpacked"
      ])
    #expect(
      try scan([4, 0x22, 0x4d, 0x18, 0, 0]).findings.map(\.message) == ["is packed by lz4, which isn't unpacked here"])
    // An .xz file whose block goes through the filter for x86 code too.
    let filtered = try #require(Data(base64Encoded: Self.filtered))
    let file = try scan([UInt8](filtered))
    #expect(file.verdict == .cannotTell)
    #expect(file.findings.map(\.message).contains("is packed by xz with a filter that isn't known here"))
    let unknown = try scan((0..<200).map { UInt8(truncatingIfNeeded: $0 &* 37 | 0xc0) })
    #expect(unknown.verdict == .cannotTell)
    #expect(
      unknown.findings.map(\.message) == ["is of no known format, so that it can't be said what reads it"])
  }

  private static let filtered =
    "/Td6WFoAAATm1rRGAgEEACEBFgANhjUfAQAYgAJjb3MKc3lzdGVtCihTJ3RydWUnCnRSLgAAAACDg3Y8OIqB5AABMRlZGrCCH7bzfQEAAAAABFla"

  // MARK: Configurations

  @Test func kerasModulesAreThoseOfKeras() throws {
    func layer(_ members: String) -> [UInt8] {
      text("{\"class_name\": \"Sequential\", \"config\": {\"layers\": [{\(members)}]}}")
    }
    try expect(layer(#""module": "keras.layers", "class_name": "Dense", "config": {}"#), as: "config.json", [])
    try expect(
      layer(#""module": "keras.layers", "class_name": "Lambda", "config": {}"#), as: "config.json",
      [
        "harmful keras-lambda +51 Lambda"
      ])
    try expect(
      layer(#""module": "os", "class_name": "function", "config": "system""#), as: "config.json",
      [
        "harmful keras-object +51 os.system"
      ])
    try expect(
      layer(#""module": "mine", "class_name": "Net", "config": {}"#), as: "config.json",
      [
        "unknown keras-object +51 mine.Net"
      ])
  }

  @Test func templatesThatLeaveTheirEngineAreTold() throws {
    func configuration(_ template: String) throws -> [String] {
      try findings(text("{\"chat_template\": \"\(template)\"}"), as: "tokenizer_config.json")
    }
    #expect(try configuration("a__b {% for m in messages %}{{ m.content }}{% endfor %}") == [])
    #expect(try configuration("{{ x.__class__ }}") == ["unknown template +18 chat_template"])
  }

  @Test func foldersAreWalked() throws {
    try FileManager.default.createDirectory(atPath: folder.file("in/ner"), withIntermediateDirectories: true)
    try folder.write(system + text("."), to: "in/ner/a")
    try folder.write(text("a text"), to: "in/b.txt")
    // A link to a folder that it stands in.
    try FileManager.default.createSymbolicLink(atPath: folder.file("in/loop"), withDestinationPath: folder.file("in"))
    let scan = try Scan([folder.file("in")])
    #expect(scan.files.map { Paths.name($0.path) } == ["b.txt", "a"])
    #expect(scan.verdict == .something)
    #expect(failure { _ = try Scan([folder.file("nothing")]) }?.kind == .noInput)
    try FileManager.default.createDirectory(atPath: folder.file("empty"), withIntermediateDirectories: true)
    #expect(failure { _ = try Scan([folder.file("empty")]) }?.withoutFile == "has no files")
  }
}
