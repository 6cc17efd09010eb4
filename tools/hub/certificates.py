"""Certificates for tests of TLS, made at run time by the command openssl: an authority, what it signs, and what not."""

import pathlib
import ssl
import subprocess

NAMES = "DNS:localhost,IP:127.0.0.1,IP:127.0.0.2"
CONFIGURATION = """
[ca]
default_ca = here
[here]
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[request]
distinguished_name = name
prompt = no
[name]
commonName = {name}
[authority]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:false
extendedKeyUsage = serverAuth
subjectAltName = {names}
"""
GOOD = ("20200101000000Z", "20991231235959Z")
# What each is: names it is for, from when to when it holds, and whether the authority has signed it.
KINDS = {
    "good": (NAMES, *GOOD, True),
    "self-signed": (NAMES, *GOOD, False),
    "wrong-name": ("DNS:elsewhere.example", *GOOD, True),
    "expired": (NAMES, "20200101000000Z", "20210101000000Z", True),
    "not-yet-valid": (NAMES, "20980101000000Z", "20991231235959Z", True),
}


class Certificates:
    """An authority in `folder`, whose certificate is the file `authority`, and contexts for servers by kind."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.authority = str(self.folder / "authority.pem")
        (self.folder / "index.txt").touch()
        (self.folder / "serial").write_text("1000\n")
        self.request("authority", "authority for tests", NAMES)
        self.sign("authority", "authority", GOOD, selfsign=True)
        self.contexts = {kind: self.context(kind, *values) for kind, values in KINDS.items()}

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def request(self, name, common_name, names):
        (self.folder / f"{name}.cnf").write_text(CONFIGURATION.format(name=common_name, names=names))
        files = ["-keyout", f"{name}.key", "-out", f"{name}.csr"]
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        self.openssl("req", "-new", *key, "-config", f"{name}.cnf", "-section", "request", *files)

    def sign(self, name, extensions, dates, selfsign):
        # `openssl x509` can't sign for the past before OpenSSL 3.4; `openssl ca` can.
        by = ["-selfsign", "-keyfile", f"{name}.key"]
        by = by if selfsign else ["-cert", "authority.pem", "-keyfile", "authority.key"]
        files = ["-in", f"{name}.csr", "-out", f"{name}.pem", "-config", f"{name}.cnf", "-extensions", extensions]
        self.openssl("ca", "-batch", "-notext", *files, *by, "-startdate", dates[0], "-enddate", dates[1])

    def context(self, kind, names, start, end, signed):
        self.request(kind, names.partition(":")[2].partition(",")[0], names)
        self.sign(kind, "server", (start, end), selfsign=not signed)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{kind}.pem", self.folder / f"{kind}.key")
        return context
