/// Functions and classes whose use in a pickle is known to do nothing but make a value: each was looked at in the library's
/// source. With a library's own classes goes that importing it is what whoever loads the file does anyway.
enum HarmlessNames {
  static func use(of module: String, _ name: String) -> PickleNames.Use? {
    let full = "\(module).\(name)"
    if let use = exact[full] { return use }
    // A name with dots leads from one object to another; those that are harmless are listed.
    guard !name.contains("."), let first = name.utf8.first else { return nil }
    if tensorTypes.contains(module), name.hasSuffix("Storage") || name.hasSuffix("Tensor") { return .value }
    if module == "torch", isElementType(name) { return .value }
    let isClass = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first)
    for prefix in compiled where module.hasPrefix(prefix) && (isClass || name == "newObj") { return .value }
    let isPrivateClass =
      name.hasPrefix("_") && (name.utf8.dropFirst(1).first.map { (0x41...0x5a).contains($0) } ?? false)
    guard isClass || isPrivateClass else { return nil }
    if exceptions.contains(where: { "\(module).".hasPrefix($0) }) { return nil }
    if isTransformersModel(module) { return .instance }
    for prefix in libraries where module.hasPrefix(prefix) || "\(module)." == prefix { return .instance }
    return nil
  }

  private static let tensorTypes: Set<String> = [
    "torch", "torch.cuda", "torch.sparse", "torch.cuda.sparse", "torch.storage", "torch._tensor",
  ]

  /// `torch.float32` and its like are values; of the same form are quantization schemes.
  private static func isElementType(_ name: String) -> Bool {
    let kinds = [
      "float", "int", "uint", "complex", "bfloat", "bcomplex", "bits", "qint", "quint", "bool", "double", "half",
      "long",
      "short", "cfloat", "cdouble", "chalf", "per_channel_", "per_tensor_", "strided", "sparse_", "contiguous_format",
      "channels_last", "preserve_format",
    ]
    return kinds.contains { name.hasPrefix($0) } && name.utf8.allSatisfy { $0 == 0x5f || $0 > 0x60 || $0 < 0x3a }
  }

  private static let exact: [String: PickleNames.Use] = {
    var out: [String: PickleNames.Use] = [
      "builtins.getattr": .getattr, "functools.partial": .partial, "_functools.partial": .partial,
      "operator.itemgetter": .getter, "_operator.itemgetter": .getter, "operator.attrgetter": .getter,
      "_operator.attrgetter": .getter, "_codecs.encode": .encode, "torch.storage._load_from_bytes": .nested,
      "copyreg._reconstructor": .reconstructor, "copyreg.__newobj__": .reconstructor,
      "copyreg.__newobj_ex__": .reconstructor, "torch._tensor._rebuild_from_type_v2": .caller,
      "torch._tensor._rebuild_from_type": .caller, "torch._utils._rebuild_wrapper_subclass": .caller,
      "torch._utils._rebuild_parameter_with_state": .value, "collections.defaultdict": .caller,
      "numpy.random._pickle.__randomstate_ctor": .caller, "numpy.random._pickle.__generator_ctor": .caller,
      "numpy.random._pickle.__bit_generator_ctor": .caller, "pandas.core.indexes.base._new_Index": .caller,
      "pandas.core.indexes.datetimes._new_DatetimeIndex": .caller, "torch._utils._rebuild_xla_tensor": .value,
    ]
    for (module, names) in modules {
      for name in names.split(separator: " ") { out["\(module).\(name)"] = .value }
    }
    return out
  }()

  /// By module.
  private static let modules: [(String, String)] = [
    (
      "builtins",
      """
      set frozenset list dict tuple int float complex bool str bytes bytearray slice range object long unicode \
      Ellipsis NotImplemented NoneType xrange Exception ValueError TypeError KeyError IndexError RuntimeError \
      AttributeError StopIteration AssertionError OSError IOError NotImplementedError UserWarning Warning
      """
    ),
    ("collections", "OrderedDict Counter deque UserDict UserList UserString ChainMap"),
    ("datetime", "datetime date time timedelta timezone"),
    ("decimal", "Decimal"), ("fractions", "Fraction"), ("uuid", "UUID SafeUUID"),
    ("array", "array _array_reconstructor"),
    ("zoneinfo", "ZoneInfo._unpickle"), ("argparse", "Namespace"),
    ("types", "SimpleNamespace NoneType MappingProxyType"),
    ("enum", "Enum IntEnum Flag IntFlag StrEnum"), ("_io", "BytesIO StringIO"), ("io", "BytesIO StringIO"),
    ("pathlib", "Path PosixPath PurePath PurePosixPath WindowsPath PureWindowsPath"),
    (
      "pathlib._local", "Path PosixPath PurePath PurePosixPath WindowsPath PureWindowsPath"
    ),
    ("re", "_compile compile Pattern RegexFlag"), ("string", "Template"), ("random", "Random"),
    ("ipaddress", "IPv4Address IPv6Address"),
    ("typing", "Any Optional Union List Dict Tuple Set Callable Literal"), ("dataclasses", "_MISSING_TYPE"),
    ("_codecs", "latin_1_encode"), ("pytz", "_p _UTC"), ("dateutil.tz.tz", "tzutc tzlocal"),

    ("numpy", numpyTypes), ("numpy.dtypes", numpyTypes),
    ("numpy._core.multiarray", "_reconstruct scalar"), ("numpy.core.multiarray", "_reconstruct scalar"),
    ("numpy._core.numeric", "_frombuffer"), ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core._internal", "_convert_to_stringdtype_kwargs"),
    ("numpy._core._multiarray_umath", "_reconstruct scalar"), ("numpy.matrixlib.defmatrix", "matrix"),
    ("numpy._core.records", "recarray record"), ("numpy.core.records", "recarray record"),
    ("numpy.ma.core", "_mareconstruct MaskedArray MaskedConstant"), ("numpy.ma", "MaskedArray"),
    ("numpy.random", "RandomState Generator MT19937 PCG64 PCG64DXSM Philox SFC64 SeedSequence"),
    ("numpy.random.mtrand", "RandomState"), ("numpy.random._mt19937", "MT19937"),
    ("numpy.random._pcg64", "PCG64 PCG64DXSM"),
    ("numpy.random._philox", "Philox"), ("numpy.random._sfc64", "SFC64"), ("numpy.random._generator", "Generator"),
    ("numpy.random.bit_generator", "SeedSequence __pyx_unpickle_SeedSequence"),
    ("numpy.polynomial.polynomial", "Polynomial"), ("numpy.lib.polynomial", "poly1d"),
    ("numpy.lib._polynomial_impl", "poly1d"),

    ("torch", "Size device Tensor Generator dtype finfo iinfo layout memory_format"),
    (
      "torch._utils",
      """
      _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_qtensor _rebuild_sparse_tensor \
      _rebuild_sparse_csr_tensor _rebuild_nested_tensor _rebuild_meta_tensor_no_storage \
      _rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor
      """
    ),
    ("torch.nn.parameter", "Parameter Buffer UninitializedParameter UninitializedBuffer"), ("torch.nn", "Parameter"),
    ("torch.serialization", "_get_layout"),
    ("torch.storage", "TypedStorage UntypedStorage _TypedStorage _UntypedStorage"),
    ("torch._prims_common", "DeviceLikeType"), ("torch.random", "Generator"),
    (
      "torch.nn.functional",
      """
      relu gelu silu selu elu tanh sigmoid softmax log_softmax leaky_relu relu6 hardtanh hardswish hardsigmoid mish \
      softplus softsign logsigmoid celu glu tanhshrink softshrink dropout linear cross_entropy mse_loss l1_loss
      """
    ),
    ("torch", "relu tanh sigmoid softmax sin cos exp"), ("torch._C._nn", "gelu silu mish log_sigmoid softplus linear"),
    ("torch.nn.modules.transformer", "_get_activation_fn"),
    ("torch.utils.hooks", "RemovableHandle unserializable_hook"), ("torch.nn.utils.parametrize", "ParametrizationList"),
    ("torch.nn.modules.module", "_WrappedHook"),
    (
      "torch.jit._pickle",
      "build_intlist build_tensorlist build_doublelist build_boollist build_tensor_from_id restore_type_tag"
    ),
    ("torchvision.transforms.functional", "InterpolationMode"),

    ("joblib.numpy_pickle", "NumpyArrayWrapper NDArrayWrapper ZNDArrayWrapper"),
    ("joblib.externals.loky.process_executor", "_ExceptionWithTraceback"),
    ("scipy.sparse._csr", "csr_matrix csr_array"), ("scipy.sparse._csc", "csc_matrix csc_array"),
    ("scipy.sparse._coo", "coo_matrix coo_array"), ("scipy.sparse._bsr", "bsr_matrix bsr_array"),
    ("scipy.sparse._dia", "dia_matrix dia_array"), ("scipy.sparse._lil", "lil_matrix lil_array"),
    ("scipy.sparse._dok", "dok_matrix dok_array"), ("scipy.sparse.csr", "csr_matrix"),
    ("scipy.sparse.csc", "csc_matrix"),
    ("scipy.sparse.coo", "coo_matrix"),
    (
      "scipy.interpolate._interpolate", "interp1d"
    ),
    ("pandas._libs.internals", "_unpickle_block BlockPlacement"),
    ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"),
    ("pandas._libs.tslibs.timestamps", "_unpickle_timestamp Timestamp"),
    ("pandas._libs.tslibs.timedeltas", "_timedelta_unpickle Timedelta"),
    ("pandas._libs.tslibs.nattype", "_nat_unpickle"), ("pandas.core.internals.blocks", "new_block"),
    ("pandas._libs.missing", "NAType"), ("pandas._libs.tslibs.offsets", "Day Hour Minute Second MonthEnd BusinessDay"),
    ("pandas.core.dtypes.dtypes", "CategoricalDtype DatetimeTZDtype"), ("pandas", pandasTypes),
    ("pandas.arrays", pandasTypes),
    ("pandas.core.indexes.base", "Index"), ("pandas.core.indexes.range", "RangeIndex"),
    ("pandas.core.indexes.multi", "MultiIndex"), ("pandas.core.indexes.datetimes", "DatetimeIndex"),
    ("pandas.core.indexes.numeric", "Int64Index UInt64Index Float64Index"),
    ("pandas.core.arrays.categorical", "Categorical"),
    ("pandas.core.arrays.string_", "StringDtype"),
    ("pandas.core.internals.managers", "BlockManager SingleBlockManager"),
    ("pandas.core.frame", "DataFrame"), ("pandas.core.series", "Series"),

    (
      "transformers.trainer_utils",
      "IntervalStrategy SchedulerType HubStrategy EvaluationStrategy SaveStrategy ShardedDDPOption FSDPOption"
    ),
    ("transformers.training_args", "OptimizerNames ParallelMode"),
    ("transformers.utils.generic", "ModelOutput PaddingStrategy"),
    ("transformers.debug_utils", "DebugOption"), ("accelerate.utils.dataclasses", "DistributedType SaveStrategy"),
    ("transformers.utils.quantization_config", "QuantizationMethod"),
    ("torch.distributed.fsdp.api", "ShardingStrategy"),
    ("tokenizers", "Tokenizer AddedToken"), ("omegaconf.base", "ContainerMetadata Metadata"),
    ("ultralytics.utils", "IterableSimpleNamespace"),
  ]

  private static let pandasTypes = """
    Index RangeIndex MultiIndex DatetimeIndex TimedeltaIndex PeriodIndex IntervalIndex CategoricalIndex Int64Index \
    UInt64Index Float64Index DataFrame Series StringDtype CategoricalDtype DatetimeTZDtype Categorical StringArray \
    ArrowStringArray IntegerArray FloatingArray BooleanArray NumpyExtensionArray PandasArray DatetimeArray \
    TimedeltaArray PeriodArray IntervalArray Int8Dtype Int16Dtype Int32Dtype Int64Dtype UInt8Dtype UInt16Dtype \
    UInt32Dtype UInt64Dtype Float32Dtype Float64Dtype BooleanDtype PeriodDtype IntervalDtype Timestamp Timedelta
    """

  private static let numpyTypes = """
    dtype ndarray matrix bool_ bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 float128 \
    longdouble complex64 complex128 clongdouble str_ bytes_ void object_ datetime64 timedelta64 intc intp uintp uint \
    int_ float_ complex_ unicode_ string_ record recarray generic number integer floating inexact bool8 longlong ulonglong \
    Float16DType Float32DType Float64DType Int8DType Int16DType Int32DType Int64DType UInt8DType UInt16DType UInt32DType \
    UInt64DType BoolDType StrDType BytesDType ObjectDType VoidDType DateTime64DType TimeDelta64DType Complex64DType \
    Complex128DType StringDType LongDoubleDType
    """

  /// Modules of compiled code whose classes are made by calls with plain values.
  private static let compiled = [
    "sklearn.tree._", "sklearn._loss._loss", "sklearn.linear_model._sgd_fast", "sklearn.neighbors._",
    "sklearn.metrics._dist_metrics", "sklearn.ensemble._hist_gradient_boosting.", "sklearn.utils._", "sklearn.svm._",
  ]

  /// Dictionaries and lists among the classes of `libraries`: their methods add items and do nothing else.
  static let containers: Set<String> = [
    "sklearn.utils._bunch.Bunch", "sklearn.utils.Bunch", "easydict.EasyDict", "yacs.config.CfgNode",
    "pytorch_lightning.utilities.parsing.AttributeDict", "lightning.pytorch.utilities.parsing.AttributeDict",
    "lightning.fabric.utilities.data.AttributeDict", "lightning_fabric.utilities.data.AttributeDict",
    "torch.nn.modules.container.Sequential", "torch.nn.modules.container.ModuleList",
  ]

  /// Modules whose classes are made without their initializers, and get their attributes as they were saved. Left out are
  /// those with a class whose `__setstate__` does more: that of scipy.stats' distributions runs a text of the state,
  /// those of transformers' tokenizers read files that it names.
  private static let libraries = [
    "torch.nn.modules.", "torch.nn.quantized.", "torch.nn.intrinsic.", "torch.nn.utils.", "torch.ao.nn.",
    "torch.ao.quantization.", "torch.quantization.", "torch.optim.", "torch.distributions.", "torch.nn.backends.",
    "torch.cuda.amp.", "torch.amp.", "torchvision.models.", "torchvision.ops.", "torchvision.transforms.",
    "torchaudio.models.", "torchaudio.transforms.", "timm.models.", "timm.layers.", "transformers.activations.",
    "transformers.training_args.", "transformers.training_args_seq2seq.", "transformers.configuration_utils.",
    "transformers.generation.configuration_utils.", "transformers.trainer_pt_utils.", "transformers.modeling_outputs.",
    "accelerate.state.", "accelerate.utils.dataclasses.", "sentence_transformers.models.",
    "sentence_transformers.SentenceTransformer.", "diffusers.models.", "diffusers.schedulers.", "peft.tuners.",
    "peft.utils.peft_types.", "ultralytics.nn.", "ultralytics.utils.loss.", "ultralytics.utils.tal.",
    "segmentation_models_pytorch.", "efficientnet_pytorch.", "fairseq.data.dictionary.", "speechbrain.nnet.",
    "lightning.fabric.utilities.data.", "lightning_fabric.utilities.data.", "pytorch_lightning.utilities.parsing.",
    "lightning.pytorch.utilities.parsing.", "pytorch_lightning.callbacks.", "lightning.pytorch.callbacks.",
    "omegaconf.", "sklearn.", "scipy.sparse.", "scipy.interpolate.", "scipy.spatial.", "pandas.core.arrays.",
    "pandas.core.frame.", "pandas.core.series.", "pandas.core.indexes.", "pandas.core.internals.",
    "pandas.core.dtypes.",
    "xgboost.sklearn.", "xgboost.core.", "lightgbm.sklearn.", "lightgbm.basic.", "imblearn.", "hmmlearn.",
    "tokenizers.",
    "easydict.", "yacs.config.",
  ]

  /// Modules below those of `libraries` whose classes are not known.
  private static let exceptions = ["sklearn.externals.", "sklearn.utils._testing.", "sklearn.datasets."]

  /// Nets and configurations of transformers' models.
  private static func isTransformersModel(_ module: String) -> Bool {
    guard module.hasPrefix("transformers.models."), let last = module.split(separator: ".").last else { return false }
    return last.hasPrefix("modeling_") || last.hasPrefix("configuration_")
  }
}
