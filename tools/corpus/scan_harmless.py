"""Harmless files for tools/corpus/scan_corpus.py, as the libraries write them."""

import argparse
import array
import collections
import datetime
import decimal
import fractions
import functools
import gzip
import io
import json
import operator
import pathlib
import pickle
import re
import sys
import types
import uuid

from scan_archives import tar_of, zip_of
from scan_corpus import write as write_files
from scan_graphs import field


class Holder:
    """What puts a member into a pickle by the call of another's."""

    def __init__(self, function, *arguments):
        self.made = function, arguments

    def __reduce__(self):
        return self.made


def plain():
    values = {
        "dict": {"a": [1, 2.5, None, True], "b": {"c": (1, "x", b"y")}},
        "set": {1, 2, frozenset([3])},
        "bytes": bytearray(b"abc"),
        "ordered": collections.OrderedDict(a=1),
        "counter": collections.Counter("abca"),
        "deque": collections.deque([1, 2], 5),
        "defaultdict": collections.defaultdict(list, {"a": [1]}),
        "datetime": [datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), datetime.timedelta(1)],
        "decimal": [decimal.Decimal("1.5"), fractions.Fraction(1, 3)],
        "uuid": uuid.UUID(int=7),
        "path": pathlib.PurePosixPath("/a/b"),
        "namespace": argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("x")),
        "simple": types.SimpleNamespace(a=1),
        "array": array.array("d", [1, 2]),
        "pattern": re.compile(r"a+b"),
        "itemgetter": operator.itemgetter(1),
        "attrgetter": operator.attrgetter("shape"),
        "partial": functools.partial(dict, a=1),
        "range": [range(3), slice(1, 2), complex(1, 2), Ellipsis],
        "method": Holder(getattr, dict, "fromkeys"),
        "big": list(range(20000)),
        "deep": deep(200),
    }
    for key, value in values.items():
        for protocol in (0, 2, 4):
            yield f"plain-{key}-{protocol}.pkl", pickle.dumps(value, protocol)
    yield "plain-packed.pkl.gz", gzip.compress(pickle.dumps(values["dict"]), mtime=0)
    yield "plain-several.pkl", b"".join(pickle.dumps(i) for i in range(20))


def deep(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def numpy_files():
    import numpy as np

    generator = np.random.default_rng(1)
    arrays = {
        "float": generator.random((3, 4), np.float32),
        "int": np.arange(5),
        "complex": np.ones(2, np.complex64),
        "text": np.array(["a", "bc"]),
        "time": np.array(["2026-01-01"], "datetime64[D]"),
        "record": np.zeros(2, [("a", "i4"), ("b", "f8")]),
        "big-endian": np.arange(4, dtype=">f4"),
    }
    for key, value in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, value)
        yield f"numpy-{key}.npy", buffer.getvalue()
        yield f"numpy-{key}.pkl", pickle.dumps(value)
    for key, function in (("savez", np.savez), ("savez-compressed", np.savez_compressed)):
        buffer = io.BytesIO()
        function(buffer, **{k.replace("-", "_"): v for k, v in arrays.items()})
        yield f"numpy-{key}.npz", buffer.getvalue()
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}, "x", None], dtype=object))
    yield "numpy-objects.npy", buffer.getvalue()
    yield "numpy-objects-2.pkl", pickle.dumps(np.array([1, "x"], dtype=object), 2)
    yield "numpy-scalars.pkl", pickle.dumps([np.float32(1), np.int64(2), np.bool_(True), np.dtype("f4")])
    yield "numpy-random.pkl", pickle.dumps([np.random.RandomState(1), np.random.default_rng(1)])
    yield "numpy-masked.pkl", pickle.dumps(np.ma.masked_array([1, 2], [True, False]))


