import Arrays
import Checkpoints
import Foundation
import TestSupport
import Testing

/// Vectors of images and texts, against those of transformers' CLIPModel (tools/fixtures/fixtures_clip.py).
@Suite struct EmbedImageTests {
  private static let clips = "Tests/FamiliesTests/Fixtures/clip"
  private static let picture = "\(clips)/picture.png"
  private static let other = "weights/demo/pictures/red-circle-0004.png"
  private static let texts = ["a photo of a red circle.", "A photo of a GREEN square", "the dog"]

  private let folder = TemporaryFolder()
  private var shelf: String { folder.file("shelf") }

  init() throws {
    let run = try Run(["convert", "\(Self.clips)/1", "--set", "Release=tiny"], shelf: folder.file("shelf"))
    #expect(run.status == 0, "\(run.errors)")
  }

  private func embed(_ arguments: String..., input: String? = nil) throws -> Run {
    try Run(["embed"] + arguments, shelf: shelf, input: input)
  }

  private func isNear(_ vector: JSONValue?, _ name: String) throws -> Bool {
    let reference = try openCheckpoint(packageFile("Tests/ReferenceFixtures/clip/1.safetensors"))
    let place = try #require(reference.arrays.firstIndex { $0.name == name })
    let expected = Floats.array(try reference.data(of: place))
    let numbers = try #require(vector).array().map { try $0.number() }
    return numbers.count == expected.count && zip(numbers, expected).allSatisfy { abs($0 - Double($1)) < 1e-5 }
  }

  @Test func imagesAndTextsAreOfOneSpace() throws {
    let json = try embed(Self.texts[0], Self.picture, "--text", Self.texts[2], "--json").json()
    #expect(json["elements"] == 24 && json["count"] == 3 && json["maximumTokens"] == 24)
    let (texts, images) = (try json.member("texts").array(), try json.member("images").array())
    #expect(texts.map { $0["text"] } == [.string(Self.texts[0]), .string(Self.texts[2])])
    #expect(texts[0]["tokens"] == 9 && images[0]["image"] == .string(Self.picture))
    #expect(try isNear(texts[0]["embedding"], "texts.0.text_embeds"))
    #expect(try isNear(texts[1]["embedding"], "texts.2.text_embeds"))
    #expect(try isNear(images[0]["embedding"], "images.0.image_embeds"))
    let told = try embed(Self.picture, "the dog")
    #expect(told.output.contains("  image  ") && told.output.contains("4 tokens") && told.errors == "")
  }

  @Test func linesMayBeOfEither() throws {
    let lines = """
      {"image": "\(Self.picture)", "id": 7}
      {"text": "the dog"}
      {"image": "nowhere.png"}
      {"image": "\(Self.picture)", "text": "the dog"}
      {"image": "-"}
      """
    let run = try embed(input: lines)
    #expect(run.status == 1 && run.errors == "")
    let out = try run.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    #expect(out.count == 5 && out[0]["id"] == 7)
    #expect(try isNear(out[0]["embedding"], "images.0.image_embeds"))
    #expect(try isNear(out[1]["embedding"], "texts.2.text_embeds"))
    #expect(out[2][path: "error.message"] == "nowhere.png: no such file")
    #expect(out.dropFirst(2).map { $0["line"] } == [3, 4, 5] && out[3][path: "error.status"] == 65)
  }

  /// A damaged one of several costs itself only.
  @Test func listsAreWrittenSearchedAndMapped() throws {
    try folder.write([1, 2, 3], to: "pictures/damaged.png")
    try folder.write(bytes(of: packageFile(Self.picture)), to: "pictures/good.png")
    let paths = try folder.write(Array("\(Self.other)\n\(Self.picture)\n".utf8), to: "paths.txt")
    let vectors = folder.file("vectors.safetensors")
    let written = try embed("--images", folder.file("pictures"), "--image-lines", paths, "--output", vectors)
    #expect(written.status == 1 && written.output.hasPrefix("3 images, 24 elements each: "))
    #expect(written.errors.contains("damaged.png") && written.errors.contains("4 images, 1 could not be read"))
    let found = try embed("--search", Self.picture, "the dog", "--vectors", vectors, "--top", "2", "--json").json()
    let searches = try found.member("searches").array()
    let first = try searches[0].member("results").array()
    #expect(first.map { $0["line"] } == [1, 3] && first[1]["image"] == .string(Self.picture))
    #expect(try abs(first[0].member("similarity").number() - 1) < 1e-6)
    #expect(searches[1]["query"] == "the dog")
    let map = try Run(["features", vectors, "--output", folder.file("map.csv"), "--json"], shelf: shelf)
    #expect(map.status == 0 && map.output.contains("good.png"))
    let pictures = [
      "features", Self.picture, Self.other, "--family", "clip", "--output", folder.file("map.html"), "--json",
    ]
    let seen = try Run(pictures, shelf: shelf)
    #expect(seen.status == 0 && seen.output.contains("red-circle"), "\(seen.errors)")
  }

