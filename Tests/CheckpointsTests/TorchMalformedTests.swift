import Arrays
import Checkpoints
import TestSupport
import Testing

/// Files whose pickles and archives are malformed, or sound but nothing that can be read, with the exact errors.
@Suite struct TorchMalformedTests {
  private typealias P = PickleText

  private static let none: [UInt8] = [0x4e]
  private static let floats = [Float](arrayLiteral: 1, 2, 3, 4).flatMap { $0.bitPattern.littleEndianBytes }

  private static func call(_ module: String, _ name: String, _ arguments: [[UInt8]]) -> [UInt8] {
    P.global(module, name) + P.tuple(arguments) + [0x52]
  }

  private static func torch(_ name: String, _ arguments: [[UInt8]]) -> [UInt8] { call("torch._utils", name, arguments) }

  private static func storage(_ type: String = "FloatStorage", module: String = "torch", _ more: [[UInt8]] = [])
    -> [UInt8]
  {
    P.tuple([P.string("storage"), P.global(module, type), P.string("0"), P.string("cpu"), P.integer(4)] + more) + [0x51]
  }

  private static func sizes(_ numbers: Int32...) -> [UInt8] { P.tuple(numbers.map(P.integer)) }

  private static func numpy(_ state: [[UInt8]]?) -> [UInt8] {
    call("numpy.core.multiarray", "_reconstruct", [P.global("numpy", "ndarray"), sizes(0), P.string("b")])
      + (state.map { P.tuple($0) + [0x62] } ?? [])
  }

  private static func dtype(_ word: String) -> [UInt8] { call("numpy", "dtype", [P.string(word), [0x89], [0x88]]) }

  private static func array(
    shape: [UInt8] = sizes(4), _ type: [UInt8] = dtype("f4"), data: [UInt8] = bytes(16)
  ) -> [UInt8] {
    numpy([P.integer(1), shape, type, [0x89], data])
  }

  private static func bytes(_ count: Int) -> [UInt8] { [0x43, UInt8(count)] + [UInt8](repeating: 0, count: count) }

  private static let layout = call("torch.serialization", "_get_layout", [P.string("torch.sparse_coo")])
  private static let quantizer = P.tuple([P.global("torch", "per_tensor_affine"), none, none])
  private static let nestedParameters = (0..<9).reduce(P.tensor()) { inner, _ in torch("_rebuild_parameter", [inner]) }

