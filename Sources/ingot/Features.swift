import ArgumentParser
import Arrays
import Families
import Kernels
import NetFile
import Media
import Tasks
import Reports

struct Features: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes one vector of each image, and maps on which similar images are near each other.",
    discussion: """
      The vectors are those of an image encoder of BLIP, CLIP or DINOv2, or of a Vision Transformer with or without a \
      classifier. Written is a page (.html), a picture (.png), or the numbers (.safetensors, .csv); maps are by PCA and \
      t-SNE.

      Images that lie in several folders have their folders' names as classes; else classes are the names up to the first \
      "-" that digits follow: red-circle-0004.png is of red-circle.

      Vectors that were written before are mapped anew: in place of images a .safetensors file that this command wrote, or \
      one that `ingot embed` wrote of images or texts (of CLIP, the vectors that are compared with texts'), or any .safetensors or .npy file with one array of a row for each image.

      An image that can't be read is named and left out, and the exit status is 1.
      """)

  @Argument(help: "Images, and folders of images; or one file of vectors.", completion: .file())
  var images: [String]

  @Option(
    name: .customLong("output"), help: .init("What to write: .html, .png, .safetensors or .csv.", valueName: "file"),
    completion: .file())
  var file: String

  @Option(
    help:
      "mean: of the patches' vectors; class: the class token's vector; pooled: as the publisher's library makes it, by a pooler where the net has one."
  )
  var pool = ImageFeatures.Pool.mean

  @OptionGroup var size: SideOptions

  @Option(help: .init("Take this part of a file's name, of those between - or _, as its class.", valueName: "number"))
  var classPart: Int?

  @Option(help: "Of the random numbers of t-SNE.")
  var seed: UInt64 = 0

  @Option(help: .init("The net file, where it isn't named by --set.", valueName: "file"), completion: .file())
  var net: String?

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var pulling: PullOption

  @OptionGroup var computing: ComputingOptions

  @OptionGroup var pictures: PictureOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  private enum Form: String { case html, png, safetensors, csv }

  private var form: Form? {
    Paths.name(file).split(separator: ".", omittingEmptySubsequences: false).dropFirst().last
      .flatMap { Form(rawValue: $0.lowercased()) }
  }

  func validate() throws {
    if images.isEmpty { throw ValidationError("there is no image") }
    if form == nil { throw ValidationError("--output ends in .html, .png, .safetensors or .csv") }
    if let classPart, classPart < 1 { throw ValidationError("--class-part is a number from 1") }
  }

  func run() throws {
    try OutputFile.checkCanBeWritten(file)
    let seen = try images.count == 1 && FeatureFile.isOne(images[0]) ? read(images[0]) : look()
    let found = seen.kind == .image ? FeatureMap.classes(of: seen.paths, part: classPart) : nil
    let classes = (classPart == nil ? seen.classes : nil) ?? found
    let map = try self.map(seen, classes)
    let report = FeatureReport(map, output: file, failed: seen.failed)
    switch form {
    case .safetensors: try map.writeSafetensors(file)
    case .csv: try report.writeCSV(to: OutputFile(file))
    case .png: try FeaturePicture(map).picture().writePNG(to: OutputFile(file))
    default: try FeaturePage(map, net: seen.net).page().write(to: OutputFile(file))
    }
    try output.print(json: report.json, text: report.text)
    if seen.failed.count > 0 { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }

  private struct Seen {
    var kind = FeatureMap.Kind.image
    var paths: [String] = []
    var classes: [String]?
    var vectors: [[Float]] = []
    /// What the vectors are of.
    var net: String
    var failed = FailedInputs()
  }

  private func read(_ path: String) throws -> Seen {
    let vectors = try FeatureFile(path)
    if vectors.kind == .text, classPart != nil {
      throw Failure(
        .usage, file: path, "has vectors of texts, which have no names of files", hint: "leave out --class-part")
    }
    if vectors.kind == .image { try checkClasses(vectors.paths) }
    return Seen(
      kind: vectors.kind, paths: vectors.paths, classes: vectors.classes, vectors: vectors.vectors,
      net: Paths.name(path))
  }

  private func look() throws -> Seen {
    let paths = try PictureFiles.find(images)
    try checkClasses(paths)
    // Where no part is named, the image encoder is meant.
    let net = try pulling.opening(on: selection.shelfOptions.chosen) {
      try selection.net(path: self.net) { [.blipImageEncoder, .clipImageEncoder].contains($0.definition) }
    }
    let features = try ImageFeatures(
      net, pool: pool, side: size.side, threads: computing.threads, level: computing.level)
    let progress = ProgressLine("looking", total: paths.count, unit: .things("images"))
    defer { progress.finish() }
    var seen = Seen(net: Paths.name(net.path))
    let reading = try pictures.forEach(paths, beginning: { progress.add(Paths.name($0), 1) }) { path, picture in
      seen.vectors.append(try features.vector(of: picture))
      seen.paths.append(path)
    }
    seen.failed = reading.failed
    progress.finish()
    reading.tell()
    if seen.paths.isEmpty {
      throw Failure(.badData, "none of the images can be read", hint: "the lines above say why")
    }
    return seen
  }

  private func checkClasses(_ paths: [String]) throws(Failure) {
    if let classPart, FeatureMap.classes(of: paths, part: classPart) == nil {
      throw Failure(
        .usage, "the files' names have no part \(classPart) that tells classes",
        hint: "parts are counted from 1; red-circle-0004.png has red, circle and 0004")
    }
  }

  private func map(_ seen: Seen, _ classes: [String]?) throws(Failure) -> FeatureMap {
    let engine = try Engine(threads: computing.threads, level: computing.level)
    let lines = [FeatureMap.Work.neighbours, .steps].map { work in
      ProgressLine(
        work == .steps ? "mapping" : "comparing", total: work.count(seen.paths.count),
        unit: .things(work == .steps ? "steps" : seen.kind.rawValue + "s"))
    }
    defer { for line in lines { line.finish() } }
    return try FeatureMap(
      seen.paths, seen.kind, vectors: seen.vectors, classes: classes, seed: seed, engine: engine,
      progress: { work, more in
        if work == .steps { lines[0].finish() }
        lines[work == .steps ? 1 : 0].add("", more)
      })
  }
}

extension ImageFeatures.Pool: ExpressibleByArgument {}
