import Arrays
import Assurance
import Checkpoints
import Families
import NetFile

/// What a net file or a checkpoint is made of, as a CycloneDX 1.6 bill of materials (ECMA-424) with one machine-learning model.
/// The same bytes give the same text.
public struct BillOfMaterials {
  private let inspection: Inspection
  private let files: [any Source]
  /// One for each file; empty where they are at an address, and weren't read.
  private let digests: [Digest]
  private let licence: Licence?
  private let timestamp: String?

  /// Reads all files, for their SHA-256; those at an address are not fetched for that.
  /// - Parameters:
  ///   - inspection: of a net file or a checkpoint.
  ///   - epoch: seconds since 1970 that are noted as its time, as SOURCE_DATE_EPOCH gives them; nil: none is.
  ///   - beginning: is told how many bytes will be read, and gives what is told of progress.
  /// - Throws: `Failure` of kind `usage` when there are no files, or the time is none; `io` when one can't be read.
  public init(
    _ inspection: Inspection, epoch: String?, beginning: (_ bytes: Int) -> ProgressHandler = { _ in { _, _ in } }
  ) throws {
    self.inspection = inspection
    switch inspection.subject {
    case .netFile(let net): files = [net.file]
    case .checkpoint(let checkpoint): files = checkpoint.files
    case .combination:
      throw Failure(
        .usage, "a bill of materials is of a net file or a checkpoint, and that net isn't on the shelf",
        hint: "`ingot convert` makes net files from a checkpoint")
    }
    timestamp = try epoch.map(Self.timestamp)
    var digests: [Digest] = []
    if !files.contains(where: { $0.folder != nil }) {
      let progress = beginning(files.reduce(0) { $0 + $1.size })
      for file in files { digests.append(try file.digest { progress(file.path, $0) }) }
    }
    self.digests = digests
    licence = try inspection.licence(digests)
  }

  /// `2026-01-02T03:04:05Z`.
  private static func timestamp(_ epoch: String) throws(Failure) -> String {
    guard let seconds = Int(epoch), (0..<253_402_300_800).contains(seconds) else {
      throw Failure(
        .usage, "SOURCE_DATE_EPOCH is \"\(shortened(epoch, to: 40))\", no time",
        hint: "it is a number of seconds since 1970")
    }
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    // Days from March on, in which a leap day comes last (Hinnant, chrono-Compatible Low-Level Date Algorithms).
    let days = seconds / 86400 + 719_468
    let (era, day) = (days / 146_097, days % 146_097)
    let year = (day - day / 1460 + day / 36524 - day / 146_096) / 365
    let dayOfYear = day - (365 * year + year / 4 - year / 100)
    let month = (5 * dayOfYear + 2) / 153
    let (number, dayOfMonth) = (month < 10 ? month + 3 : month - 9, dayOfYear - (153 * month + 2) / 5 + 1)
    let time = seconds % 86400
    return "\(year + 400 * era + (number <= 2 ? 1 : 0))-\(two(number))-\(two(dayOfMonth))"
      + "T\(two(time / 3600)):\(two(time / 60 % 60)):\(two(time % 60))Z"
  }

  public var json: JSONValue {
    let content = content(serialNumber: nil, timestamp: nil)
    return self.content(serialNumber: Self.serialNumber(content), timestamp: timestamp)
  }

