#!/usr/bin/env python3
"""Checks signatures of models, both ways, with the Python package model-signing, the reference of OpenSSF model signing.

    tools/setup --reference
    .venv-reference/bin/python tools/checks/check_signing.py .build/release/ingot [--mutations 200] [--seed 1]

1. What `ingot sign` signs, model_signing verifies, and the other way round: by keys of the three curves and by
   certificates, of a checkpoint's folder, of files, of nets on the shelf, of a folder of links as the hub's cache has, with
   paths left out.
2. A byte that is changed, a file that is missing, more or renamed, another key, another root: both refuse; `ingot verify`
   with the name of the file and the documented exit status.
3. Of signatures with random damage, none is taken that model_signing refuses.

Prints a line per group and the sum; exits with status 1 if anything failed.
"""

import argparse
import base64
import datetime
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

from checks import Checks
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from model_signing import hashing, signing, verifying

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "weights" / "demo"
CURVES = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
PEM, DAY = serialization.Encoding.PEM, datetime.timedelta(days=1)


class Setting:
    """A model, keys and certificates in a folder, and both programs."""

    def __init__(self, program, folder, checks):
        self.program, self.folder, self.checks = program, folder, checks
        self.model = folder / "demo"
        shutil.copytree(DEMO, self.model)
        (self.model / ".gitignore").write_text("*.tmp\n")
        (self.model / "sub" / "d").mkdir(parents=True)
        for name in ("sub.txt", "sub/a", "sub/d/b", "\u00e9.txt", "with space", "empty"):
            (self.model / name).write_text("" if name == "empty" else name)
        self.keys = {name: ec.generate_private_key(curve) for name, curve in CURVES.items()}
        for name, key in self.keys.items():
            self.write_key(name, key)
        self.write_certificates()

    def write_key(self, name, key):
        (self.folder / f"{name}.pem").write_bytes(key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        (self.folder / f"{name}.pub").write_bytes(key.public_key().public_bytes(
            PEM, serialization.PublicFormat.SubjectPublicKeyInfo))

    def write_certificates(self):
        root, between, signer = self.keys["p384"], self.keys["p521"], self.keys["p256"]
        start = datetime.datetime.now(datetime.timezone.utc) - 20 * DAY

        def certificate(name, key, issuer, issuer_key, authority):
            def named(text):
                return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

            # Not valid any more: what counts is when the signer's became valid.
            made = (x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(issuer)).public_key(key.public_key())
                    .serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(start + 10 * DAY)
                    .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
                    .add_extension(x509.KeyUsage(
                        not authority, False, False, False, False, authority, False, False, False), critical=True))
            path = self.folder / f"{name}.crt"
            path.write_bytes(made.sign(issuer_key, hashes.SHA256()).public_bytes(PEM))
            return path

        self.root = certificate("root", root, "root", root, True)
        self.between = certificate("between", between, "root", root, True)
        self.certificate = certificate("signer", signer, "between", between, False)
        self.other_root = certificate("other", between, "other", between, True)

    def run(self, *arguments, status=0):
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, timeout=600)
        shown = " ".join(map(str, arguments))
        self.checks.check(done.returncode == status, f"ingot {shown}: exit status {done.returncode}, not {status}\n{done.stderr}")
        return done

    def verified_by_them(self, what, signature, public=None, chain=None, symlinks=False):
        """What model_signing says against it; None where nothing."""
        config = verifying.Config()
        if public:
            config.use_elliptic_key_verifier(public_key=public)
        else:
            config.use_certificate_verifier(certificate_chain=chain)
        if symlinks:
            config.set_hashing_config(hashing.Config().use_file_serialization(allow_symlinks=True).set_allow_symlinks(True))
        try:
            config.verify(what, signature)
        except Exception as error:  # of many kinds
            return f"{type(error).__name__}: {error}"
        return None


def check_ours(setting):
    """model_signing verifies what we sign."""
    checks, model, folder = setting.checks, setting.model, setting.folder
    for name in CURVES:
        for what, signature in ((model, model / "model.sig"), (model / "model.safetensors", folder / f"{name}-file.sig")):
            extra = [] if what == model else ["--signature", signature]
            setting.run("sign", what, "--key", folder / f"{name}.pem", *extra)
            said = setting.verified_by_them(what, signature, public=folder / f"{name}.pub")
            checks.check(said is None, f"model_signing of our {name} signature of {what.name}: {said}")
            setting.run("verify", what, "--signature", signature, "--key", folder / f"{name}.pub")
    (model / "model.sig").unlink()
    signature = folder / "certificate.sig"
    setting.run(
        "sign", model, "--signature", signature, "--key", folder / "p256.pem", "--certificate", setting.certificate,
        "--certificate-chain", setting.between)
    said = setting.verified_by_them(model, signature, chain=[setting.root])
    checks.check(said is None, f"model_signing of our signature by a certificate: {said}")
    setting.run("verify", model, "--signature", signature, "--certificate-chain", setting.root)
    left = folder / "left-out.sig"
    setting.run("sign", model, "--signature", left, "--key", folder / "p256.pem", "--ignore", "sub", "--ignore", "./pictures/")
    (model / "sub" / "new").write_text("1")
    said = setting.verified_by_them(model, left, public=folder / "p256.pub")
    checks.check(said is None, f"model_signing of our signature with paths left out: {said}")
    (model / "sub" / "new").unlink()
    checks.end_group("what ingot signs, model_signing verifies")


