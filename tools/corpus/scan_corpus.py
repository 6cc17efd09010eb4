"""Writes files for tools/checks/check_scan.py: malicious ones, whose payloads do nothing, and harmless ones.

    python tools/corpus/scan_corpus.py FOLDER
    python tools/corpus/scan_corpus.py FOLDER --fixtures    the small ones of FOLDER become the tests' corpus.json

FOLDER/malicious and FOLDER/harmless are made. Every malicious file calls os.system("true"), print, or names what
would read or write a file that is not there; those that Python can load are loaded by nobody. Harmless ones are
written by the libraries themselves: numpy, torch, torchvision, scikit-learn, joblib, pandas, keras, h5py, onnx, gguf,
safetensors, dill, cloudpickle, xgboost, lightgbm, skops; those of a library that isn't there are left out, with a
note.

Each bypass names where it was published: advisories of picklescan (GHSA-…), issues of modelscan, fickling and
modelaudit, CVEs.
"""

import base64
import io
import json
import sys
from pathlib import Path

from scan_archives import archives
from scan_graphs import others
from scan_pickles import COMMAND, GADGETS, gadget, tricks


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
    target = Path(__file__).resolve().parents[2] / "Tests/CheckpointsTests/Fixtures/scan/corpus.json"
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
