"""Malicious pickles for tools/corpus/scan_corpus.py, made opcode by opcode. Each names where it was published as passing a
scanner: advisories of picklescan (GHSA-…), issues of modelscan and fickling, CVEs.
"""

import pickle
import struct

COMMAND = "true"


def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def value(item):
    """Opcodes that push a plain value."""
    if isinstance(item, bytes):
        return item  # opcodes already
    if item is None:
        return b"N"
    if item is True:
        return b"\x88"
    if item is False:
        return b"\x89"
    if isinstance(item, str):
        return text(item)
    if isinstance(item, int):
        return b"J" + struct.pack("<i", item)
    if isinstance(item, tuple):
        return b"(" + b"".join(map(value, item)) + b"t"
    if isinstance(item, list):
        return b"](" + b"".join(map(value, item)) + b"e"
    if isinstance(item, dict):
        return b"}(" + b"".join(value(k) + value(v) for k, v in item.items()) + b"u"
    raise TypeError(item)


def name(module, attribute):
    """GLOBAL, or STACK_GLOBAL for a name with dots."""
    if "." in attribute:
        return text(module) + text(attribute) + b"\x93"
    return f"c{module}\n{attribute}\n".encode()


def call(module, attribute, *arguments):
    return name(module, attribute) + value(tuple(arguments)) + b"R"


def whole(body, protocol=4):
    return b"\x80" + bytes([protocol]) + body + b"."


def gadget(module, attribute, *arguments):
    return whole(call(module, attribute, *arguments))


PAYLOAD = call("os", "system", COMMAND)