  /// A UUID (RFC 9562, version 8) of what the bill says, but for its time.
  private static func serialNumber(_ content: JSONValue) -> String {
    var bytes = Array(SHA256.digest(Array(content.compactText.utf8)).bytes[..<16])
    bytes[6] = bytes[6] & 0x0f | 0x80
    bytes[8] = bytes[8] & 0x3f | 0x80
    let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    let groups = [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { digits[$0].joined() }
    return "urn:uuid:" + groups.joined(separator: "-")
  }

  private func content(serialNumber: String?, timestamp: String?) -> JSONValue {
    .object([
      "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6",
      "serialNumber": serialNumber.map { .string($0) }, "version": 1,
      "metadata": .object([
        "timestamp": timestamp.map { .string($0) },
        "tools": .object([
          "components": [
            .object(["type": "application", "name": "ingot", "version": .string(Families.Ingot.version)])
          ]
        ]),
        "component": model,
      ]),
    ])
  }

  private var model: JSONValue {
    let sources = sources
    let pedigree: JSONValue? = sources.isEmpty ? nil : .object(["ancestors": .array(sources)])
    let hashes: JSONValue? = digests.count == 1 ? Self.hashes(digests[0]) : nil
    let licences: JSONValue? = licence.map { .array([.object(["license": Self.json($0)])]) }
    let address = repository.map { "https://huggingface.co/\($0)" }
    let distribution: JSONValue? = address.map {
      .array([.object(["type": "distribution", "url": .string($0)])])
    }
    let parts = files.indices.map { number in
      Self.file(
        Paths.name(files[number].path), bytes: files[number].size, digests.isEmpty ? nil : digests[number],
        reference: "file-\(number)")
    }
    return .object([
      "type": "machine-learning-model", "bom-ref": "model", "group": group.map { .string($0) }, "name": .string(name),
      "version": version.map { .string($0) }, "description": inspection.family.map { .string($0.title) },
      "hashes": hashes, "licenses": licences, "externalReferences": distribution, "pedigree": pedigree,
      "components": .array(parts), "modelCard": modelCard, "properties": .array(properties),
    ])
  }

  private static func json(_ licence: Licence) -> JSONValue {
    .object([
      "id": licence.identifier.map { .string($0) }, "name": licence.identifier == nil ? .string(licence.told) : nil,
      "acknowledgement": "declared",
    ])
  }

  private static func hashes(_ digest: Digest) -> JSONValue {
    [.object(["alg": "SHA-256", "content": .string(digest.description)])]
  }

  private static func file(_ name: String, bytes: Int, _ digest: Digest?, reference: String?) -> JSONValue {
    .object([
      "type": "file", "bom-ref": reference.map { .string($0) }, "name": .string(name),
      "hashes": digest.map(hashes), "properties": [property("bytes", "\(bytes)")],
    ])
  }

  private static func property(_ name: String, _ value: String) -> JSONValue {
    .object(["name": .string("ingot:\(name)"), "value": .string(value)])
  }

  // MARK: What it is

  private var netFile: NetFile? {
    if case .netFile(let net) = inspection.subject { net } else { nil }
  }

  private var publication: Family.Publication? {
    inspection.publication(of: netFile?.header.provenance.sources.map(\.sha256) ?? digests)
  }

  /// On the hub; nil where the weights are of none that is known.
  private var repository: String? {
    guard let name = publication?.repository, !name.contains(" ") else { return nil }
    let parts = name.split(separator: "/")
    return parts.count == 2 && parts[0] != "weights" ? name : nil
  }

  private var group: String? { repository?.split(separator: "/").first.map(String.init) }

  private var name: String {
    if let repository { return String(repository.split(separator: "/")[1]) }
    if let net = netFile {
      return Paths.name(net.path).hasSuffix(".ingot") ? String(Paths.name(net.path).dropLast(6)) : Paths.name(net.path)
    }
    guard case .checkpoint(let checkpoint) = inspection.subject else { return "model" }
    let name = Paths.name(Paths.resolved(checkpoint.path) ?? checkpoint.path)
    return name.isEmpty ? "model" : name
  }

  private var version: String? {
    publication?.revision ?? inspection.parameters.first { $0.name == "Release" }?.value.description
  }

  /// What a net file was made of.
  private var sources: [JSONValue] {
    (netFile?.header.provenance.sources ?? []).map {
      Self.file($0.file, bytes: $0.bytes, $0.sha256 == .zero ? nil : $0.sha256, reference: nil)
    }
  }

  private var modelCard: JSONValue? {
    guard let family = inspection.family, let card = ModelCardFacts(family) else { return nil }
    func formats(_ names: [String]) -> JSONValue { .array(names.map { .object(["format": .string($0)]) }) }
    return .object([
      "modelParameters": .object([
        "task": .string(card.task), "architectureFamily": "transformer", "modelArchitecture": .string(family.name),
        "inputs": formats(card.inputs), "outputs": formats(card.outputs),
      ])
    ])
  }

  private var properties: [JSONValue] {
    var out: [(String, String)] = []
    switch inspection.subject {
    case .netFile(let net):
      out.append(("container", "ingot"))
      out.append(("madeBy", net.header.provenance.tool))
      if !net.header.isInitialized { out.append(("weights", "none: the net is uninitialized")) }
      if let type = net.header.provenance.convertedFrom { out.append(("convertedFrom", type.rawValue)) }
    case .checkpoint(let checkpoint):
      out.append(("container", checkpoint.format))
      for call in checkpoint.calls.prefix(Self.mostCalls) { out.append(("calledWhenLoadedInPython", call)) }
    case .combination: break
    }
    if let family = inspection.family { out.append(("family", family.name)) }
    if let layout = inspection.layout { out.append(("layout", layout.name)) }
    out += inspection.parameters.map { ("parameter:\($0.name)", $0.value.description) }
    out += inspection.nets.map { ("net", $0.name) }
    out.append(("arrays", "\(inspection.arrays.count)"))
    out.append(("elements", "\(inspection.elements)"))
    if let count = inspection.parameterCount { out.append(("parameters", "\(count)")) }
    for type in inspection.elementTypes { out.append(("elements:\(type.type.rawValue)", "\(type.elements)")) }
    for (type, count) in inspection.layerTypes ?? [] { out.append(("layers:\(type.rawValue)", "\(count)")) }
    for scheme in inspection.quantization?.schemes ?? [] { out.append(("quantization", scheme.scheme.name)) }
    if digests.isEmpty { out.append(("hashes", "none: the files are at an address, and were not fetched")) }
    return out.map { Self.property($0, shortened($1)) }
  }

  private static let mostCalls = 1000
}

/// What nets of a family are for; the tasks are named as the hub names them.
private struct ModelCardFacts {
  let task: String
  let inputs: [String]
  let outputs: [String]

  /// nil where nothing is known.
  init?(_ family: Family) {
    switch family.name {
    case "blip-vqa": (task, inputs, outputs) = ("visual-question-answering", ["image", "text"], ["text"])
    case "blip-caption": (task, inputs, outputs) = ("image-to-text", ["image", "text"], ["text"])
    case "blip-match":
      (task, inputs, outputs) = ("image-text-retrieval", ["image", "text"], ["probability", "vector"])
    case "clip": (task, inputs, outputs) = ("zero-shot-image-classification", ["image", "text"], ["vector"])
    case "vit-imagenet", "deit": (task, inputs, outputs) = ("image-classification", ["image"], ["class scores"])
    case "dinov2": (task, inputs, outputs) = ("image-feature-extraction", ["image"], ["vector"])
    case "text-embedding": (task, inputs, outputs) = ("sentence-similarity", ["text"], ["vector"])
    default: return nil
    }
  }
}