  static let tensors: [([UInt8], String)] = [
    (torch("_rebuild_tensor_v3", []), "has no storage, offset, size and stride"),
    (
      torch(
        "_rebuild_tensor_v3",
        [storage("UntypedStorage", module: "torch.storage"), P.integer(0), sizes(4), sizes(1), none, none, none]),
      "has no storage, offset, size and stride"
    ),
    (
      torch(
        "_rebuild_tensor_v3",
        [
          storage("UntypedStorage", module: "torch.storage"), P.integer(0), sizes(4), sizes(1), none, none,
          P.global("torch", "nix"),
        ]), "is of torch.nix, a type that is not read"
    ),
    (
      torch(
        "_rebuild_tensor_v3",
        [
          storage("UntypedStorage", module: "torch.storage"), P.integer(0), sizes(2), sizes(1), none, none,
          P.global("torch", "float32"),
        ]), "reaches outside its storage of 1 elements"
    ),
    (
      torch("_rebuild_tensor_v2", [storage("UntypedStorage", module: "torch"), P.integer(0), sizes(4), sizes(1)]),
      "has a storage without a type, and no type of its own"
    ),
    (torch("_rebuild_tensor_v2", [none, P.integer(0), sizes(4), sizes(1)]), "has no storage, offset, size and stride"),
    (
      torch("_rebuild_tensor_v2", [storage("FloatStorage", [P.tuple([none])]), P.integer(0), sizes(4), sizes(1)]),
      "has a storage view of unknown form"
    ),
    (
      torch(
        "_rebuild_tensor_v2",
        [
          storage("FloatStorage", [P.tuple([P.string("1"), P.integer(5), P.integer(1)])]), P.integer(0), sizes(4),
          sizes(1),
        ]), "has a storage view of unknown form"
    ),
    (
      torch("_rebuild_tensor_v2", [Array("Psomewhere\n".utf8), P.integer(0), sizes(4), sizes(1)]),
      "has a storage of unknown form"
    ),
    (
      torch(
        "_rebuild_tensor_v2",
        [storage(), P.integer(0), sizes(1, 1, 1, 1, 1, 1, 1, 1, 1), sizes(1, 1, 1, 1, 1, 1, 1, 1, 1)]),
      "has 9 dimensions; at most 8 are read"
    ),
    (torch("_rebuild_qtensor", [storage("QInt8Storage")]), "is a quantized tensor without a quantizer"),
    (
      torch("_rebuild_qtensor", [storage("QInt8Storage"), P.integer(0), sizes(4), sizes(1), none]),
      "is a quantized tensor without a quantizer"
    ),
    (
      torch("_rebuild_qtensor", [storage("QInt8Storage"), P.integer(0), sizes(4), sizes(1), quantizer]),
      "is a quantized tensor whose quantizer is of unknown form"
    ),
    (torch("_rebuild_sparse_tensor", [none]), "is a sparse tensor of unknown form"),
    (torch("_rebuild_sparse_tensor", [none, P.tuple([])]), "is a sparse tensor of unknown form"),
    (
      torch("_rebuild_sparse_tensor", [layout, P.tuple([P.tensor(), P.tensor(), none])]),
      "is a sparse tensor without a size"
    ),
    (
      torch("_rebuild_sparse_tensor", [layout, P.tuple([P.tensor(), none, sizes(2, 2)])]),
      "is a tensor of 2 × 2, torch.sparse_coo without its values"
    ),
    (
      torch(
        "_rebuild_sparse_tensor", [P.global("torch", "_mkldnn"), P.tuple([P.tensor(), P.tensor(), sizes(2)])]),
      "is of layout torch._mkldnn, which is not read"
    ),
    (
      torch("_rebuild_nested_tensor", [P.tensor(), P.tensor(), P.tensor()]),
      "is a nested tensor without its storage_offsets"
    ),
    (
      torch("_rebuild_nested_tensor", [P.tensor(), none, P.tensor(), P.tensor()]),
      "is a nested tensor without its sizes"
    ),
    (torch("_rebuild_parameter", []), "is a parameter of no tensor"),
    (torch("_rebuild_parameter", [none]), "is a parameter of no tensor"),
    (nestedParameters, "is made of calls nested more than 8 deep"),
    (call("torch.nn.parameter", "Parameter", []), "has no data"),
    (call("torch.nn.parameter", "Parameter", [none]), "is a parameter of no tensor"),
    (torch("_rebuild_device_tensor_from_numpy", [none]), "is a device's tensor of no data"),
    (
      torch("_rebuild_meta_tensor_no_storage", [P.global("torch", "float32"), sizes(2), sizes(1), [0x89]]),
      "is a tensor without data (device meta)"
    ),
    (
      torch("_rebuild_wrapper_subclass", [P.global("a", "B")]), "is a a.B, which holds no data itself"
    ),
    (torch("_rebuild_nix", []), "is made by torch._utils._rebuild_nix, which is not known"),
    (
      call("torch._tensor", "_rebuild_from_type_v2", [none, none]),
      "is a tensor of a class of its own, of unknown form"
    ),
    (
      call(
        "torch._tensor", "_rebuild_from_type_v2",
        [P.global("torch._utils", "_rebuild_wrapper_subclass"), P.global("a", "B"), P.tuple([]), [0x7d]]),
      "is a a.B, in which no data were found"
    ),
    (
      call(
        "torch._tensor", "_rebuild_from_type_v2",
        [P.global("torch._utils", "_rebuild_parameter"), P.global("a", "B"), P.tuple([]), none]),
      "is a parameter of no tensor"
    ),
    (numpy(nil), "is a NumPy array without data"),
    (numpy([none, none]), "is a NumPy array of a class of its own"),
    (array(none), "is a NumPy array of an unknown type"),
    (array(call("numpy", "dtype", [none])), "is a NumPy array of an unknown type"),
    (array(dtype("O8")), "is a NumPy array of type O8, which is none of numbers"),
    (array(dtype("<f4\u{1b}")), "is a NumPy array of type f4\\u{1b}, which is none of numbers"),
    (array(shape: none), "is a NumPy array of unknown form"),
    (array(shape: P.tuple([none])), "is a NumPy array of unknown form"),
    (array(shape: sizes(3)), "is a NumPy array of 12 bytes by its shape, for which there are 16"),
    (array(shape: sizes(-4)), "shape [-4] has a negative dimension"),
    (
      array(shape: sizes(.max, .max, .max)),
      "shape [2147483647, 2147483647, 2147483647] has more elements than 63 bits can count"
    ),
    (
      array(shape: sizes(1, 1, 1, 1, 1, 1, 1, 1, 4)), "is a NumPy array of 9 dimensions; at most 8 are read"
    ),
    (array(data: none), "is a NumPy array whose data are not in the file"),
    (array(data: [0x97]), "is a NumPy array whose data are not in the file"),
    (
      array(data: call("_codecs", "encode", [P.string("\u{100}"), P.string("latin1")])),
      "is a NumPy array whose data are not in the file"
    ),
    (
      array(data: call("_codecs", "encode", [P.string("abcd"), P.string("utf-16")])),
      "is a NumPy array whose data are not in the file"
    ),
    (
      array(data: call("_codecs", "encode", [P.string("\u{e9}bcd"), P.string("latin1")])),
      "is a NumPy array of 16 bytes by its shape, for which there are 4"
    ),
    (call("numpy._core.numeric", "_frombuffer", [bytes(16)]), "is a NumPy array of unknown form"),
  ]