def torch_files():
    import torch
    from torch import nn

    torch.manual_seed(1)

    def saved(value, **options):
        buffer = io.BytesIO()
        torch.save(value, buffer, **options)
        return buffer.getvalue()

    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    state = net.state_dict()
    yield "torch-state.pt", saved(state)
    yield "torch-state-legacy.pt", saved(state, _use_new_zipfile_serialization=False)
    yield "torch-state-4.pt", saved(state, pickle_protocol=4)
    yield "torch-state.bin", saved(dict(state))
    yield "torch-state.pkl", pickle.dumps(dict(state))
    yield "torch-state-2.pkl", pickle.dumps(dict(state), 2)
    types = [
        torch.float16,
        torch.bfloat16,
        torch.float64,
        torch.int8,
        torch.uint8,
        torch.int64,
        torch.bool,
        torch.complex64,
        torch.float8_e4m3fn,
    ]
    yield "torch-types.pt", saved({str(t): torch.ones(3).to(t) for t in types})
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.ones(1, 1, 4, 4)).sum().backward()
    optimizer.step()
    yield (
        "torch-training.pt",
        saved(
            {
                "model": state,
                "optimizer": optimizer.state_dict(),
                "epoch": 3,
                "args": argparse.Namespace(lr=0.1),
                "path": pathlib.PurePosixPath("a"),
                "rng": torch.get_rng_state(),
                "when": datetime.datetime(2026, 1, 1),
                "id": uuid.UUID(int=1),
                "device": torch.device("cpu"),
                "dtype": torch.float32,
            }
        ),
    )
    modules = {
        "sequential": net,
        "lstm": nn.LSTM(2, 3),
        "transformer": nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 2),
        "embedding": nn.Embedding(4, 2),
        "modules": nn.ModuleDict({"a": nn.ModuleList([nn.GELU(), nn.Dropout()])}),
        "attention": nn.MultiheadAttention(4, 2),
        "activation": nn.TransformerEncoderLayer(4, 2, 8, activation=torch.nn.functional.gelu),
        "loss": nn.CrossEntropyLoss(),
    }
    for key, module in modules.items():
        yield f"torch-module-{key}.pt", saved(module)
    yield "torch-module-legacy.pt", saved(net, _use_new_zipfile_serialization=False)
    yield "torch-optimizer.pt", saved(optimizer)
    partial = functools.partial(nn.LayerNorm, eps=1e-6)
    yield "torch-partial.pt", saved({"norm_layer": partial, "weights": state})
    yield "torch-method.pt", saved({"forward": Holder(getattr, nn.Linear, "forward"), "weights": state})
    yield "torch-list.pt", saved([torch.ones(2), (torch.zeros(1), 5)])
    yield "torch-tensor.pt", saved(torch.arange(10))
    yield "torch-parameter.pt", saved(nn.Parameter(torch.ones(2)))
    yield "torch-sparse.pt", saved({"coo": torch.eye(3).to_sparse(), "csr": torch.eye(3).to_sparse_csr()})
    yield "torch-numpy.pt", saved({"mean": __import__("numpy").zeros(3), "std": __import__("numpy").float64(1)})
    yield "torch-quantized.pt", saved(torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8))
    traced = torch.jit.trace(net, torch.ones(1, 1, 4, 4))
    scripted = torch.jit.script(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))
    for key, module in (("traced", traced), ("scripted", scripted)):
        buffer = io.BytesIO()
        torch.jit.save(module, buffer)
        yield f"torch-{key}.pt", buffer.getvalue()
    import torchvision

    yield (
        "torch-resnet.pt",
        saved(
            torchvision.models.resnet.ResNet(
                torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=3, width_per_group=64
            )
        ),
    )
    yield "torch-squeezenet.pt", saved(torchvision.models.squeezenet1_1(num_classes=2))
    yield (
        "torch-transforms.pt",
        saved(torchvision.transforms.Compose([torchvision.transforms.Resize(4), torchvision.transforms.ToTensor()])),
    )
    import transformers

    config = transformers.BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=20
    )
    yield "torch-bert.pt", saved(transformers.BertModel(config))
    try:
        yield "training_args.bin", saved(transformers.TrainingArguments("out", use_cpu=True))
    except ImportError as error:
        print(f"left out: {error}", file=sys.stderr)


