"""First inputs of the targets that read what comes of addresses, and what says who made it."""

import base64
import hashlib

from seed_parts import TESTS, ZERO, compact


def hub_lists():
    commit = b'{"sha":"' + b"0123456789abcdef" * 2 + b'01234567","siblings":['
    large = b'{"rfilename":"model.safetensors","size":9,"blobId":"ab","lfs":{"sha256":"' + b"0f" * 32 + b'","size":9}}'
    yield commit + b"]}"
    yield commit + b'{"rfilename":"a/b.json","size":2,"blobId":"cd"},' + large + b"]}"
    yield commit + b'{"rfilename":"../x","size":1},{"rfilename":".git/x","size":1},{"rfilename":"a\\\\b","size":1}]}'
    yield commit + b'{"rfilename":"a","size":1,"blobId":"../x"},{"rfilename":"a","size":1}]}'
    yield commit + b'{"rfilename":"a","size":-1}]}'
    yield commit + b'{"rfilename":"a"}]}'
    yield b'{"sha":"x","siblings":[]}'
    yield b"<html>"


def web_lines():
    yield b"hf://acme/net@refs%2Fpr%2F1/a/b.bin\nbytes 0-9/10\n120"
    yield b"hf://gpt2\nbytes 5-6/*\nSun, 06 Nov 1994 08:49:37 GMT"
    yield b"https://huggingface.co/acme/net/resolve/main/a%20b.bin\nbytes 9-0/10\n-1"
    yield b"https://huggingface.co/acme/net/tree/main"
    yield b"HTTP://Example.org:8080/x?y#z"
    yield b"https://[::1]:443/x"
    yield b"hf://acme/net/../x"
    yield b"https://a:b@host/x"
    yield b"https://host:99999/"


def signatures():
    folder = TESTS / "SigningTests/Fixtures"

    def bundle(material, payload=b"{}", **changes):
        envelope = {"payload": base64.b64encode(payload).decode(), "payloadType": "application/vnd.in-toto+json",
                    "signatures": [{"sig": "MAA=", "keyid": ""}]}
        return b"\0" + compact({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
                                "verificationMaterial": material, "dsseEnvelope": envelope | changes})

    root = (folder / "root.crt").read_text().split("-----")[2].replace("\n", "")
    yield bundle({"publicKey": {"hint": ZERO}, "tlogEntries": []})
    yield bundle({"publicKey": {}})
    yield bundle({"x509CertificateChain": {"certificates": [{"rawBytes": root}]}})
    yield bundle({"certificate": {"rawBytes": "MAA="}})
    yield bundle({"publicKey": {}}, signatures=[])

    def statement(resources, ignored=(), digest=ZERO, predicate="https://model_signing/signature/v1.0"):
        return b"\1" + compact({
            "_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "m", "digest": {"sha256": digest}}],
            "predicateType": predicate, "predicate": {
                "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": ignored},
                "resources": [{"name": name, "algorithm": "sha256", "digest": ZERO} for name in resources]}})

    for names in (["a"], ["a", "b/c"], ["."]):
        digest = hashlib.sha256(bytes(32 * len(names))).hexdigest()
        yield statement(names, ["x/./y", ".git"], digest)
    yield statement(["../a"])
    yield statement(["a", "a"])
    yield statement(["a"], predicate="https://model_signing/Digests/v0.1")
    for name in ("root", "signer", "unsaid"):
        yield b"\2" + (folder / f"{name}.crt").read_bytes()