  /// The scores of a text and its neighbours are those of `logits_per_image`, divided by the scale.
  @Test func textsAreFoundByAnImage() throws {
    let json = try embed("--search", Self.picture, "--json", "--top", "3", Self.texts[0], Self.texts[1], Self.texts[2])
      .json()
    let results = try json.member("searches").array()[0].member("results").array()
    let reference = try openCheckpoint(packageFile("Tests/ReferenceFixtures/clip/1.safetensors"))
    let place = try #require(reference.arrays.firstIndex { $0.name == "images.0.logits_per_image" })
    let logits = Array(Floats.array(try reference.data(of: place)).prefix(3))
    let order = [0, 1, 2].sorted { logits[$0] > logits[$1] }
    #expect(results.map { $0["line"] } == order.map { .integer($0 + 1) })
    let scores = try results.map { try $0.member("similarity").number() }
    let scale = Double(logits[order[0]]) / scores[0]
    #expect(zip(order, scores).allSatisfy { abs(Double(logits[$0]) - scale * $1) < 1e-3 })
  }

  /// A net of images alone is asked for no texts.
  @Test func imagesAloneByANetOfImages() throws {
    let vit = "Tests/FamiliesTests/Fixtures/tiny-vit"
    #expect(try Run(["convert", vit], shelf: folder.file("images")).status == 0)
    let run = try Run(
      ["embed", Self.picture, Self.other, "--json", "--family", "vit-imagenet"], shelf: folder.file("images"))
    #expect(run.status == 0, "\(run.errors)")
    #expect(try run.json().member("images").array().count == 2)
    let text = try Run(["embed", Self.texts[0], "--family", "vit-imagenet"], shelf: folder.file("images"))
    #expect(text.status == 64 && text.errors.contains("takes pictures, and no texts"), "\(text.errors)")
  }

  @Test func mistakesAreNamed() throws {
    let cases: [([String], Int32, String)] = [
      (["nowhere.png"], 66, "nowhere.png: no such file"),
      (["film.mp4", Self.picture], 64, "film.mp4 is called like a file"),
      (["a dog", "--prompt", "query"], 64, "the net has no prompt \"query\""),
      (
        [Self.picture, "--set", "Part=ImageEncoder"], 64,
        "Part is given, but comparing images and texts takes all parts"
      ),
      ([Self.picture, "--set", "Release=other"], 66, "this net is not on the shelf"),
      (["--search", "a", "--vectors", "x.npy", "--lines", "y", "--image-lines", "z"], 64, "not of both"),
    ]
    for (arguments, status, message) in cases {
      let run = try Run(["embed"] + arguments, shelf: shelf)
      #expect(run.status == status && run.errors.contains(message) && run.errors.contains("hint: "), "\(run.errors)")
    }
  }

  /// Images mean CLIP; texts alone a sentence embedder where there is one.
  @Test func whatIsGivenSaysWhichNet() throws {
    #expect(try embed("the dog", "--json").json()["elements"] == 24)
    let convert = ["convert", "Tests/FamiliesTests/Fixtures/embedders/mean"]
    #expect(try Run(convert, shelf: shelf).status == 0)
    #expect(try embed("the dog", "--json").json()["elements"] == 16)
    #expect(try embed("the dog", Self.picture, "--json").json()["elements"] == 24)
    #expect(try embed("the dog", "--family", "clip", "--json").json()["elements"] == 24)
    #expect(try embed("the dog", "--set", "Release=tiny", "--json").json()["elements"] == 24)
    let run = try embed(input: "{\"image\": \"\(Self.picture)\"}")
    #expect(run.status == 1 && run.output.contains("takes texts, and no pictures"))
  }
}