  @Test(arguments: tensors)
  func refusesTensors(_ tensor: [UInt8], _ reason: String) throws {
    let folder = TemporaryFolder()
    let alone = try folder.write(
      torchArchive(pickle: P.dictionary([("a", tensor)]), storages: [("0", Self.floats)]), to: "a.pt")
    let error = failure { _ = try openCheckpoint(alone) }
    #expect(error?.withoutFile == "archive/data.pkl, array \"a\": \(reason)")
    #expect(error?.kind == .badData && error?.hint != nil)
    // Beside others, what is malformed is an error all the same, and what can't be read costs nobody the rest.
    let beside = try folder.write(
      torchArchive(pickle: P.dictionary([("w", P.tensor()), ("a", tensor)]), storages: [("0", Self.floats)]), to: "b.pt"
    )
    if error?.hint?.hasPrefix("the file isn't damaged") == true {
      let checkpoint = try openCheckpoint(beside)
      #expect(checkpoint.arrays.map(\.name) == ["w"])
      #expect(checkpoint.leftovers.map { printable($0.what) } == [reason])
    } else {
      #expect(failure { _ = try openCheckpoint(beside) }?.withoutFile == error?.withoutFile)
    }
  }

  /// What is nested without end is followed so far, and told.
  @Test func followsSoDeep() throws {
    func nested(_ depth: Int) -> [UInt8] {
      P.dictionary([("w", P.tensor()), ("a", (0..<depth).reduce(P.tensor()) { inner, _ in [0x5d] + inner + [0x61] })])
    }
    let folder = TemporaryFolder()
    func open(_ depth: Int) throws -> any Checkpoint {
      try openCheckpoint(
        folder.write(torchArchive(pickle: nested(depth), storages: [("0", Self.floats)]), to: "\(depth).pt"))
    }
    #expect(try open(100).arrays.count == 2)
    let deeper = try open(101)
    #expect(deeper.arrays.map(\.name) == ["w"])
    #expect(deeper.leftovers.map(\.what) == ["is nested more than 100 deep"])
    #expect(try open(100_000).arrays.count == 1)
  }

  /// What is left over is told in so many lines, however much it is.
  @Test func boundsWhatIsTold() throws {
    let members = (0..<5000).map { ("\($0)", P.integer(1)) }
    let pickle = P.dictionary([("w", P.tensor())] + members)
    let folder = TemporaryFolder()
    let checkpoint = try openCheckpoint(
      folder.write(torchArchive(pickle: pickle, storages: [("0", Self.floats)]), to: "a.pt"))
    #expect(checkpoint.leftovers.count == 201)
    #expect(checkpoint.leftovers.last?.what == "4800 more")
  }

  // MARK: Archives

