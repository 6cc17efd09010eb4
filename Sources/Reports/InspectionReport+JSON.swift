import Arrays
import Assurance
import Checkpoints
import Families
import NetFile
import Nets

extension Inspection {
  /// See schemas/reports/inspect.schema.json.
  public var json: JSONValue { json(statistics: nil) }

  /// - Parameters:
  ///   - statistics: of every array, where they were measured.
  ///   - check: what is wrong with the values, where that was looked for.
  ///   - layers: in the order in which they run, where they are asked for.
  public func json(
    statistics: MeasuredArrays?, check: ValueCheck? = nil, layers: LayerListing? = nil
  ) -> JSONValue {
    let known = JSONValue(.object(Combination(parameters).json))
    let nets: [JSONValue] = nets.map { net in
      let members = [
        JSONMember("net", .string(net.name)), JSONMember("arrays", .integer(net.arrays)),
        JSONMember("parameters", .integer(net.parameters)), JSONMember("layerTypes", .layers(net.layerTypes)),
      ]
      return JSONValue(.object(members + (layers?.nets.first { $0.name == net.name }?.json ?? [])))
    }
    let ties: [JSONValue] = ties.map { .object(["name": .string($0.name), "same": .string($0.same)]) }
    let members: [(String, JSONValue?)] = [
      ("path", path.map(JSONValue.string) ?? .null),
      ("kind", .string(kind)),
      ("family", family.map { .string($0.name) } ?? .null),
      ("layout", layout.map { .string($0.name) }),
      ("parameters", known),
      ("arrays", .array(arrays.map { $0.json(statistics?[$0.name]) })),
      ("totals", totalsJSON),
      ("elementTypes", elementTypesJSON),
      ("layerTypes", layerTypes.map(JSONValue.layers) ?? .null),
      ("inferredLayers", inferredLayers?.json),
      ("quantization", quantization?.json),
      ("nets", .array(nets)),
      ("ties", .array(ties)),
      ("coverage", coverage?.json),
      ("configuration", JSONValue(.object(configuration))),
      ("profile", profile ?? .null),
      ("provenance", provenance ?? .null),
      ("fetched", fetched.map(fetchedJSON)),
      ("check", check?.json),
      ("leftovers", checkpoint.map { .array($0.leftovers.map(\.json)) }),
      ("calls", checkpoint.map { .strings($0.calls) }),
      ("notes", .strings(notes + [layers?.whyUnknown].compactMap(\.self))),
    ]
    return JSONValue(.object(members.compactMap { name, value in value.map { JSONMember(name, $0) } }))
  }

  private var totalsJSON: JSONValue {
    .object([
      "arrays": .integer(arrays.count), "elements": .integer(elements),
      "parameters": parameterCount.map(JSONValue.integer) ?? .null, "bytes": .integer(bytes),
      "packedBytes": packings.isEmpty ? nil : .integer(packedBytes),
    ])
  }

  private var elementTypesJSON: JSONValue {
    let members = elementTypes.map { group in
      JSONMember(
        group.type.rawValue,
        .object([
          "arrays": .integer(group.arrays), "elements": .integer(group.elements), "bytes": .integer(group.bytes),
        ]))
    }
    return JSONValue(.object(members))
  }

  private var checkpoint: (any Checkpoint)? {
    if case .checkpoint(let checkpoint) = subject { checkpoint } else { nil }
  }

  private var path: String? {
    switch subject {
    case .netFile(let net): net.path
    case .checkpoint(let checkpoint): checkpoint.path
    case .combination: nil
    }
  }

  private var kind: String {
    switch subject {
    case .netFile(let net): net.header.isInitialized ? "net file" : "uninitialized net file"
    case .checkpoint: "checkpoint"
    case .combination(let status): status.word
    }
  }

  private var provenance: JSONValue? {
    switch subject {
    case .netFile(let net): net.header.provenance.json
    case .checkpoint(let checkpoint):
      .object([
        "format": .string(checkpoint.format),
        "sources": .array(
          checkpoint.files.map { .object(["file": .string(Paths.name($0.path)), "bytes": .integer($0.size)]) }),
        "metadata": JSONValue(.object(checkpoint.metadata.map { JSONMember($0.name, .string($0.value)) })),
      ])
    case .combination: nil
    }
  }
}

extension Leftover {
  fileprivate var json: JSONValue { .object(["name": .string(name), "what": .string(what)]) }
}

extension Inspection.ArrayLine {
  fileprivate func json(_ statistics: ArrayStatistics?) -> JSONValue {
    .object([
      "name": .string(name), "shape": .integers(shape.dimensions), "elementType": .string(elementType.rawValue),
      "elements": .integer(shape.elements), "bytes": .integer(bytes),
      "packing": packing.map { .object(["type": .string($0.type), "bytes": .integer($0.bytes)]) },
      "statistics": statistics?.json,
    ])
  }
}

extension ArrayStatistics {
  fileprivate var json: JSONValue {
    func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
    return .object([
      "min": number(minimum), "max": number(maximum), "mean": number(mean), "std": number(deviation),
      "zeros": .integer(zeros), "nan": .integer(notNumbers), "inf": .integer(infinities), "rows": .integer(rows),
      "zeroRows": .integer(deadRows), "histogram": .integers(histogram),
    ])
  }
}

extension Coverage {
  /// See schemas/reports/convert.schema.json.
  public var json: JSONValue {
    .object([
      "arrays": .integer(arrays), "used": .integer(used),
      "tied": .array(tied.map { .object(["name": .string($0.name), "same": .string($0.same)]) }),
      "ignored": .array(ignored.map { .object(["name": .string($0.name), "reason": .string($0.reason)]) }),
      // A conversion that lacks an array fails; so this is empty whenever there is a report.
      "missing": [],
    ])
  }
}

extension JSONValue {
  fileprivate static func layers(_ types: [(type: LayerType, count: Int)]) -> JSONValue {
    JSONValue(.object(types.map { JSONMember($0.type.rawValue, .integer($0.count)) }))
  }
}
