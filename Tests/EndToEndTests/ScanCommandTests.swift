import Arrays
import Foundation
import TestSupport
import Testing

/// `ingot scan` as a user sees it.
@Suite struct ScanCommandTests {
  private let folder = TemporaryFolder()

  private let evil = Array("cos\nsystem\n(S'true'\ntR.".utf8)

  @Test func tellsByTextAndStatus() throws {
    let harmless = try Run(["scan", "weights/demo"])
    #expect(harmless.status == 0 && harmless.errors == "")
    #expect(harmless.output.contains("weights/demo/model.safetensors: nothing in it can run  (a safetensors file)\n"))
    let path = try folder.write(evil, to: "a.pkl")
    let found = try Run(["scan", path])
    #expect(found.status == 1 && found.errors == "")
    #expect(
      found.output == """
        \(path): something could run  (a Python pickle, 1 pickle)
          harmful  byte 21  calls os.system, which starts programs

        """)
    let unknown = try folder.write([4, 0x22, 0x4d, 0x18], to: "b.lz4")
    let untold = try Run(["scan", unknown])
    #expect(untold.status == 65 && untold.errors == "")
    #expect(
      untold.output == """
        \(unknown): can't tell  (packed by lz4)
          unreadable  byte 0  is packed by lz4, which isn't unpacked here

        """)
    // The worst of all decides.
    let both = try Run(["scan", unknown, path])
    #expect(both.status == 1)
    #expect(
      both.output.hasSuffix(
        "\n2 files: something could run in 1, can't tell of 1, nothing can run in 0\n"))
  }

  @Test func tellsAsJSONAndSARIF() throws {
    let path = try folder.write(torchArchive(pickle: evil), to: "a b.pt")
    let json = try Run(["scan", "--json", path])
    #expect(json.status == 1)
    let file = try #require(try json.json().member("files").array().first)
    #expect(try file.member("verdict").string() == "something")
    let globals = try file.member("globals").array().map { try $0.member("name").string() }
    #expect(globals == ["os.system"])
    let sarif = try Run(["scan", "--sarif", path])
    #expect(sarif.status == 1)
    let run = try #require(try sarif.json().member("runs").array().first)
    let result = try #require(try run.member("results").array().first)
    #expect(try result.member("ruleId").string() == "pickle-call")
    #expect(try result.member("level").string() == "error")
    let location = try #require(try result.member("locations").array().first)
    let uri = try location.member("physicalLocation").member("artifactLocation").member("uri").string()
    #expect(uri == "file://" + path.replacingOccurrences(of: " ", with: "%20"))
    let logical = try #require(try location.member("logicalLocations").array().first)
    #expect(try logical.member("fullyQualifiedName").string() == "archive/data.pkl")
    let both = try Run(["scan", "--sarif", "--json", path])
    #expect(both.status == 64)
  }

  @Test func limitsBoundWhatIsUnpacked() throws {
    let path = try folder.write(Array(Data(base64Encoded: Self.packedSpaces) ?? Data()), to: "spaces.gz")
    #expect(try Run(["scan", path]).status == 0)
    for limit in ["scan-memory", "scan-unpacked"] {
      let run = try Run(["scan", path, "--allow", "\(limit)=1000"])
      #expect(run.status == 65)
      #expect(run.output.contains("unpacks to more than is scanned"), "\(limit)")
      #expect(run.output.contains("--allow \(limit)=SIZE"), "\(limit): \(run.output)")
    }
  }

  /// 100,000 spaces, packed by gzip.
  private static let packedSpaces =
    "H4sIAAAAAAACA+3BMQEAAADCoCrrn9IaHkABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAArwYt8HnKoIYBAA=="

  @Test func missingFilesAreErrors() throws {
    let run = try Run(["scan", folder.file("nothing")])
    #expect(run.status == 66 && run.output == "")
  }
}
