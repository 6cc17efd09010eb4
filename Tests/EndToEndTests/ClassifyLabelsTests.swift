import Arrays
import TestSupport
import Testing

/// `classify --labels`, against the probabilities of transformers' CLIPModel (tools/fixtures/fixtures_clip.py).
@Suite struct ClassifyLabelsTests {
  private static let clips = "Tests/FamiliesTests/Fixtures/clip"
  private static let picture = "\(clips)/picture.png"

  private let folder = TemporaryFolder()
  private var shelf: String { folder.file("shelf") }
  private let labels: String
  private let names: [String]
  private let fixture: JSONValue

  init() throws {
    let run = try Run(["convert", "\(Self.clips)/1", "--set", "Release=tiny"], shelf: folder.file("shelf"))
    #expect(run.status == 0, "\(run.errors)")
    fixture = try JSONValue(parsing: bytes(of: packageFile("\(Self.clips)/zero-shot.json")))
    names = try fixture.member("labels").strings()
    labels = try folder.write(Array(names.joined(separator: "\n").utf8), to: "labels.txt")
  }

  private func classify(_ arguments: [String]) throws -> Run {
    try Run(["classify"] + arguments, shelf: shelf)
  }

  @Test(arguments: ["one", "several"])
  func probabilitiesAreThePublishers(templates: String) throws {
    let wanted = try fixture.member("1").member(templates)
    let given = try wanted.member("templates").strings()
    let options = templates == "one" ? [] : given.flatMap { ["--template", $0] }
    let json = try classify([Self.picture, "--labels", labels, "--json"] + options).json()
    #expect(try json.member("templates").strings() == given)
    let classes = try json.member("images").array()[0].member("classes").array()
    let expected = try wanted.member("probabilities").array().map { try $0.number() }
    let order = expected.indices.sorted { expected[$0] > expected[$1] }
    #expect(classes.map { $0["label"] } == order.map { .string(names[$0]) })
    for (item, index) in zip(classes, order) {
      #expect(try abs(item.member("probability").number() - expected[index]) < 1e-4)
    }
  }

  @Test func linesMayHaveLabelsOfTheirOwn() throws {
    let wanted = try fixture.member("1").member("one").member("probabilities").array().map { try $0.number() }
    let all = JSONValue.strings(names).compactText
    let lines = """
      {"image": "\(Self.picture)", "labels": \(all), "id": "a"}
      {"image": "\(Self.picture)"}
      {"image": "\(Self.picture)", "labels": ["a", "a"]}
      {"image": "\(Self.picture)", "labels": ["one"]}
      {"image": "nowhere.png", "labels": ["one"]}
      """
    let top = ["classify", "--family", "clip", "--top", "1000"]
    let run = try Run(top, shelf: shelf, input: lines)
    #expect(run.status == 1 && run.errors == "")
    let out = try run.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    #expect(out.count == 5 && out[0]["id"] == "a")
    // Labels that a line doesn't have are the last line's.
    for line in out.prefix(2) {
      for item in try line.member("classes").array() {
        let index = try #require(try names.firstIndex(of: item.member("label").string()))
        #expect(try abs(item.member("probability").number() - wanted[index]) < 1e-4)
      }
    }
    #expect(out[2][path: "error.message"] == "the label \"a\" comes twice")
    #expect(try out[3].member("classes").array()[0].member("probability").number() == 1)
    #expect(out[4][path: "error.message"] == "nowhere.png: no such file")
    let unlabelled = try Run(top, shelf: shelf, input: "{\"image\": \"\(Self.picture)\"}")
    #expect(unlabelled.status == 1 && unlabelled.output.contains("there are no labels"))
  }

  @Test func damagedPicturesAreLeftOut() throws {
    let damaged = try folder.write([1, 2, 3], to: "damaged.png")
    let run = try classify([damaged, Self.picture, "--labels", labels, "--top", "1"])
    #expect(run.status == 1 && run.output.contains(Self.picture) && !run.output.contains("damaged"))
    #expect(run.errors.contains("2 images, 1 could not be read"))
  }

  @Test func whatIsCutOffIsNoted() throws {
    let long = try folder.write(Array(("a dog\n" + String(repeating: "red ", count: 40)).utf8), to: "long.txt")
    let run = try classify([Self.picture, "--labels", long])
    #expect(run.status == 0 && run.errors.contains("makes a text of more than 24 tokens: its end is cut off"))
  }

  @Test func mistakesAreNamed() throws {
    let empty = try folder.write([], to: "empty.txt")
    let cases: [([String], Int32, String)] = [
      (["--labels", "nowhere.txt"], 66, "nowhere.txt: no such file"),
      (["--labels", empty], 65, "holds no labels"),
      (["--labels", labels, "--template", "a photo"], 64, "has no {}"),
      (["--template", "a {}"], 64, "--template goes with --labels"),
      (["--labels", labels, "--net", "x.ingot"], 64, "--labels takes both nets"),
      (["--labels", labels, "--set", "Part=TextEncoder"], 64, "Part is given"),
    ]
    for (arguments, status, message) in cases {
      let run = try classify([Self.picture] + arguments)
      #expect(run.status == status && run.errors.contains(message) && run.errors.contains("hint: "), "\(run.errors)")
    }
  }
}