def sklearn_files():
    import joblib
    import numpy as np
    from sklearn import (
        cluster,
        compose,
        decomposition,
        ensemble,
        feature_extraction,
        gaussian_process,
        linear_model,
        naive_bayes,
        neighbors,
        neural_network,
        pipeline,
        preprocessing,
        svm,
        tree,
    )

    x, y = np.random.default_rng(1).random((40, 4)), np.arange(40) % 2
    models = {
        "logistic": linear_model.LogisticRegression(),
        "ridge": linear_model.Ridge(),
        "sgd": linear_model.SGDClassifier(),
        "tree": tree.DecisionTreeClassifier(),
        "forest": ensemble.RandomForestClassifier(3),
        "boosting": ensemble.GradientBoostingClassifier(n_estimators=3),
        "hist": ensemble.HistGradientBoostingClassifier(max_iter=3),
        "svc": svm.SVC(),
        "neighbors": neighbors.KNeighborsClassifier(algorithm="kd_tree"),
        "bayes": naive_bayes.GaussianNB(),
        "mlp": neural_network.MLPClassifier((3,), max_iter=5),
        "kmeans": cluster.KMeans(2, n_init=1),
        "pca": decomposition.PCA(2),
        "scaler": preprocessing.StandardScaler(),
        "gp": gaussian_process.GaussianProcessClassifier(),
        "pipeline": pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()),
        "columns": compose.ColumnTransformer([("a", preprocessing.MinMaxScaler(), [0, 1])]),
        "isolation": ensemble.IsolationForest(n_estimators=3),
    }
    import warnings

    warnings.simplefilter("ignore")
    for key, model in models.items():
        model.fit(x, y)
        yield f"sklearn-{key}.pkl", pickle.dumps(model)
        for form, options in (("", {}), ("-packed", {"compress": 3})):
            buffer = io.BytesIO()
            joblib.dump(model, buffer, **options)
            yield f"sklearn-{key}{form}.joblib", buffer.getvalue()
    words = feature_extraction.text.TfidfVectorizer().fit(["a word here", "another word"])
    yield "sklearn-tfidf.pkl", pickle.dumps(words)
    buffer = io.BytesIO()
    joblib.dump({"x": x, "texts": np.array(["a", None], dtype=object), "y": y}, buffer)
    yield "joblib-objects.joblib", buffer.getvalue()
    import skops.io

    yield "sklearn.skops", skops.io.dumps(models["logistic"])


def table_files():
    import pandas as pd
    from scipy import sparse

    frame = pd.DataFrame(
        {
            "a": [1, 2],
            "b": ["x", "y"],
            "c": pd.Categorical(["u", "v"]),
            "d": pd.to_datetime(["2026-01-01", "2026-01-02"]),
        }
    )
    yield "pandas-frame.pkl", pickle.dumps(frame)
    yield "pandas-series.pkl", pickle.dumps(frame["a"])
    yield "scipy-sparse.pkl", pickle.dumps(sparse.eye(3, format="csr"))


def other_libraries():
    import cloudpickle
    import dill

    yield "data.dill", dill.dumps({"a": [1, 2], "b": collections.OrderedDict(x=1)})
    yield "data.cloudpickle.pkl", cloudpickle.dumps({"a": (1, 2)})
    import numpy as np
    from safetensors.numpy import save

    yield "model.safetensors", save({"a": np.ones((2, 3), np.float32)})
    import xgboost

    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(np.random.rand(20, 3), np.arange(20) % 2), 2)
    yield "xgboost.json", bytes(booster.save_raw("json"))
    yield "xgboost.ubj", bytes(booster.save_raw("ubj"))
    import lightgbm

    boost = lightgbm.train(
        {"verbose": -1, "min_data": 1}, lightgbm.Dataset(np.random.rand(20, 3), np.arange(20) % 2), 2
    )
    yield "lightgbm.txt", boost.model_to_string().encode()


