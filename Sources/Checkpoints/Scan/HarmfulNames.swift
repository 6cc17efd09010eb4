/// Modules and functions that are known to run programs or code, to open files or connections, or to reach those that do.
/// The list says how bad a finding is; it decides no verdict.
enum HarmfulNames {
  static func reason(of module: String, _ name: String) -> String? {
    let path = "\(module).\(name)".split(separator: ".", omittingEmptySubsequences: true).map(String.init)
    if module == "builtins" || module == "__builtins__" {
      return path.dropFirst().first.flatMap { builtins.contains($0) ? "runs code, or reaches what does" : nil }
    }
    // The module, or one that it is part of; of a name with dots, or of a module that imports others, also what it leads to.
    var joined = ""
    for part in path {
      joined += joined.isEmpty ? part : ".\(part)"
      if let reason = reasons[joined] { return reason }
    }
    for part in path.dropFirst(1) {
      if let reason = reached[part] { return reason }
    }
    return nil
  }

  private static let builtins: Set<String> = [
    "eval", "exec", "execfile", "compile", "open", "file", "input", "raw_input", "breakpoint", "getattr", "setattr",
    "delattr", "globals", "locals", "vars", "apply", "reload", "help", "memoryview", "__import__", "__build_class__",
    "__loader__", "__spec__", "map", "filter",
  ]

  private static let groups: [(String, String)] = [
    (
      "starts programs",
      """
      os posix nt posixpath subprocess popen2 pty pexpect _posixsubprocess multiprocessing _osx_support _aix_support \
      distutils setuptools venv ensurepip pip uuid mailcap pipes platform antigravity torch.utils.collect_env \
      torch.utils.cpp_extension torch.utils.hipify torch._inductor torch.distributed mlflow.projects paramiko fabric \
      invoke plumbum sh nntplib imaplib numpy.distutils
      """
    ),
    (
      "runs Python code",
      """
      code codeop runpy marshal types importlib imp pkgutil zipimport _imp _frozen_importlib \
      _frozen_importlib_external timeit cProfile profile pdb bdb trace doctest unittest test pydoc idlelib lib2to3 \
      site sitecustomize atexit sched threading _thread concurrent asyncio inspect gc IPython ipykernel jupyter \
      _interpreters _xxsubinterpreters interpreters nose pytest _pytest py numpy.f2py numpy.testing _pyrepl \
      torch._dynamo torch.fx torch.jit torch.hub torch.package torch.utils.bottleneck torch.utils._config_module \
      torch.utils.data.datapipes torch.multiprocessing torch.testing torch.compiler torch.onnx torch.library \
      torch._library torch._higher_order_ops torch.utils._sympy torch._lazy keras.src.utils.python_utils \
      transformers.dynamic_module_utils turtle tkinter sympy.parsing numexpr pandas.eval pandas.core.computation \
      ast.literal_eval typing.get_type_hints logging.config jinja2 mako signal _signal builtins.exec
      """
    ),
    (
      "runs native code",
      "ctypes _ctypes cffi _cffi_backend torch.ops torch.classes torch._ops torch._classes numpy.ctypeslib mmap"
    ),
    (
      "reads another pickle, which can run anything",
      """
      pickle _pickle dill cloudpickle shelve jsonpickle yaml joblib.load joblib.numpy_pickle.load \
      joblib.numpy_pickle_utils torch.load torch.serialization numpy.load numpy.lib.npyio numpy.lib._npyio_impl \
      numpy.lib.format pandas.read_pickle pandas.io srsly skops.io keras.models.load_model keras.saving \
      tensorflow.saved_model sklearn.externals.joblib
      """
    ),
    (
      "reads or writes files",
      """
      io _io shutil tempfile fileinput glob linecache zipfile tarfile lzma bz2 gzip sqlite3 _sqlite3 logging codecs \
      filecmp dbm csv py_compile compileall syslog numpy.fromfile numpy.memmap numpy.savetxt numpy.save \
      numpy.genfromtxt numpy.loadtxt torch.save torch.from_file torchvision.io PIL.Image.open fsspec difflib
      """
    ),
    (
      "opens network connections",
      """
      socket _socket ssl _ssl http urllib urllib3 requests aiohttp httpx ftplib smtplib poplib telnetlib xmlrpc \
      webbrowser socketserver select selectors wsgiref huggingface_hub boto3 botocore torchvision.datasets \
      keras.utils keras.src.utils transformers.utils.hub
      """
    ),
    (
      "reaches other functions by their names",
      "operator _operator functools _functools sys builtins.getattr copyreg.add_extension weakref.finalize contextlib"
    ),
  ]

  private static let reasons: [String: String] = {
    var out: [String: String] = [:]
    for (reason, names) in groups { for name in names.split(separator: " ") { out[String(name)] = reason } }
    return out
  }()

  /// What may stand behind a dot: `torch.serialization` has `os` as any module that imports it.
  private static let reached: [String: String] = {
    var out: [String: String] = [:]
    for name in [
      "os", "sys", "subprocess", "builtins", "__builtins__", "importlib", "shutil", "socket", "pickle", "io",
    ] {
      out[name] = "reaches \(name) through another module"
    }
    for name in ["__globals__", "__subclasses__", "__import__", "__getattribute__", "__code__", "__dict__", "__mro__"] {
      out[name] = "reaches what is hidden in Python's own objects"
    }
    return out
  }()
}