# Functions that run or open something, by who published them as passing a scanner.
GADGETS = {
    # the usual ones
    "os-system": ("os", "system", COMMAND),
    "posix-system": ("posix", "system", COMMAND),
    "nt-system": ("nt", "system", COMMAND),
    "subprocess-popen": ("subprocess", "Popen", [COMMAND]),
    "subprocess-check-output": ("subprocess", "check_output", [COMMAND]),
    "eval": ("builtins", "eval", "1"),
    "exec": ("builtins", "exec", "pass"),
    "py2-eval": ("__builtin__", "eval", "1"),
    "import": ("builtins", "__import__", "os"),
    "open": ("builtins", "open", "/nonexistent"),
    "compile": ("builtins", "compile", "1", "x", "eval"),
    "breakpoint": ("builtins", "breakpoint"),
    "commands": ("commands", "getoutput", COMMAND),
    "webbrowser": ("webbrowser", "open", "about:blank"),
    "socket": ("socket", "create_connection", ("localhost", 1)),
    "shutil": ("shutil", "rmtree", "/nonexistent"),
    "runpy": ("runpy", "_run_code", "pass", {}),
    "sys": ("sys", "exit", 0),
    "print": ("builtins", "print", "hello"),
    # picklescan, GHSA-655q-fx9r-782v and the advisories of 2025 and 2026
    "pip-main": ("pip", "main", ["help"]),
    "pip-internal": ("pip._internal", "main", ["help"]),
    "timeit": ("timeit", "timeit", "pass"),
    "cprofile-runctx": ("cProfile", "runctx", "pass", {}, {}),
    "profile-run": ("profile", "Profile.run", None, "pass"),
    "trace-run": ("trace", "Trace.run", None, "pass"),
    "trace-runctx": ("trace", "Trace.runctx", None, "pass"),
    "pdb-run": ("pdb", "run", "pass"),
    "bdb": ("bdb", "Bdb.run", None, "pass"),
    "code-runcode": ("code", "InteractiveInterpreter.runcode", None, "pass"),
    "code-interact": ("code", "interact"),
    "doctest-debug-script": ("doctest", "debug_script", "pass"),
    "ensurepip": ("ensurepip", "_run_pip", ["help"]),
    "idlelib-autocomplete": ("idlelib.autocomplete", "AutoComplete.get_entity", None, "1"),
    "idlelib-calltip": ("idlelib.calltip", "get_entity", "1"),
    "idlelib-debugobj": ("idlelib.debugobj", "ObjectTreeItem.SetText", None, "1"),
    "idlelib-pyshell": ("idlelib.pyshell", "ModifiedInterpreter.runcode", None, "1"),
    "idlelib-run": ("idlelib.run", "Executive.runcode", None, "1"),
    "lib2to3-grammar": ("lib2to3.pgen2.grammar", "Grammar.loads", None, "x"),
    "lib2to3-pgen": ("lib2to3.pgen2.pgen", "ParserGenerator.make_label", None, None, "'1'"),
    "pydoc-locate": ("pydoc", "locate", "os.system"),
    "pydoc-pipepager": ("pydoc", "pipepager", "x", COMMAND),
    "pty-spawn": ("pty", "spawn", COMMAND),
    "asyncio": ("asyncio.unix_events", "_UnixSubprocessTransport._start", None, COMMAND, True, None, None, None, 0),
    "torch-bottleneck": ("torch.utils.bottleneck.__main__", "run_cprofile", "pass", {}),
    "torch-bottleneck-autograd": ("torch.utils.bottleneck.__main__", "run_autograd_prof", "pass", {}),
    "torch-guards": ("torch._dynamo.guards", "GuardBuilder.get", None, "1"),
    "torch-collect-env": ("torch.utils.collect_env", "run", COMMAND),
    "torch-symbolic-shapes": (
        "torch.fx.experimental.symbolic_shapes",
        "ShapeEnv.evaluate_guards_expression",
        None,
        "1",
        [],
    ),
    "torch-exec-wrapper": ("torch.jit.unsupported_tensor_ops", "execWrapper", "pass", {}, {}),
    "torch-config-module": ("torch.utils._config_module", "ConfigModule.load_config", None, "x"),
    "torch-basichandlers": ("torch.utils.data.datapipes.utils.decoder", "basichandlers", "pkl", "x"),
    "torch-compile-file": ("torch._inductor.codecache", "compile_file", "", "", [COMMAND]),
    "torch-hub": ("torch.hub", "load", "/nonexistent", "model"),
    "torch-load": ("torch", "load", "/nonexistent"),
    "torch-serialization-load": ("torch.serialization", "load", "/nonexistent"),
    "torch-os": ("torch", "os.system", COMMAND),
    "torch-serialization-os": ("torch.serialization", "os.system", COMMAND),
    "torch-cpp-extension": ("torch.utils.cpp_extension", "load", "x", []),
    "numpy-runstring": ("numpy.testing._private.utils", "runstring", "pass", {}),
    "numpy-f2py": ("numpy.f2py.crackfortran", "getlincoef", "1", {}),
    "numpy-f2py-eval": ("numpy.f2py.crackfortran", "_eval_length", "1", {}),
    "numpy-load": ("numpy", "load", "/nonexistent"),
    "numpy-load-library": ("numpy.ctypeslib", "load_library", "nonexistent", "/nonexistent"),
    "pkgutil-resolve-name": ("pkgutil", "resolve_name", "os:system"),
    "importlib": ("importlib", "import_module", "os"),
    "marshal": ("marshal", "loads", "x"),
    "imaplib-stream": ("imaplib", "IMAP4_stream", COMMAND),
    "logging-filehandler": ("logging", "FileHandler", "/nonexistent/x"),
    "io-fileio": ("_io", "FileIO", "/nonexistent"),
    "distutils-write-file": ("distutils.file_util", "write_file", "/nonexistent/x", []),
    "ssl-certificate": ("ssl", "get_server_certificate", ("localhost", 1)),
    "urllib-urlopen": ("urllib.request", "urlopen", "file:///nonexistent"),
    "http-client": ("http.client", "HTTPSConnection", "localhost"),
    "requests": ("requests.api", "get", "http://localhost:1"),
    "uuid-command": ("uuid", "_get_command_stdout", COMMAND),
    "osx-support": ("_osx_support", "_read_output", COMMAND),
    "aix-support": ("_aix_support", "_read_cmd_output", COMMAND),
    "pyrepl-pager": ("_pyrepl.pager", "pipe_pager", "x", COMMAND),
    "script-helper": ("test.support.script_helper", "assert_python_ok", "-c", "pass"),
    "venv-create": ("venv", "create", "/nonexistent/x"),
    "multiprocessing-spawn": ("multiprocessing.util", "spawnv_passfds", COMMAND, [COMMAND], []),
    # fickling: GHSA-r7v6-mfhq-g3m2, GHSA-m6fh-58r7-x697, GHSA-mhc9-48gj-9gp3, GHSA-6ggj-6f2q-f7mx and others
    "posixsubprocess": ("_posixsubprocess", "fork_exec", [COMMAND]),
    "site-addpackage": ("site", "addpackage", "/nonexistent", "x", None),
    "atexit": ("atexit", "register", b"cos\nsystem\n", COMMAND),
    "interpreters": ("_interpreters", "run_string", 0, "pass"),
    "subinterpreters": ("_xxsubinterpreters", "run_string", 0, "pass"),
    "ctypes-cdll": ("ctypes", "CDLL", "nonexistent"),
    "sqlite3": ("sqlite3", "connect", "/nonexistent/x"),
    "linecache": ("linecache", "getlines", "/nonexistent"),
    "imp-load-source": ("imp", "load_source", "x", "/nonexistent"),
    "pipes-template": ("pipes", "Template.open", None, "x", "r"),
    "smtplib": ("smtplib", "SMTP", "localhost", 1),
    "gc-get-objects": ("gc", "get_objects"),
    "types-function": ("types", "FunctionType", None, {}),
    "signal": ("signal", "signal", 2, None),
    "threading-timer": ("threading", "Timer", 0, b"cos\nsystem\n"),
    # modelscan's issues 338, 346; other libraries
    "mailcap": ("mailcap", "findmatch", {}, "text/plain"),
    "pandas-read-pickle": ("pandas", "read_pickle", "/nonexistent"),
    "pandas-read-csv": ("pandas.io.parsers.readers", "read_csv", "/nonexistent"),
    "pandas-eval": ("pandas", "eval", "1"),
    "mlflow": ("mlflow.projects.backend.local", "_run_entry_point", COMMAND, ".", "", ""),
    "joblib-load": ("joblib", "load", "/nonexistent"),
    "dill-loads": ("dill", "loads", "x"),
    "cloudpickle-subimport": ("cloudpickle.cloudpickle", "subimport", "os"),
    "aiohttp": ("aiohttp.client", "request", "GET", "http://localhost:1"),
    "sympy-parse": ("sympy.parsing.sympy_parser", "parse_expr", "1"),
    "platform-popen": ("platform", "popen", COMMAND),
    "unknown-package": ("a_package_of_nobody", "Class"),
    "main-class": ("__main__", "Net"),
    "keras-get-file": ("keras.src.utils.file_utils", "get_file", "x", "file:///nonexistent"),
    "torch-from-file": ("torch", "UntypedStorage.from_file", "/nonexistent", False, 0),
    "antigravity": ("antigravity", "webbrowser.open", "about:blank"),
}