  static let archives: [([ZipPart], String)] = [
    (
      [ZipPart("a/data/weights/model_weights_config.json", Array("{".utf8))],
      "a/data/weights/model_weights_config.json, byte 1: the JSON text ends inside an object"
    ),
    (export("{}"), "a/data/weights/model_weights_config.json, byte 0: has no member \"config\""),
    (export(#"{"config": {"w": 1}}"#), "\(config)an object is needed, not 1"),
    (export(#"{"config": {"w": {"path_name": "x"}}}"#), "\(config)its entry \"a/data/weights/x\" is missing"),
    (export(entry(dtype: "\"7\"")), "\(config)an integer is needed, not a string"),
    (export(entry(sizes: "[{}]")), "\(config)has no member \"as_int\""),
    (export(entry(sizes: #"[{"as_int": -1}]"#)), "\(config)shape [-1] has a negative dimension"),
    (export(entry(sizes: #"[{"as_int": 5}]"#)), "\(config)reaches outside its storage of 4 elements"),
    (export(entry(strides: "[]")), "\(config)has 1 dimensions and 0 strides"),
    (export(entry(offset: "1")), "\(config)reaches outside its storage of 4 elements"),
    (export(entry(offset: "-1")), "\(config)reaches outside its storage of 4 elements"),
    (
      [ZipPart("a/serialized_exported_program.json", [])],
      "zip archive: is a program of torch.export whose weights are not stored as tensors of their own"
    ),
    (
      [ZipPart("a/data/aotinductor/model/x.so", [])],
      "zip archive: is a program of torch.export whose weights are not stored as tensors of their own"
    ),
    (
      [ZipPart("a/model.json", [])],
      "zip archive: is a TorchScript program of before PyTorch 1.3 (2019), whose form is not read"
    ),
    (
      [ZipPart("a/.data/extern_modules", [])],
      "zip archive: is a package of PyTorch's without pickles: it holds code only"
    ),
    (
      [ZipPart("a/.data/extern_modules", []), ZipPart("a/x.pkl", [0x80])], "a/x.pkl, byte 1: the pickle ends early"
    ),
    (
      [ZipPart("a/.data/extern_modules", [])] + (0...1000).map { ZipPart("a/\($0).pkl", [0x4e, 0x2e]) },
      "zip archive: has 1001 pickles; at most 1000 are read"
    ),
  ]

  private static let config = "a/data/weights/model_weights_config.json, array \"w\": "

  private static func export(_ config: String) -> [ZipPart] {
    [
      ZipPart("a/data/weights/model_weights_config.json", Array(config.utf8)),
      ZipPart("a/data/weights/weight_0", floats),
    ]
  }

  private static func entry(
    dtype: String = "7", sizes: String = #"[{"as_int": 4}]"#, strides: String = #"[{"as_int": 1}]"#,
    offset: String = "0"
  ) -> String {
    """
    {"config": {"w": {"path_name": "weight_0", "is_param": true, "use_pickle": false, "tensor_meta": {"dtype": \(dtype), \
    "sizes": \(sizes), "strides": \(strides), "storage_offset": {"as_int": \(offset)}, "layout": 7}}}}
    """
  }

  @Test(arguments: archives)
  func refusesArchives(_ parts: [ZipPart], _ message: String) throws {
    let folder = TemporaryFolder()
    let path = try folder.write(zip(parts), to: "a.pt2")
    let error = failure { _ = try openCheckpoint(path) }
    #expect(error?.withoutFile == message)
    #expect(error?.hint != nil)
  }

  /// Of the weights of torch.export, what can't be read is told beside the rest.
  @Test func readsExports() throws {
    let folder = TemporaryFolder()
    func open(_ config: String) throws -> any Checkpoint {
      try openCheckpoint(folder.write(zip(Self.export(config)), to: "a.pt2"))
    }
    let right = try open(Self.entry())
    #expect(try right.arrays.map(\.name) == ["w"] && right.data(of: 0) == Self.floats)
    #expect(
      try open(Self.entry(dtype: "99")).leftovers.map(\.what).contains("of torch.export's type 99, which is not read"))
  }

  @Test func refusesTheFirstForms() throws {
    let folder = TemporaryFolder()
    var tar = [UInt8](repeating: 0, count: 1024)
    tar.replaceSubrange(0..<8, with: Array("sys_info".utf8))
    tar.replaceSubrange(257..<262, with: Array("ustar".utf8))
    let path = try folder.write(tar, to: "a.pth")
    let error = failure { _ = try openCheckpoint(path) }
    #expect(error?.reason.hasPrefix("is a PyTorch file of before version 0.1.10 (2017), a tar archive") == true)
    tar[0] = UInt8(ascii: "x")
    try folder.write(tar, to: "a.pth")
    #expect(failure { _ = try openCheckpoint(path) }?.reason == "is a tar archive, where a checkpoint is needed")
  }
}