def check_nets(setting):
    """Nets of the shelf, each with a signature of its own."""
    checks, folder = setting.checks, setting.folder
    shelf = folder / "shelf"
    setting.run("convert", DEMO, "--shelf", shelf)
    setting.run("sign", "--set", "Release=demo", "--shelf", shelf, "--key", folder / "p384.pem")
    nets = sorted(shelf.rglob("*.ingot"))
    checks.check(len(nets) == 3, f"{len(nets)} nets")
    for net in nets:
        said = setting.verified_by_them(net, f"{net}.sig", public=folder / "p384.pub")
        checks.check(said is None, f"model_signing of {net.name}: {said}")
    done = setting.run("verify", "--set", "Release=demo", "--shelf", shelf, "--key", folder / "p384.pub", "--json")
    report = json.loads(done.stdout)
    checks.check(len(report["signatures"]) == len(report["files"]) == 3 and report["verified"], f"report {done.stdout[:500]}")
    content = bytearray(nets[0].read_bytes())
    content[-1] ^= 1
    nets[0].write_bytes(content)
    done = setting.run("verify", nets[0], "--key", folder / "p384.pub", status=1)
    checks.check("was changed" in done.stdout and "checksums: " in done.stdout, f"of a changed net: {done.stdout}")
    checks.end_group("nets of the shelf")


def check_links(setting):
    """A folder of links, as the hub's cache has."""
    checks, folder = setting.checks, setting.folder
    snapshot, blobs = folder / "snapshot", folder / "blobs"
    snapshot.mkdir()
    blobs.mkdir()
    for number, path in enumerate(sorted(DEMO.glob("*.json"))):
        shutil.copy(path, blobs / str(number))
        (snapshot / path.name).symlink_to(f"../blobs/{number}")
    public = folder / "p256.pub"
    done = setting.run("sign", snapshot, "--key", folder / "p256.pem", status=65)
    checks.check("symbolic link" in done.stderr and "--allow-symlinks" in done.stderr, f"of links: {done.stderr}")
    setting.run("sign", snapshot, "--key", folder / "p256.pem", "--allow-symlinks")
    setting.run("verify", snapshot, "--key", public)
    said = setting.verified_by_them(snapshot, snapshot / "model.sig", public=public, symlinks=True)
    checks.check(said is None, f"model_signing of a folder of links: {said}")
    checks.end_group("folders of links")


def check_theirs(setting):
    """We verify what model_signing signs."""
    model, folder = setting.model, setting.folder
    for name in CURVES:
        for what in (model, model / "model.safetensors"):
            signature = folder / f"their-{name}.sig"
            signing.Config().use_elliptic_key_signer(private_key=folder / f"{name}.pem").sign(what, signature)
            setting.run("verify", what, "--signature", signature, "--key", folder / f"{name}.pub")
    signature = folder / "their-certificate.sig"
    signing.Config().use_certificate_signer(
        private_key=folder / "p256.pem", signing_certificate=setting.certificate, certificate_chain=[setting.between],
    ).sign(model, signature)
    setting.run("verify", model, "--signature", signature, "--certificate-chain", setting.root)
    done = setting.run("verify", model, "--signature", signature, "--certificate-chain", setting.other_root, status=1)
    setting.checks.check("isn't trusted" in done.stderr, f"of another root: {done.stderr}")
    # Its command leaves the signature itself out, in the folder.
    command = pathlib.Path(sys.executable).parent / "model_signing"
    inside = model / "model.sig"
    subprocess.run([command, "sign", "key", model, "--private_key", folder / "p256.pem", "--signature", inside,
                    "--ignore-paths", model / "pictures"], check=True, capture_output=True)
    setting.run("verify", model, "--key", folder / "p256.pub")
    inside.unlink()
    setting.checks.end_group("what model_signing signs, ingot verifies")