def graph_files(folder):
    import gguf
    import h5py
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.ones((2, 2), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [weight],
    )
    model = helper.make_model(graph)
    yield "model.onnx", model.SerializeToString()
    graph.node.append(helper.make_node("FusedMatMul", ["y", "w"], ["z"], domain="com.microsoft"))
    yield "contrib.onnx", helper.make_model(graph).SerializeToString()
    big = helper.make_model(
        helper.make_graph([], "g", [], [], [numpy_helper.from_array(np.ones(4096, np.float32), "w")])
    )
    (folder / "external").mkdir(parents=True, exist_ok=True)
    onnx.save(
        big, folder / "external/model.onnx", save_as_external_data=True, location="weights.onnx_data", size_threshold=0
    )
    path = folder / "model.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_chat_template(
        "{% for message in messages %}{{ message['role'] + ': ' + message['content'] | trim }}{% endfor %}"
    )
    writer.add_tensor("w", np.ones((2, 2), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with h5py.File(folder / "arrays.h5", "w") as file:
        file["a"] = np.ones((3, 3))
        file.attrs["note"] = '{"made": "by hand"}'
    import os

    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    layers = keras.layers
    nets = {
        "dense": keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="relu"), layers.Dropout(0.1)]),
        "conv": keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                layers.Conv2D(2, 3, kernel_regularizer="l2"),
                layers.BatchNormalization(),
                layers.GlobalAveragePooling2D(),
            ]
        ),
        "lstm": keras.Sequential([keras.Input((4, 2)), layers.Bidirectional(layers.LSTM(3))]),
    }
    inputs = keras.Input((4,))
    nets["functional"] = keras.Model(inputs, layers.Add()([layers.Dense(2)(inputs), layers.Dense(2)(inputs)]))
    for key, net in nets.items():
        net.compile("adam", "mse")
        for form in ("keras", "h5", "weights.h5"):
            target = folder / f"keras-{key}.{form}"
            (net.save_weights if form == "weights.h5" else net.save)(target)


def texts():
    yield "README.md", b"# A model\n\ncould be any text, even\ncos\nsystem\n"
    yield "config.json", json.dumps({"model_type": "bert", "architectures": ["BertModel"], "hidden_size": 8}).encode()
    yield (
        "tokenizer_config.json",
        json.dumps(
            {
                "chat_template": "{% if not add_generation_prompt is defined %}{% set ns = namespace(found=false) %}{% endif %}"
                "{{ bos_token }}{% for m in messages %}{{ raise_exception('x') if m.role == 'x' else m.content }}{% endfor %}"
            }
        ).encode(),
    )
    yield (
        "tokenizer.json",
        json.dumps(
            {
                "version": "1.0",
                "model": {"type": "BPE", "vocab": {f"w{i}": i for i in range(500)}, "merges": ["class_name x"]},
            }
        ).encode(),
    )
    yield "vocab.txt", "\n".join(f"word{i}" for i in range(500)).encode()
    yield "words.txt", b"cab\ncad\ncos\nsystem\ntar\nR\n.\n"
    yield "params.yaml", b"model:\n  hidden: 8\n  _target_: nemo.collections.asr.models.Net\n"
    yield "table.csv", b"a,b\n1,2\n"
    yield (
        "picture.png",
        bytes.fromhex(
            "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c6360000000020001485dcd1d0000000049454e44ae426082"
        ),
    )
    yield "weights.zip", zip_of({"a/readme.txt": b"hello", "a/weights.npy": b"\x93NUMPY\x01\x00\x06\x00{'a'}\n"})
    yield "weights.tar", tar_of({"a/readme.txt": b"hello", "a/state.pkl": pickle.dumps({"a": 1})})
    yield ("net.pb", field(1, 1) + field(2, field(2, field(1, field(1, "n") + field(2, "MatMul")))))


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for maker in (
        plain,
        numpy_files,
        torch_files,
        sklearn_files,
        table_files,
        other_libraries,
        lambda: graph_files(folder),
        texts,
    ):
        try:
            write_files(folder, maker())
        except ImportError as error:
            print(f"left out: {error}", file=sys.stderr)
    return sum(1 for path in folder.rglob("*") if path.is_file())
