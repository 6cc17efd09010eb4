"""Checks of the sample repositories of tools/hub: libraries read them; git gives their files the same names."""

import os
import pathlib
import subprocess
import warnings

import gguf
import safetensors.torch
import sample_nets
import torch
import transformers


def check_samples(checks, folder):
    """Libraries read the weights, and the tensors of each net are those of its class in transformers."""
    # The library writes the same bytes; and it reads them.
    for name in ("both/model", "shards/model-00007-of-00163"):
        path = pathlib.Path(folder, f"samples/{name}.safetensors")
        written = safetensors.torch.save(safetensors.torch.load_file(path), {"format": "pt"})
        checks.check(written == path.read_bytes(), f"{name} as safetensors writes it")
    loaded = safetensors.torch.load_file(f"{folder}/samples/both/model.safetensors")
    pickled = torch.load(f"{folder}/samples/both/pytorch_model.bin", weights_only=True)
    equal = {name for name in loaded if name in pickled and torch.equal(loaded[name], pickled[name])}
    checks.check(len(loaded) == len(pickled) == len(equal) > 30, "safetensors and torch read the same tensors")
    for name, kind in (("both", "BertModel"), ("blip-vqa", "BlipForQuestionAnswering"), ("shards", "LlamaForCausalLM")):
        configuration = transformers.AutoConfig.from_pretrained(f"{folder}/samples/{name}")
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net = getattr(transformers, kind)(configuration)
        wanted = {key: list(value.shape) for key, value in net.state_dict().items()}
        made = {"both": sample_nets.bert, "blip-vqa": sample_nets.blip_vqa, "shards": sample_nets.llama}[name]()
        checks.same({key: shape for key, (_, shape) in made.items()}, wanted, f"tensors of {kind}")
    reader = gguf.GGUFReader(f"{folder}/samples/gguf/sample-f16.gguf")
    found = {tensor.name: (list(tensor.shape), str(tensor.data.dtype)) for tensor in reader.tensors}
    wanted = {f"blk.{layer}.attn_q.weight": ([32, 8], "float16") for layer in range(4)}
    checks.same(found, wanted | {"output_norm.weight": ([32], "float32")}, "tensors of a GGUF file")
    checks.end_group("sample weights")


def check_git(checks, client, folder, work):
    """A repository made by git of the same files, and of pointers for large ones, has the same names."""
    for name in ("samples/both", "samples/nested"):
        place = f"{work}/{name.replace('/', '-')}"
        when = {f"GIT_{who}_DATE": "1700000000 +0000" for who in ("AUTHOR", "COMMITTER")}
        who = {f"GIT_{who}_NAME": "hub" for who in ("AUTHOR", "COMMITTER")}
        mail = {f"GIT_{who}_EMAIL": "hub@localhost" for who in ("AUTHOR", "COMMITTER")}
        environment = {"PATH": os.environ["PATH"], "HOME": work, "GIT_CONFIG_NOSYSTEM": "1", **when, **who, **mail}

        def git(*arguments):
            run = subprocess.run(
                ["git", "-C", place, *arguments], env=environment, check=True, capture_output=True, text=True
            )
            return run.stdout

        os.makedirs(place)
        git("init", "--quiet")
        entries = {entry.path: entry for entry in client.list_repo_tree(name, recursive=True)}
        for path, entry in entries.items():
            if hasattr(entry, "size"):
                file = pathlib.Path(place, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                data = pathlib.Path(folder, name, path).read_bytes()
                if entry.lfs:
                    lines = [
                        "version https://git-lfs.github.com/spec/v1",
                        f"oid sha256:{entry.lfs.sha256}",
                        f"size {len(data)}",
                    ]
                    data = "".join(line + "\n" for line in lines).encode()
                    checks.check(entry.lfs.pointer_size == len(data), f"{path}: size of the pointer")
                file.write_bytes(data)
        git("add", "--all")
        git("commit", "--quiet", "--message", "Files of this folder")
        listed = (line.split(None, 3) for line in git("ls-tree", "-r", "-t", "-z", "HEAD").split("\0") if line)
        wanted = {path: name for _, _, name, path in listed}
        found = {path: getattr(entry, "blob_id", None) or entry.tree_id for path, entry in entries.items()}
        checks.same(found, wanted, f"{name}: blobs and trees")
        checks.check(client.model_info(name).sha == git("rev-parse", "HEAD").strip(), f"{name}: the commit")
    checks.end_group("names by git")