def tricks():
    """Ways to hide what is called."""
    yield "inst", b"\x80\x02(" + text(COMMAND) + b"ios\nsystem\n."  # modelscan; picklescan issue 13
    yield "obj", b"\x80\x02(" + name("os", "system") + text(COMMAND) + b"o."
    yield "obj-protocol-0", b'(cpty\nspawn\nS"id"\no.'  # fickling's pull request 108
    yield "newobj", b"\x80\x02" + name("subprocess", "Popen") + value(([COMMAND],)) + b"\x81."
    yield "newobj-ex", b"\x80\x04" + name("subprocess", "Popen") + value(()) + value({"args": [COMMAND]}) + b"\x92."
    yield "protocol-0", b"cos\nsystem\n(S'true'\ntR."
    yield "no-stop", b"\x80\x02" + PAYLOAD
    yield "broken-after", b"\x80\x04" + PAYLOAD + b"\xff\xff\xff"  # JFrog, nullifAI: broken after the payload
    yield "broken-text-after", b"cos\nsystem\n(S'true'\ntRtrailing text that is no opcode"
    yield "popped", b"\x80\x02" + PAYLOAD + b"0N."
    yield "in-list", b"\x80\x02](" + b"N" * 100 + PAYLOAD + b"e."
    yield "second-pickle", pickle.dumps({"a": 1}) + whole(PAYLOAD)
    yield "after-many", b"".join(pickle.dumps(i) for i in range(50)) + whole(PAYLOAD)
    # picklescan issue 14: PUT and MEMOIZE number differently.
    confused = b"U\x02osq\x00U\x06systemq\x01" + text("torch._utils") + b"\x94" + text("_rebuild_tensor_v2") + b"\x94"
    yield "memo-confusion", b"\x80\x04" + confused + b"h\x00h\x01\x93" + value((COMMAND,)) + b"R."
    yield (
        "memo-overwritten",
        b"\x80\x04"
        + text("collections")
        + b"q\x000"
        + text("os")
        + b"q\x000h\x00"
        + text("system")
        + b"\x93"
        + value((COMMAND,))
        + b"R.",
    )
    yield (
        "memo-text-keys",
        b"\x80\x04" + text("os") + b"p 1_0 \n0" + text("system") + b"p11\n0g10\ng11\n\x93" + value((COMMAND,)) + b"R.",
    )
    yield "escaped-unicode", b"\x80\x04V\\u006fs\nV\\u0073ystem\n\x93" + value((COMMAND,)) + b"R."
    yield "escaped-string", b"\x80\x04S'o\\x73'\nS'\\163ystem'\n\x93" + value((COMMAND,)) + b"R."
    yield "dup", b"\x80\x04" + text("os") + text("system") + b"\x932" + value((COMMAND,)) + b"R."
    # modelscan issue 85: attributes of a function hold the name.
    set_state = (
        name("numpy", "prod") + b"N}" + text("a") + text("os") + b"s\x86bN}" + text("b") + text("system") + b"s\x86b0"
    )
    yield (
        "attributes-of-function",
        (
            b"\x80\x04"
            + set_state
            + text("numpy")
            + text("prod.a")
            + b"\x93"
            + text("numpy")
            + text("prod.b")
            + b"\x93\x93"
            + value((COMMAND,))
            + b"R."
        ),
    )
    yield (
        "build-class",
        b"\x80\x02" + name("collections", "OrderedDict") + value({"__init__": name("os", "system")}) + b"b.",
    )
    target = name("argparse", "Namespace") + b")\x81"
    yield (
        "setstate-of-instance",
        b"\x80\x02" + target + value({"__setstate__": name("os", "system")}) + b"b" + text(COMMAND) + b"b.",
    )
    yield (
        "setstate-print",
        b"\x80\x02" + target + value({"__setstate__": name("builtins", "print")}) + b"b" + text("x") + b"b.",
    )
    yield "partial", b"\x80\x02" + call("functools", "partial", name("os", "system"), COMMAND) + b")R."
    yield (
        "partial-state",
        b"\x80\x02"
        + call("functools", "partial", name("builtins", "dict"))
        + value((name("os", "system"), (COMMAND,), {}, None))
        + b"b)R.",
    )
    yield "defaultdict", b"\x80\x02" + call("collections", "defaultdict", name("os", "getcwd")) + b"."
    yield (
        "getattr",
        b"\x80\x02"
        + call("builtins", "getattr", call("builtins", "__import__", "os"), "system")
        + value((COMMAND,))
        + b"R.",
    )
    yield (
        "getattr-subclasses",
        b"\x80\x02" + call("builtins", "getattr", name("builtins", "object"), "__subclasses__") + b")R.",
    )
    yield (
        "getattr-globals",
        b"\x80\x02" + call("builtins", "getattr", name("torch._utils", "_rebuild_tensor_v2"), "__globals__") + b".",
    )
    yield (
        "getattr-from-file",
        b"\x80\x02"
        + call("builtins", "getattr", name("torch", "FloatStorage"), "from_file")
        + value(("/nonexistent", False, 1))
        + b"R.",
    )
    yield (
        "attrgetter",
        b"\x80\x02"
        + call("operator", "attrgetter", "system")
        + value((name("torch.serialization", "os"),))
        + b"R"
        + value((COMMAND,))
        + b"R.",
    )
    yield (
        "methodcaller",
        b"\x80\x02"
        + call("operator", "methodcaller", "system", COMMAND)
        + value((call("builtins", "__import__", "os"),))
        + b"R.",
    )
    yield (
        "itemgetter",
        b"\x80\x02"
        + call("operator", "itemgetter", "system")
        + value((call("builtins", "getattr", name("torch._utils", "_rebuild_tensor"), "__globals__"),))
        + b"R.",
    )
    yield "map", b"\x80\x02" + call("builtins", "list", call("builtins", "map", name("os", "system"), [COMMAND])) + b"."
    yield (
        "reconstructor",
        b"\x80\x02"
        + call("copyreg", "_reconstructor", name("subprocess", "Popen"), name("builtins", "object"), None)
        + b".",
    )
    yield (
        "rebuild-from-type",
        b"\x80\x02"
        + call(
            "torch._tensor", "_rebuild_from_type_v2", name("os", "system"), name("torch", "Tensor"), (COMMAND,), None
        )
        + b".",
    )
    yield (
        "rebuild-getattr",
        b"\x80\x02"
        + call(
            "torch._tensor",
            "_rebuild_from_type_v2",
            name("builtins", "getattr"),
            name("torch", "Tensor"),
            (name("torch", "Tensor"), "__class__"),
            None,
        )
        + b".",
    )
    yield (
        "load-from-bytes",
        b"\x80\x02"
        + call("torch.storage", "_load_from_bytes", b"B" + struct.pack("<I", len(whole(PAYLOAD))) + whole(PAYLOAD))
        + b".",
    )
    yield (
        "pickle-in-pickle",
        b"\x80\x02" + call("pickle", "loads", b"B" + struct.pack("<I", len(whole(PAYLOAD))) + whole(PAYLOAD)) + b".",
    )
    yield (
        "encode-then-loads",
        b"\x80\x02"
        + call("_pickle", "loads", call("_codecs", "encode", "cos\nsystem\n(S'true'\ntR.", "latin1"))
        + b".",
    )
    # Classes of libraries whose own methods do more than keep attributes.
    rv = name("scipy.stats._distn_infrastructure", "rv_sample") + b")\x81"
    yield "scipy-stats-state", b"\x80\x02" + rv + value({"_parse_arg_template": "pass"}) + b"b."
    settings = name("ultralytics.utils", "SettingsManager") + b")\x81"
    yield (
        "items-of-instance",
        b"\x80\x02" + settings + value({"file": "/nonexistent"}) + b"b" + text("a") + text("b") + b"s.",
    )
    japanese = name("transformers.models.bert_japanese.tokenization_bert_japanese", "BertJapaneseTokenizer") + b")\x81"
    yield "tokenizer-state", b"\x80\x02" + japanese + value({"word_tokenizer_type": "mecab"}) + b"b."
    # The size of an array's elements, by its name 4, by its state 400: joblib goes past other bytes than its name says.
    wrapper = name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81"
    kind = call("numpy", "dtype", "V4", False, True) + value((3, "|", None, None, None, 400, 1, 0)) + b"b"
    state = b"}(" + text("shape") + value((1,)) + text("dtype") + kind + text("numpy_array_alignment_bytes") + b"Nu"
    yield "array-of-other-size", b"\x80\x02" + wrapper + state + b"b" + bytes(4) + b"." + bytes(395) + PAYLOAD + b"."
    register = call("copyreg", "add_extension", "os", "system", 7)
    yield "extension", b"\x80\x02" + register + b"0\x82\x07" + value((COMMAND,)) + b"R."
    yield "extension-alone", b"\x80\x02\x82\x07" + value((COMMAND,)) + b"R."
    yield "frame-wrong", b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x00" + PAYLOAD + b"."
    yield (
        "long-name",
        b"\x80\x04" + text("os") + text("system") + b"\x93(" + text("x" * 70000) + b"0" + text(COMMAND) + b"tR.",
    )
    yield "deep", b"\x80\x02" + b"(" * 500 + PAYLOAD + b"t" * 500 + b"."
    yield (
        "big-memo",
        b"\x80\x02"
        + text("os")
        + b"r\xff\xff\xff\x7f0j\xff\xff\xff\x7f"
        + text("system")
        + b"\x93"
        + value((COMMAND,))
        + b"R.",
    )
    yield (
        "computed-name",
        b"\x80\x04" + call("builtins", "str", "os") + text("system") + b"\x93" + value((COMMAND,)) + b"R.",
    )
    yield "protocol-9", b"\x80\x09" + PAYLOAD + b"."
    yield "comment-before", b"N0" * 200 + PAYLOAD + b"."
    yield "bunch-of-harmless", b"\x80\x02" + call("collections", "OrderedDict") * 200 + PAYLOAD + b"."
