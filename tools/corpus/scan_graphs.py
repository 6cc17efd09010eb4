"""Malicious graphs, configurations and templates for tools/corpus/scan_corpus.py."""

import io
import json
import struct
import zipfile

from scan_archives import zip_of
from scan_pickles import PAYLOAD, whole


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
    opcodes = b"GGUF\x03\x00\x00\x00\x00" + b"cos\nsystem\n(S'true'\ntR."
    yield "pickle-and-graph.gguf", opcodes
    load_model = {"module": "keras.models", "class_name": "function", "config": "load_model"}
    yield "load-model.keras", keras(keras_config(layer("Dense", units=1, activation=load_model)))
    mapping = {"base_model_class": "Net", "parent_library": "a_package_of_nobody"}
    yield "adapter/adapter_config.json", json.dumps({"peft_type": "LORA", "auto_mapping": mapping}).encode()
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
