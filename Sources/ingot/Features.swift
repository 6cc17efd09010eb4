import ArgumentParser
import Arrays
import Families
import NetFile
import Media
import Tasks
import Reports

struct Features: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes one vector of each image, and maps on which similar images are near each other.",
    discussion: """
      The vectors are those of a BLIP image encoder or a ViT classifier. Written is a page (.html), a picture (.png), or \
      the numbers (.safetensors, .csv); maps are by PCA and t-SNE.

      Images that lie in several folders have their folders' names as classes; else classes are the names up to the first \
      "-" that digits follow: red-circle-0004.png is of red-circle.

      An image that can't be read is named and left out, and the exit status is 1.
      """)

  @Argument(help: "Images, and folders of images.", completion: .file())
  var images: [String]

  @Option(
    name: .customLong("output"), help: .init("What to write: .html, .png, .safetensors or .csv.", valueName: "file"),
    completion: .file())
  var file: String

  @Option(help: "mean: of the patches' vectors; class: the class token's vector.")
  var pool = ImageFeatures.Pool.mean

  @Option(help: .init("Take this part of a file's name, of those between - or _, as its class.", valueName: "number"))
  var classPart: Int?

  @Option(help: "Of the random numbers of t-SNE.")
  var seed: UInt64 = 0

  @Option(help: .init("The net file, where it isn't named by --set.", valueName: "file"), completion: .file())
  var net: String?

  @OptionGroup var selection: SelectionOptions

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
    var paths = try PictureFiles.find(images)
    var classes = FeatureMap.classes(of: paths, part: classPart)
    if let classPart, classes == nil {
      throw Failure(
        .usage, "the files' names have no part \(classPart) that tells classes",
        hint: "parts are counted from 1; red-circle-0004.png has red, circle and 0004")
    }
    // Where no part is named, the image encoder is meant.
    let net = try selection.net(path: net) { $0.definition == .blipImageEncoder }
    let features = try ImageFeatures(net, pool: pool, threads: computing.threads, level: computing.level)
    try OutputFile.checkCanBeWritten(file)
    let progress = ProgressLine("looking", total: paths.count, unit: .things("images"))
    defer { progress.finish() }
    var vectors: [[Float]] = []
    var read: [String] = []
    let reading = try pictures.forEach(paths, beginning: { progress.add(Paths.name($0), 1) }) { path, picture in
      vectors.append(try features.vector(of: picture))
      read.append(path)
    }
    let failed = reading.failed
    progress.finish()
    reading.tell()
    if failed.count > 0 {
      guard !read.isEmpty else {
        throw Failure(.badData, "none of the images can be read", hint: "the lines above say why")
      }
      paths = read
      classes = FeatureMap.classes(of: paths, part: classPart)
    }
    let map = FeatureMap(paths, vectors: vectors, classes: classes, seed: seed)
    let report = FeatureReport(map, output: file, failed: failed)
    switch form {
    case .safetensors: try map.writeSafetensors(file)
    case .csv: try report.writeCSV(to: OutputFile(file))
    case .png: try FeaturePicture(map).picture().writePNG(to: OutputFile(file))
    default: try FeaturePage(map, net: Paths.name(net.path)).page().write(to: OutputFile(file))
    }
    try output.print(json: report.json, text: report.text)
    if failed.count > 0 { throw ExitCode(Failure.Kind.mismatch.exitStatus) }
  }
}

extension ImageFeatures.Pool: ExpressibleByArgument {}