def check_refused(setting):
    """What was changed is refused by both, and named by us."""
    checks, model, folder = setting.checks, setting.model, setting.folder
    signature, public = folder / "refused.sig", folder / "p256.pub"
    setting.run("sign", model, "--signature", signature, "--key", folder / "p256.pem")
    for name in ("model.safetensors", "sub/d/b", "empty", "\u00e9.txt", "config.json"):
        path = model / name
        content = path.read_bytes()
        changed = bytearray(content or b"x")
        changed[len(changed) // 2] ^= 1

        def refused(kind, named=name):
            done = setting.run("verify", model, "--signature", signature, "--key", public, "--json", status=1)
            found = [(one["name"], one["kind"]) for one in json.loads(done.stdout)["signatures"][0]["differences"]]
            checks.check((named, kind) in found, f"{kind} {named}: {found}")
            said = setting.verified_by_them(model, signature, public=public)
            checks.check(said is not None, f"model_signing takes {kind} {named}")
            return found

        path.write_bytes(changed)
        checks.check(len(refused("changed")) == 1, "more than the change")
        path.write_bytes(content[:-1] if content else b"\0")
        refused("changed")
        path.unlink()
        refused("missing")
        path.with_name("renamed").write_bytes(content)
        checks.check(len(refused("missing")) == 2, "not both names of a renamed file")
        path.with_name("renamed").unlink()
        path.write_bytes(content)
    (model / "pictures" / "more").write_bytes(b"")
    refused("unsigned", "pictures/more")
    (model / "pictures" / "more").unlink()
    for other in ("p384", "p521"):
        done = setting.run("verify", model, "--signature", signature, "--key", folder / f"{other}.pub", status=1)
        checks.check("another key" in done.stderr and str(signature) in done.stderr, f"of another key: {done.stderr}")
    setting.run("verify", model, "--signature", signature, "--key", folder / "p256.pem", status=65)
    setting.run("verify", model, "--signature", folder / "none.sig", "--key", public, status=66)
    setting.run("verify", folder / "nothing", "--signature", signature, "--key", public, status=66)
    setting.run("verify", model, "--signature", signature, status=64)
    setting.run("verify", model, "--signature", signature, "--key", public)
    checks.end_group("what was changed is refused by both, by its name")


def mutations(content, number, chance):
    """Signatures with damage: of the file's bytes, of what is signed, of the signature."""
    bundle = json.loads(content)
    for _ in range(number):
        kind = chance.randrange(4)
        if kind == 0:
            damaged = bytearray(content)
            for _ in range(chance.randrange(1, 4)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            yield bytes(damaged)
            continue
        changed = json.loads(content)
        envelope = changed["dsseEnvelope"]
        if kind == 1:
            payload = bytearray(base64.b64decode(envelope["payload"]))
            payload[chance.randrange(len(payload))] ^= 1 << chance.randrange(8)
            envelope["payload"] = base64.b64encode(payload).decode()
        elif kind == 2:
            made = bytearray(base64.b64decode(envelope["signatures"][0]["sig"]))
            made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
            envelope["signatures"][0]["sig"] = base64.b64encode(made).decode()
        else:
            values = [None, 0, "", [], {}, True, "a", bundle["dsseEnvelope"]["payload"], [{}]]
            place = chance.choice([changed, envelope, changed["verificationMaterial"], envelope["signatures"][0]])
            place[chance.choice(list(place))] = chance.choice(values)
        yield json.dumps(changed).encode()


def check_damaged(setting, number, chance):
    checks, model, folder = setting.checks, setting.model, setting.folder
    shutil.rmtree(model / "pictures")
    taken = 0
    for name, trust in (("p256", {"public": folder / "p256.pub"}), ("chain", {"chain": [setting.root]})):
        signature = folder / f"damaged-{name}.sig"
        identity = ["--key", folder / "p256.pem"]
        if name == "chain":
            identity += ["--certificate", setting.certificate, "--certificate-chain", setting.between]
        setting.run("sign", model, "--signature", signature, *identity)
        content = signature.read_bytes()
        option = ["--key", folder / "p256.pub"] if name == "p256" else ["--certificate-chain", setting.root]
        for damaged in mutations(content, number // 2, chance):
            signature.write_bytes(damaged)
            done = subprocess.run(
                [setting.program, "verify", model, "--signature", signature, *option], capture_output=True, text=True, timeout=60)
            lines = done.stderr.splitlines()
            fine = done.returncode == 0 or (
                done.returncode in (1, 65) and len(lines) == 2 and lines[0].startswith("ingot: error: ")
                and str(signature) in lines[0] and lines[1].startswith("hint: "))
            checks.check(fine, f"status {done.returncode}, {done.stderr!r}, of {damaged!r}")
            if done.returncode == 0:
                taken += 1
                said = setting.verified_by_them(model, signature, **trust)
                checks.check(said is None, f"taken, and not by model_signing: {said}, {damaged!r}")
    checks.end_group(f"signatures with random damage ({taken} of them with none that matters)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--mutations", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    checks = Checks()
    os.environ.pop("INGOT_SHELF", None)
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(os.path.realpath(arguments.program), pathlib.Path(folder).resolve(), checks)
        check_ours(setting)
        check_nets(setting)
        check_links(setting)
        check_theirs(setting)
        check_refused(setting)
        check_damaged(setting, arguments.mutations, random.Random(arguments.seed))
    checks.exit()


if __name__ == "__main__":
    main()
