"""What the libraries of further containers read of a file, for check_published.py."""

import collections
import importlib.util
import io
import os
import zipfile

import numpy as np


def by_onnx(path, facts):
    """Every tensor of a model, by the names that docs/INSPECTING.md says they have."""
    import onnx
    from onnx import AttributeProto, TensorProto, helper, numpy_helper

    found, counts = {}, {}

    def add(name, array):
        own = name
        while True:
            counts[own] = counts.get(own, 0) + 1
            if counts[own] == 1:
                break
            own = f"{name}#{counts[own]}"
        found[own] = facts(array)

    def add_tensor(name, tensor):
        if tensor.data_type != TensorProto.STRING:
            add(name, numpy_helper.to_array(tensor, str(path.parent)))

    def add_sparse(name, sparse):
        add_tensor(f"{name}.values", sparse.values)
        add_tensor(f"{name}.indices", sparse.indices)

    def walk_attribute(attribute, node, prefix):
        is_constant = node.op_type == "Constant" and node.output
        place = node.name or (node.output[0] if node.output else node.op_type)
        own = node.output[0] if is_constant and attribute.name in ("value", "sparse_value") else f"{place}.{attribute.name}"
        if is_constant and attribute.name in ("value_float", "value_int", "value_floats", "value_ints"):
            kind = np.float32 if "float" in attribute.name else np.int64
            add(prefix + node.output[0], np.array(helper.get_attribute_value(attribute), kind))
        tensors = [attribute.t] if attribute.type == AttributeProto.TENSOR else attribute.tensors
        for number, tensor in enumerate(tensors):
            add_tensor(prefix + (f"{own}.{number}" if number else own), tensor)
        sparse = [attribute.sparse_tensor] if attribute.type == AttributeProto.SPARSE_TENSOR else attribute.sparse_tensors
        for number, tensor in enumerate(sparse):
            add_sparse(prefix + (f"{own}.{number}" if number else own), tensor)
        graphs = [attribute.g] if attribute.type == AttributeProto.GRAPH else attribute.graphs
        for number, graph in enumerate(graphs):
            walk(graph, prefix + (f"{own}.{number}" if number else own) + ".")

    def walk_nodes(nodes, prefix):
        for node in nodes:
            for attribute in node.attribute:
                walk_attribute(attribute, node, prefix)

    def walk(graph, prefix):
        walk_nodes(graph.node, prefix)
        for tensor in graph.initializer:
            add_tensor(prefix + tensor.name, tensor)
        for sparse in graph.sparse_initializer:
            add_sparse(prefix + sparse.values.name, sparse)

    model = onnx.load(path, load_external_data=False)
    walk(model.graph, "")
    for function in model.functions:
        walk_nodes(function.node, f"{function.domain}.{function.name}." if function.domain else f"{function.name}.")
    return found


def by_numpy(path, facts):
    with np.load(path) as archive:
        return {name: facts(archive[name]) for name in archive.files}


def by_keras(path, by_h5py, facts):
    """What h5py reads of the weights in a .keras archive; where Keras is installed, its model's weights must be those."""
    with zipfile.ZipFile(path) as archive:
        found = by_h5py(io.BytesIO(archive.read("model.weights.h5")))
    if importlib.util.find_spec("keras"):
        os.environ.setdefault("KERAS_BACKEND", "torch")
        import keras

        model = keras.models.load_model(path, compile=False)
        loaded = collections.Counter(str(facts(np.asarray(weight))) for weight in model.get_weights())
        kept = collections.Counter(str(fact) for name, fact in found.items() if not name.startswith("optimizer/"))
        for fact in (loaded - kept) + (kept - loaded):
            found[f"Keras reads others: {fact}"] = fact
    return found
